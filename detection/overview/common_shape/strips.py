"""Straight pictures of ribbons, and how much they repeat along their length."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter, uniform_filter1d

from detection.overview.common_shape.regions import regions_of
from detection.overview.edges import sampled
from detection.overview.ground import Ground
from detection.overview.values import Corners, Floats

_ACROSS = 24
"""Samples across a strip."""
_MIDDLE = 0.8
"""Share of the width that is sampled: its borders are blurred."""
ENDS = 0.12
"""Share of a part left out at each of its ends when parts are compared: the line between them lies there."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A region along one of its axes, made straight.

    Attributes
    ----------
    tones : (length, samples) array of float32
        Contrast to the substrate, one row per working pixel of length.
    left, right : (length, 2) array
        Both borders as seen along it, x and y in working pixels.
    width : float
        Working pixels.
    """

    tones: Floats
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    width: float

    @property
    def length(self) -> int:
        """Working pixels."""
        return len(self.tones)

    def part(self, first: float, last: float) -> Corners:
        """Return the corners, clockwise as seen on the screen, between two places along it.

        Its sides are straight lines through the borders: each section of a ribbon may be narrower at one end.
        """
        end = ENDS * (last - first)
        at = np.arange(max(round(first + end), 0), min(round(last - end), self.length - 1) + 1)
        if len(at) < 2:
            at = np.arange(2)
        ends = []
        for border in (self.left, self.right):
            slope, offset = np.polyfit(at, border[at], 1)
            ends.append([slope * place + offset for place in (first, last)])
        (left_first, left_last), (right_first, right_last) = ends
        return np.asarray([right_first, left_first, left_last, right_last], dtype=np.float64)

    @property
    def widths(self) -> NDArray[np.float64]:
        """Distance of the borders at each place, working pixels."""
        return np.asarray(np.linalg.norm(self.right - self.left, axis=1), dtype=np.float64)


def strip_of(ground: Ground, contour: NDArray[np.floating], along: NDArray[np.floating]) -> Strip | None:
    """Return a region along a direction; None if it is too small. It may bend, but not turn back.

    Parameters
    ----------
    ground : Ground
    contour : (N, 2) array
        x and y, working pixels.
    along : (2,) array
    """
    forward = along / np.linalg.norm(along)
    axes = np.stack([forward, [-forward[1], forward[0]]])
    points = contour @ axes.T
    low = points.min(axis=0) - 2
    rows, columns = np.ceil(points.max(axis=0) - low + 3).astype(int)
    mask = np.zeros((rows, columns), np.uint8)
    cv2.fillPoly(mask, [np.round((points - low)[:, ::-1]).astype(np.int32)], 1)
    count = mask.sum(axis=1).astype(np.float64)
    width = float(np.median(count[count > 0]))
    wide = np.flatnonzero(count >= width / 2)
    first, last = int(wide[0]), int(wide[-1]) + 1
    if last - first < 4 or width < 4:
        return None
    count = count[first:last]
    middle = (mask[first:last] * np.arange(columns)).sum(axis=1) / np.maximum(count, 1)
    middle = gaussian_filter1d(middle, max(width / 3, 2), mode="nearest")
    slope = np.gradient(middle)
    arc = np.concatenate([[0], np.cumsum(np.hypot(1, (slope[1:] + slope[:-1]) / 2))])
    at = np.interp(np.arange(round(float(arc[-1])) + 1), arc, np.arange(len(arc)))
    number = np.arange(len(arc))
    slope, middle = np.interp(at, number, slope), np.interp(at, number, middle)
    steep = np.hypot(1, slope)
    normal = np.stack([-slope, np.ones_like(slope)], axis=1) / steep[:, None]
    centre = np.stack([at + first, middle], axis=1)
    half = np.interp(at, number, median_filter(count, 9, mode="nearest")) / steep / 2
    half = gaussian_filter1d(half, max(width / 4, 1), mode="nearest")
    share = _MIDDLE * np.linspace(-1, 1, _ACROSS)[None, :, None]
    tones = sampled(
        ground.contrast, (centre[:, None] + share * half[:, None, None] * normal[:, None] + low) @ axes
    )
    started = mask[first:last].argmax(axis=1)
    borders = []
    for border in (started, started + count):
        offset = (np.interp(at, number, border) - 0.5 - middle) / steep
        borders.append((centre + offset[:, None] * normal + low) @ axes)
    # The second axis points to the right, as seen along the first.
    return Strip(tones, borders[0], borders[1], 2 * float(np.median(half)))


def strips_in(ground: Ground, least_area: float) -> Iterator[tuple[Strip, ...]]:
    """Return every region of the foreground, without its thin bridges, as strips along both axes of it."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    mask = cv2.morphologyEx(ground.foreground.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0
    for one in regions_of(mask, ground.glass, least_area):
        box = np.asarray(cv2.boxPoints(cv2.minAreaRect(one.contour)), dtype=np.float64)
        yield strips_along(ground, one.contour[:, 0].astype(np.float64), (box[1] - box[0], box[2] - box[1]))


