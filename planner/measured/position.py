"""Frames of a stage position, planned again once it is known how far its field lies off."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

from planner.cover.covers import cover, of_beam, pieces_of
from planner.cover.framing import Framing
from planner.cover.imaged_ground import Imaged
from planner.cover.required import Region, required, required_rect
from planner.cover.stitching import for_boxes
from planner.cover.tiles import Scan
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import RectM, center, centered, cut, grown, hull, overlap
from planner.route import route
from planner.settings import PlanSettings
from planner.values import Box, Field, Method, Skipped

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Shown:
    """A box of which other frames show the rest: what the frames of the position must show of it, m."""

    box: str
    rect_m: RectM


@dataclass(frozen=True, slots=True)
class Proven:
    """Cells that lie where they are shown to within a guard.

    Attributes
    ----------
    boxes : frozenset of str
        All others have the guard of the settings.
    guard_m : float
    """

    boxes: frozenset[str]
    guard_m: float


@dataclass(frozen=True, slots=True)
class Again:
    """Frames of a stage position in the order of the route, and the boxes that get none."""

    scans: tuple[Scan, ...]
    skipped: tuple[Skipped, ...]


def plan_position(
    stage_m: Point,
    boxes: Sequence[Box],
    shown: Sequence[Shown],
    proven: Proven | None,
    ground: Ground,
    settings: PlanSettings,
    method: Method,
) -> Again:
    """Plan the frames of one stage position, where the beam moves.

    Parameters
    ----------
    stage_m : (float, float)
    boxes : sequence of Box
        Cells that frames of this position alone show.
    shown : sequence of Shown
        Parts of cells that frames of other positions, or earlier ones, show as well.
    proven : Proven or None
        None if nothing is known of where the field lies.
    ground : Ground
        Allowed ground.
    settings : PlanSettings
        With `beam_overlap_m` for the frames as they land.
    method : {'exact', 'greedy', 'per-box'}
    """
    framing = of_beam(Framing(ground, settings))
    demand = required(boxes, _guards(proven, boxes), framing, Imaged(()))
    window = centered(stage_m, settings.beam_window_m)
    regions = [
        _region(rect, region.boxes, framing)
        for region in demand.regions
        if (rect := _inside(region.rect_m, window)) is not None
    ]
    regions += [
        _region(rect, frozenset({part.box}), framing)
        for part in shown
        if (inside := _inside(part.rect_m, window)) is not None
        for rect in framing.required_ground.allowed_within(inside, settings.tile_overlap_m)
    ]
    scans, _, _ = cover(regions, pieces_of(regions), (), framing, method)
    named = for_boxes(scans, regions, settings.beam_overlap_m)
    order = route([center(scan.rect_m) for scan in named], stage_m)
    return Again(tuple(named[n] for n in order), demand.skipped)


def parts_shown(
    box: Box, together: Sequence[Box], frames_m: Sequence[RectM], settings: PlanSettings, wider_m: float
) -> tuple[Shown, ...]:
    """Return what frames show of the required ground of a box, to be shown again by those in their place.

    Parameters
    ----------
    box : Box
    together : sequence of Box
        All boxes with the same `keep_m`, itself included.
    frames_m : sequence of RectM
    settings : PlanSettings
    wider_m : float
        Added at each side, where frames with another error of position show the rest.
    """
    whole = required_rect(box, settings.context_m, settings.guard_m)
    for other in together:
        whole = hull(whole, required_rect(other, settings.context_m, settings.guard_m))
    return tuple(
        Shown(box.id, cut(grown(cut(frame, whole), wider_m), whole))
        for frame in frames_m
        if overlap(frame, whole)
    )


def _inside(rect: RectM, window: RectM) -> RectM | None:
    return cut(rect, window) if overlap(rect, window) else None


def _region(rect: RectM, boxes: frozenset[str], framing: Framing) -> Region:
    return Region(rect, framing.frames(rect), boxes)


def _guards(proven: Proven | None, boxes: Sequence[Box]) -> tuple[Field, ...]:
    """Return ground with its guard: that of the settings where boxes lie that are not proven."""
    if proven is None or not boxes:
        return ()
    found = {box.id: box.rect_m if box.keep_m is None else hull(box.rect_m, box.keep_m) for box in boxes}
    whole = reduce(hull, found.values())
    others = (Field(name, rect) for name, rect in found.items() if name not in proven.boxes)
    return (Field("proven", whole, proven.guard_m), *others)


def for_place(settings: PlanSettings, misfit_m: float, most_px: tuple[int, int]) -> PlanSettings:
    """Return the settings of frames that are placed by an overview.

    Parameters
    ----------
    settings : PlanSettings
    misfit_m : float
        Distance of a corner of the largest frame from that corner as the field lies, m.
    most_px : (int, int)
        That frame.
    """
    overlap_m = settings.beam_overlap_m + 2 * misfit_m
    return replace(
        settings,
        beam_overlap_m=overlap_m,
        tile_overlap_m=max(settings.tile_overlap_m, overlap_m),
        max_frame_px=most_px,
    )
