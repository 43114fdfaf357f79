"""Plan of a section: saved fields and boxes in, frames in the order of the route out."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from planner.checks import check_boxes, check_fields, check_rects, check_start, outline_polygon
from planner.cost import profile_pace, total_s, travel_s, work_of
from planner.cover.covers import Group, covers, raster_groups
from planner.cover.exact import least_s
from planner.cover.framing import Framing
from planner.cover.imaged_ground import Imaged
from planner.cover.per_box import drop_contained
from planner.cover.raster import raster
from planner.cover.required import Required, required
from planner.cover.stitching import missed, stitched_boxes
from planner.cover.tiles import Scan
from planner.errors import PlannerError
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import TOLERANCE_M, RectM, center, union_area_m2
from planner.route import Point, route
from planner.settings import PlanSettings
from planner.stage_positions import stage_positions
from planner.values import Basis, Box, Field, Frame, Method, Plan, Totals

_PROVEN = 1e-9
"""Relative gap that is rounding."""


def plan(
    section: str,
    fields: Sequence[Field],
    boxes: Sequence[Box],
    settings: PlanSettings,
    start_m: tuple[float, float] | None = None,
    *,
    exposed: Sequence[RectM] = (),
    unsaved: Sequence[RectM] = (),
    outline_m: Sequence[tuple[float, float]] | None = None,
) -> Plan:
    """Plan the SEM frames of one section.

    Every box is imaged with its context and guard, as far as the saved fluorescence allows, or skipped with a
    reason. Every frame, grown by guard and beam halo, lies on saved fluorescence. The order of the boxes does
    not matter.

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
        Position of the stage before the first frame; the route starts at the leftmost frame by default.
    exposed : sequence of RectM
        Ground that earlier frames have imaged, without their halo. It is not imaged again; a box that needs
        nothing else is skipped.
    unsaved : sequence of RectM
        Ground of this or other sections whose fluorescence is still to be taken: no frame, grown by guard
        and beam halo, touches it, even where fields overlap it.
    outline_m : sequence of (x, y), optional
        Corners of the section; no frame leaves it by more than `settings.outline_margin_m`.

    Returns
    -------
    Plan
        Without boxes a plan ``per-box`` has no frames; a ``raster`` has its frames with or without.

    Raises
    ------
    PlannerError
        Raised when there is no field, a rectangle is invalid, a name is not unique, a number is not finite,
        or the raster is absurdly large; the text names the section and what is wrong.
    """
    return plans(
        section,
        fields,
        boxes,
        settings,
        (settings.method,),
        start_m,
        exposed=exposed,
        unsaved=unsaved,
        outline_m=outline_m,
    )[0]


def plans(
    section: str,
    fields: Sequence[Field],
    boxes: Sequence[Box],
    settings: PlanSettings,
    methods: Sequence[Method],
    start_m: Point | None = None,
    *,
    exposed: Sequence[RectM] = (),
    unsaved: Sequence[RectM] = (),
    outline_m: Sequence[Point] | None = None,
) -> tuple[Plan, ...]:
    """Plan a section with several methods instead of that of `settings`; all else as for `plan`.

    The required ground and the full raster are the same for all methods, and computed once.
    """
    try:
        check_fields(fields)
        check_boxes(boxes)
        check_start(start_m)
        check_rects("exposed", exposed)
        check_rects("unsaved", unsaved)
        outline = None if outline_m is None else outline_polygon(outline_m).buffer(settings.outline_margin_m)
        guards = (settings.guard_m if field.guard_m is None else field.guard_m for field in fields)
        reach_m = max(guards) + settings.halo_m
        ground = Ground([field.rect_m for field in fields], reach_m, unsaved, outline)
        return _plans(fields, boxes, settings, methods, start_m, ground, Imaged(exposed))
    except PlannerError as error:
        raise PlannerError(f"section {section}: {error}") from None


def compared_methods(chosen: Method) -> tuple[Method, ...]:
    """Return the chosen method and those to compare it with: one frame per box, and a full raster."""
    others: tuple[Method, ...] = ("per-box", "raster")
    return (chosen, *(method for method in others if method != chosen))


def _plans(
    fields: Sequence[Field],
    boxes: Sequence[Box],
    settings: PlanSettings,
    methods: Sequence[Method],
    start_m: Point | None,
    ground: Ground,
    imaged: Imaged,
) -> tuple[Plan, ...]:
    framing = Framing(ground, settings)
    fields_m = [field.rect_m for field in fields]
    demand = required(boxes, fields, framing, imaged)
    full = [s for s in raster(fields_m, framing) if not imaged.shows(s.rect_m)]
    if settings.presets_px:
        # They may have room on required ground where those of a raster have none.
        rest = missed(demand.regions, [s.rect_m for s in full], settings.tile_overlap_m)
        full = list(drop_contained([*full, *(scan for region in rest for scan in region.scans)]))
    full_groups = raster_groups(_named(full, demand.pieces), fields_m, settings)
    full_frames = _in_order(_frames(full_groups, settings, start_m, keep_order=True))
    full_seams = stitched_boxes([(demand.regions, full_frames, full_groups[0].overlap_m)])
    full_rects = [frame.rect_m for frame in full_frames]
    full_shows_all = not missed(demand.regions, full_rects, full_groups[0].overlap_m)
    pace = profile_pace(settings)
    bound_beam_s = union_area_m2(p.rect_m for p in demand.pieces) * settings.seconds_per_m2
    raster_total_s = total_s(work_of(full_frames, pace.approach_m, start_m), pace)
    made = []
    for method in methods:
        if method == "raster":
            frames, bound_s, basis = full_frames, least_s(demand.regions, framing), Basis.RASTER
            stitched = full_seams
        else:
            cover = covers(demand, full, fields_m, framing, method)
            bound_s, basis = cover.bound_s, cover.basis
            by_group = _frames(cover.groups, settings, start_m)
            frames = _in_order(by_group)
            stitched = stitched_boxes(
                [
                    (group.regions, found, group.overlap_m)
                    for group, found in zip(cover.groups, by_group, strict=True)
                ]
            )
        if method in ("exact", "greedy") and settings.raster_where_cheaper and demand.regions:
            taken_s = total_s(work_of(frames, pace.approach_m, start_m), pace)
            if raster_total_s < taken_s and full_shows_all:
                frames, stitched, basis = full_frames, full_seams, Basis.RASTER
        work = work_of(frames, pace.approach_m, start_m)
        totals = Totals(
            frames=work.frames,
            stage_moves=work.stage_moves,
            beam_s=work.beam_s,
            overhead_s=work.frames * pace.overhead_s,
            travel_m=work.travel_m,
            travel_s=travel_s(work, pace),
            total_s=total_s(work, pace),
            exposed_m2=union_area_m2(frame.rect_m for frame in frames),
            bound_beam_s=bound_beam_s,
            bound_s=bound_s,
            raster_total_s=raster_total_s,
        )
        optimal = totals.beam_s + totals.overhead_s <= bound_s * (1 + _PROVEN)
        made.append(Plan(method, frames, demand.skipped, demand.clipped, stitched, totals, basis, optimal))
    return tuple(made)


def _named(scans: Sequence[Scan], pieces: Sequence[Required]) -> tuple[Scan, ...]:
    """Add to each scan the boxes of which it shows some required ground."""
    table = np.asarray([s.rect_m for s in scans], dtype=np.float64).reshape(-1, 4)
    names: list[set[str]] = [set() for _ in scans]
    for piece in pieces:
        shared = np.minimum(table[:, 2:], piece.rect_m[2:]) - np.maximum(table[:, :2], piece.rect_m[:2])
        for index in np.nonzero((shared > TOLERANCE_M).all(axis=1))[0]:
            names[index] |= piece.boxes
    return tuple(replace(s, boxes=frozenset(n)) for s, n in zip(scans, names, strict=True))


def _frames(
    groups: Sequence[Group], settings: PlanSettings, start_m: Point | None, keep_order: bool = False
) -> list[tuple[Frame, ...]]:
    """Return the frames of each group, numbered in the order in which they are taken."""
    stages_m = [group.stage_m for group in groups if group.stage_m is not None]
    if groups and not stages_m:
        (group,) = groups
        centers = [center(s.rect_m) for s in group.scans]
        stops = stage_positions(centers, settings.beam_shift_range_m, start_m, keep_order)
        return [_numbered([(group.scans[stop.index], stop.stage_m) for stop in stops], 1, settings)]
    found: list[tuple[Frame, ...]] = [() for _ in groups]
    first = 1
    for index in range(len(groups)) if keep_order else route(stages_m, start_m):
        scans, stage_m = groups[index].scans, stages_m[index]
        order = range(len(scans)) if keep_order else route([center(s.rect_m) for s in scans], stage_m)
        found[index] = _numbered([(scans[n], stage_m) for n in order], first, settings)
        first += len(scans)
    return found


def _numbered(scans: Sequence[tuple[Scan, Point]], first: int, settings: PlanSettings) -> tuple[Frame, ...]:
    """Return scans with their stage positions as frames, numbered from `first` on."""
    return tuple(
        _frame(number, scan, stage_m, settings) for number, (scan, stage_m) in enumerate(scans, start=first)
    )


def _in_order(groups: Sequence[Sequence[Frame]]) -> tuple[Frame, ...]:
    return tuple(sorted((frame for group in groups for frame in group), key=lambda f: f.id))


def _frame(number: int, scan: Scan, stage_m: Point, settings: PlanSettings) -> Frame:
    width, height = scan.size_px
    center_m = center(scan.rect_m)
    return Frame(
        id=f"J{number:06d}",
        rect_m=scan.rect_m,
        center_m=center_m,
        size_px=scan.size_px,
        pixel_size_m=settings.pixel_size_m,
        dwell_s=settings.dwell_s,
        beam_s=width * height * settings.dwell_s,
        covers=tuple(sorted(scan.boxes)),
        stage_m=stage_m,
        beam_shift_m=(center_m[0] - stage_m[0], center_m[1] - stage_m[1]),
    )
