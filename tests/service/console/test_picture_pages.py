"""Pages with pictures in a browser: map, section, field and review of a store in review, and Tune."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import tifffile
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from config.loading import load
from service.console.safety import NAME_COOKIE
from service.mapping.lists.files import read_list
from service.model.images.checks import Check, CheckedImage, CheckKind
from service.model.jobs import ExposureState, JobState, ScanEnd
from service.model.phases import Phase
from service.model.review import EditKind, PolicyChange, Verdict
from service.planning.review.asked import Asked
from tests.detection.synthetic import make_section
from tests.service.api.api_session import DirectControl
from tests.service.console.consoles import OPERATE, WAIT_MS, WATCH, ConsoleProcess, TestedDaemon
from tests.service.daemons import until
from tests.service.planning.review.review_store import SECTIONS, SIZE_PX, cells_of, plan_all, review_store

pytestmark = pytest.mark.slow

HOSTILE = "<img src=x onerror=\"document.title='owned'\"></title><script>document.title='owned'</script>"
FIRST = "S0001/F000"
expect.set_options(timeout=WAIT_MS)


class PlanningControl(DirectControl):
    """Control that plans at once what a daemon plans in the background."""

    def edit(self, asked: Sequence[Asked], by: str, reason: str) -> str:
        said = super().edit(asked, by, reason)
        plan_all(self._store)
        return said

    def set_policy(self, policy: PolicyChange, by: str, reason: str) -> str:
        said = super().set_policy(policy, by, reason)
        plan_all(self._store)
        return said


class ReviewedDaemon(TestedDaemon):
    """A daemon in review, with fluorescence on the disk and a cell with a hostile reason."""

    def __init__(self, folder: Path, run: str) -> None:
        self.run, self._folder, self.folder = run, folder, folder
        cells = [cell for section in SECTIONS for cell in cells_of(section)]
        object.__setattr__(cells[1], "reason", HOSTILE)
        self.store = review_store(folder, cells, run=run)
        for section in SECTIONS:
            path = folder / f"fm/{section}/F000.tiff"
            path.parent.mkdir(parents=True)
            pixels = np.full((SIZE_PX[1], SIZE_PX[0]), 100, dtype=np.uint16)
            for cell in cells_of(section):
                x0, y0, x1, y1 = cell.box_px
                pixels[y0:y1, x0:x1] = 900
            tifffile.imwrite(path, pixels)
        self.control = PlanningControl(self.store)
        self.start()


@pytest.fixture
def reviewed(
    console_runtime: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ReviewedDaemon]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", console_runtime)
    made = ReviewedDaemon(tmp_path / "daemon", request.node.name)
    yield made
    made.close()


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag from a place where the mouse is already."""
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*end)
    page.mouse.up()


def pointed_at(page: Page, what: Locator, part: tuple[float, float] = (0.5, 0.5)) -> tuple[float, float]:
    """Bring the mouse to a part of something as soon as that lies still; returns where the mouse is."""
    what.hover()
    box = what.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * part[0], box["y"] + box["height"] * part[1]
    page.mouse.move(x, y)
    return x, y


def verdicts(daemon: ReviewedDaemon) -> dict[str, Verdict]:
    return {cell.id: cell.verdict for cell in daemon.store.specimen.cells() if cell.verdict is not None}


