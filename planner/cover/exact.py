"""Cheapest frames for all required ground, part by part of a section."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from planner.cover.framing import Framing
from planner.cover.greedy import LEAST_SAVING_S
from planner.cover.per_box import outermost
from planner.cover.required import Region
from planner.cover.seams import holding, table_of, trimmed
from planner.cover.search.column_generation import Wanted, cheapest_frames
from planner.cover.stitching import missed
from planner.cover.tiles import Scan
from planner.geometry.rects import TOLERANCE_M, RectM, center, hull, union_area_m2

MOST_TOGETHER = 30
"""Most regions planned in one programme, more than a field has. Chosen by hand, as are the numbers below,
for a mosaic of 400 cells in 5 s."""
_MOST_REGIONS = 1500
"""Most regions of a section; one of more keeps the frames it starts with."""
_DISTRICT = 16
"""Most regions of a district, where more are divided and planned one after another."""
_SMALL_ROUNDS, _ROUNDS, _DISTRICT_ROUNDS = 10, 7, 5
"""Rounds of column generation: for a part no larger than a district, for a larger one, and for each district
of one that is divided. More gain less than 1 %."""


_LIKE_RASTER = 0.65
"""Share of the time of a raster that required ground takes at least, above which its frames, trimmed, are
looked at as well. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class Cover:
    """Frames that show all required ground.

    Attributes
    ----------
    scans : tuple of Scan
    bound_s : float
        Lower bound of the beam time and overhead of frames, as in `planner.values.Totals`.
    of_raster : bool
        True if some are frames of a raster, trimmed.
    """

    scans: tuple[Scan, ...]
    bound_s: float
    of_raster: bool


def exact(regions: Sequence[Region], start: Sequence[Scan], full: Sequence[Scan], framing: Framing) -> Cover:
    """Return the cheapest cover found.

    Parameters
    ----------
    regions : sequence of Region
    start : sequence of Scan
        A cover of them, returned if nothing cheaper is found.
    full : sequence of Scan
        A full raster; its frames are trimmed and taken where nothing is cheaper.
    framing : Framing
        Its `settings.exact_limit_s` is divided among the connected parts of the section.

    Returns
    -------
    Cover
        Costs as much as `start` or less; with `whole_worth_s`, the worth of stitched regions included.
    """
    worth_s = framing.settings.whole_worth_s
    kept = list(regions)
    if worth_s == 0:
        # Frames that show a region safely show one inside it.
        kept = [regions[n] for n in outermost([r.rect_m for r in regions])[0]]
    if len(kept) > _MOST_REGIONS:
        return Cover(tuple(start), least_s(kept, framing), False)
    scans: list[Scan] = []
    bound_s, of_raster = 0.0, False
    start_m, full_m = ([scan.rect_m for scan in scans] for scans in (start, full))
    for part in _parts(kept, framing):
        limit_s = framing.settings.exact_limit_s * len(part) / len(kept)
        near = _touching(full_m, part)
        other: tuple[Scan, ...] = ()
        if least_s(part, framing) > _LIKE_RASTER * _rects_s(near, framing):
            other = _finished(near, part, framing)
        found = _cover_of(part, start_m, [scan.rect_m for scan in other], framing, limit_s)
        if other and _worth_s(other, part, framing) < (_worth_s(found.scans, part, framing) - LEAST_SAVING_S):
            found = Cover(other, found.bound_s, True)
        scans += found.scans
        bound_s += found.bound_s
        of_raster |= found.of_raster
    if _worth_s(scans, regions, framing) > _worth_s(start, regions, framing) - LEAST_SAVING_S:
        return Cover(tuple(start), bound_s, False)
    return Cover(tuple(sorted(scans, key=lambda s: s.rect_m)), bound_s, of_raster)


def _cover_of(
    part: Sequence[Region],
    start: Sequence[RectM],
    raster: Sequence[RectM],
    framing: Framing,
    limit_s: float,
) -> Cover:
    """Return the cover of a connected part of the section."""
    own = tuple(scan for region in part for scan in region.scans)
    if len(own) == 1:
        return Cover(own, framing.cost_s(own[0]), False)
    rects: list[RectM] = []
    bound_s = 0.0
    districts = [part] if len(part) <= MOST_TOGETHER else _districts(part)
    rounds = _ROUNDS if len(districts) == 1 else _DISTRICT_ROUNDS
    if len(part) <= _DISTRICT:
        rounds = _SMALL_ROUNDS
    for district in districts:
        wanted = [
            Wanted(r.rect_m, tuple(s.rect_m for s in r.scans), sum(map(framing.cost_s, r.scans)))
            for r in district
        ]
        share_s = limit_s * len(district) / len(part)
        near = _touching(rects, district)
        known = _touching(raster, district)
        found = cheapest_frames(wanted, _touching(start, district), known, near, framing, rounds, share_s)
        rects += found.rects
        bound_s = found.bound_s
    if len(districts) > 1:
        bound_s = 0.0
    return Cover(_finished(rects, part, framing), max(bound_s, least_s(part, framing)), False)


