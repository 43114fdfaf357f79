"""Detection in overlapping parts of frames that are too large for memory."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import scipy.ndimage as ndi
from numpy.typing import NDArray

from detection.detectors import Detector
from detection.image.boxes import BoxPx, around, intersection_px
from detection.image.frames import Frame
from detection.image.hit_table import table_of, votes_of
from detection.image.hits import Hit, SeenBy
from detection.image.parts import PART_PX, cores_of
from detection.votes import Votes, all_votes

HALO_UM = 40.0
"""Overlap of parts on each side: a HeLa cell of 10 to 17 um and half the 25 um window of the background."""
MAX_HALO_PX = PART_PX // 4
"""Bounds the memory of a part to 2.25 times its own pixels, (1 + 2 / 4) squared."""
MAX_WARNINGS = 4
"""Chosen by hand: more sentences than that are not read."""
EVEN = "all pixels have the same value: no light, a shutter, or total saturation"
"""Warning for parts without any contrast."""


def find_in_parts(
    detector: Detector,
    frame: Frame,
    part_px: int = PART_PX,
    halo_px: int | None = None,
    *,
    with_votes: bool = False,
) -> tuple[Sequence[Hit], list[str]]:
    """Find cells in a frame of any size, with the memory of a part.

    A hit counts in the part that holds its centre. A hit that is cut by the edge of a part is larger than
    the overlap: such fragments are merged with those that they overlap in other parts, so nothing is lost.

    Parameters
    ----------
    detector : Detector
    frame : Frame
    part_px : int
        Largest side of a part, without the overlap.
    halo_px : int, optional
        Overlap on every side; 40 um, and no more than 512 px, by default.
    with_votes : bool
        Read the votes of the places of each part, too; of a frame in one part its hits can read them.

    Returns
    -------
    hits : sequence of Hit
    warnings : list of str
        One sentence each; those of some parts only say of how many.
    """
    rows, columns = frame.values.shape
    if rows * columns <= part_px**2:
        hits, warnings = detector.find(frame)
        return hits, list(warnings)
    if halo_px is None:
        halo_px = min(math.ceil(HALO_UM / frame.pixel_size_um), MAX_HALO_PX)
    whole: list[Hit] = []
    cut: list[Hit] = []
    counts: dict[str, int] = {}
    votes: list[Votes] = []
    parts = 0
    for core in cores_of(rows, columns, part_px):
        part = core.dilated(halo_px, (rows, columns))
        values = np.ascontiguousarray(frame.values[part.slices])
        parts += 1
        if values.min() == values.max():
            counts[EVEN] = counts.get(EVEN, 0) + 1
            continue
        background = _background_of(part, frame)
        found, warnings = detector.find(replace(frame, values=values, border=None, background=background))
        if with_votes and (own := votes_of(found)) is not None:
            votes.append(own.moved(part.x0, part.y0).within(*core.as_tuple()))
        for warning in warnings:
            counts[warning] = counts.get(warning, 0) + 1
        for hit in found:
            box = _moved(hit.box, part.x0, part.y0)
            outer = None if hit.outer is None else _moved(hit.outer, part.x0, part.y0)
            placed = replace(hit, box=box, outer=outer)
            if _is_cut(box, part, rows, columns):
                if intersection_px(box, core):
                    cut.append(placed)
            elif core.x0 <= (box.x0 + box.x1) // 2 < core.x1 and core.y0 <= (box.y0 + box.y1) // 2 < core.y1:
                whole.append(placed)
    table = table_of(whole + _merged(cut, whole))
    if votes:
        table = replace(table, votes=partial(all_votes, votes))
    return table, _summarised(counts, parts)


def _background_of(part: BoxPx, frame: Frame) -> NDArray[np.float32] | None:
    """Interpolate the given background of a frame at the blocks of a part, as many as it has there."""
    if frame.background is None:
        return None
    sides = zip(
        (part.y0, part.x0), (part.y1, part.x1), frame.values.shape, frame.background.shape, strict=True
    )
    places = [_block_centres(low, high, side, blocks) for low, high, side, blocks in sides]
    grid = np.meshgrid(*places, indexing="ij")
    level = ndi.map_coordinates(frame.background, grid, output=np.float32, order=1, mode="nearest")
    return np.asarray(level, dtype=np.float32)


def _block_centres(low: int, high: int, side: int, blocks: int) -> NDArray[np.float64]:
    """Centres of the blocks between two pixels of an axis, in blocks from the centre of the first."""
    count = max(round((high - low) * blocks / side), 1)
    return (low + (np.arange(count) + 0.5) * (high - low) / count) * blocks / side - 0.5


def _moved(box: BoxPx, x: int, y: int) -> BoxPx:
    return BoxPx(box.x0 + x, box.y0 + y, box.x1 + x, box.y1 + y)


def _is_cut(box: BoxPx, part: BoxPx, rows: int, columns: int) -> bool:
    """Return True if the box touches an edge of the part inside the frame."""
    return (
        (box.x0 == part.x0 > 0)
        or (box.y0 == part.y0 > 0)
        or (box.x1 == part.x1 < columns)
        or (box.y1 == part.y1 < rows)
    )


def _merged(fragments: list[Hit], whole: list[Hit]) -> list[Hit]:
    """Merge fragments that overlap, and drop those that lie inside a whole hit."""
    left = [one for one in fragments if not any(hit.box.contains(one.box) for hit in whole)]
    merged: list[Hit] = []
    while left:
        hit = left.pop()
        near = [other for other in left if intersection_px(hit.box, other.box)]
        if not near:
            merged.append(hit)
            continue
        left = [other for other in left if other not in near]
        group = [hit, *near]
        left.append(_joined(group))
    return merged


def _joined(group: list[Hit]) -> Hit:
    """Return one hit in place of several fragments."""
    outers = [one.outer for one in group if one.outer is not None]
    seen_by = {one.seen_by for one in group}
    return Hit(
        around(*(one.box for one in group)),
        max(one.confidence for one in group),
        max(one.extent_uncertainty_um for one in group),
        around(*(one.box for one in group), *outers) if outers else None,
        seen_by.pop() if len(seen_by) == 1 else SeenBy.BOTH,
    )


def _summarised(counts: dict[str, int], parts: int) -> list[str]:
    """Return each warning once, with the number of parts where it is not in all of them."""
    texts = [
        text if times == parts else f"in {times} of {parts} parts of the frame: {text}"
        for text, times in sorted(counts.items(), key=lambda item: -item[1])
    ]
    more = len(texts) - MAX_WARNINGS
    return texts[:MAX_WARNINGS] + ([f"and {more} more warnings like these"] if more > 0 else [])
