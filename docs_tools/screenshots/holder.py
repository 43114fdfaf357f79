"""The page Holder: the sections of a simulated wafer, found in its overview."""

import csv
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from docs_tools.screenshots.pictures import opened, take_picture
from docs_tools.screenshots.programs import console, ilemtrack
from simulators.overview.picture import draw_overview
from simulators.overview.placing import place_array
from simulators.overview.values import ArraySettings, PictureSettings

_ARRAY = ArraySettings(
    sections=35,
    arrangement="scattered",
    width_px=60,
    height_px=45,
    um_per_px=4.0,
    seed=11,
)


def take(folder: Path, browser: Browser) -> None:
    """Take the page with the list open and a doubtful section chosen."""
    array = place_array(_ARRAY)
    Image.fromarray(draw_overview(array, PictureSettings(seed=_ARRAY.seed)).image).save(folder / "wafer.png")
    with (folder / "landmarks.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "overview_x_px", "overview_y_px", "stage_x_um", "stage_y_um"])
        for number, mark in enumerate(array.landmarks, start=1):
            stage_um = [length_m * 1e6 for length_m in mark.stage_m]
            writer.writerow([f"L{number}", *mark.position_px, *stage_um])
    found = ilemtrack(folder, "map", "wafer.png", "--json")
    (folder / "wafer.json").write_text(found, encoding="utf-8")
    with console(folder) as url:
        page = opened(browser, url)
        page.goto("/holder")
        _choose(page, "Section list", "wafer.json")
        page.get_by_role("button", name="Open the list").click()
        page.locator("svg .holder-section").first.wait_for()
        page.locator("svg image[href]").wait_for()
        _choose(page, "Landmarks", "landmarks.csv")
        page.get_by_text("landmarks fit to").wait_for()
        # The doubtful ones come first.
        page.get_by_role("button", name="Next", exact=True).click()
        page.get_by_text(". Doubtful: ").wait_for()
        take_picture(page, "console_holder")
        page.context.close()


def _choose(page: Page, label: str, name: str) -> None:
    page.get_by_label(label, exact=True).click()
    option = page.get_by_role("option", name=name)
    option.click()
    option.wait_for(state="hidden")
