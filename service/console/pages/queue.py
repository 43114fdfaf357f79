"""The page of the queue: frames page by page, filters, and what a person may do with the chosen frames."""

from dataclasses import dataclass, field
from typing import Any, Literal

from nicegui import ui

from service.console.changes import steering
from service.console.inputs.choice import Choice, choice
from service.console.parts import button
from service.console.view import TROUBLE, View
from service.model.jobs import JobKind, JobState
from service.words.quantities import duration
from service.words.states import JOBS, KINDS

_ROWS = 50
"""Rows of a page of the table."""

_COLUMNS: list[dict[str, Any]] = [
    {"name": "job", "label": "Frame", "field": "job", "align": "left"},
    {"name": "section", "label": "Section", "field": "section", "align": "left"},
    {"name": "state", "label": "State", "field": "state", "align": "left"},
    {"name": "beam", "label": "Beam", "field": "beam", "align": "right"},
    {"name": "where", "label": "x, y / mm", "field": "where", "align": "right"},
    {"name": "cells", "label": "Cells", "field": "cells", "align": "right"},
    {"name": "why", "label": "Reason", "field": "why", "align": "left"},
]

_JOB_CELL = """<q-td :props="props"><a :href="props.row.address">{{ props.row.job }}</a></q-td>"""
_STATE_CELL = """<q-td :props="props">
<span :class="'state state-' + props.row.code">{{ props.row.state }}</span></q-td>"""
_CHOOSE_ALL = """<q-checkbox dense v-model="props.selected" aria-label="Choose all frames shown" />"""
_CHOOSE = """<q-checkbox dense v-model="props.selected" :aria-label="'Choose ' + props.row.job" />"""


@dataclass
class _Place:
    """Place of the table in the queue: the pages before it, and the filters."""

    state: JobState | None = None
    section: str = ""
    before: list[int | None] = field(default_factory=lambda: [None])
    """Value of `after` for each page up to this one."""
    after: int | None = None
    seen_seq: int = -1
    """Last event that the rows show."""

    def asked(self) -> dict[str, Any]:
        """Return the parameters of `queue.list` for the rows of this place."""
        return {"after": self.before[-1], "state": self.state, "section": self.section or None}

    def back_to_front(self) -> None:
        """Go to the first page."""
        self.before, self.seen_seq = [None], -1


def build(view: View) -> None:
    """Make the page."""
    place = _Place()
    if view.query.get("state") in list(JobState):
        place.state = JobState(view.query["state"])
    place.section = view.query.get("section", "")
    with ui.element("div").classes("card"):
        with ui.element("div").classes("tools"):
            with ui.element("div").classes("tools-end"):
                states = choice({}, "State").classes("filter")
                # It has no options before the state is known, and would not open.
                states.disable()
                section = ui.input("Section", value=place.section, placeholder="S0001")
                section.props("outlined dense clearable debounce=400 maxlength=100").classes("filter")
            buttons = ui.element("div").classes("tools-end")
        table = ui.table(columns=_COLUMNS, rows=[], row_key="job")
        table.props(
            'flat dense hide-pagination :pagination="{rowsPerPage: 0}" no-data-label="No such frames."'
        )
        table.classes("rows")
        table.add_slot("body-cell-job", _JOB_CELL)
        table.add_slot("body-cell-state", _STATE_CELL)
        table.add_slot("header-selection", _CHOOSE_ALL)
        table.add_slot("body-selection", _CHOOSE)
        with ui.element("div").classes("tools"):
            shown = ui.label().classes("muted")
            with ui.element("div").classes("tools-end"):
                back = button("Earlier")
                forth = button("Later")

    async def show(anew: bool = False) -> None:
        status = view.state.status
        if status is None:
            return
        _offer_choice(table, view.may_steer)
        check()
        # The counts come with the status, which may be later than the rows.
        _offer_states(states, status["jobs"], place.state)
        states.enable()
        if view.seq == place.seen_seq and not anew:
            return
        place.seen_seq, asked = view.seq, place.asked()
        try:
            found = await view.recent("queue.list", limit=_ROWS, **asked)
        except TROUBLE as error:
            # Asked again with the next status.
            place.seen_seq = -1
            shown.set_text(str(error))
            return
        if asked != place.asked():
            # The person has gone on to other rows meanwhile.
            return
        place.after = found["after"] if found["jobs"] else None
        rows = [_row(view, job) for job in found["jobs"]]
        if rows != table.rows:
            table.rows = rows
            chosen = {row["job"] for row in table.selected}
            table.selected = [row for row in rows if row["job"] in chosen]
            check()
        back.set_enabled(len(place.before) > 1)
        forth.set_enabled(place.after is not None)
        first = (len(place.before) - 1) * _ROWS
        count = len(found["jobs"])
        shown.set_text(
            f"Frames {first + 1:,} to {first + count:,}, in the order of the queue" if count else ""
        )

    async def turn(later: bool) -> None:
        if later and place.after is not None:
            place.before.append(place.after)
            # A second click, before these rows are shown, does not skip others.
            place.after = None
        elif not later and len(place.before) > 1:
            place.before.pop()
        table.selected = []
        await show(anew=True)

    async def filtered() -> None:
        place.state = JobState(states.value) if states.value else None
        place.section = (section.value or "").strip()
        place.back_to_front()
        table.selected = []
        await show(anew=True)

    back.on_click(lambda: turn(False))
    forth.on_click(lambda: turn(True))
    states.on_value_change(filtered)
    section.on_value_change(filtered)
    with buttons:
        check = steering.buttons(view, lambda: {row["job"]: JobState(row["code"]) for row in table.selected})
    table.on_select(check)
    view.follow(show)


def _offer_choice(table: ui.table, may: bool) -> None:
    """Let rows be chosen, as long as something can be done with them."""
    wanted: Literal["multiple"] | None = "multiple" if may else None
    if table.selection != wanted:
        table.set_selection(wanted)
        table.selected = []


def _offer_states(states: Choice, counts: dict[str, int], chosen: JobState | None) -> None:
    options = {"": f"All states ({sum(counts.values()):,})"}
    options |= {state.value: f"{JOBS[state].capitalize()} ({counts.get(state, 0):,})" for state in JobState}
    if options != states.options:
        states.set_options(options, value=chosen.value if chosen else "")


def _row(view: View, job: dict[str, Any]) -> dict[str, Any]:
    x_m, y_m = job["center_m"]
    kind = JobKind(job["kind"])
    cells = KINDS[kind] if kind is not JobKind.FRAME else str(len(job["covers"]) or "by hand")
    return {
        "job": job["job"],
        "address": view.address("/job", job=job["job"]),
        "section": job["section"],
        "state": JOBS[JobState(job["state"])],
        "code": job["state"],
        "beam": duration(job["beam_s"]),
        "where": f"{x_m * 1e3:.4f}, {y_m * 1e3:.4f}",
        "cells": cells,
        "why": job["reason"] or "",
    }
