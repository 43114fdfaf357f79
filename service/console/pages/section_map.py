"""The page of the map: the sections on the stage, by state."""

import time
from collections import Counter
from typing import Any

from nicegui import ui

from service.console.pictures.picture import Shape, picture_with_zoom
from service.console.pictures.places import around, outline, rectangle
from service.console.view import TROUBLE, View
from service.model.section_states import SectionState
from service.words.review import SECTIONS

_MOST_PAGES = 50
_APART_S = 2.0
"""Least time between two readings, s: hundreds of sections make a long list."""


def build(view: View) -> None:
    """Make the page."""
    seen_seq, read_at = -1, float("-inf")
    rows: list[dict[str, Any]] = []
    with ui.element("div").classes("card"):
        legend = ui.element("div").classes("legend")
        trouble = ui.label().classes("empty")
        picture = picture_with_zoom("Sections on the stage")

    async def show() -> None:
        nonlocal seen_seq, read_at
        status = view.state.status
        if status is None or status["last_seq"] == seen_seq:
            return
        if time.monotonic() - read_at < _APART_S:
            if not later.active:
                later.activate()
            return
        seen_seq, read_at = status["last_seq"], time.monotonic()
        try:
            rows[:] = await _sections(view)
        except TROUBLE as error:
            trouble.set_text(str(error))
            trouble.set_visibility(True)
            return
        trouble.set_text("" if rows else "No sections yet.")
        trouble.set_visibility(not rows)
        shapes = [_shape(row) for row in rows if row["rect_m"] or row["outline_m"]]
        picture.show(around(shapes), [], shapes)
        counts = Counter(SectionState(row["state"]) for row in rows)
        legend.clear()
        with legend:
            for state in SectionState:
                if counts[state]:
                    with ui.element("div").classes("legend-one"):
                        ui.element("span").classes(f"swatch section-{state}").props("aria-hidden=true")
                        ui.label(f"{counts[state]} {SECTIONS[state]}")

    async def open_field(name: str) -> None:
        if not name:
            return
        try:
            fields = (await view.call("fields.list", section=name, limit=1))["fields"]
        except TROUBLE as error:
            ui.notify(str(error), type="warning")
            return
        if fields:
            ui.navigate.to(view.address("/field", field=fields[0]["field"]))

    async def again() -> None:
        later.deactivate()
        await show()

    later = ui.timer(_APART_S, again, active=False)
    picture.on_choose(open_field)
    view.follow(show)


async def _sections(view: View) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    after = None
    for _ in range(_MOST_PAGES):
        page = await view.recent("sections.list", after=after)
        rows += page["sections"]
        after = page["after"]
        if after is None:
            break
    return rows


def _shape(row: dict[str, Any]) -> Shape:
    state = SectionState(row["state"])
    done, count = row["jobs"].get("done", 0), sum(row["jobs"].values()) - row["jobs"].get("skipped", 0)
    title = f"{row['section']}: {SECTIONS[state]}, {done} of {count} frames done"
    look = f"section section-{state}"
    if row["outline_m"]:
        return outline(row["section"], look, title, row["outline_m"])
    return rectangle(row["section"], look, title, row["rect_m"])
