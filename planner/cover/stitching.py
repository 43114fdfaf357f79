"""Which frames are for which boxes, and which boxes are stitched from several."""

from collections.abc import Sequence
from dataclasses import replace

from planner.cover.required import Region
from planner.cover.seams import holding, not_shown, showing, table_of
from planner.cover.tiles import Scan
from planner.values import Frame, Stitched


def for_boxes(scans: Sequence[Scan], regions: Sequence[Region], overlap_m: float) -> tuple[Scan, ...]:
    """Name in each scan the boxes that it is for; scans for none are left out."""
    table = table_of([s.rect_m for s in scans])
    names: list[set[str]] = [set() for _ in scans]
    for region in regions:
        for index in showing(region.rect_m, table, overlap_m):
            names[index] |= region.boxes
    return tuple(replace(s, boxes=frozenset(n)) for s, n in zip(scans, names, strict=True) if n)


def stitched_boxes(
    regions: Sequence[Region], frames: Sequence[Frame], overlap_m: float
) -> tuple[Stitched, ...]:
    """Return the boxes that no single frame shows with all their required ground."""
    table = table_of([f.rect_m for f in frames])
    joined: dict[str, set[int]] = {}
    gaps: set[str] = set()
    several = {name for name, count in _counts(regions).items() if count > 1}
    for region in regions:
        chosen = showing(region.rect_m, table, overlap_m)
        for name in region.boxes:
            if name in several or not len(holding(region.rect_m, table)):
                joined.setdefault(name, set()).update(chosen)
        if not_shown(region.rect_m, table[list(chosen)], overlap_m) is not None:
            gaps |= region.boxes
    return tuple(
        Stitched(name, tuple(frames[n].id for n in sorted(joined[name])), name not in gaps)
        for name in sorted(joined)
    )


def _counts(regions: Sequence[Region]) -> dict[str, int]:
    """Return the number of regions of each box."""
    found: dict[str, int] = {}
    for region in regions:
        for name in region.boxes:
            found[name] = found.get(name, 0) + 1
    return found
