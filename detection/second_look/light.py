"""Light of single hits beside the ground around them: bodies of cells, spots, bands."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.background.ranks import median, percentile
from detection.image.boxes import Sides, union_of
from detection.image.shapes import components
from detection.second_look.company import Floats
from detection.second_look.settings import SECOND_LOOK, SecondLookSettings

LIGHT = 25
"""Numbers for each hit."""
_SPOT_SD = 1.2
"""Height of a spot after the first blur, four deviations of its noise."""


def light_of(
    chosen: Sequence[int],
    boxes: Sides,
    outer: Sides,
    z: Floats,
    pixel_um: float,
    settings: SecondLookSettings = SECOND_LOOK,
) -> Floats:
    """Return what the light of some hits is like.

    The body of a cell is light between its vesicles, which specks of debris do not have around them; a fold
    is part of something long; a lump is no higher than the unevenness of the ground.

    Parameters
    ----------
    chosen : sequence of int
        Numbers of the hits that are looked at.
    boxes, outer : Sides
        Of all hits of the frame.
    z : (rows, columns) array of float32
        Frame above its background, in standard deviations of the noise of a pixel of the working grid.
    pixel_um : float
    settings : SecondLookSettings

    Returns
    -------
    (chosen hits, LIGHT) array of float32
    """
    shape = (z.shape[0], z.shape[1])
    spots, vesicles, bodies = (np.asarray(cv2.GaussianBlur(z, (0, 0), s)) for s in settings.blurs_px)
    ground = ~union_of(outer, shape)
    thin = (slice(None, None, 3), slice(None, None, 3))
    is_ground = ground[thin] if ground[thin].any() else np.ones_like(ground[thin])
    usual = median(z[thin][is_ground])
    coarse_ground = bodies[thin][is_ground]
    uneven = (percentile(coarse_ground, 84) - percentile(coarse_ground, 16)) / 2
    is_peak = spots >= np.asarray(cv2.dilate(spots, np.ones((3, 3), np.uint8)))
    stands_out = (vesicles > usual + settings.stands_out_sd).astype(np.uint8)
    _, parts, stats = components(stands_out)
    ring_px = max(round(settings.ring_um / pixel_um), 3)
    found = []
    for number in chosen:
        x0, y0, x1, y1 = boxes[number].tolist()
        ox0, oy0, ox1, oy1 = outer[number].tolist()
        own = (slice(y0, y1), slice(x0, x1))
        wide = (slice(max(oy0 - ring_px, 0), oy1 + ring_px), slice(max(ox0 - ring_px, 0), ox1 + ring_px))
        ring = z[wide][ground[wide]]
        level = median(ring) if ring.size >= settings.least_ring_px else usual
        area_um2 = (x1 - x0) * (y1 - y0) * pixel_um**2
        light = z[own] - np.float32(level)
        fine, middle, coarse = (plane[own] - np.float32(level) for plane in (spots, vesicles, bodies))
        peak = max(float(light.max()), 0.5)
        tops = [float(plane.max()) for plane in (fine, middle, coarse)]
        order = np.sort(middle, axis=None)
        quantiles = [3 * float(order[int(share * (order.size - 1))]) for share in (0.1, 0.25, 0.5, 0.75)]
        rim_px = (ox1 - ox0) * (oy1 - oy0) - light.size
        rim = (float(z[oy0:oy1, ox0:ox1].sum()) - float(z[own].sum())) / max(rim_px, 1) - level
        rim = rim if rim_px > 4 else 0.0
        count = int(np.count_nonzero(is_peak[own] & (fine > _SPOT_SD)))
        found.append(
            [
                _short(level - usual),
                *(_short(value) for value in quantiles),
                _short(3 * tops[0]),
                _short(5 * tops[1]),
                _short(10 * tops[2]),
                *(min(max(top / peak, -0.5), 1.5) for top in tops),
                _short(rim * math.sqrt(max(rim_px, 1))),
                min(max(rim, -3.0), 6.0),
                *_shape_of(light, pixel_um),
                math.log1p(count),
                min(count / max(area_um2, 1.0), 1.0),
                np.count_nonzero(fine > 0.25 * tops[0]) / fine.size if tops[0] > 0 else 0.0,
                np.count_nonzero(fine > 1) / fine.size,
                _short(10 * uneven),
                math.log(max(peak, 0.1) / max(10 * uneven, 0.5)),
                *_part_of(parts[own], stats, area_um2, pixel_um),
            ]
        )
    return np.asarray(found, np.float32).reshape(-1, LIGHT)


def _short(value: float) -> float:
    """Return the logarithm of 1 + the size of a value, with its sign."""
    return math.copysign(math.log1p(abs(value)), value)


def _shape_of(light: Floats, pixel_um: float) -> tuple[float, float, float]:
    """Return the area with half of the light, its length over its width, its radius: logarithms."""
    clear = np.maximum(light - 1, 0)
    total = float(clear.sum())
    if total <= 0:
        return 2 * math.log(pixel_um), 0.0, -1.5
    order = np.sort(clear, axis=None)[::-1]
    half = int(np.searchsorted(np.cumsum(order), total / 2)) + 1
    across, down = clear.sum(axis=0) / total, clear.sum(axis=1) / total
    x, y = (np.arange(side.size, dtype=np.float32) for side in (across, down))
    x = x - float(across @ x)
    y = y - float(down @ y)
    # A twelfth of a pixel is the spread of one.
    xx, yy = float(across @ x**2) + 1 / 12, float(down @ y**2) + 1 / 12
    xy = float(y @ clear @ x) / total
    apart = math.sqrt((xx - yy) ** 2 / 4 + xy**2)
    large, small = (xx + yy) / 2 + apart, max((xx + yy) / 2 - apart, 0.05)
    area = math.log(half * pixel_um**2)
    return area, math.log(large / small) / 2, math.log(math.sqrt(large + small) * pixel_um)


def _part_of(
    parts: NDArray[np.int32], stats: NDArray[np.int32], area_um2: float, pixel_um: float
) -> tuple[float, float, float]:
    """Return how long and how full the largest connected light in a box is, and the size of its box."""
    here = np.zeros(len(stats), np.bool_)
    here[parts] = True
    here[0] = False
    if not here.any():
        return 0.0, 0.5, 0.0
    numbers = np.flatnonzero(here)
    _, _, width, height, area = stats[numbers[np.argmax(stats[numbers, cv2.CC_STAT_AREA])]].tolist()
    length = math.hypot(width, height)
    return math.log(length * pixel_um), area / length**2, math.log(width * height * pixel_um**2 / area_um2)
