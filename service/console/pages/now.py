"""The page that shows at a glance what the microscope does, if all is well, and when it will be finished."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from nicegui import ui

from service.console.changes.controls import controls
from service.console.happenings import happening, is_routine
from service.console.pages.history import event_line
from service.console.run_state import Link
from service.console.view import TROUBLE, View
from service.model.jobs import JobKind, JobState
from service.model.phases import FINAL, HALTED, Phase
from service.model.specimen import FieldState
from service.words.quantities import duration, size
from service.words.states import KINDS, PHASES

_LATEST = 6
"""Events shown on this page."""

_SLOW_S = 20.0
"""Time between two looks at the estimate and at the counts of cells, s."""

_OLD_S = 30.0
"""Greatest age of what is shown of them, s; they cost the daemon more than the status."""

_BASES = {
    "planned": "from the plans of all sections",
    "extrapolated": "estimated from the sections planned so far",
}

_NOT_KNOWN = ("unknown", "Not known")
_BEAM = {"True": ("off", "Blanked"), "False": ("on", "ON")}
_LIGHT = {"True": ("on", "ON"), "False": ("off", "Off")}
"""State of a lamp and its word, by the reading."""

_VACUA = {"vented": "Vented", "partial": "Water vapour", "high": "High vacuum", "pumping": "Pumping"}


def build(view: View) -> None:
    """Make the page."""
    empty = ui.label().classes("empty")
    with ui.element("div").classes("now") as all_of_it:
        with ui.element("section").classes("card card-work"):
            _work(view)
        with ui.element("section").classes("lamps").props('aria-label="Microscope"'):
            _lamps(view)
        with ui.element("section").classes("card").props('aria-label="Cells, frames and fields"'):
            _counts(view)
        with ui.element("section").classes("card").props('aria-label="Compared with a full raster"'):
            _saved(view)
        with ui.element("section").classes("card card-wide"):
            _latest(view)

    def show() -> None:
        state = view.state
        all_of_it.set_visibility(state.status is not None)
        empty.set_visibility(state.status is None)
        empty.set_text("Connecting." if state.link is Link.CONNECTING else "")

    view.follow(show)


def _work(view: View) -> None:
    """Make the card of the work: phase, progress, end, and the buttons."""
    phase = ui.label().classes("phase").props("role=heading aria-level=2")
    doing = ui.label().classes("doing")
    bar = (
        ui.linear_progress(value=0, show_value=False, size="10px", color=None)
        .props('aria-label="Progress"')
        .classes("progress")
    )
    with ui.element("div").classes("finish"):
        left, finish = ui.label().classes("finish-left"), ui.label().classes("muted")
    controls(view)

    def show() -> None:
        status = view.state.status
        if status is None:
            return
        now = Phase(status["phase"])
        phase.set_text(PHASES[now])
        doing.set_text(_doing(status))
        whole_s = status["time_s"] + status["left_s"]
        share = 1.0 if now is Phase.DONE else status["time_s"] / whole_s if whole_s else 0.0
        bar.set_value(round(share, 3))
        bar.props(f'aria-valuetext="{share:.0%}"')
        if now in FINAL:
            left.set_text(f"Took {duration(status['time_s'])}")
            finish.set_text("")
        elif now in HALTED:
            left.set_text(f"{duration(status['left_s'])} of work left")
            finish.set_text("The time stands still until somebody continues.")
        else:
            left.set_text(f"{duration(status['left_s'])} left, {share:.0%} done")
            finish.set_text(f"Finishes {_day(status['finish_at'])}")

    view.follow(show)


def _doing(status: Mapping[str, Any]) -> str:
    """Return section, frame and step in words."""
    job, health = status["current_job"], status["health"]
    parts = []
    if job is not None:
        kind = KINDS[JobKind(job["kind"])]
        parts.append(f"Section {job['section']}, {kind} {job['job']}, {duration(job['beam_s'])} of beam")
    if health.get("step"):
        parts.append(f"{health['step']}, for {duration(health['running_s'])}")
    if health.get("landing"):
        parts.append(str(health["landing"]))
    if status["resume_to"]:
        parts.append(f"goes on with: {PHASES[Phase(status['resume_to'])].lower()}")
    return " · ".join(parts)


def _lamps(view: View) -> None:
    beam, light = _lamp("Electron beam"), _lamp("Light")
    chamber, stage = _lamp("Chamber"), _lamp("Stage")

    def show() -> None:
        devices = {} if view.state.status is None else view.state.status["devices"]
        beam(*_BEAM.get(str(devices.get("beam_blanked")), _NOT_KNOWN))
        light(*_LIGHT.get(str(devices.get("light_on")), _NOT_KNOWN))
        vacuum, pressure_pa = devices.get("vacuum"), devices.get("pressure_pa")
        known = pressure_pa is not None
        words = _VACUA.get(str(vacuum), str(vacuum).replace("_", " ").capitalize() if vacuum else "Not known")
        chamber("neutral" if vacuum else "unknown", words, f"{pressure_pa:.3g} Pa" if known else "")
        where = devices.get("stage_m")
        at = "" if where is None else f"x {where[0] * 1e3:.4f}\ny {where[1] * 1e3:.4f}"
        stage("neutral" if where else "unknown", at or "Not known", "mm" if where else "")

    view.follow(show)


def _lamp(name: str) -> Callable[..., None]:
    """Make a lamp; the function that is returned sets its state, word and reading."""
    with ui.element("div").classes("lamp lamp-unknown") as lamp:
        ui.element("span").classes("lamp-dot").props("aria-hidden=true")
        with ui.element("div"):
            ui.label(name).classes("lamp-name")
            word, reading = ui.label("Not known").classes("lamp-word"), ui.label().classes("lamp-reading")

    def light(state: str, says: str, reads: str = "") -> None:
        lamp.classes(replace=f"lamp lamp-{state}")
        word.set_text(says)
        reading.set_text(reads)

    return light


def _counts(view: View) -> None:
    ui.label("Cells, frames and fields").classes("card-title")
    rows: dict[str, ui.label] = {}
    names = {
        "cells": "Cells found",
        "imaged": "Cells imaged",
        "doubtful": "Cells in review",
        "done": "Frames done",
        "left": "Frames left",
        "review": "Frames that need review",
        "held": "Frames held",
        "other": "Frames skipped or failed",
        "fields": "Fields with fluorescence",
    }
    with ui.element("dl").classes("numbers"):
        for key, name in names.items():
            with ui.element("div"):
                with ui.element("dt"):
                    ui.label(name)
                with ui.element("dd"):
                    rows[key] = ui.label()

    def show() -> None:
        status = view.state.status
        if status is None:
            return
        jobs, fields = status["jobs"], status["fields"]
        total, taken = sum(fields.values()), sum(fields.values()) - fields.get(FieldState.PENDING, 0)
        busy = [JobState.QUEUED, JobState.ARMED, JobState.EXPOSED, JobState.SAVED]
        rows["done"].set_text(f"{jobs.get(JobState.DONE, 0):,}")
        rows["left"].set_text(f"{sum(jobs.get(state, 0) for state in busy):,}")
        rows["review"].set_text(f"{jobs.get(JobState.NEEDS_REVIEW, 0):,}")
        rows["held"].set_text(f"{jobs.get(JobState.HELD, 0):,}")
        rows["other"].set_text(f"{jobs.get(JobState.SKIPPED, 0):,} / {jobs.get(JobState.FAILED, 0):,}")
        rows["fields"].set_text(f"{taken - fields.get(FieldState.FAILED, 0):,} of {total:,}")

    async def show_cells() -> None:
        try:
            found = await view.recent("cells.count", _OLD_S)
        except TROUBLE:
            return
        for key, name in (("cells", "found"), ("imaged", "imaged"), ("doubtful", "in_review")):
            rows[key].set_text(f"{found[name]:,}")

    view.follow(show)
    ui.timer(_SLOW_S, show_cells)


def _saved(view: View) -> None:
    """Hours and data saved against a full raster, from the estimate."""
    ui.label("Saved against a full raster").classes("card-title")
    time, data = ui.label().classes("saved"), ui.label().classes("saved")
    remark = ui.label().classes("muted")

    async def show() -> None:
        try:
            found = await view.recent("estimate", _OLD_S)
        except TROUBLE:
            return
        if found["extent"] not in _BASES:
            time.set_text("Known once sections are planned")
            return
        way = found["ways"][0]
        raster = next((one for one in found["ways"] if one["method"] == "raster"), None)
        if raster is None or raster is way:
            time.set_text("Nothing: all ground is imaged")
            return
        spared_s, spared = raster["electron_s"] - way["electron_s"], raster["data_bytes"] - way["data_bytes"]
        time.set_text(f"{duration(spared_s)} of {duration(raster['electron_s'])}")
        data.set_text(f"{size(spared)} of {size(raster['data_bytes'])}")
        remark.set_text(_BASES[found["extent"]])

    ui.timer(_SLOW_S, show)


def _latest(view: View) -> None:
    with ui.element("div").classes("card-head"):
        ui.label("Latest").classes("card-title")
        ui.link("All events", view.address("/history"))
    lines = ui.element("ol").classes("events")
    shown: list[int] = []

    def show() -> None:
        latest = [event for event in view.events() if not is_routine(event)][-_LATEST:][::-1]
        if [event["seq"] for event in latest] == shown:
            return
        shown[:] = [event["seq"] for event in latest]
        lines.clear()
        with lines:
            for event in latest:
                event_line(view, happening(event))

    view.follow(show)


def _day(at: str) -> str:
    return f"{datetime.fromisoformat(at).astimezone():%A %d %B, %H:%M}"
