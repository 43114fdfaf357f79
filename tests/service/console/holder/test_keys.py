"""Sections of a holder corrected by keys, numbers and buttons in a browser."""

import json
import re

import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from service.mapping.lists.files import read_list
from tests.service.console.consoles import WAIT_MS, ConsoleProcess

pytestmark = pytest.mark.slow
expect.set_options(timeout=WAIT_MS)

SQUARES = {
    "v": 1,
    "sections": [
        {
            "id": f"S{n + 1:04d}",
            "polygon_px": [[x, 60], [x + 50, 60], [x + 50, 110], [x, 110]],
            "angle_deg": 90,
        }
        for n, x in enumerate((40, 110, 180))
    ],
}
"""Three squares of 50 px, 70 px apart."""


def opened(console: ConsoleProcess, page: Page, name: str) -> Locator:
    """Open a list of the squares; returns the sections in the picture."""
    (console.folder / name).write_text(json.dumps(SQUARES), encoding="utf-8")
    page.goto("/holder")
    choose(page, name)
    expect(page.get_by_text(f"{name} is open.")).to_be_visible()
    sections = page.locator("svg .holder-section")
    expect(sections).to_have_count(3)
    return sections


def choose(page: Page, name: str) -> None:
    page.get_by_label("Section list", exact=True).click()
    page.get_by_role("option", name=name).click()
    page.get_by_role("button", name="Open the list").click()


def number(page: Page, label: str, value: str) -> None:
    field = page.get_by_label(label)
    field.fill(value)
    field.press("Enter")
    field.blur()


def test_keys_and_numbers_move_turn_and_order_sections(console: ConsoleProcess, page: Page) -> None:
    sections = opened(console, page, "by-keys.json")
    heading, turned = page.locator(".card-title"), page.get_by_label("Turned by, °")
    # From no section to the first, back to the last, and on to the first again.
    for key, name in (("n", "S0001"), ("p", "S0003"), ("n", "S0001")):
        page.keyboard.press(key)
        expect(heading.get_by_text(name, exact=True)).to_be_visible()
    expect(turned).to_have_value("0")
    for key, degrees in (("]", "-1"), ("[", "0"), ("[", "1")):
        page.keyboard.press(key)
        expect(turned).to_have_value(degrees)
    # Shift and an arrow move the section by a fiftieth of its side; an arrow alone moves the picture.
    for key in ("Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    expect(page.get_by_text("At 67, 86.")).to_be_visible()
    # What the browser does with Ctrl changes no section.
    page.keyboard.press("Control+u")
    expect(page.get_by_text("At 67, 86.")).to_be_visible()
    number(page, "Turned by, °", "10")
    number(page, "Place in order", "3")
    page.get_by_text("The list is in the order of cutting").click()
    expect(page.locator("svg .order")).to_have_count(1)
    expect(page.locator("svg text").filter(has_text="3. S0001")).to_have_count(1)
    page.get_by_label("Name of the list").fill("turned.json")
    page.get_by_role("button", name="Save the list…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your name").fill("Anna")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("turned.json holds what is shown.")).to_be_visible()
    saved = read_list(console.folder / "turned.json")
    assert [one.id for one in saved.sections] == ["S0002", "S0003", "S0001"]
    assert saved.in_cutting_order
    last = saved.sections[-1]
    assert last.center == pytest.approx((67, 86))
    assert last.rotation_deg == pytest.approx(10)
    # Nothing is taken back that was not done: a section that was just added is gone with its undo.
    page.keyboard.press("d")
    expect(page.locator("svg.tool-add")).to_have_count(1)
    place = sections.nth(1).bounding_box()
    assert place is not None
    page.mouse.click(place["x"] - place["width"] / 5, place["y"] + place["height"] / 2)
    expect(heading.get_by_text("S0004", exact=True)).to_be_visible()
    page.get_by_role("button", name="Stop adding").click()
    page.keyboard.press("u")
    expect(heading.get_by_text("Choose a section in the picture")).to_be_visible()
    expect(sections).to_have_count(3)


