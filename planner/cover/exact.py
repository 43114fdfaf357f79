"""Cheapest frames for all required ground, part by part of a section."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from planner.cover.column_generation import Wanted, cheapest_frames
from planner.cover.framing import Framing
from planner.cover.per_box import outermost
from planner.cover.required import Region
from planner.cover.seams import holding, not_shown, table_of, trimmed
from planner.cover.tiles import Scan
from planner.geometry.rects import TOLERANCE_M, RectM, center, hull, union_area_m2

MOST_TOGETHER = 30
"""Most regions planned in one programme; more are divided, and planned one part after another. Chosen by hand
for a mosaic of 400 cells in 5 s."""
LEAST_SAVING_S = 1e-9
"""Smaller savings are rounding."""


@dataclass(frozen=True, slots=True)
class Cover:
    """Frames that show all required ground, and a lower bound of their beam time and overhead, s."""

    scans: tuple[Scan, ...]
    bound_s: float


def exact(regions: Sequence[Region], start: Sequence[Scan], framing: Framing) -> Cover:
    """Return the cheapest cover found.

    Parameters
    ----------
    regions : sequence of Region
    start : sequence of Scan
        A cover of them, returned if nothing cheaper is found.
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
    scans: list[Scan] = []
    bound_s = 0.0
    for part in _parts(kept, framing):
        limit_s = framing.settings.exact_limit_s * len(part) / len(kept)
        found = _cover_of(part, [s.rect_m for s in start], framing, limit_s)
        scans += found.scans
        bound_s += found.bound_s
    if _worth_s(scans, regions, framing) > _worth_s(start, regions, framing) - LEAST_SAVING_S:
        return Cover(tuple(start), bound_s)
    return Cover(tuple(sorted(scans, key=lambda s: s.rect_m)), bound_s)


def _cover_of(part: Sequence[Region], start: Sequence[RectM], framing: Framing, limit_s: float) -> Cover:
    """Return the cover of a connected part of the section."""
    own = tuple(scan for region in part for scan in region.scans)
    if len(own) == 1:
        return Cover(own, framing.cost_s(own[0]))
    settings = framing.settings
    needs = [region.rect_m for region in part]
    rects: list[RectM] = []
    bound_s = 0.0
    districts = _districts(part)
    for district in districts:
        wanted = [
            Wanted(r.rect_m, tuple(s.rect_m for s in r.scans), sum(map(framing.cost_s, r.scans)))
            for r in district
        ]
        share_s = limit_s * len(district) / len(part)
        found = cheapest_frames(wanted, start, rects, framing, settings.whole_worth_s, share_s)
        rects += found.rects
        bound_s = found.bound_s
    rects = list(trimmed(rects, needs, settings.tile_overlap_m, settings.whole_worth_s > 0))
    scans = [framing.frame(rect) for rect in rects]
    made = tuple(scan for scan in scans if scan is not None)
    table = table_of([scan.rect_m for scan in made])
    missed = [r for r in part if not_shown(r.rect_m, table, settings.tile_overlap_m) is not None]
    made += tuple(scan for region in missed for scan in region.scans)
    if len(districts) > 1:
        bound_s = 0.0
    return Cover(made, max(bound_s, least_s(part, framing)))


def least_s(regions: Sequence[Region], framing: Framing) -> float:
    """Return the beam time for the ground of regions, each point scanned once, and the fewest overheads."""
    if not regions:
        return 0.0
    area_m2 = union_area_m2(region.rect_m for region in regions)
    width_m, height_m = framing.longest_m
    frames = max(1, int(np.ceil(area_m2 / (width_m * height_m) - 1e-9)))
    return area_m2 * framing.settings.seconds_per_m2 + frames * framing.settings.overhead_s


def _worth_s(scans: Sequence[Scan], regions: Sequence[Region], framing: Framing) -> float:
    """Return the cost of a cover, and the worth of regions that are stitched though a frame could hold them."""
    cost_s = sum(map(framing.cost_s, scans))
    if framing.settings.whole_worth_s == 0:
        return cost_s
    table = table_of([s.rect_m for s in scans])
    stitched = sum(framing.fits(r.rect_m) and not len(holding(r.rect_m, table)) for r in regions)
    return cost_s + stitched * framing.settings.whole_worth_s


def _parts(regions: Sequence[Region], framing: Framing) -> list[list[Region]]:
    """Return the connected parts: regions that overlap, or so near that a frame of both saves its overhead."""
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
            (index, int(other))
            for other in np.nonzero(near)[0]
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
    if len(part) <= MOST_TOGETHER:
        return [list(part)]
    table = np.asarray([center(r.rect_m) for r in part])
    along = int(np.argmax(np.ptp(table, axis=0)))
    order = np.argsort(np.round(table[:, along] - table[:, along].min(), 12), kind="stable")
    half = len(part) // 2
    return [
        district
        for side in (order[:half], order[half:])
        for district in _districts([part[n] for n in sorted(side.tolist())])
    ]
