"""Conversion of database rows to records and back."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from math import isfinite
from typing import Any

from pydantic_core import from_json
from pydantic_core import to_json as _to_json

from detection.alignment.values import Similarity
from detection.image.hits import CellSource, Decision
from drivers.pose import Pose, RectM
from service.model.event import Event
from service.model.focus import Focus, FocusBeam, FocusState
from service.model.images.checks import Check, CheckedImage, CheckKind
from service.model.jobs import Exposure, ExposureState, HoldCause, Job, JobKind, JobOrigin, JobState
from service.model.overviews import FieldPlace, Overview, OverviewState, reason_of
from service.model.review import Edit, EditKind, FoundCells, PolicyChange, Recorded, Step, Verdict
from service.model.specimen import Cell, Field, FieldState, FramePlace, Section
from service.model.targets import Beside, Choice, LeftOut

_IMAGES = 256
"""Images whose checks stay read: each new image is compared with some fifty before it."""


def to_json(value: object) -> str:
    """Return the JSON text of a value; NaN and infinity become null.

    Raises
    ------
    ValueError
        The value has no JSON form.
    """
    return _to_json(value, inf_nan_mode="null").decode()


def numbers(values: Sequence[float]) -> str:
    """Return the exact JSON text of numbers.

    Raises
    ------
    ValueError
        NaN or infinity among them.
    """
    if not all(map(isfinite, values)):
        raise ValueError(f"not finite: {values}")
    # A tenth of the time of `json.dumps`: a session has 12,000 cells with four rectangles each.
    return _to_json(list(values)).decode()


def section(row: sqlite3.Row) -> Section:
    """Read a row of ``section``."""
    outline = row["outline_m"]
    return Section(
        id=row["id"],
        index=row["idx"],
        center_m=(row["x_m"], row["y_m"]),
        visit=row["visit"],
        outline_m=None if outline is None else tuple((x, y) for x, y in json.loads(outline)),
    )


def field(row: sqlite3.Row) -> Field:
    """Read a row of ``field``."""
    return Field(
        id=row["id"],
        section=row["section"],
        index=row["idx"],
        center_m=(row["x_m"], row["y_m"]),
        rect_m=rect(row),
        state=FieldState(row["state"]),
        reason=row["reason"],
        image=row["image"],
        sha256=row["sha256"],
        elapsed_ms=row["elapsed_ms"],
        warnings=tuple(from_json(row["warnings"])),
        frame=None if row["frame"] is None else _frame_place(row["frame"]),
    )


def frame_place_json(frame: FramePlace) -> str:
    """Return the JSON text of a frame's place."""
    return json.dumps(asdict(frame), allow_nan=False)


def _frame_place(text: str) -> FramePlace:
    values = from_json(text)
    pose = values["pose"]
    place = Pose(
        tuple(pose["center_m"]), tuple(pose["pixel_size_m"]),
        pose["rotation_rad"], pose["flip_x"], pose["flip_y"],
    )  # fmt: skip
    return FramePlace(tuple(values["size_px"]), place)


def cell(row: sqlite3.Row, jobs: Sequence[str]) -> Cell:
    """Read a row of ``cell``, with the jobs that image it."""
    return Cell(
        id=row["id"],
        field=row["field"],
        section=row["section"],
        box_px=_four(row["box_px"]),
        image_box_px=None if row["image_box_px"] is None else _four(row["image_box_px"]),
        rect_m=_four(row["rect_m"]),
        image_rect_m=None if row["image_rect_m"] is None else _four(row["image_rect_m"]),
        confidence=row["confidence"],
        reason=row["reason"],
        jobs=tuple(jobs),
        skipped=row["skipped"],
        tracks=tuple(from_json(row["tracks"])),
        seen=bool(row["seen"]),
        source=CellSource(row["source"]),
        decision=Decision(row["decision"]),
        brightness_adu=row["brightness_adu"],
        left_out=None if row["left_out"] is None else LeftOut(row["left_out"]),
        beside=None if row["beside"] is None else Beside(row["beside"]),
        reach_um=None if row["reach_um"] is None else _four(row["reach_um"]),
        extra_um=row["extra_um"],
        verdict=None if row["verdict"] is None else Verdict(row["verdict"]),
    )


def step(row: sqlite3.Row) -> Step:
    """Read a row of ``review_step``."""
    return Step(
        number=row["id"],
        by=row["made_by"],
        reason=row["reason"],
        at=row["at"],
        policy=None if row["policy"] is None else PolicyChange(**json.loads(row["policy"])),
        undone_by=row["undone_by"],
        undone_at=row["undone_at"],
    )


def recorded(row: sqlite3.Row, of_step: Step) -> Recorded:
    """Read a row of ``review_edit``."""
    box, rect_m = row["box_px"], row["rect_m"]
    edit = Edit(
        EditKind(row["kind"]),
        row["cell"],
        None if box is None else _four(box),
        None if rect_m is None else _four(rect_m),
    )
    return Recorded(row["id"], edit, of_step)


def found(row: sqlite3.Row, now: Cell) -> Cell:
    """Return a cell as a row of ``found`` has it; all else as in `now`."""
    image, image_m = row["image_box_px"], row["image_rect_m"]
    return replace(
        now,
        box_px=_four(row["box_px"]),
        image_box_px=None if image is None else _four(image),
        rect_m=_four(row["rect_m"]),
        image_rect_m=None if image_m is None else _four(image_m),
        reason=row["reason"],
        decision=Decision(row["decision"]),
        verdict=None,
    )


