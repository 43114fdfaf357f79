"""Overviews altered as cameras, stitching programs and picture editors do it, together with their truth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.overview.values import Corners, Pixels

MOST_LOST = 0.02
"""Share of a section that the end of a picture may cut off: one of which more is lost need not be found."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An overview with the truth.

    Attributes
    ----------
    pixels : (rows, columns) or (rows, columns, 3) array
    expected, others : tuple of (4, 2) array
        Outlines that should be found, and those of sections that are damaged, hidden or cut off.
    """

    pixels: Pixels
    expected: tuple[Corners, ...]
    others: tuple[Corners, ...]


def warped(shown: Shown, matrix: NDArray[np.float64], size: tuple[int, int], fill: float) -> Shown:
    """Return the overview under an affine map of positions, px, the corner of the first pixel at (0, 0).

    Parameters
    ----------
    shown : Shown
        Of 8 bit.
    matrix : (2, 3) array
    size : (int, int)
        Width and height of the result.
    fill : float
        Grey level of ground without data.
    """
    centres = matrix.copy()
    centres[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    pixels = cv2.warpAffine(shown.pixels, centres, size, flags=cv2.INTER_LINEAR, borderValue=(fill,) * 3)

    def moved(outline: Corners) -> Corners:
        points = np.asarray(outline @ matrix[:, :2].T + matrix[:, 2])
        # Clockwise on the screen, as every outline is, though the picture is mirrored.
        return points if np.linalg.det(matrix[:, :2]) > 0 else points[::-1].copy()

    truth = [tuple(moved(one) for one in outlines) for outlines in (shown.expected, shown.others)]
    return _whole(Shown(np.asarray(pixels, np.uint8), truth[0], truth[1]))


def turned(shown: Shown, angle_deg: float, fill: float) -> Shown:
    """Turn the picture clockwise on the screen, in a frame that holds all of it."""
    rows, columns = shown.pixels.shape[:2]
    cos, sin = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    wide, tall = (math.ceil(abs(a * columns) + abs(b * rows)) for a, b in ((cos, sin), (sin, cos)))
    linear = np.array([[cos, -sin], [sin, cos]])
    shift = np.array([wide / 2, tall / 2]) - linear @ (columns / 2, rows / 2)
    return warped(shown, np.column_stack([linear, shift]), (wide, tall), fill)


def mirrored(shown: Shown) -> Shown:
    """Swap left and right."""
    rows, columns = shown.pixels.shape[:2]
    return warped(shown, np.array([[-1.0, 0.0, columns], [0.0, 1.0, 0.0]]), (columns, rows), 0)


def cropped(shown: Shown, share: float = 0.6) -> Shown:
    """Keep a part of each side, off the middle: the edges of the picture cut through sections."""
    rows, columns = shown.pixels.shape[:2]
    wide, tall = round(share * columns), round(share * rows)
    left, top = 0.3 * (columns - wide), 0.6 * (rows - tall)
    return warped(shown, np.array([[1.0, 0.0, -round(left)], [0.0, 1.0, -round(top)]]), (wide, tall), 0)


def bordered(shown: Shown, grey: int, rng: np.random.Generator) -> Shown:
    """Put the picture on a larger canvas with a stepped border, as stitching programs leave it."""
    rows, columns = shown.pixels.shape[:2]
    margin = round(0.08 * max(rows, columns))
    at = np.array([[1.0, 0.0, margin], [0.0, 1.0, margin]])
    found = warped(shown, at, (columns + 2 * margin, rows + 2 * margin), grey)
    pixels = found.pixels.copy()
    for number in range(4):
        # Each tile of the upper and the left edge begins elsewhere.
        first, last = number * columns // 4, (number + 1) * columns // 4
        pixels[: margin + int(rng.integers(0, max(rows // 50, 2))), margin + first : margin + last] = grey
        first, last = number * rows // 4, (number + 1) * rows // 4
        pixels[margin + first : margin + last, : margin + int(rng.integers(0, max(columns // 50, 2)))] = grey
    return replace(found, pixels=pixels)


def lettered(shown: Shown) -> Shown:
    """Burn in white letters on a black field, and a scale bar on the picture, as cameras do."""
    pixels = shown.pixels.copy()
    rows, columns = pixels.shape[:2]
    size = max(rows, columns) / 1000
    foot, thick = round(0.05 * rows), max(1, round(2 * size))
    cv2.rectangle(pixels, (0, rows - foot), (columns // 3, rows), (0, 0, 0), -1)
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(pixels, "wafer 7", (10, rows - foot // 3), font, 0.8 * size, (255,) * 3, thick)
    bar = (round(0.78 * columns), round(0.95 * rows))
    cv2.rectangle(pixels, bar, (round(0.95 * columns), bar[1] + max(3, rows // 150)), (255,) * 3, -1)
    cv2.putText(pixels, "500 um", (bar[0], bar[1] - rows // 80), font, size, (255,) * 3, thick)
    return replace(shown, pixels=pixels)


def beside(pictures: Sequence[Shown], grey: int) -> Shown:
    """Put pictures side by side, with a gap: several wafers or coverslips in one holder."""
    gap = round(0.06 * max(pictures[0].pixels.shape[:2]))
    tall = max(one.pixels.shape[0] for one in pictures)
    parts: list[NDArray[np.uint8]] = []
    expected: list[Corners] = []
    others: list[Corners] = []
    left = 0
    for number, one in enumerate(pictures):
        rows, columns = one.pixels.shape[:2]
        gap_here = gap if number else 0
        canvas = np.full((tall, gap_here + columns, *one.pixels.shape[2:]), grey, np.uint8)
        canvas[:rows, gap_here:] = one.pixels
        parts.append(canvas)
        expected += [np.add(outline, (left + gap_here, 0)) for outline in one.expected]
        others += [np.add(outline, (left + gap_here, 0)) for outline in one.others]
        left += gap_here + columns
    return Shown(np.concatenate(parts, axis=1), tuple(expected), tuple(others))


def by_gamma(shown: Shown, gamma: float) -> Shown:
    """Raise the grey levels, 0 to 1, to a power."""
    table = np.round(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    return replace(shown, pixels=np.asarray(cv2.LUT(shown.pixels, table), np.uint8))


def vignetted(shown: Shown, fall: float) -> Shown:
    """Darken the corners of the picture by a share."""
    rows, columns = shown.pixels.shape[:2]
    y, x = np.linspace(-1, 1, rows)[:, None], np.linspace(-1, 1, columns)[None, :]
    light = 1 - fall * (x**2 + y**2) / 2
    light = light if shown.pixels.ndim == 2 else light[:, :, None]
    return replace(shown, pixels=np.round(shown.pixels * light).astype(np.uint8))


def as_jpeg(shown: Shown, quality: int) -> Shown:
    """Save as JPEG, and read again."""
    done, data = cv2.imencode(".jpg", shown.pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    read = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    return replace(shown, pixels=np.asarray(read, np.uint8))


def in_16_bit(shown: Shown, most: int) -> Shown:
    """Store in 16 bit, white being the level `most`."""
    return replace(shown, pixels=np.round(shown.pixels / 255.0 * most).astype(np.uint16))


def in_colour(shown: Shown, cast: tuple[float, float, float], hues: float, rng: np.random.Generator) -> Shown:
    """Make a colour picture of a grey one: with a cast, and with interference colours of sections.

    Parameters
    ----------
    shown : Shown
        Grey.
    cast : (float, float, float)
        Factors of the channels, at most 1.
    hues : float
        Largest difference of a channel within sections, share.
    rng : numpy.random.Generator
    """
    pixels = np.repeat(shown.pixels[:, :, None].astype(np.float32), 3, axis=2)
    for outline in (*shown.expected, *shown.others):
        mask = np.zeros(shown.pixels.shape[:2], np.uint8)
        cv2.fillConvexPoly(mask, np.round(outline - 0.5).astype(np.int32), 1)
        pixels[mask > 0] *= 1 - rng.uniform(0, hues, 3).astype(np.float32)
    return replace(shown, pixels=np.round(pixels * np.array(cast)).astype(np.uint8))


def _whole(shown: Shown) -> Shown:
    """Count what the picture cuts as sections that need not be found."""
    rows, columns = shown.pixels.shape[:2]
    frame = np.array([[0.0, 0.0], [columns, 0], [columns, rows], [0, rows]], np.float32)

    def inside(outline: Corners) -> float:
        common = float(cv2.intersectConvexConvex(outline.astype(np.float32), frame)[0])
        return common / max(float(cv2.contourArea(outline.astype(np.float32))), 1e-9)

    expected = tuple(one for one in shown.expected if inside(one) >= 1 - MOST_LOST)
    cut = tuple(one for one in shown.expected if 0 < inside(one) < 1 - MOST_LOST)
    others = tuple(one for one in shown.others if inside(one) > 0)
    return Shown(shown.pixels, expected, (*others, *cut))
