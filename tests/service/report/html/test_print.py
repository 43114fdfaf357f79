"""The report on paper, as Chromium prints it."""

from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import Browser
from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

from service.report.html.write import write_report
from tests.service.conftest import Start

pytestmark = pytest.mark.usefixtures("frames_once")


@pytest.fixture
def printed(start: Start, browser: Browser, tmp_path: Path) -> pypdfium2.PdfDocument:
    session = start()
    report, paper = tmp_path / "report.html", tmp_path / "report.pdf"
    write_report(session.folder, session.info, report)
    page = browser.new_page()
    page.goto(report.as_uri())
    page.pdf(path=paper, format="A4")
    page.close()
    return pypdfium2.PdfDocument(paper)


def test_pictures_are_whole_under_their_headings_and_tables_and_settings_are_there(
    printed: pypdfium2.PdfDocument,
) -> None:
    pages = list(printed)
    words = [" ".join(page.get_textpage().get_text_range().split()) for page in pages]
    pictures = [
        (n, *one.get_bounds())
        for n, page in enumerate(pages)
        for one in page.get_objects(filter=[FPDF_PAGEOBJ_IMAGE])
    ]
    assert [n for n, *_ in pictures] == [
        n for name in ("S0001", "S0002") for n in holding(f"{name}: ", words)
    ]
    for n, left, bottom, right, top in pictures:
        width, height = pages[n].get_size()
        assert 0 < left < right < width
        assert 0 < bottom < top < height
        # Square on paper as on the stage, and large enough to see cells.
        assert right - left == pytest.approx(top - bottom, abs=1)
        assert top - bottom > height / 4
    assert len(holding("S0002/F000/c0001", words)) == 1
    assert holding("compress_images", words)
    assert len(pages) <= 6
    for n, text in enumerate(words, start=1):
        assert f"{n} of {len(pages)}" in text
        assert len(text) > 200, "a page that is all but empty"


def holding(what: str, words: list[str]) -> list[int]:
    return [n for n, text in enumerate(words) if what in text]