def found_cells(found: Sequence[sqlite3.Row]) -> FoundCells:
    """Read the rows of `ReviewStore.found_cells`."""
    columns: list[Any] = [list(column) for column in zip(*found, strict=True)] or [[] for _ in range(16)]
    # All rectangles of a column at once: 12,000 cells in a tenth of a second.
    for n in range(3, 8):
        columns[n] = from_json(f"[{','.join(columns[n])}]")
    return FoundCells(*columns)


def choice(row: sqlite3.Row) -> Choice:
    """Read a row of ``choice``."""
    return Choice(row["id"], row["rule"], row["made_by"], row["reason"], row["at"])


def job(row: sqlite3.Row, covers: Sequence[str]) -> Job:
    """Read a row of ``job``, with the cells that it images."""
    return Job(
        id=row["id"],
        section=row["section"],
        position=row["position"],
        rect_m=rect(row),
        center_m=(row["x_m"], row["y_m"]),
        size_px=(row["width_px"], row["height_px"]),
        pixel_size_m=row["pixel_size_m"],
        dwell_s=row["dwell_s"],
        covers=tuple(covers),
        kind=JobKind(row["kind"]),
        beam_shift_m=(row["shift_x_m"], row["shift_y_m"]),
        origin=JobOrigin(row["origin"]),
        hold_cause=None if row["hold_cause"] is None else HoldCause(row["hold_cause"]),
        state=JobState(row["state"]),
        reason=row["reason"],
        image=row["image"],
        sha256=row["sha256"],
        retake_of=row["retake_of"],
    )


def exposure(row: sqlite3.Row) -> Exposure:
    """Read a row of ``exposure``."""
    return Exposure(
        id=row["id"],
        job=row["job"],
        rect_m=rect(row),
        halo_m=row["halo_m"],
        state=ExposureState(row["state"]),
        opened_s=row["opened_s"],
        closed_s=row["closed_s"],
        note=row["note"],
        beam_s=row["beam_s"],
        kind=JobKind(row["kind"]),
        s_per_m2=row["s_per_m2"],
        retake_of=row["retake_of"],
    )


def checked_image(row: sqlite3.Row) -> CheckedImage:
    """Read a row of ``em_image``, with ``retake_of`` of its exposure."""
    return CheckedImage(
        exposure=row["exposure"],
        job=row["job"],
        file=row["file"],
        sha256=row["sha256"],
        checks=_checks(row["checks"]),
        noise=row["noise"],
        sharpness=row["sharpness"],
        retake_of=row["retake_of"],
    )


@lru_cache(maxsize=_IMAGES)
def _checks(text: str) -> tuple[Check, ...]:
    return tuple(
        Check(CheckKind(kind), value, limit, bool(bad)) for kind, value, limit, bad in from_json(text)
    )


def checks(values: Sequence[Check]) -> str:
    """Return the exact JSON text of checks.

    Raises
    ------
    ValueError
        NaN or infinity among their numbers.
    """
    if not all(isfinite(number) for one in values for number in (one.value, one.limit)):
        raise ValueError(f"not finite: {values}")
    return to_json([[one.kind, one.value, one.limit, int(one.bad)] for one in values])


def focus(row: sqlite3.Row) -> Focus:
    """Read a row of ``focus``."""
    return Focus(
        beam=FocusBeam(row["beam"]),
        section=row["section"],
        place_m=(row["x_m"], row["y_m"]),
        state=FocusState(row["state"]),
        job=row["job"],
        start_m=row["start_m"],
        found_m=row["found_m"],
        score=row["score"],
        used_m=row["used_m"],
        exposures=row["exposures"],
        exposed_s=row["exposed_s"],
        reason=row["reason"],
        id=row["id"],
    )


def overview(row: sqlite3.Row) -> Overview:
    """Read a row of ``overview``."""
    place = None
    if row["place"] is not None:
        x_m, y_m, dx_um, dy_um, rotation_rad, scale = json.loads(row["place"])
        place = FieldPlace((x_m, y_m), Similarity((dx_um, dy_um), rotation_rad, scale))
    return Overview(
        section=row["section"],
        stage_m=(row["x_m"], row["y_m"]),
        state=OverviewState(row["state"]),
        field=row["field"],
        job=row["job"],
        reason=reason_of(row["reason"]),
        place=place,
        proven_m=row["proven_m"],
        id=row["id"],
    )


def place(value: FieldPlace) -> str:
    """Return the exact JSON text of the place of a field."""
    motion = value.motion
    return numbers([*value.center_m, *motion.shift_um, motion.rotation_rad, motion.scale])


def event(row: sqlite3.Row) -> Event:
    """Read a row of ``event``."""
    return Event(row["seq"], row["time_s"], row["at"], row["kind"], row["subject"], json.loads(row["data"]))


def rect(row: sqlite3.Row) -> RectM:
    """Read the rectangle of a row."""
    return row["x0_m"], row["y0_m"], row["x1_m"], row["y1_m"]


def _four(text: str) -> tuple[Any, Any, Any, Any]:
    """Read four numbers: ints come back as ints, floats as the very same floats."""
    # A tenth of the time of `json.loads`.
    x0, y0, x1, y1 = from_json(text)
    return x0, y0, x1, y1
