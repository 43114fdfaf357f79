"""Frames for each box, and the boxes that are stitched from several."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from planner.cover.required import Region
from planner.cover.seams import not_shown, overlapping, showing, table_of
from planner.cover.tiles import Scan
from planner.geometry.rects import RectM
from planner.values import Frame, Stitched


def for_boxes(scans: Sequence[Scan], regions: Sequence[Region], overlap_m: float) -> tuple[Scan, ...]:
    """Name in each scan the boxes that it is for; scans for none are left out."""
    rects = [scan.rect_m for scan in scans]
    table = table_of(rects)
    names: list[set[str]] = [set() for _ in scans]
    for region in regions:
        for index in showing(region.rect_m, rects, table, overlap_m):
            names[index] |= region.boxes
    return tuple(replace(s, boxes=frozenset(n)) for s, n in zip(scans, names, strict=True) if n)


def missed(regions: Sequence[Region], rects: Sequence[RectM], overlap_m: float) -> list[Region]:
    """Return the regions of which frames do not show all, with an overlap at each seam, m."""
    table = table_of(rects)
    return [
        region
        for region in regions
        if not_shown(region.rect_m, (rects[n] for n in overlapping(region.rect_m, table).tolist()), overlap_m)
        is not None
    ]


def stitched_boxes(
    groups: Sequence[tuple[Sequence[Region], Sequence[Frame], float]],
) -> tuple[Stitched, ...]:
    """Return the boxes that no single frame shows with all their required ground, sorted by name.

    Parameters
    ----------
    groups : sequence of (regions, frames, float)
        Regions, the frames that show them, and the overlap that these need at a seam, m.
    """
    shown: dict[str, set[str]] = {}
    gaps: set[str] = set()
    for regions, frames, overlap_m in groups:
        rects = [frame.rect_m for frame in frames]
        table = table_of(rects)
        for region in regions:
            chosen = showing(region.rect_m, rects, table, overlap_m)
            for name in region.boxes:
                shown.setdefault(name, set()).update(frames[n].id for n in chosen)
            if not_shown(region.rect_m, (rects[n] for n in chosen), overlap_m) is not None:
                gaps |= region.boxes
    parts = Counter(name for regions, _, _ in groups for region in regions for name in region.boxes)
    return tuple(
        Stitched(name, tuple(sorted(shown[name])), name not in gaps)
        for name in sorted(shown)
        if len(shown[name]) > 1 or (parts[name] == 1 and name in gaps)
    )