def _finished(found: Sequence[RectM], part: Sequence[Region], framing: Framing) -> tuple[Scan, ...]:
    """Return trimmed frames as scans, and those of regions that they do not show safely."""
    settings = framing.settings
    needs = [region.rect_m for region in part]
    kept = trimmed(found, needs, settings.tile_overlap_m, settings.whole_worth_s > 0)
    scans = [framing.frame(rect) for rect in kept]
    made = tuple(scan for scan in scans if scan is not None)
    rest = missed(part, [scan.rect_m for scan in made], settings.tile_overlap_m)
    return made + tuple(scan for region in rest for scan in region.scans)


def _touching(rects: Sequence[RectM], part: Sequence[Region]) -> list[RectM]:
    """Return the rectangles that overlap some region."""
    table = table_of([r.rect_m for r in part])
    found = []
    for rect in rects:
        shared = np.minimum(table[:, 2:], rect[2:]) - np.maximum(table[:, :2], rect[:2])
        if (shared > TOLERANCE_M).all(axis=1).any():
            found.append(rect)
    return found


def _cost_s(scans: Sequence[Scan], framing: Framing) -> float:
    return sum(map(framing.cost_s, scans))


def _rects_s(rects: Sequence[RectM], framing: Framing) -> float:
    table = table_of(rects)
    return float(framing.costs_s(table[:, 2] - table[:, 0], table[:, 3] - table[:, 1]).sum())


def least_s(regions: Sequence[Region], framing: Framing) -> float:
    """Return the beam time for the ground of regions, each point scanned once, and the fewest overheads."""
    if not regions:
        return 0.0
    area_m2 = union_area_m2(region.rect_m for region in regions)
    width_m, height_m = framing.longest_m
    frames = max(1, int(np.ceil(area_m2 / (width_m * height_m) - 1e-9)))
    return area_m2 * framing.settings.seconds_per_m2 + frames * framing.settings.overhead_s


def _worth_s(scans: Sequence[Scan], regions: Sequence[Region], framing: Framing) -> float:
    """Return the cost of a cover, and the worth of stitched regions that a frame could hold."""
    cost_s = _cost_s(scans, framing)
    if framing.settings.whole_worth_s == 0:
        return cost_s
    table = table_of([s.rect_m for s in scans])
    stitched = sum(framing.fits(r.rect_m) and not len(holding(r.rect_m, table)) for r in regions)
    return cost_s + stitched * framing.settings.whole_worth_s


def _parts(regions: Sequence[Region], framing: Framing) -> list[list[Region]]:
    """Return the connected parts: regions that overlap, or so near that one frame of both saves time."""
    if not regions:
        return []
    table = table_of([r.rect_m for r in regions])
    sides = (table[:, 2:] - table[:, :2]).min(axis=1)
    free_m2 = framing.settings.overhead_s / framing.settings.seconds_per_m2
    links: list[tuple[int, int]] = []
    for index, row in enumerate(table):
        gaps = np.maximum(table[:, :2], row[:2]) - np.minimum(table[:, 2:], row[2:])
        near = gaps.max(axis=1) < free_m2 / np.minimum(sides, sides[index]) - TOLERANCE_M
        if framing.settings.presets_px:
            # A frame of both may cost as much as one of either.
            near |= gaps.max(axis=1) < max(framing.longest_m)
        links += [
            (index, other)
            for other in np.nonzero(near)[0].tolist()
            if other > index
            and (
                not framing.settings.presets_px
                or gaps[other].max() < 0
                or _save(regions[index], regions[other], framing)
            )
        ]
    rows, columns = zip(*links, strict=True) if links else ((), ())
    graph = csr_array((np.ones(len(links)), (rows, columns)), shape=(len(regions), len(regions)))
    count, labels = connected_components(graph, directed=False)
    parts: list[list[Region]] = [[] for _ in range(count)]
    for region, label in zip(regions, labels, strict=True):
        parts[label].append(region)
    return parts


def _save(a: Region, b: Region, framing: Framing) -> bool:
    """Return True if a frame of both costs less than those of each."""
    apart_s = sum(framing.cost_s(scan) for region in (a, b) for scan in region.scans)
    return framing.least_cost_s(hull(a.rect_m, b.rect_m)) < apart_s - LEAST_SAVING_S


def _districts(part: Sequence[Region]) -> list[list[Region]]:
    """Divide many regions along the longer side of their extent, until each share is small enough."""
    if len(part) <= _DISTRICT:
        return [list(part)]
    table = np.asarray([center(r.rect_m) for r in part])
    along = int(np.argmax(np.ptp(table, axis=0)))
    order = np.argsort(np.round(table[:, along] - table[:, along].min(), 12), kind="stable")
    half = len(part) // 2
    return [
        district
        for side in (order[:half], order[half:])
        for district in _districts([part[n] for n in sorted(int(m) for m in side)])
    ]