class LateAnswers:
    """Messages of the console to a page, held back for a while; the person's go to the console."""

    def __init__(self, page: Page) -> None:
        self._held: list[str | bytes] | None = None
        page.route_web_socket(re.compile("_nicegui_ws"), self._connect)

    def _connect(self, to_page: WebSocketRoute) -> None:
        self._to_page, console = to_page, to_page.connect_to_server()
        to_page.on_message(console.send)
        console.on_message(self._answer)

    def _answer(self, message: str | bytes) -> None:
        if self._held is None:
            self._to_page.send(message)
        else:
            self._held.append(message)

    def hold(self) -> None:
        self._held = []

    def let_go(self) -> None:
        held, self._held = self._held or [], None
        for message in held:
            self._to_page.send(message)


def test_what_is_done_before_late_answers_come_is_for_what_the_person_saw(
    console: ConsoleProcess, page: Page
) -> None:
    late = page.context.new_page()
    answers = LateAnswers(late)
    sections = opened(console, late, "late.json")
    place, turned = late.get_by_label("Place in order"), late.get_by_label("Turned by, °")
    late.keyboard.press("n")
    expect(place).to_have_value("1")
    answers.hold()
    place.fill("3")
    place.press("Enter")
    turned.fill("10")
    # The next section is chosen without Enter, then another number typed before the page shows its section.
    sections.nth(1).click()
    turned.fill("20")
    late.get_by_label("Name of the list").fill("seen.json")
    expect(place).to_have_value("3")
    answers.let_go()
    expect(late.locator(".card-title").get_by_text("S0002", exact=True)).to_be_visible()
    expect(place).to_have_value("1")
    expect(turned).to_have_value("0")
    answers.hold()
    late.get_by_role("button", name="Save the list…").dblclick()
    answers.let_go()
    dialog = late.get_by_role("dialog")
    expect(dialog).to_contain_text("Save seen.json?")
    dialog.get_by_label("Your name").fill("Anna")
    dialog.get_by_role("button", name="Save").click()
    expect(late.get_by_text("seen.json holds what is shown.")).to_be_visible()
    expect(dialog).to_have_count(0)
    late.close()
    saved = read_list(console.folder / "seen.json").sections
    turns = [(one.id, round(one.rotation_deg or 0)) for one in saved]
    assert turns == [("S0002", 0), ("S0003", 0), ("S0001", 20)]


def test_changes_that_are_not_saved_are_not_dropped_unasked(console: ConsoleProcess, page: Page) -> None:
    sections = opened(console, page, "kept.json")
    page.keyboard.press("n")
    page.keyboard.press("Delete")
    expect(sections).to_have_count(2)
    dialog = page.get_by_role("dialog")
    choose(page, "kept.json")
    expect(dialog).to_contain_text("not saved, and are lost")
    dialog.get_by_role("button", name="Go back").click()
    expect(dialog).to_have_count(0)
    expect(sections).to_have_count(2)
    page.get_by_label("Name of the list").fill("kept.json")
    page.get_by_role("button", name="Save the list…").click()
    expect(dialog).to_contain_text("What it holds now is lost.")
    dialog.get_by_role("button", name="Go back").click()
    expect(dialog).to_have_count(0)
    assert len(read_list(console.folder / "kept.json").sections) == 3
    choose(page, "kept.json")
    dialog.get_by_label("Your name").fill("Anna")
    dialog.get_by_role("button", name="Drop the changes").click()
    expect(sections).to_have_count(3)


def test_without_sections_no_key_does_anything(console: ConsoleProcess, page: Page) -> None:
    # A context of its own would compile the scripts anew: the list of the tab is emptied instead.
    opened(console, page, "empty.json")
    for left in (2, 1, 0):
        page.keyboard.press("n")
        page.keyboard.press("Backspace")
        expect(page.locator("svg .holder-section")).to_have_count(left)
    for key in ("n", "p", "a", "[", "]", "Delete", "Shift+ArrowUp", "d"):
        page.keyboard.press(key)
    expect(page.locator(".card-title").get_by_text("Choose a section in the picture")).to_be_visible()
    expect(page.locator("svg.tool-add")).to_have_count(0)
    page.keyboard.press("u")
    expect(page.locator("svg .holder-section")).to_have_count(1)