def without_serious_faults(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"]) for one in serious] == []


def test_a_section_of_the_map_opens_its_montage_a_field_and_a_cell_with_its_reasons(
    reviewed: ReviewedDaemon, page: Page
) -> None:
    page.goto(f"/map?run={reviewed.run}")
    expect(page.locator(".section-planned")).to_have_count(2 + 1)
    expect(page.get_by_text("2 planned")).to_be_visible()
    without_serious_faults(page)
    page.locator("svg .section").first.click()
    page.wait_for_url("**/section?**")
    expect(page.locator("svg .field")).to_have_count(1)
    expect(page.locator("svg image")).to_have_count(1)
    expect(page.locator("svg .cell")).to_have_count(5)
    assert page.locator("svg text").count() == 0
    page.locator("svg .field").click(position={"x": 5, "y": 5})
    page.wait_for_url("**/field?**")
    expect(page.get_by_role("link", name="Whole section")).to_have_attribute("href", re.compile("S0001"))
    expect(page.locator("svg .cell")).to_have_count(5)
    expect(page.locator("svg .frame")).to_have_count(len(reviewed.store.queue.jobs(section="S0001")))
    expect(page.locator("svg image")).to_have_count(1)
    page.locator(f'svg [data-id="{FIRST}/c0002"]').click()
    expect(page.get_by_role("heading", name=f"{FIRST}/c0002")).to_be_visible()
    # Two sections show it; what its reason holds is text.
    expect(page.locator(".strip-one")).to_have_count(2)
    expect(page.locator(".facts").get_by_text(HOSTILE)).to_be_visible()
    assert "owned" not in page.title()
    without_serious_faults(page)


def test_a_frame_is_decided_by_its_image_and_its_neighbours(reviewed: ReviewedDaemon, page: Page) -> None:
    first, second, *_ = reviewed.store.queue.jobs(section="S0001")
    path = Path("em/S0001", f"{first.id}.tiff")
    (reviewed.folder / path).parent.mkdir(parents=True)
    again = path.with_stem(f"{first.id}-2")
    for file, axis in ((path, 0), (again, 1)):
        tifffile.imwrite(reviewed.folder / file, np.indices((40, 60), dtype=np.uint8)[axis])
    # It was cut off, and taken again in vain.
    cut = Check(CheckKind.TRUNCATED, 20, 8, bad=True)
    black = Check(CheckKind.DARK, 0.995, 0.99, bad=True)
    store, before = reviewed.store, None
    for name, check, sha256 in ((path.as_posix(), cut, "a" * 64), (again.as_posix(), black, "b" * 64)):
        exposure = store.ledger.arm(first.id, first.rect_m, 1e-6)
        store.ledger.finish(exposure.id, ScanEnd(ExposureState.CLOSED, JobState.EXPOSED))
        store.queue.set_state(first.id, JobState.SAVED, image=name, sha256=sha256)
        store.images.add(CheckedImage(exposure.id, first.id, name, sha256, (check,), retake_of=before))
        if before is None:
            before = exposure.id
            store.images.hold_for_retake(first.id, before, "once the beam is there")
            store.queue.set_state(first.id, JobState.QUEUED)
    store.queue.set_state(first.id, JobState.NEEDS_REVIEW, reason="exposed, but black")
    page.goto(f"/job?job={first.id}&run={reviewed.run}")
    expect(page.locator(".decide")).to_be_visible()
    images = page.locator("img[alt^='Electron image of this frame']")
    expect(images).to_have_count(2)
    expect(images.first).to_be_visible()
    assert images.first.get_attribute("src") != images.last.get_attribute("src")
    expect(page.get_by_text(f"Exposure {before}: its last 20 rows show nothing")).to_be_visible()
    expect(page.locator(".facts").get_by_text(f"{path.as_posix()}: its last 20 rows")).to_be_visible()
    expect(page.locator("svg image")).to_have_count(1)
    expect(page.locator("svg .exposed")).to_have_count(2)
    expect(page.locator(f"svg .frame.chosen[data-id='frame {first.id}']")).to_have_count(1)
    expect(page.get_by_role("link", name=f"Field {FIRST}")).to_be_visible()
    without_serious_faults(page)
    page.locator(f"svg [data-id='frame {second.id}']").click()
    expect(page.locator(".card-name")).to_have_text(f"Frame {second.id}, queued")
    expect(page.get_by_text("None yet.")).to_be_visible()


def test_cells_are_rejected_drawn_resized_and_undone_by_mouse_and_keyboard(
    reviewed: ReviewedDaemon, page: Page
) -> None:
    page.context.clear_cookies(name=NAME_COOKIE)
    page.goto(f"/review?run={reviewed.run}")
    expect(page.locator("svg .cell")).to_have_count(5)
    page.get_by_label("Reason for your edits").fill("a fold")
    page.locator(f'svg [data-id="{FIRST}/c0001"]').click()
    page.keyboard.press("r")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your name").fill("Anna")
    dialog.get_by_role("button", name="Go on").click()
    expect(dialog).to_have_count(0)
    expect(page.locator("svg .cell-rejected")).to_have_count(1)
    assert verdicts(reviewed) == {f"{FIRST}/c0001": Verdict.REJECTED}
    assert reviewed.store.events.of("review")[-1].data["reason"] == "a fold"
    expect(page.get_by_text("1 rejected")).to_be_visible()
    page.keyboard.press("d")
    expect(page.locator("svg.tool-draw")).to_have_count(1)
    x, y = pointed_at(page, page.locator("svg.picture"), (0.42, 0.1))
    drag(page, (x, y), (x + 60, y + 40))
    drawn = page.locator(f'svg [data-id="{FIRST}/p0001"]')
    expect(drawn).to_have_count(1)
    page.keyboard.press("d")
    expect(page.locator("svg.tool-look")).to_have_count(1)
    drawn.click()
    # Until the server has heard the click, the handles are those of the cell that was chosen before.
    expect(page.locator(f'svg .chosen[data-id="{FIRST}/p0001"]')).to_have_count(1)
    expect(page.locator("svg .handle")).to_have_count(8)
    before = next(c.box_px for c in reviewed.store.specimen.cells() if c.id == f"{FIRST}/p0001")
    x, y = pointed_at(page, page.locator("svg .handle").nth(4))
    page.mouse.down()
    page.mouse.move(x + 30, y + 20)
    # What others do in the middle of a drag does not end it.
    reviewed.control.edit([Asked(EditKind.REJECT, cell=f"{FIRST}/c0002")], "kim", "")
    expect(page.locator("svg .cell-rejected")).to_have_count(2)
    reviewed.control.undo("kim", True)
    expect(page.locator("svg .cell-rejected")).to_have_count(1)
    page.mouse.up()
    expect(page.get_by_text("1 resized")).to_be_visible()
    after = next(c.box_px for c in reviewed.store.specimen.cells() if c.id == f"{FIRST}/p0001")
    assert after[:2] == before[:2]
    assert all(wide > narrow for wide, narrow in zip(after[2:], before[2:], strict=True)), (before, after)
    for left in (1, 0):
        page.keyboard.press("u")
        expect(page.get_by_text(f"{left} drawn")).to_be_visible()
    page.keyboard.press("u")
    expect(page.locator("svg .cell-rejected")).to_have_count(0)
    assert verdicts(reviewed) == {}
    without_serious_faults(page)


def test_a_cell_is_grown_shrunk_accepted_and_left_by_keys(reviewed: ReviewedDaemon, page: Page) -> None:
    page.context.clear_cookies(name=NAME_COOKIE)
    page.goto(f"/review?run={reviewed.run}")
    expect(page.locator("svg .cell")).to_have_count(5)

    def chosen(name: str) -> None:
        expect(page.locator(f'svg .chosen[data-id="{FIRST}/{name}"]')).to_have_count(1)

    def box() -> tuple[int, ...]:
        return next(c.box_px for c in reviewed.store.specimen.cells() if c.id == f"{FIRST}/c0002")

    page.locator(f'svg [data-id="{FIRST}/c0002"]').click()
    chosen("c0002")
    x0, y0, x1, y1 = box()
    page.keyboard.press("l")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your name").fill("Anna")
    dialog.get_by_role("button", name="Go on").click()
    until(lambda: box() != (x0, y0, x1, y1))
    step = x0 - box()[0]
    assert step > 0
    assert box() == (x0 - step, y0 - step, x1 + step, y1 + step)
    # At once: the page need not show the new box yet.
    page.keyboard.press("s")
    until(lambda: box() == (x0, y0, x1, y1))
    page.keyboard.press("a")
    until(lambda: verdicts(reviewed).get(f"{FIRST}/c0002") is Verdict.ACCEPTED)
    page.keyboard.press("n")
    chosen("c0003")
    page.keyboard.press("p")
    chosen("c0002")


def test_sliders_show_what_changes_and_the_review_ends_with_a_word_on_it(
    reviewed: ReviewedDaemon, page: Page, console: ConsoleProcess
) -> None:
    page.context.clear_cookies(name=NAME_COOKIE)
    page.goto(f"/review?run={reviewed.run}")
    expect(page.locator("svg .cell")).to_have_count(5)
    # In its middle.
    page.locator(".q-slider").first.click()
    expect(page.get_by_text("4 cells in place of 6: 0 more, 2 fewer")).to_be_visible()
    expect(page.locator("svg .margin")).to_have_count(2)
    assert reviewed.store.review.number() == 0
    page.get_by_role("button", name="Apply to all cells").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your name").fill("Anna")
    dialog.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("4 of 10 cells will be imaged")).to_be_visible()
    console.sign_in(page.context, WATCH)
    page.goto(f"/review?run={reviewed.run}")
    expect(page.get_by_role("button", name="End the review")).to_be_disabled()
    expect(page.get_by_role("button", name="Draw a box")).to_be_disabled()
    console.sign_in(page.context, OPERATE)
    page.goto(f"/review?run={reviewed.run}")
    page.get_by_role("button", name="End the review").click()
    expect(dialog.get_by_text("The beam images 4 of 10 cells")).to_be_visible()
    dialog.get_by_label("Your name").fill("Anna")
    dialog.get_by_role("button", name="End the review").click()
    expect(page.get_by_text("There is nothing to review now")).to_be_visible()
    assert reviewed.store.status().phase is Phase.TO_HIGH_VACUUM
    said = [json.dumps(event.data) for event in reviewed.store.events.since(0) if event.kind == "review"]
    assert len(said) == 1
    assert '"min_confidence": 0.5' in said[0]


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
    without_serious_faults(page)
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
    page.get_by_role("spinbutton", name="Sections").fill("4")
    expect(page.locator("svg .section")).to_have_count(4)


