"""The page of the map: the sections on the stage, by state."""

import time
from collections import Counter
from typing import Any

from nicegui import ui

from service.console.pictures.picture import Shape, picture_with_zoom
from service.console.pictures.places import around, outline, rectangle
from service.console.pictures.sections import read_sections
from service.console.view import TROUBLE, View
from service.model.jobs import JobState
from service.model.section_states import SectionState
from service.words.review import SECTIONS

_APART_S, _SHARE, _MOST_APART_S = 2.0, 0.01, 20.0
"""Least time between two readings, s; the part of it that they may take, as a list of hundreds of sections
costs the daemon some 50 ms; longest time between two, s."""


def build(view: View) -> None:
    """Make the page."""
    seen_seq, read_at = -1, float("-inf")
    rows: list[dict[str, Any]] = []
    with ui.element("div").classes("card fills"):
        legend = ui.element("div").classes("legend")
        trouble = ui.label().classes("empty")
        picture = picture_with_zoom("Sections on the stage")

    async def show() -> None:
        nonlocal seen_seq, read_at
        status = view.state.status
        if status is None or status["last_seq"] == seen_seq:
            return
        if time.monotonic() - read_at < later.interval:
            if not later.active:
                later.activate()
            return
        seen_seq, read_at = status["last_seq"], time.monotonic()
        try:
            rows[:] = await read_sections(view)
        except TROUBLE as error:
            seen_seq = -1
            trouble.set_text(str(error))
            trouble.set_visibility(True)
            return
        later.interval = min(max(_APART_S, (time.monotonic() - read_at) / _SHARE), _MOST_APART_S)
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

    def open_section(name: str) -> None:
        if name:
            ui.navigate.to(view.address("/section", section=name))

    async def again() -> None:
        later.deactivate()
        await show()

    later = ui.timer(_APART_S, again, active=False)
    picture.on_choose(open_section)
    view.follow(show)


def _shape(row: dict[str, Any]) -> Shape:
    state = SectionState(row["state"])
    given_up = sum(row["jobs"].get(one, 0) for one in (JobState.SKIPPED, JobState.WITHDRAWN))
    done, count = row["jobs"].get(JobState.DONE, 0), sum(row["jobs"].values()) - given_up
    title = f"{row['section']}: {SECTIONS[state]}, {done} of {count} frames done"
    look = f"section section-{state}"
    if row["outline_m"]:
        return outline(row["section"], look, title, row["outline_m"])
    return rectangle(row["section"], look, title, row["rect_m"], row["section"])
