"""Parts of a picture without data: corners and borders of a stitched or turned overview, of one colour."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.overview.settings import PaddingSettings
from detection.overview.values import Floats, Mask


def padding_of(tones: Floats, settings: PaddingSettings) -> Mask:
    """Return the pixels without data, (rows, columns), of tones (rows, columns, channels), grey levels.

    A camera has noise: what has exactly one colour, up to the end of the picture, was painted there. So has a
    substrate that is clipped white; but sections leave holes in it, and its light fades at its border.
    """
    return _black(tones, settings) | _flat(tones, settings)


def _black(tones: Floats, settings: PaddingSettings) -> Mask:
    black = (tones.max(axis=2) <= settings.black).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(black, connectivity=4)
    taken = np.zeros(count, np.bool_)
    for number in np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= settings.black_share * black.size):
        # Sections may be black, too: they lie inside the picture, and enclose nothing.
        taken[number] = number > 0 and (
            _at_end(stats[number], black.shape) or _encloses_much(labels, int(number), stats[number])
        )
    found = np.asarray(taken[labels])
    # A fluorescence overview may be black wherever there is no section.
    if not found.any() or found.mean() > settings.most_black:
        return np.zeros(found.shape, np.bool_)
    return _grown(found, 2)


def _at_end(stats: NDArray[np.int32], shape: tuple[int, ...]) -> bool:
    left, top, wide, tall = stats[:4]
    return bool(min(left, top) == 0 or left + wide == shape[1] or top + tall == shape[0])


def _encloses_much(labels: NDArray[np.int32], number: int, stats: NDArray[np.int32]) -> bool:
    """Return True for a ring, such as the rim of a holder."""
    left, top, wide, tall, area = (int(one) for one in stats)
    if wide * tall < 2 * area:
        return False
    mask = labels[top : top + tall, left : left + wide] == number
    _, _, parts, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=8)
    enclosed = [one[cv2.CC_STAT_AREA] for one in parts[1:] if not _at_end(one, mask.shape)]
    return bool(max(enclosed, default=0) > area)


def _flat(tones: Floats, settings: PaddingSettings) -> Mask:
    kernel = np.ones((3, 3), np.uint8)
    span = np.zeros(tones.shape[:2], np.float32)
    for channel in range(tones.shape[2]):
        one = np.ascontiguousarray(tones[:, :, channel])
        span = np.maximum(span, cv2.dilate(one, kernel) - cv2.erode(one, kernel))
    flat = span < settings.flat
    count, labels, stats, _ = cv2.connectedComponentsWithStats(flat.astype(np.uint8), connectivity=4)
    found = np.zeros(labels.shape, np.bool_)
    for number in range(1, count):
        large = stats[number, cv2.CC_STAT_AREA] >= settings.flat_share * labels.size
        if large and _at_end(stats[number], labels.shape):
            mask = labels == number
            if _has_holes(mask, settings) or not _ends_sharply(tones, mask, settings):
                continue
            found |= mask
    # Where all else is flat, too, the picture has no noise, and this may be the substrate.
    if not found.any() or found.all() or flat[~found].mean() > settings.most_flat:
        return np.zeros(found.shape, np.bool_)
    return _grown(found, settings.flat_rim_px)


def _has_holes(mask: Mask, settings: PaddingSettings) -> bool:
    """Return True if many small things lie in a region: sections, and not pictures."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    small = areas[(areas >= settings.least_hole_px) & (areas < settings.picture_share * mask.size)]
    return float(small.sum()) > settings.most_holes * float(mask.sum())


def _ends_sharply(tones: Floats, mask: Mask, settings: PaddingSettings) -> bool:
    beyond = _grown(mask, settings.flat_rim_px + 1) & ~_grown(mask, settings.flat_rim_px)
    if not beyond.any():
        return False
    step = np.abs(tones[beyond] - np.median(tones[mask], axis=0)).max(axis=1)
    return float(np.median(step)) >= settings.least_step


def _grown(mask: Mask, by_px: int) -> Mask:
    side = 2 * by_px + 1
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0)
