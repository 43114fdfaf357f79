"""Frames too large for memory, taken in parts that overlap."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from detection.detectors import Detector
from detection.image.boxes import BoxPx, intersection_px
from detection.image.frames import Frame
from detection.image.hits import Hit

PART_PX = 2048
"""Frames of up to 2048 x 2048 pixels are taken as a whole."""
HALO_UM = 40.0
"""What a part sees of its neighbours: more than a large cell and the ground around it."""
HALO_LIMIT_PX = PART_PX // 4
MOST_WARNINGS = 4
EVEN = "all pixels have the same value: no light, a shutter, or total saturation"


def find_in_parts(
    detector: Detector, frame: Frame, part_px: int = PART_PX, halo_px: int | None = None
) -> tuple[list[Hit], list[str]]:
    """Find cells in a frame of any size, with the memory of a part.

    A hit counts in the part that holds its centre. What a part cuts is larger than the overlap: such pieces
    are united with the pieces and hits that they overlap in other parts, so that nothing is lost.

    Parameters
    ----------
    detector : Detector
    frame : Frame
    part_px : int
        Largest side of a part, without the overlap.
    halo_px : int, optional
        Overlap on every side; 40 um, and no more than 512 px, where it is not given.
    """
    rows, columns = frame.values.shape
    if rows * columns <= part_px**2:
        hits, warnings = detector.find(frame)
        return list(hits), list(warnings)
    if halo_px is None:
        halo_px = min(math.ceil(HALO_UM / frame.pixel_size_um), HALO_LIMIT_PX)
    whole: list[Hit] = []
    cut: list[Hit] = []
    said: dict[str, int] = {}
    count = 0
    for core in _cores(rows, columns, part_px):
        part = core.dilated(halo_px, (rows, columns))
        values = np.ascontiguousarray(frame.values[part.slices])
        count += 1
        if values.min() == values.max():
            said[EVEN] = said.get(EVEN, 0) + 1
            continue
        found, warnings = detector.find(replace(frame, values=values, border=None, background=None))
        for warning in warnings:
            said[warning] = said.get(warning, 0) + 1
        for hit in found:
            box = _moved(hit.box, part.x0, part.y0)
            placed = replace(hit, box=box)
            if _is_cut(box, part, rows, columns):
                if intersection_px(box, core):
                    cut.append(placed)
            elif core.x0 <= (box.x0 + box.x1) // 2 < core.x1 and core.y0 <= (box.y0 + box.y1) // 2 < core.y1:
                whole.append(placed)
    return whole + _united(cut, whole), _summed(said, count)


def _cores(rows: int, columns: int, part_px: int) -> Iterator[BoxPx]:
    """Parts of about equal size that share no pixel and together make the frame."""
    down, across = -(-rows // part_px), -(-columns // part_px)
    for i in range(down):
        for j in range(across):
            yield BoxPx(
                columns * j // across,
                rows * i // down,
                columns * (j + 1) // across,
                rows * (i + 1) // down,
            )


def _moved(box: BoxPx, x: int, y: int) -> BoxPx:
    return BoxPx(box.x0 + x, box.y0 + y, box.x1 + x, box.y1 + y)


def _is_cut(box: BoxPx, part: BoxPx, rows: int, columns: int) -> bool:
    """Whether an edge of the part that is no edge of the frame touches the box."""
    return (
        (box.x0 == part.x0 > 0)
        or (box.y0 == part.y0 > 0)
        or (box.x1 == part.x1 < columns)
        or (box.y1 == part.y1 < rows)
    )


def _united(pieces: list[Hit], whole: list[Hit]) -> list[Hit]:
    """Unite pieces that overlap, and leave out those that a whole hit holds."""
    left = [piece for piece in pieces if not any(hit.box.contains(piece.box) for hit in whole)]
    united: list[Hit] = []
    while left:
        hit = left.pop()
        near = [other for other in left if intersection_px(hit.box, other.box)]
        if not near:
            united.append(hit)
            continue
        left = [other for other in left if other not in near]
        together = [hit, *near]
        box = BoxPx(
            min(one.box.x0 for one in together),
            min(one.box.y0 for one in together),
            max(one.box.x1 for one in together),
            max(one.box.y1 for one in together),
        )
        confidence = max(one.confidence for one in together)
        left.append(Hit(box, confidence, max(one.extent_uncertainty_um for one in together)))
    return united


def _summed(said: dict[str, int], parts: int) -> list[str]:
    """Say of each warning in how many parts it holds."""
    texts = [
        text if times == parts else f"in {times} of {parts} parts of the frame: {text}"
        for text, times in sorted(said.items(), key=lambda item: -item[1])
    ]
    more = len(texts) - MOST_WARNINGS
    return texts[:MOST_WARNINGS] + ([f"and {more} more warnings like these"] if more > 0 else [])