def strips_along(
    ground: Ground, contour: NDArray[np.floating], directions: Sequence[NDArray[np.floating]]
) -> tuple[Strip, ...]:
    """Return a region along each direction, if it is large enough."""
    strips = (strip_of(ground, contour, one) for one in directions)
    return tuple(one for one in strips if one is not None)


def likeness(strip: Strip, parts: int) -> tuple[float, float, float]:
    """Return how alike neighbouring parts look, and how much they show.

    Returns
    -------
    correlation : float
        -1 to 1: median over all neighbours, each moved by up to 4 % of a part.
    repeated : float
        Variance over that of noise of what changes within the length of a part.
    structure : float
        Variance of the insides over that of noise, all of it.
    """
    # Stripes along the strip are alike at any distance, and tilted ones, as of a side that is not parallel to
    # it, nearly so: what changes slowly from part to part proves nothing.
    slow = uniform_filter1d(strip.tones, max(3, round(strip.length / parts)), axis=0, mode="reflect")
    found = [_likeness(strip, parts, strip.tones - one) for one in (strip.tones.mean(axis=0), slow)]
    (one, power), (other, other_power) = found
    return min(one, other), min(power, other_power), power


def _likeness(strip: Strip, parts: int, tones: Floats) -> tuple[float, float]:
    """Return correlation and structure of neighbouring parts in these tones, (length, samples)."""
    side = strip.length / parts
    sigma = max(0.04 * min(side, strip.width), 0.8)
    smooth = np.asarray(cv2.GaussianBlur(tones, (0, 0), sigmaX=1.0, sigmaY=sigma), np.float32)
    fine = np.asarray(tones - cv2.GaussianBlur(tones, (0, 0), 1.0), np.float32)
    size, reach = round((1 - 2 * ENDS) * side), max(1, round(0.04 * side))
    alike, power = [], []
    for number in range(parts - 1):
        one = _centred(smooth, (number + ENDS) * side, size)
        power.append(_usual(one) ** 2)
        starts = [(number + 1 + ENDS) * side + move for move in range(-reach, reach + 1)]
        others = [_centred(smooth, start, size) for start in starts]
        same = [_correlation(one, other) for other in others if other.shape == one.shape]
        alike.append(max(same, default=0.0))
    # Of white noise a Gaussian leaves 1 / (4 pi sigma_x sigma_y) of the variance, and takes about .6 of it.
    noise = _usual(fine) ** 2 / (4 * np.pi * sigma) / 0.6
    return float(np.median(alike)), float(np.median(power)) / max(noise, 1e-9)


def _centred(tones: Floats, start: float, size: int) -> Floats:
    """Return a part about its mean; specks of dust count no more than the tissue does."""
    first = round(start)
    part = tones[max(first, 0) : first + size]
    if not part.size:
        return part
    part = part - np.median(part)
    most = 3 * _usual(part)
    part = np.clip(part, -most, most)
    return np.asarray(part - part.mean())


def _usual(values: Floats) -> float:
    """Return the standard deviation of values about 0, but for a few."""
    return float(np.median(np.abs(values))) / 0.6745


def _correlation(one: Floats, other: Floats) -> float:
    total = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / total if total > 0 else 0.0
