"""Scans of whole pixels, and tiles for ground larger than a frame."""

import math
from dataclasses import dataclass

from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import TOLERANCE_M, RectM
from planner.settings import PlanSettings

_Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Scan:
    """A rectangle of whole pixels, and the boxes that it is for."""

    rect_m: RectM
    size_px: tuple[int, int]
    boxes: frozenset[str] = frozenset()


def pixels(length_m: float, pixel_size_m: float) -> int:
    """Return the number of whole pixels that a length needs."""
    return max(1, math.ceil((length_m - TOLERANCE_M) / pixel_size_m))


def rounded_out(rect: RectM, ground: Ground, settings: PlanSettings) -> RectM | None:
    """Round `rect` out to whole pixels, inside the allowed ground.

    The added fraction lies half at each end, or else wholly at one end. Sides longer than a frame stay as
    they are, since tiles fill them exactly.

    Returns
    -------
    RectM or None
        None if the allowed ground has no room for it.
    """
    width, height = settings.max_frame_px
    for x0, x1 in _placements((rect[0], rect[2]), width, settings.pixel_size_m):
        for y0, y1 in _placements((rect[1], rect[3]), height, settings.pixel_size_m):
            if ground.allows((x0, y0, x1, y1)):
                return x0, y0, x1, y1
    return None


def tiles(
    rect: RectM, overlap_m: tuple[float, float], most_px: tuple[int, int], pixel_size_m: float
) -> tuple[Scan, ...]:
    """Cut a rectangle into scans of equal size, row by row as a snake.

    Parameters
    ----------
    rect : RectM
        Sides up to the length of a frame must be whole pixels (`rounded_out`).
    overlap_m : (float, float)
        Least overlap of neighbours in x and in y; below the sides of a frame.
    most_px : (int, int)
        Largest width and height of a frame.
    pixel_size_m : float

    Returns
    -------
    tuple of Scan
        A single one if `rect` fits in a frame. Several fill `rect` exactly and never leave it.
    """
    pixel = pixel_size_m
    columns, width = _spans((rect[0], rect[2]), most_px[0], overlap_m[0], pixel)
    rows, height = _spans((rect[1], rect[3]), most_px[1], overlap_m[1], pixel)
    scans = []
    for number, y in enumerate(rows):
        turn = columns if number % 2 == 0 else columns[::-1]
        scans += [Scan((x, y, x + width * pixel, y + height * pixel), (width, height)) for x in turn]
    return tuple(scans)


def tile_counts(rect: RectM, overlap_m: tuple[float, float], settings: PlanSettings) -> tuple[int, int]:
    """Return the number of tiles of `rect` in x and in y."""
    sides = (rect[2] - rect[0], rect[3] - rect[1])
    return (
        _count(sides[0], settings.max_frame_px[0], overlap_m[0], settings.pixel_size_m),
        _count(sides[1], settings.max_frame_px[1], overlap_m[1], settings.pixel_size_m),
    )


def _placements(span: _Span, max_px: int, pixel: float) -> list[_Span]:
    """Return placements of whole pixels over a span: centred, from its low end, and up to its high end."""
    count = pixels(span[1] - span[0], pixel)
    if count > max_px:
        return [span]
    extra = count * pixel - (span[1] - span[0])
    return [(span[0] - low, span[1] + extra - low) for low in (extra / 2, 0.0, extra)]


def _count(length: float, max_px: int, overlap: float, pixel: float) -> int:
    if pixels(length, pixel) <= max_px:
        return 1
    return math.ceil((length - overlap - TOLERANCE_M) / (max_px * pixel - overlap))


def _spans(span: _Span, max_px: int, overlap: float, pixel: float) -> tuple[list[float], int]:
    """Return the low ends of equal tiles over a span, and their length in pixels."""
    low, high = span
    count = _count(high - low, max_px, overlap, pixel)
    if count == 1:
        return [low], pixels(high - low, pixel)
    size = min(max_px, pixels((high - low + (count - 1) * overlap) / count, pixel))
    step = (high - low - size * pixel) / (count - 1)
    return [low + n * step for n in range(count)], size
