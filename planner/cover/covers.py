"""Covers of a section by a method: with a stage move to every frame, or from positions that frames share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from planner.cover.exact import exact, least_s
from planner.cover.framing import Framing
from planner.cover.greedy import greedy
from planner.cover.per_box import drop_contained, per_box
from planner.cover.positions import Point, grouped, positions_of
from planner.cover.required import Demand, Region, Required
from planner.cover.seams import pieces_not_shown, safe_part
from planner.cover.stitching import for_boxes
from planner.cover.tiles import Scan
from planner.geometry.rects import RectM, area_m2, cut, grown, union_area_m2
from planner.settings import PlanSettings
from planner.values import Basis, Method

_MOST_LEFT = 0.97
"""Largest share of a region left over that is worth dividing it. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class Group:
    """Scans that share a stage position, or that are scanned from many.

    Attributes
    ----------
    scans : tuple of Scan
    regions : tuple of Region
        Those that the scans show.
    overlap_m : float
        Overlap at the seams of a region.
    stage_m : (float, float) or None
        None where the stage moves to the scans.
    """

    scans: tuple[Scan, ...]
    regions: tuple[Region, ...]
    overlap_m: float
    stage_m: Point | None


@dataclass(frozen=True, slots=True)
class Covered:
    """A cover in groups, a lower bound of beam time and overhead, s, and the origin of its frames."""

    groups: tuple[Group, ...]
    bound_s: float
    basis: Basis


def covers(
    demand: Demand, full: Sequence[Scan], fields_m: Sequence[RectM], framing: Framing, method: Method
) -> Covered:
    """Return a cover of all required ground by a method other than ``raster``.

    Where the beam moves, groups are planned one after another; what frames of earlier groups show of a
    region, with the overlap of two positions, is left to them.
    """
    settings = framing.settings
    if not settings.beam_moves:
        scans, bound_s, basis = cover(demand.regions, demand.pieces, full, framing, method)
        named = _with_boxes(scans, demand.regions, settings.tile_overlap_m, method)
        return Covered((Group(named, demand.regions, settings.tile_overlap_m, None),), bound_s, basis)
    beam = of_beam(framing)
    positions = positions_of(demand.regions, fields_m, beam, settings.tile_overlap_m)
    groups: list[Group] = []
    bounds_s, basis = [], Basis.CELLS
    for position in positions:
        left = [part for region in position.regions for part in _left_to_show(region, groups, beam, settings)]
        if not left:
            continue
        scans, bound_s, found = cover(left, pieces_of(left), full, beam, method)
        bounds_s.append(bound_s)
        basis = found if found is Basis.TRIMMED_RASTER else basis
        groups.append(Group(scans, tuple(left), settings.beam_overlap_m, position.stage_m))
    named_groups = tuple(
        replace(one, scans=for_boxes(one.scans, one.regions, one.overlap_m)) for one in groups
    )
    # Frames of several groups together may show more than each by itself.
    bound_s = bounds_s[0] if len(bounds_s) == 1 else least_s(demand.regions, framing)
    return Covered(named_groups, bound_s, basis)


def _left_to_show(
    region: Region, groups: list[Group], framing: Framing, settings: PlanSettings
) -> list[Region]:
    """Return the parts of a region that frames of earlier groups do not show; the rest becomes theirs.

    Frames of two positions overlap by `tile_overlap_m`: half of the overlap of the beam on the side of the
    new ones, all else on that of the earlier ones.
    """
    rect, half_m = region.rect_m, settings.beam_overlap_m / 2
    margin_m = settings.tile_overlap_m - half_m
    near = [
        (number, scan.rect_m)
        for number, group in enumerate(groups)
        for scan in group.scans
        if safe_part(rect, scan.rect_m, margin_m) is not None
    ]
    pieces = pieces_not_shown(rect, (other for _, other in near), 2 * margin_m)
    parts = [_grown_inside(piece, rect, half_m) for piece in pieces]
    if not near or union_area_m2(parts) > _MOST_LEFT * area_m2(rect):
        return [region]
    for number, other in near:
        theirs = replace(region, rect_m=cut(other, rect), scans=())
        groups[number] = replace(groups[number], regions=(*groups[number].regions, theirs))
    return [replace(region, rect_m=part, scans=framing.frames(part)) for part in parts]


def _grown_inside(piece: RectM, rect: RectM, margin_m: float) -> RectM:
    """Return a part of a rectangle with a margin on its sides inside it."""
    return cut(grown(piece, margin_m), rect)


def of_beam(framing: Framing) -> Framing:
    """Return the framing of frames that share a stage position."""
    settings = framing.settings
    return Framing(framing.ground, replace(settings, tile_overlap_m=settings.beam_overlap_m))


def raster_groups(
    full: Sequence[Scan], fields_m: Sequence[RectM], settings: PlanSettings
) -> tuple[Group, ...]:
    """Return a full raster in groups by stage position, with the overlap that its seams need."""
    if not settings.beam_moves:
        return (Group(tuple(full), (), settings.tile_overlap_m, None),)
    found = grouped([scan.rect_m for scan in full], fields_m, settings)
    overlap_m = settings.beam_overlap_m if len(found) == 1 else settings.tile_overlap_m
    return tuple(Group(tuple(full[n] for n in ns), (), overlap_m, stage_m) for stage_m, ns in found) or (
        Group((), (), overlap_m, None),
    )


def cover(
    regions: Sequence[Region],
    pieces: Sequence[Required],
    full: Sequence[Scan],
    framing: Framing,
    method: Method,
) -> tuple[tuple[Scan, ...], float, Basis]:
    """Return the scans of a cover of regions, a lower bound of the time of any, and their origin."""
    groups = per_box(pieces, framing)
    if method in ("greedy", "exact"):
        groups = greedy(pieces, groups, framing)
    scans = drop_contained([replace(g.scan, boxes=g.boxes) for g in groups])
    if method != "exact":
        return scans, least_s(regions, framing), Basis.CELLS
    found = exact(regions, scans, full, framing)
    basis = Basis.TRIMMED_RASTER if found.of_raster else Basis.CELLS
    return drop_contained(found.scans), found.bound_s, basis


def _with_boxes(
    scans: tuple[Scan, ...], regions: Sequence[Region], overlap_m: float, method: Method
) -> tuple[Scan, ...]:
    """Name the boxes of frames that were chosen for ground; those of the other methods are named."""
    return for_boxes(scans, regions, overlap_m) if method == "exact" else scans


def pieces_of(regions: Sequence[Region]) -> tuple[Required, ...]:
    """Return the frames that show regions by themselves, each with its part of the region."""
    pieces = [
        Required(cut(scan.rect_m, region.rect_m), scan, region.boxes)
        for region in regions
        for scan in region.scans
    ]
    return tuple(sorted(pieces, key=lambda p: (p.rect_m, sorted(p.boxes))))
