"""Regions, one for each cell, from a mask of significant pixels."""

import math
from dataclasses import dataclass
from itertools import compress
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.image.shapes import components, convexity, disc
from detection.recall_first.settings import (
    RECALL_FIRST,
    HaloSettings,
    RegionSettings,
    SplittingSettings,
)
from detection.recall_first.splitting import rejoin_fragments, split_touching


@dataclass(frozen=True, slots=True)
class Region:
    """Pixels of one cell.

    Attributes
    ----------
    rows, columns : slice
        Bounds in the frame.
    mask : (rows, columns) array of bool
        Pixels within the bounds.
    """

    rows: slice
    columns: slice
    mask: NDArray[np.bool_]

    @property
    def place(self) -> tuple[slice, slice]:
        """Rows and columns, to index an array with."""
        return self.rows, self.columns


def close_and_fill(
    mask: NDArray[np.bool_] | NDArray[np.uint8],
    pixel_um: float,
    settings: RegionSettings = RECALL_FIRST.regions,
) -> NDArray[np.uint8]:
    """Close narrow gaps and fill holes up to the size of a large nucleus.

    A hole may be open to the edge of the frame: so is the nucleus of a cell that the edge cuts. A nucleus is
    convex; a gap between round cells that touch is not, and stays.
    """
    closed = _closed(mask.astype(np.uint8), max(round(settings.closing_um / pixel_um), 1))
    count, numbers = cv2.connectedComponents(1 - closed, connectivity=4)
    labels = np.asarray(numbers, dtype=np.int32)
    # Most of it is ground around the cells, as a rule one region, whose pixels need not be looked at.
    thinned = np.bincount(labels[::8, ::8].ravel(), minlength=2)
    largest = int(thinned[1:].argmax()) + 1
    at = np.flatnonzero((labels > 0) & (labels != largest))
    own = labels.ravel()[at]
    areas = np.bincount(own, minlength=max(count, 2))
    areas[largest] = labels.size - np.count_nonzero(closed) - len(at)
    diameters_um = 2 * np.sqrt(areas / math.pi) * pixel_um
    is_filled = (diameters_um <= settings.small_hole_um).astype(np.uint8)
    for label in np.flatnonzero((is_filled == 0) & (diameters_um <= settings.largest_hole_um)).tolist():
        pixels = np.flatnonzero(labels == label) if label == largest else at[own == label]
        is_filled[label] = convexity(_cropped(pixels, mask.shape[1])) >= settings.nucleus_convexity
    return is_filled.take(labels)


def _cropped(pixels: NDArray[np.intp], columns: int) -> NDArray[np.bool_]:
    """Return the mask of some pixels, numbered in reading order, within their bounds."""
    y, x = np.divmod(pixels, columns)
    y, x = y - y.min(), x - x.min()
    mask = np.zeros((int(y.max()) + 1, int(x.max()) + 1), np.bool_)
    mask[y, x] = True
    return mask


def _closed(mask: NDArray[np.uint8], radius_px: int) -> NDArray[np.uint8]:
    """Close a mask with a margin, so that the edge of the frame does not eat into cells that it cuts."""
    padded = np.pad(mask, radius_px)
    closed = np.asarray(cv2.morphologyEx(padded, cv2.MORPH_CLOSE, disc(radius_px)), dtype=np.uint8)
    return closed[radius_px : radius_px + mask.shape[0], radius_px : radius_px + mask.shape[1]]


def join_fragments(
    mask: NDArray[np.uint8],
    strength: NDArray[np.float32],
    pixel_um: float,
    settings: RegionSettings = RECALL_FIRST.regions,
) -> NDArray[np.uint8]:
    """Bridge gaps beside small regions, puncta of one cell, and beside weak ones, arcs of one cell.

    Gaps between large, strong regions stay: those are cells.
    """
    count, labels, stats = components(mask)
    largest_px = math.pi / 4 * (settings.punctum_um / pixel_um) ** 2
    is_small = (stats[:, cv2.CC_STAT_AREA] <= largest_px).astype(np.uint8)
    inside = labels > 0
    is_weak = (_peaks(labels[inside], count, strength[inside]) < settings.weak_strength).astype(np.uint8)
    is_small[0] = is_weak[0] = 0
    if not (is_small.any() or is_weak.any()):
        return mask
    small = is_small.take(labels)
    puncta = _bridges(small, small, max(round(settings.puncta_half_gap_um / pixel_um), 1)) & (1 - mask)
    # A cell with puncta goes on around them, too faint to be seen.
    puncta = np.asarray(cv2.dilate(puncta, disc(round(settings.puncta_fringe_um / pixel_um))), dtype=np.uint8)
    arcs = _bridges(
        mask, (is_small | is_weak).take(labels), max(round(settings.arcs_half_gap_um / pixel_um), 1)
    )
    return np.asarray(mask | puncta | arcs, dtype=np.uint8)


