"""Pictures of a run that has ended: its report, a section with its cells, a plan."""

from pathlib import Path

from playwright.sync_api import Browser

from docs_tools.places import ROOT
from docs_tools.screenshots.pictures import SCREEN, keep
from docs_tools.screenshots.programs import ilemtrack

_RUN = "shown"


def take(folder: Path, browser: Browser) -> None:
    """Take the report, the fluorescence of a field with its cells, and the figure of a plan."""
    ilemtrack(folder, "dry-run", "--sections", "2", "--fields", "1", "--out", _RUN)
    page = browser.new_page(viewport={"width": SCREEN[0], "height": SCREEN[1]})
    page.goto((folder / _RUN / "report.html").as_uri())
    page.get_by_role("heading", name="S0001").evaluate("heading => heading.scrollIntoView()")
    keep(page.screenshot(), "report_section")
    page.close()
    ilemtrack(folder, "detect", f"{_RUN}/fm/S0001/F000.ome.tiff", "--overlay", "overlays", "--json")
    (overlay,) = (folder / "overlays").glob("*.png")
    keep(overlay.read_bytes(), "simulated_section", 768)
    ilemtrack(folder, "plan", str(ROOT / "docs" / "examples" / "boxes.json"), "--figure", "plan.png")
    keep((folder / "plan.png").read_bytes(), "plan")
