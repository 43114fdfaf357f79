"""The page of events, newest first, faults with what to do."""

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from service.console.feed import KEPT_EVENTS
from service.console.happenings import Happening, happening, is_routine
from service.console.parts import button
from service.console.view import TROUBLE, View

_PAGE = 100
"""Events that are fetched at once."""

_MOST = 1000
"""Events that are shown at most; older ones are in the run folder."""


def build(view: View) -> None:
    """Make the page."""
    older: list[dict[str, Any]] = []
    shown: list[int] = []
    all_kinds = fetching = False
    with ui.element("div").classes("card"):
        with ui.element("div").classes("tools"):
            ui.label("What happened, newest first").classes("card-title")
            switch = ui.switch("Every step")
        lines = ui.element("ol").classes("events")
        more = button("Earlier events")
        nothing = ui.label("Nothing has happened yet.").classes("empty")

    def show() -> None:
        latest = view.events()
        first = latest[0]["seq"] if latest else 0
        wanted = [e for e in older if e["seq"] < first] + latest
        found = [e for e in wanted if all_kinds or not is_routine(e)]
        if [e["seq"] for e in found] != shown:
            shown[:] = [e["seq"] for e in found]
            _write(view, lines, [happening(e) for e in found[::-1]])
        nothing.set_visibility(not found)
        earliest = wanted[0]["seq"] if wanted else 1
        more.set_visibility(earliest > 1 and len(wanted) < _MOST)

    async def fetch() -> None:
        nonlocal fetching
        if fetching:
            return
        fetching = True
        try:
            await fetch_earlier()
        finally:
            fetching = False

    async def fetch_earlier() -> None:
        latest = view.events()
        earliest = older[0]["seq"] if older else latest[0]["seq"] if latest else 1
        try:
            since = max(0, earliest - 1 - _PAGE)
            found = await view.call("events.since", seq=since, limit=_PAGE)
        except TROUBLE as error:
            ui.notify(str(error), type="negative")
            return
        older[:0] = [e for e in found["events"] if e["seq"] < earliest]
        # What the feed forgets meanwhile stays here.
        older.extend(e for e in latest[: -KEPT_EVENTS // 2] if not older or e["seq"] > older[-1]["seq"])
        show()

    def turn() -> None:
        nonlocal all_kinds
        all_kinds = bool(switch.value)
        show()

    switch.on_value_change(turn)
    more.on_click(fetch)
    view.follow(show)


def _write(view: View, lines: ui.element, found: Sequence[Happening]) -> None:
    """Write the lines anew."""
    lines.clear()
    date = ""
    with lines:
        for one in found:
            if one.date != date:
                date = one.date
                with ui.element("li").classes("event-date"):
                    ui.label(date).props("role=heading aria-level=2")
            event_line(view, one)


def event_line(view: View, one: Happening) -> None:
    """Make the line of an event, inside a list."""
    with ui.element("li").classes("event" + (f" event-{one.level.name.lower()}" if one.level else "")):
        ui.label(one.time).classes("event-time")
        with ui.element("div").classes("event-words"):
            if one.level:
                ui.label(one.level).classes("event-level")
            ui.label(one.what)
            if one.to_do:
                ui.label(one.to_do).classes("muted")
        if one.job:
            ui.link("Frame", view.address("/job", job=one.job)).props(f'aria-label="Frame {_plain(one.job)}"')


def _plain(name: str) -> str:
    return "".join(letter for letter in name if letter.isalnum() or letter in "-_/.")