def _bridges(mask: NDArray[np.uint8], chosen: NDArray[np.uint8], radius_px: int) -> NDArray[np.uint8]:
    """Return the regions that a closing adds to the mask and that touch a chosen pixel."""
    closed = _closed(mask, radius_px)
    added = np.asarray(closed & (1 - mask), dtype=np.uint8)
    count, labels = cv2.connectedComponents(added, connectivity=8)
    touching = np.zeros(count, dtype=np.uint8)
    beside = np.asarray(cv2.dilate(chosen, np.ones((3, 3), dtype=np.uint8)))
    touching[labels[beside > 0]] = 1
    touching[0] = 0
    return touching.take(np.asarray(labels))


def regions_of(
    mask: NDArray[np.uint8],
    pixel_um: float,
    settings: RegionSettings = RECALL_FIRST.regions,
    splitting: SplittingSettings = RECALL_FIRST.splitting,
) -> list[Region]:
    """Return the connected regions (8 neighbours) of a mask, with touching cells split and fragments joined.

    A region that fits into a cell of the size usual in the frame stays whole. One that is far larger and
    leaves most of its box empty, like a fold, is cut into pieces.
    """
    count, labels, stats = components(mask)
    wholes, clear_px = [], []
    for label in range(1, count):
        left, top, width, height, _ = stats[label].tolist()
        rows, columns = slice(top, top + height), slice(left, left + width)
        whole = labels[rows, columns] == label
        parts = split_touching(whole, pixel_um, splitting)
        wholes.append((rows, columns, parts))
        cut = left == 0 or top == 0 or rows.stop == mask.shape[0] or columns.stop == mask.shape[1]
        if len(parts) == 1 and not cut and min(width, height) * pixel_um >= settings.punctum_um:
            clear_px.append(max(width, height))
    usual_um = settings.default_cell_um
    if len(clear_px) >= settings.min_clear_cells:
        usual_um = max(
            float(np.percentile(clear_px, settings.usual_percentile)) * pixel_um, settings.min_usual_um
        )
    whole_px = usual_um / pixel_um
    regions = [
        Region(rows, columns, part)
        for rows, columns, parts in wholes
        for part in rejoin_fragments(parts, whole_px)
    ]
    gathered = _gathered(regions, whole_px, pixel_um, settings)
    return [piece for region in gathered for piece in _in_pieces(region, whole_px, settings.sparse_share)]