HOLDER = {
    "v": 1,
    "overview": "somewhere/wafer.png",
    "shape": {"doubt": {"reason": "parts", "says": HOSTILE}},
    "sections": [
        {
            "id": f"S{n + 1:04d}",
            "polygon_px": [[x, 60], [x + 50, 60], [x + 50, 110], [x, 110]],
            "angle_deg": 90,
        }
        for n, x in enumerate((40, 110, 180))
    ],
    "doubtful": [
        {"id": HOSTILE, "polygon_px": [[250, 60], [300, 60], [300, 110], [250, 110]], "says": HOSTILE}
    ],
}
"""A document of `ilemtrack map` of which nothing may become markup."""


def test_sections_of_a_holder_are_corrected_over_their_overview_and_saved(
    console: ConsoleProcess, page: Page
) -> None:
    (console.folder / "holder.json").write_text(json.dumps(HOLDER), encoding="utf-8")
    tifffile.imwrite(console.folder / "wafer.tif", np.full((200, 400), 90, dtype=np.uint8))
    (console.folder / "wafer.tif").rename(console.folder / "wafer.png")
    page.goto("/holder")
    page.get_by_label("Section list", exact=True).click()
    page.get_by_role("option", name="holder.json").click()
    page.get_by_role("button", name="Open the list").click()
    sections = page.locator("svg .holder-section")
    expect(sections).to_have_count(3)
    expect(page.locator("svg image")).to_have_attribute("href", re.compile("/picture/"))
    expect(page.get_by_text("3 sections, 1 doubtful")).to_be_visible()
    expect(page.get_by_text(f"The shape of the sections is doubtful: {HOSTILE}")).to_be_visible()
    sections.nth(1).click()
    expect(page.locator("svg .turner")).to_have_count(1)
    x, y = pointed_at(page, sections.nth(1))
    frame = page.locator("svg.picture").bounding_box()
    assert frame is not None
    drag(page, (x, y), (x, y + 60))
    expect(page.get_by_text(re.compile(r"At 135, 1\d\d\."))).to_be_visible()
    page.keyboard.press("Delete")
    expect(sections).to_have_count(2)
    page.keyboard.press("u")
    expect(sections).to_have_count(3)
    page.keyboard.press("n")
    expect(page.get_by_text(f". Doubtful: {HOSTILE}")).to_be_visible()
    page.keyboard.press("a")
    expect(sections).to_have_count(4)
    page.keyboard.press("d")
    expect(page.locator("svg.tool-add")).to_have_count(1)
    page.mouse.click(x, y - 60)
    expect(sections).to_have_count(5)
    without_serious_faults(page)
    page.reload()
    expect(sections).to_have_count(5)
    expect(page.get_by_text("There are changes that are not saved.")).to_be_visible()
    page.get_by_label("Name of the list").fill("corrected.json")
    page.get_by_role("button", name="Save the list…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your name").fill("Anna")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("corrected.json holds what is shown.")).to_be_visible()
    saved = read_list(console.folder / "corrected.json")
    assert [one.id for one in saved.sections] == ["S0001", "S0002", "S0003", "S0004", "S0005"]
    down_px = 60 * max(400 / frame["width"], 200 / frame["height"])
    assert saved.sections[1].center == pytest.approx((135, 85 + down_px), abs=1)
    assert "owned" not in page.title()
