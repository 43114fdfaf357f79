"""The report of small sessions, read as a browser reads it."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from service.cli.commands import run
from service.model.jobs import JobState
from service.report.html import pictures
from service.report.html.sections import Outcome, outcome_of
from service.report.html.write import write_report
from service.session.folders.run_folder import open_existing
from tests.service.conftest import Start
from tests.service.sessions import Session
from tests.service.store import stores

pytestmark = pytest.mark.usefixtures("frames_once")


class Page(HTMLParser):
    """Elements of a page, with their attributes."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def of_class(self, name: str, tag: str = "rect") -> list[dict[str, str]]:
        return [one for kind, one in self.elements if kind == tag and name in one.get("class", "").split()]


def report_of(session: Session, tmp_path: Path) -> Page:
    path = tmp_path / "report.html"
    write_report(session.folder, session.info, path)
    return Page(path)


def test_all_cells_and_all_ground_under_the_beam_are_shown(start: Start, tmp_path: Path) -> None:
    session = start()
    page = report_of(session, tmp_path)
    assert len(page.of_class("cell")) == len(session.store.specimen.cells()) > 0
    assert len(page.of_class("frame")) == len(session.store.ledger.exposures()) > 0
    images = [one["href"] for tag, one in page.elements if tag == "image"]
    assert len(images) == len(session.store.specimen.fields()) + len(session.store.queue.jobs(JobState.DONE))
    assert all(image.startswith("data:image/jpeg;base64,/9j/") for image in images)
    assert [one["id"] for tag, one in page.elements if tag == "section"] == ["S0001", "S0002"]


def test_nothing_is_loaded_from_elsewhere(start: Start, tmp_path: Path) -> None:
    page = report_of(start(), tmp_path)
    links = [one[key] for _, one in page.elements for key in ("href", "src") if key in one]
    assert links
    assert all(link.startswith(("data:", "#")) for link in links)
    assert not {tag for tag, _ in page.elements}.intersection({"script", "link", "iframe"})
    assert not re.search(r"url\(|@import", page.text)


def test_words_of_other_programs_are_no_markup(start: Start, tmp_path: Path) -> None:
    session = start()
    session.store.events.note("notify_failed", "session", {"error": "<script>alert(1)</script>"})
    page = report_of(session, tmp_path)
    assert "script" not in {tag for tag, _ in page.elements}
    assert "&lt;script&gt;" in page.text


def test_a_run_whose_images_are_gone_has_a_report(start: Start, tmp_path: Path) -> None:
    session = start()
    for image in session.folder.path.rglob("*.tiff"):
        image.unlink()
    page = report_of(session, tmp_path)
    assert not [tag for tag, _ in page.elements if tag == "image"]
    assert page.of_class("cell")


def test_a_session_under_way_has_a_report(start: Start, tmp_path: Path) -> None:
    page = report_of(start(session={"review": True}), tmp_path)
    cells = len(page.of_class("cell"))
    assert cells == len(page.of_class("to-do")) + len(page.of_class("not-imaged")) > 0
    assert not page.of_class("frame")


def test_a_cell_is_imaged_only_if_all_its_frames_are() -> None:
    cell = replace(stores.cell("S0001/F000", 1), jobs=("J000001", "J000002"))

    def outcome(*states: JobState, clipped: bool = False) -> Outcome:
        jobs = [replace(stores.job(number), state=state) for number, state in enumerate(states, 1)]
        return outcome_of(cell, {job.id: job for job in jobs}, clipped)

    assert outcome(JobState.DONE, JobState.DONE) is Outcome.IMAGED
    assert outcome(JobState.DONE, JobState.DONE, clipped=True) is Outcome.IN_PART
    assert outcome(JobState.DONE, JobState.SKIPPED) is Outcome.IN_PART
    assert outcome(JobState.DONE, JobState.HELD) is Outcome.TO_DO
    assert outcome(JobState.QUEUED, JobState.NEEDS_REVIEW) is Outcome.REVIEW
    assert outcome(JobState.FAILED, JobState.SKIPPED) is Outcome.NOT_IMAGED
    assert outcome_of(replace(cell, jobs=()), {}, clipped=False) is Outcome.NOT_IMAGED


def test_an_old_report_stays_until_the_new_one_is_complete(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, path = start(), tmp_path / "report.html"
    path.write_text("old")

    def broken(*_: object) -> str:
        raise MemoryError

    monkeypatch.setattr(pictures, "electron", broken)
    with pytest.raises(MemoryError):
        write_report(session.folder, session.info, path)
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.glob("report*")] == ["report.html"]


def test_pictures_get_smaller_as_they_get_more() -> None:
    assert pictures.side_px(0) == pictures.side_px(8) == 768
    few, many = pictures.side_px(400), pictures.side_px(4000)
    assert few is not None
    assert many is not None
    assert 96 <= many < few < 768
    assert pictures.side_px(1_000_000) is None


def test_the_command_writes_it_into_the_folder_of_the_run(
    start: Start, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    session = start()
    assert run(["report", str(session.folder.path)]) == 0
    assert capsys.readouterr().out.strip() == str(session.folder.report)
    assert open_existing(session.folder.path)
    assert session.folder.report.is_file()
    assert run(["report", str(tmp_path / "nothing")]) == 2
    assert run(["report", str(session.folder.path), "--out", str(tmp_path / "no" / "where.html")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_cells_through_sections_are_shown_once_they_are_stitched(start: Start, tmp_path: Path) -> None:
    session = start()
    assert "through their sections" not in report_of(session, tmp_path).text
    cells = session.folder.stitched_cells
    cells.mkdir(parents=True)
    for name in ("T0010", "T0002"):
        (cells / f"{name}.jpg").write_bytes(b"\xff\xd8\xff\xe0" + name.encode())
    (cells / "T0003.jpg").mkdir()
    page = report_of(session, tmp_path)
    shown = [one for tag, one in page.elements if tag == "img"]
    assert [one["alt"] for one in shown] == [f"Cell {n} through its sections" for n in ("T0002", "T0010")]
    assert all(one["src"].startswith("data:image/jpeg;base64,/9j/") for one in shown)