def _in_pieces(region: Region, whole_px: float, sparse_share: float) -> list[Region]:
    """Halve a region larger than a cell that leaves most of its box empty, again and again.

    A fold runs across the whole frame: one box around it would hold most of the frame.
    """
    top, left, bottom, right = _bounds(region)
    high, wide = bottom - top, right - left
    if max(high, wide) <= whole_px or region.mask.sum() >= sparse_share * high * wide:
        return [region]
    rows, columns = slice(top, bottom), slice(left, right)
    mask = region.mask[
        top - region.rows.start : bottom - region.rows.start,
        left - region.columns.start : right - region.columns.start,
    ]
    if high >= wide:
        halves = [
            Region(slice(top, top + high // 2), columns, mask[: high // 2]),
            Region(slice(top + high // 2, bottom), columns, mask[high // 2 :]),
        ]
    else:
        halves = [
            Region(rows, slice(left, left + wide // 2), mask[:, : wide // 2]),
            Region(rows, slice(left + wide // 2, right), mask[:, wide // 2 :]),
        ]
    return [piece for half in halves for piece in _in_pieces(half, whole_px, sparse_share)]


def _gathered(
    regions: list[Region], whole_px: float, pixel_um: float, settings: RegionSettings
) -> list[Region]:
    """Join small regions with a narrow gap that together are no larger than one cell."""
    gap_px = settings.gather_um / pixel_um
    boxes = [_bounds(region) for region in regions]
    most_px = settings.small_share * whole_px
    small = [_largest_side(box) <= most_px for box in boxes]
    i = 0
    while i < len(regions) and len(regions) <= settings.max_to_gather:
        top, left, bottom, right = boxes[i]
        partner = None
        for j in compress(range(len(regions)), small) if small[i] else ():
            y0, x0, y1, x1 = boxes[j]
            if j == i or max(y0 - bottom, top - y1, x0 - right, left - x1) > gap_px:
                continue
            if max(max(bottom, y1) - min(top, y0), max(right, x1) - min(left, x0)) <= whole_px:
                partner = j
                break
        if partner is None:
            i += 1
            continue
        regions[i] = _united(regions[i], regions[partner])
        boxes[i] = _bounds(regions[i])
        small[i] = _largest_side(boxes[i]) <= most_px
        del regions[partner], boxes[partner], small[partner]
        i = 0
    return regions


def _largest_side(box: tuple[int, int, int, int]) -> int:
    top, left, bottom, right = box
    return max(bottom - top, right - left)


def _bounds(region: Region) -> tuple[int, int, int, int]:
    """Return top, left, bottom, right: first and one past the last row and column."""
    rows, columns = np.flatnonzero(region.mask.any(axis=1)), np.flatnonzero(region.mask.any(axis=0))
    top, left = region.rows.start, region.columns.start
    return top + int(rows[0]), left + int(columns[0]), top + int(rows[-1]) + 1, left + int(columns[-1]) + 1


def _united(a: Region, b: Region) -> Region:
    rows = slice(min(a.rows.start, b.rows.start), max(a.rows.stop, b.rows.stop))
    columns = slice(min(a.columns.start, b.columns.start), max(a.columns.stop, b.columns.stop))
    mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.bool_)
    for part in (a, b):
        top, left = part.rows.start - rows.start, part.columns.start - columns.start
        mask[top : top + part.mask.shape[0], left : left + part.mask.shape[1]] |= part.mask
    return Region(rows, columns, mask)


def _peaks(labels: NDArray[Any], count: int, values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the highest value of each label, at least 0."""
    peaks = np.zeros(count, dtype=np.float32)
    np.maximum.at(peaks, labels, values)
    return peaks


def remove_halo(
    mask: NDArray[np.uint8],
    residual: NDArray[np.float32],
    noise_sd: NDArray[np.float32],
    pixel_um: float,
    settings: HaloSettings = RECALL_FIRST.halo,
) -> NDArray[np.uint8]:
    """Remove pixels that are certainly too dim to belong to the region that they are connected to.

    Too dim is less than a quarter of the mean intensity of the surroundings in the mask, or less than a
    twelfth of the brightest part of the region: light from out of focus and, of a cell that is labelled in
    its nucleus, the cytoplasm. Finer smoothing follows an outline more closely, coarser smoothing is certain
    of fainter intensity.

    Parameters
    ----------
    mask : (rows, columns) array of uint8
    residual : (rows, columns) array of float32
        Frame above its background.
    noise_sd : (rows, columns) array of float32
        Standard deviation of a pixel of `residual`.
    pixel_um : float
    settings : HaloSettings
    """
    # Only these pixels can be removed.
    at = np.flatnonzero(mask > 0)
    if not at.size:
        return mask
    # Means over such wide surroundings need no finer pixels.
    shrink = 4
    size = -(-mask.shape[1] // shrink), -(-mask.shape[0] // shrink)
    sigma = settings.surroundings_um / pixel_um / shrink
    within = mask.astype(np.float32)
    masked = residual * within
    inside = cv2.resize(within, size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(masked, size, interpolation=cv2.INTER_AREA)
    mean = _blurred(np.asarray(total), sigma) / np.maximum(
        _blurred(np.asarray(inside), sigma), np.float32(1e-3)
    )
    mean = np.asarray(cv2.resize(mean, mask.shape[::-1], interpolation=cv2.INTER_LINEAR))
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    own, noise = np.asarray(labels).ravel()[at], noise_sd.ravel()[at]
    floor = np.asarray(settings.share * mean.ravel()[at], dtype=np.float32)
    kept = np.ones(len(at), np.bool_)
    for sigma_um in settings.smoothings_um:
        sigma = max(sigma_um / pixel_um, 0.5)
        uncertainty = noise * np.float32(settings.certain_sd / (2 * math.sqrt(math.pi) * sigma))
        if sigma_um > settings.fine_um:
            intensity = _blurred(masked, sigma).ravel()[at]
            share = np.maximum(_blurred(within, sigma).ravel()[at], np.float32(1e-3))
            intensity /= share
            uncertainty /= np.sqrt(share)
        else:
            # Fine enough to follow the outline; the darkness beyond it helps.
            intensity = _blurred(residual, sigma).ravel()[at]
        if sigma_um == settings.smoothings_um[0]:
            floor = np.maximum(floor, settings.core_share * _peaks(own, count, intensity)[own])
        kept &= intensity + uncertainty >= floor
    left = np.zeros(mask.shape, np.uint8)
    left.ravel()[at[kept]] = 1
    return left


def _blurred(image: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), dtype=np.float32)
