"""The plan of a section: saved fields and boxes in, frames in the order of the route out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.checks import check_boxes, check_fields, check_start
from planner.cover import drop_contained, per_box
from planner.errors import PlannerError
from planner.ground import Ground
from planner.raster import raster
from planner.rects import TOLERANCE_M, center, union_area_m2
from planner.required import Required, required
from planner.route import route, route_length
from planner.tiles import Scan, tiles
from planner.values import Box, Field, Frame, Plan, PlanSettings, Totals


@dataclass(frozen=True, slots=True)
class _Time:
    """What scans take in a given order."""

    beam_s: float
    overhead_s: float
    travel_m: float
    total_s: float


def plan(
    section: str,
    fields: Sequence[Field],
    boxes: Sequence[Box],
    settings: PlanSettings,
    start_m: tuple[float, float] | None = None,
) -> Plan:
    """Decide where the beam goes in one section.

    Every box is imaged with its context and guard, as far as the saved fluorescence allows, or it is skipped
    with a reason. Every frame, grown by guard and beam halo, lies on saved fluorescence. The order of the
    boxes does not matter.

    Parameters
    ----------
    section : str
        Its name, for errors.
    fields : sequence of Field
        All fields of the section whose fluorescence is saved; at least one.
    boxes : sequence of Box
        Cells of all these fields, in SEM coordinates.
    settings : PlanSettings
    start_m : (float, float), optional
        Where the stage stands before; without it the route starts at the leftmost frame.

    Returns
    -------
    Plan
        Without boxes a plan ``per-box`` has no frames; a ``raster`` has its frames with or without.

    Raises
    ------
    PlannerError
        Raised when there is no field, a rectangle is none, a name comes twice, a number is not finite, or the
        raster is absurdly large; the text names the section and what was wrong.
    """
    try:
        check_fields(fields)
        check_boxes(boxes)
        check_start(start_m)
        return _plan(fields, boxes, settings, start_m)
    except PlannerError as error:
        raise PlannerError(f"section {section}: {error}") from None


def _plan(
    fields: Sequence[Field], boxes: Sequence[Box], settings: PlanSettings, start_m: tuple[float, float] | None
) -> Plan:
    rects = [field.rect_m for field in fields]
    ground = Ground(rects, settings.guard_m + settings.halo_m)
    pieces, skipped = required(boxes, ground, settings)
    full = raster(rects, ground, settings)
    if settings.method == "raster":
        ordered = _named(full, pieces)
    else:
        scans = _box_scans(pieces, ground, settings)
        ordered = tuple(scans[n] for n in route([center(s.rect_m) for s in scans], start_m))

    frames = tuple(_frame(number, scan, settings) for number, scan in enumerate(ordered, start=1))
    time = _time(ordered, settings, start_m)
    totals = Totals(
        frames=len(frames),
        beam_s=time.beam_s,
        overhead_s=time.overhead_s,
        travel_m=time.travel_m,
        total_s=time.total_s,
        exposed_m2=union_area_m2(frame.rect_m for frame in frames),
        bound_beam_s=union_area_m2(p.rect_m for p in pieces) * settings.seconds_per_m2,
        raster_total_s=_time(full, settings, start_m).total_s,
    )
    return Plan(settings.method, frames, skipped, totals)


def _box_scans(pieces: Sequence[Required], ground: Ground, settings: PlanSettings) -> tuple[Scan, ...]:
    """Scans of the groups of a cover."""
    overlap_m = (settings.tile_overlap_m, settings.tile_overlap_m)
    scans: list[Scan] = []
    for group in per_box(pieces, ground, settings):
        parts = tiles(group.scan_m, overlap_m, settings)
        if len(parts) == 1:
            scans.append(replace(parts[0], boxes=group.boxes))
        else:
            scans += _named(parts, [p for p in pieces if p.boxes <= group.boxes])
    return drop_contained(scans)


def _named(scans: Sequence[Scan], pieces: Sequence[Required]) -> tuple[Scan, ...]:
    """Name on each scan the boxes of which it shows some required ground."""
    table = np.asarray([s.rect_m for s in scans], dtype=np.float64).reshape(-1, 4)
    names: list[set[str]] = [set() for _ in scans]
    for piece in pieces:
        shared = np.minimum(table[:, 2:], piece.rect_m[2:]) - np.maximum(table[:, :2], piece.rect_m[:2])
        for index in np.nonzero((shared > TOLERANCE_M).all(axis=1))[0]:
            names[index] |= piece.boxes
    return tuple(replace(s, boxes=frozenset(n)) for s, n in zip(scans, names, strict=True))


def _frame(number: int, scan: Scan, settings: PlanSettings) -> Frame:
    width, height = scan.size_px
    return Frame(
        id=f"J{number:06d}",
        rect_m=scan.rect_m,
        center_m=center(scan.rect_m),
        size_px=scan.size_px,
        pixel_size_m=settings.pixel_size_m,
        dwell_s=settings.dwell_s,
        beam_s=width * height * settings.dwell_s,
        covers=tuple(sorted(scan.boxes)),
    )


def _time(scans: Sequence[Scan], settings: PlanSettings, start_m: tuple[float, float] | None) -> _Time:
    travel_m = route_length([center(s.rect_m) for s in scans], start_m)
    beam_s = sum(s.size_px[0] * s.size_px[1] for s in scans) * settings.dwell_s
    overhead_s = len(scans) * settings.overhead_s
    total_s = beam_s + overhead_s + travel_m / settings.stage_speed_m_per_s
    return _Time(beam_s, overhead_s, travel_m, total_s)
