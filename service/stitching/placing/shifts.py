"""Measured distance of two electron images, by what both show.

Only what is proven counts: ground is often empty, and what is wrong would tear cells. Optical tiles of the
holder prove too little; their distances are measured by `service.mapping.tiles.shifts`.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from service.image_files.images import Pixels
from service.stitching.placing.correlation import Band, Floats, Peak, Search, peaks

_COARSE = Band(1.0, 4.0)
_FINE = Band(2.0, 8.0)
"""In pixels. Chosen by hand: the noise of a pixel is averaged, the charging of a frame is left out."""
_STEPS = 24
"""Steps of the coarse search on each side: pixels are joined, up to `_MOST_JOINED`, until the reach is that
short."""
_MOST_JOINED = 8
_LEAST_PX = 8
"""Narrowest overlap that is compared. Chosen by hand."""
_CANDIDATES = 3
"""Coarse peaks that are looked at closely. On 241 overlaps of simulated tiles (development seeds 11 to 14)
the first was right in 160 of the 161 that can be proven, the second in the other."""
_WORTH_A_LOOK = 3.5
"""Least significance of a coarse peak. In those overlaps the right one had 4.6 and more."""
_LARGEST_PX = 512
"""Longest side of what is compared closely: a second of it would tell little more, and take longer."""
LEAST_SIGNIFICANCE = 5.5
"""Least significance of a proven distance. In those overlaps right ones had 5.8 and more."""
LEAST_LIKENESS = 0.88
"""Least correlation over what noise allows. Tiles that overlap show the same ground: right ones had .9 and
more; wrong ones that were significant .7 at most, and in a later plan one of a small tile .83."""

_UNLIKE_A_PLACE = 0.01
"""Unlikeness that each place allows: what fits in few places must fit well. Two small tiles of that plan
fitted wrongly with .95 over 2.0 places and .96 over 3.2; the 36 right ones had .97 and more."""

LEAST_PLACES = 2.0
"""Least number of places that what both show is spread over: a single piece of a membrane fits many others.
In those overlaps right ones had 2.1 and more, wrong ones 1.4 at most."""

LEAST_ACROSS = 0.04
"""Least share of edges that run across the others: a straight line, such as a knife mark, fits everywhere
along itself. Of 613 proven overlaps (development seeds 704, 705 and 711 to 716) the two that were wrong had
.012 and less, the right ones .052 and more."""


@dataclass(frozen=True, slots=True)
class Found:
    """Measured shift of a tile, right and down, px, and the correlation over what noise allows."""

    shift_px: tuple[float, float]
    likeness: float


@dataclass(frozen=True, slots=True)
class _Common:
    """Parts of two images that may show the same, and the distance of their upper left corners, px."""

    one: NDArray[np.generic]
    other: NDArray[np.generic]
    apart_px: tuple[int, int]


def find_shift(one: Pixels, other: Pixels, corner_px: tuple[float, float], reach_px: float) -> Found | None:
    """Return by how much a tile lies off its believed place against another; None where nothing proves it.

    Coarse peaks of the correlation are looked at closely one after another. A shift is proven if what both
    show agrees nearly as well as two images of the same ground can, for their noise.

    Parameters
    ----------
    one, other : (rows, columns) arrays of uint8 or uint16
        Of the same pixel size.
    corner_px : (float, float)
        Believed place of the upper left corner of the second in the first, column and row.
    reach_px : float
        Largest shift that is tried on each axis.
    """
    joined = min(max(round(reach_px / _STEPS), 1), _MOST_JOINED)
    common = _common(one, other, corner_px, math.ceil(reach_px))
    if common is None:
        return None
    # Whole steps of joined pixels between the corners.
    dx, dy = (apart % joined for apart in common.apart_px)
    coarse = _joined(common.one[dy:, dx:], joined), _joined(common.other, joined)
    if min(*coarse[0].shape, *coarse[1].shape) < 2:
        return None
    steps = Search(
        ((common.apart_px[0] - dx) // joined, (common.apart_px[1] - dy) // joined),
        math.ceil(reach_px / joined),
        max(_LEAST_PX // joined, 2),
        _CANDIDATES,
    )
    for peak in peaks(_COARSE.of(coarse[0]), _COARSE.of(coarse[1]), steps, _COARSE.coarse_px):
        if peak.significance < _WORTH_A_LOOK:
            break
        off = peak.shift_px[0] * joined, peak.shift_px[1] * joined
        found = _closely(one, other, corner_px, off, 2 * joined + 2)
        if found is not None:
            return found
    return None


def _closely(
    one: Pixels, other: Pixels, corner_px: tuple[float, float], off_px: tuple[float, float], reach_px: int
) -> Found | None:
    at_px = corner_px[0] + off_px[0], corner_px[1] + off_px[1]
    common = _common(one, other, at_px, 0)
    if common is None or min(common.one.shape) < _LEAST_PX:
        return None
    rows, columns = (_middle(size) for size in common.one.shape)
    a, b = common.one[rows, columns], common.other[rows, columns]
    details = _FINE.of(a), _FINE.of(b)
    search = Search((0, 0), reach_px, _LEAST_PX)
    best: Peak | None = next(iter(peaks(*details, search, _FINE.coarse_px)), None)
    if best is None or best.significance < LEAST_SIGNIFICANCE:
        return None
    reliable = _FINE.reliability(a, details[0]) * _FINE.reliability(b, details[1])
    likeness = best.correlation / math.sqrt(reliable)
    places = min(map(_FINE.places, details))
    if places < LEAST_PLACES or likeness < max(LEAST_LIKENESS, 1 - _UNLIKE_A_PLACE * places):
        return None
    if _across(*details, best.shift_px) < LEAST_ACROSS:
        return None
    # From the whole pixels at which both were cut.
    x, y = (
        round(place) - corner + shift
        for place, corner, shift in zip(at_px, corner_px, best.shift_px, strict=True)
    )
    return Found((x, y), min(likeness, 1.0))


def _across(a: Floats, b: Floats, shift_px: tuple[float, float]) -> float:
    """Return the energy of common edges that run across the main direction over that of those along it.

    The structure tensor, of the gradients of one image times those of the other: noise averages out.
    """
    dx, dy = (round(shift) for shift in shift_px)
    (ha, wa), (hb, wb) = a.shape, b.shape
    a = a[max(0, dy) : min(ha, hb + dy), max(0, dx) : min(wa, wb + dx)]
    b = b[max(0, -dy) : min(hb, ha - dy), max(0, -dx) : min(wb, wa - dx)]
    (ay, ax), (by, bx) = np.gradient(a), np.gradient(b)
    xx, yy, xy = float((ax * bx).sum()), float((ay * by).sum()), float((ax * by + ay * bx).sum()) / 2
    mean, half = (xx + yy) / 2, math.hypot((xx - yy) / 2, xy)
    return (mean - half) / (mean + half) if mean + half > 0 else 0.0


def _common(
    one: NDArray[np.generic], other: NDArray[np.generic], corner_px: tuple[float, float], reach_px: int
) -> _Common | None:
    """Return what two images may have in common within a reach; None where that is nothing."""
    dx, dy = round(corner_px[0]), round(corner_px[1])
    (ha, wa), (hb, wb) = one.shape, other.shape
    left, right = max(0, dx - reach_px), min(wa, dx + wb + reach_px)
    top, bottom = max(0, dy - reach_px), min(ha, dy + hb + reach_px)
    left_b, right_b = max(0, -dx - reach_px), min(wb, wa - dx + reach_px)
    top_b, bottom_b = max(0, -dy - reach_px), min(hb, ha - dy + reach_px)
    if left >= right or top >= bottom or left_b >= right_b or top_b >= bottom_b:
        return None
    return _Common(
        one[top:bottom, left:right],
        other[top_b:bottom_b, left_b:right_b],
        (dx + left_b - left, dy + top_b - top),
    )


def _joined(pixels: NDArray[np.generic], joined: int) -> NDArray[np.float32]:
    """Return the means of squares of pixels."""
    rows, columns = pixels.shape[0] // joined, pixels.shape[1] // joined
    whole = pixels[: rows * joined, : columns * joined].astype(np.float32)
    if joined == 1 or not whole.size:
        return whole
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _middle(size: int) -> slice:
    begin = max(0, (size - _LARGEST_PX) // 2)
    return slice(begin, begin + min(size, _LARGEST_PX))
