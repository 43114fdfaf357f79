"""Tune and the estimate of Runs in a browser; what stands behind them is tested as values."""

import re
from pathlib import Path

import pytest
import tifffile
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from config.loading import load
from tests.detection.synthetic import make_section
from tests.service.console.consoles import ConsoleProcess

pytestmark = pytest.mark.slow

expect.set_options(timeout=60_000)


def write_frame(path: Path) -> None:
    metadata = {"axes": "YX", "PhysicalSizeX": 0.178, "PhysicalSizeY": 0.178}
    tifffile.imwrite(path, make_section(0, size_px=256, cells=6, bell=0).pixels, ome=True, metadata=metadata)


def save(page: Page, button: str) -> None:
    page.get_by_role("button", name="Save…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your name").fill("Anna")
    dialog.get_by_role("button", name=button).click()
    expect(dialog).to_have_count(0)


def test_settings_are_tried_saved_and_a_session_with_them_estimated(
    console: ConsoleProcess, page: Page
) -> None:
    write_frame(console.folder / "a.ome.tiff")
    (console.folder / "bright.yaml").write_text("detection: {detector: recall-first}\n", encoding="utf-8")
    page.goto("/tune?configuration=bright.yaml")
    found = page.get_by_text(re.compile(r"\d+ cells found"))
    expect(found).to_be_visible()
    expect(page.locator(".tune-panel")).to_have_count(5)
    expect(page.locator(".tune-panel svg .found-green").first).to_be_attached()
    expect(page.get_by_text(re.compile(r"electron frames, .* a full raster takes"))).to_be_visible()
    assert page.get_by_role("slider", name="side_quantile").is_hidden(), "recall-first does not use it"
    before = found.inner_text()
    page.get_by_role("spinbutton", name="dilate_um").fill("3")
    expect(found).not_to_have_text(before)
    serious = [
        one for one in Axe().run(page).response["violations"] if one["impact"] in ("serious", "critical")
    ]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in serious] == []
    page.get_by_label("Name of the new file").fill("wide")
    save(page, "Save")
    expect(page.get_by_text("Saved as wide.yaml.")).to_be_visible()
    assert load(console.folder / "wide.yaml").detection.dilate_um == 3
    page.get_by_role("spinbutton", name="dilate_um").fill("4")
    save(page, "Replace the file")
    expect(page.get_by_text("Saved as wide.yaml.")).to_be_visible()
    page.goto("/runs?configuration=wide.yaml")
    expect(page.get_by_text(re.compile(r"3 sections, 6 fields: at most"))).to_be_visible()
    expect(page.locator("svg .section")).to_have_count(3)
    page.get_by_label("Sections").fill("4")
    expect(page.locator("svg .section")).to_have_count(4)
