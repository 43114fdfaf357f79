"""The page of one frame: all that is known about it, for a decision."""

from collections.abc import Iterator, Mapping
from typing import Any

from nicegui import ui

from service.console.changes import steering
from service.console.happenings import happening
from service.console.pages.history import event_line
from service.console.pictures.frame_view import FrameView
from service.console.view import TROUBLE, View
from service.model.jobs import ExposureState, HoldCause, JobKind, JobState
from service.words.checks import bad_says, checks_of
from service.words.quantities import duration
from service.words.states import EXPOSURES, HOLDS, JOBS, KINDS

_DECISION = (
    "Nobody knows if the beam has been there, or its image is in doubt. Expose it again, which may be a"
    " second dose; or skip it, and what is there stays."
)


def build(view: View) -> None:
    """Make the page."""
    name = view.query.get("job", "")
    seen_seq, state = -1, JobState.DONE
    drawn: tuple[object, ...] = ()
    trouble = ui.label().classes("empty")
    with ui.element("div").classes("frame-page"):
        with ui.element("div").classes("card") as card:
            with ui.element("div").classes("tools"):
                title = ui.label(f"Frame {name}").classes("card-name").props("role=heading aria-level=2")
                steer = ui.element("div").classes("tools-end")
            decide = ui.label(_DECISION).classes("decide")
            decide.set_visibility(False)
            facts = ui.element("dl").classes("facts")
            ui.label("Exposures in the ledger").classes("card-title")
            exposures = ui.element("ul").classes("plain")
            ui.label("History").classes("card-title")
            history = ui.element("ol").classes("events")
        with ui.element("div").classes("side") as pictures:
            shown = FrameView(view, name)
        pictures.set_visibility(False)

    card.set_visibility(False)

    async def show() -> None:
        nonlocal seen_seq, state, drawn
        status = view.state.status
        check()
        if status is None or view.seq == seen_seq:
            return
        seen_seq = view.seq
        try:
            found = await view.recent("queue.get", job=name)
        except TROUBLE as error:
            # Asked again with the next status.
            seen_seq = -1
            trouble.set_text(str(error))
            trouble.set_visibility(True)
            return
        trouble.set_visibility(False)
        card.set_visibility(True)
        pictures.set_visibility(True)
        row = found["row"]
        state = JobState(row["state"])
        check()
        title.set_text(f"{KINDS[JobKind(row['kind'])].capitalize()} {row['job']}, {JOBS[state]}")
        decide.set_visibility(state is JobState.NEEDS_REVIEW)
        _write_facts(facts, _facts(found))
        exposures.clear()
        with exposures:
            for one in found["exposures"]:
                with ui.element("li"):
                    ui.label(_exposure(one))
            if not found["exposures"]:
                with ui.element("li"):
                    ui.label("None: the beam has not been there for this frame.")
        history.clear()
        with history:
            for event in found["history"][::-1]:
                event_line(view, happening(event))
        now = (row["state"], found["sha256"], len(found["exposures"]))
        if now != drawn:
            drawn = now
            await shown.show(found)

    with steer:
        check = steering.buttons(view, lambda: {name: state}, only_possible=True)
    view.follow(show)


def _write_facts(facts: ui.element, rows: Iterator[tuple[str, str]]) -> None:
    facts.clear()
    with facts:
        for name, text in rows:
            with ui.element("div"):
                with ui.element("dt"):
                    ui.label(name)
                with ui.element("dd"):
                    ui.label(text)


def _facts(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    row = found["row"]
    x_m, y_m = row["center_m"]
    yield "State", JOBS[JobState(row["state"])] + (f": {row['reason']}" if row["reason"] else "")
    if row["hold_cause"]:
        yield "Held", HOLDS[HoldCause(row["hold_cause"])]
    yield "Section", row["section"]
    yield "Where", f"x {x_m * 1e3:.4f} mm, y {y_m * 1e3:.4f} mm"
    yield (
        "Scan",
        f"{row['size_px'][0]} x {row['size_px'][1]} pixels of {row['pixel_size_m'] * 1e9:g} nm,"
        f" {row['dwell_s'] * 1e6:g} µs each, {duration(row['beam_s'])} of beam",
    )
    yield "Cells", _cells(row)
    yield "Image", _image(found)
    for image in found["images"]:
        says = bad_says(checks_of(image["checks"])) or f"good by {len(image['checks'])} checks"
        file = "" if image["file"] == found["image"] else f"{image['file']}: "
        yield f"Checks of exposure {image['exposure']}", file + says
    blanked = {True: "blanked", False: "ON"}
    yield "Beam now", "not known" if found["beam_blanked"] is None else blanked[found["beam_blanked"]]


def _cells(row: Mapping[str, Any]) -> str:
    if row["covers"]:
        return "; ".join(
            f"{cell['cell']}{' of ' + ', '.join(cell['tracks']) if cell['tracks'] else ''} ({cell['kept']})"
            for cell in row["covers"]
        )
    if row["kind"] == JobKind.FOCUS:
        return "none: the beam is focused here for its section"
    if row["kind"] == JobKind.OVERVIEW:
        return "none: the overview of a stage position"
    return "none: a person asked for this frame"


def _image(found: Mapping[str, Any]) -> str:
    if found["image"] is not None:
        return f"{found['image']}, checked"
    if found["image_found"] is not None:
        return f"{found['image_found']}: written, but never checked; look at it"
    return "none"


def _exposure(row: Mapping[str, Any]) -> str:
    beam = "" if row["beam_s"] is None else f", {duration(row['beam_s'])} of beam"
    ended = "" if row["closed_s"] is None else f" to {duration(row['closed_s'])}"
    note = f". {row['note']}" if row["note"] else ""
    if row["retake_of"] is not None:
        note = f". Taken again for exposure {row['retake_of']}, by the program{note}"
    state = EXPOSURES[ExposureState(row["state"])]
    begun = duration(row["opened_s"])
    return f"Exposure {row['exposure']}: {state}; from {begun}{ended} of the session{beam}{note}"
