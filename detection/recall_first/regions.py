"""From a mask of what stands out to regions, one for each cell, and the boxes around them."""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.image.shapes import convexity
from detection.recall_first.splitting import rejoin_fragments, split_touching

CLOSING_UM = 0.5
"""Half the width of gaps that are closed: less than lies between cells, more than noise tears open."""
LARGEST_HOLE_UM = 12.0
"""Diameter of the largest nuclei of cultured cells."""
SMALL_HOLE_UM = 3.0
"""Holes up to this diameter are filled whatever their shape: noise, vacuoles."""
NUCLEUS_CONVEXITY = 0.75
"""A nucleus fills about 0.9 of its convex hull, the gap between three discs that touch 0.37."""
HALO_SHARE = 0.25
"""Less than this share of the mean light around it, and it is blur."""
HALO_SMOOTHINGS_UM = (1.07, 0.53, 0.27)
"""From the certain to the sharp; as the scales of `significant`."""
HALO_SURROUNDINGS_UM = 3.5
"""Standard deviation of the surroundings that light is compared with: half a small cell."""
CORE_SHARE = 0.08
"""Of the brightest part; unlabelled parts of a cell have about 6 % of its label. More of it takes real dim
neighbours away (development seeds: .15 loses 2 % of the cells, .10 a fourth of a percent)."""
FINE_UM = 0.3
"""Smoothing below this follows an outline well enough to look beyond it."""
PUNCTUM_UM = 3.0
"""Regions up to this diameter may be puncta of one cell."""
PUNCTA_REACH_UM = 3.0
"""Half the gap between puncta that is bridged."""
PUNCTA_FRINGE_UM = 2.0
"""How far bridges between puncta are widened."""
ARCS_REACH_UM = 1.25
"""Half the gap beside weak regions that is bridged."""
USUAL_CELL_UM = 12.0
"""Expected size of a cell where a frame has too few to tell; HeLa cells are 10 to 17 um across."""
FEWEST_CLEAR = 4
"""So many single cuts tell the size usual in a frame."""
USUAL_PERCENTILE = 75
"""Of the sizes of single cuts: most miss the middle of the cell."""
LEAST_USUAL_UM = 8.0
"""The usual size is never taken to be less: small cuts are parts of cells, not small cells."""
GATHER_UM = 3.0
"""Gap up to which small regions are put together."""
SMALL_SHARE = 0.6
"""Of a usual cell: regions up to this size may be its pieces."""
MOST_TO_GATHER = 200
"""A frame with more regions is no frame of few cells in pieces; comparing all pairs would take long."""
SPARSE_SHARE = 0.35
"""Of its box: a disc fills 0.79 of it, a crescent about half, a long fold far less."""
CERTAIN_SD = 1.0
"""Standard deviations by which light must fall short to be taken away."""
WEAK_STRENGTH = 1.5
"""Significance over the seed threshold below which the outline of a region is ragged by noise."""


@dataclass(frozen=True, slots=True)
class Region:
    """What is taken for one cell.

    Attributes
    ----------
    rows, columns : slice
        Where it lies.
    mask : (rows, columns) array of bool
        Its pixels therein.
    """

    rows: slice
    columns: slice
    mask: NDArray[np.bool_]

    @property
    def place(self) -> tuple[slice, slice]:
        """Rows and columns, to index an array with."""
        return self.rows, self.columns


def close_and_fill(mask: NDArray[np.bool_] | NDArray[np.uint8], pixel_um: float) -> NDArray[np.uint8]:
    """Close gaps of up to twice 0.5 um and fill holes up to the size of a large nucleus.

    A hole may be open to the edge of the frame: so is the nucleus of a cell that the edge cuts. A nucleus is
    convex; a gap between round cells that touch is not, and stays.
    """
    closed = _closed(mask.astype(np.uint8), max(round(CLOSING_UM / pixel_um), 1))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(1 - closed, connectivity=4)
    is_filled = np.ones(count, dtype=np.uint8)
    for label in range(1, count):
        left, top, width, height, area = stats[label].tolist()
        diameter_um = 2 * math.sqrt(area / math.pi) * pixel_um
        hole = labels[top : top + height, left : left + width] == label
        is_filled[label] = diameter_um <= SMALL_HOLE_UM or (
            diameter_um <= LARGEST_HOLE_UM and convexity(hole) >= NUCLEUS_CONVEXITY
        )
    return np.asarray(is_filled[labels])


def _closed(mask: NDArray[np.uint8], radius_px: int) -> NDArray[np.uint8]:
    """Close a mask with a margin, so that the edge of the frame does not eat into cells that it cuts."""
    padded = np.pad(mask, radius_px)
    closed = np.asarray(cv2.morphologyEx(padded, cv2.MORPH_CLOSE, _disc(radius_px)), dtype=np.uint8)
    return closed[radius_px : radius_px + mask.shape[0], radius_px : radius_px + mask.shape[1]]


def _disc(radius_px: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2), dtype=np.uint8)


def join_fragments(
    mask: NDArray[np.uint8], strength: NDArray[np.float32], pixel_um: float
) -> NDArray[np.uint8]:
    """Bridge gaps beside small regions, puncta of one cell, and beside weak ones, arcs of one cell.

    Gaps between large, strong regions stay: those are cells.
    """
    count, labels, stats = _components(mask)
    largest_px = math.pi / 4 * (PUNCTUM_UM / pixel_um) ** 2
    is_small = (stats[:, cv2.CC_STAT_AREA] <= largest_px).astype(np.uint8)
    is_weak = (_peaks(labels, count, strength) < WEAK_STRENGTH).astype(np.uint8)
    is_small[0] = is_weak[0] = 0
    if not (is_small.any() or is_weak.any()):
        return mask
    small = is_small[labels]
    puncta = _bridges(small, small, max(round(PUNCTA_REACH_UM / pixel_um), 1)) & (1 - mask)
    # What lies between puncta lies around them too, too faint to be seen.
    puncta = np.asarray(cv2.dilate(puncta, _disc(round(PUNCTA_FRINGE_UM / pixel_um))), dtype=np.uint8)
    arcs = _bridges(mask, (is_small | is_weak)[labels], max(round(ARCS_REACH_UM / pixel_um), 1))
    return np.asarray(mask | puncta | arcs, dtype=np.uint8)


def _bridges(mask: NDArray[np.uint8], chosen: NDArray[np.uint8], radius_px: int) -> NDArray[np.uint8]:
    """What a closing of the mask adds that touches a chosen pixel."""
    closed = _closed(mask, radius_px)
    added = np.asarray(closed & (1 - mask), dtype=np.uint8)
    count, labels = cv2.connectedComponents(added, connectivity=8)
    touching = np.zeros(count, dtype=np.uint8)
    beside = np.asarray(cv2.dilate(chosen, np.ones((3, 3), dtype=np.uint8)))
    touching[labels[beside > 0]] = 1
    touching[0] = 0
    return np.asarray(touching[labels])


def regions_of(mask: NDArray[np.uint8], pixel_um: float) -> list[Region]:
    """Connected regions (8 neighbours) of a mask, touching cells taken apart, pieces of cells put together.

    What fits into a cell of the size usual in the frame stays together. What is far larger and leaves most of
    its box empty, like a fold, comes in pieces.
    """
    count, labels, stats = _components(mask)
    wholes, clear_px = [], []
    for label in range(1, count):
        left, top, width, height, _ = stats[label].tolist()
        rows, columns = slice(top, top + height), slice(left, left + width)
        whole = labels[rows, columns] == label
        parts = split_touching(whole, pixel_um)
        wholes.append((rows, columns, parts))
        cut = left == 0 or top == 0 or rows.stop == mask.shape[0] or columns.stop == mask.shape[1]
        if len(parts) == 1 and not cut and min(width, height) * pixel_um >= PUNCTUM_UM:
            clear_px.append(max(width, height))
    usual_um = USUAL_CELL_UM
    if len(clear_px) >= FEWEST_CLEAR:
        usual_um = max(float(np.percentile(clear_px, USUAL_PERCENTILE)) * pixel_um, LEAST_USUAL_UM)
    whole_px = usual_um / pixel_um
    regions = [
        Region(rows, columns, part)
        for rows, columns, parts in wholes
        for part in rejoin_fragments(parts, whole_px)
    ]
    gathered = _gathered(regions, whole_px, GATHER_UM / pixel_um)
    return [piece for region in gathered for piece in _in_pieces(region, whole_px)]


def _in_pieces(region: Region, whole_px: float) -> list[Region]:
    """Halve what is larger than a cell and leaves most of its box empty, again and again.

    A fold runs across the whole frame: one box around it would hold most of the frame.
    """
    top, left, bottom, right = _bounds(region)
    high, wide = bottom - top, right - left
    if max(high, wide) <= whole_px or region.mask.sum() >= SPARSE_SHARE * high * wide:
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
    return [piece for half in halves for piece in _in_pieces(half, whole_px)]


def _components(mask: NDArray[np.uint8]) -> tuple[int, NDArray[np.int32], NDArray[np.int32]]:
    """Connected regions (8 neighbours), by the algorithm that counts their pixels twice as fast."""
    count, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        mask, 8, cv2.CV_32S, cv2.CCL_GRANA
    )
    return count, np.asarray(labels, dtype=np.int32), np.asarray(stats, dtype=np.int32)


def _gathered(regions: list[Region], whole_px: float, reach_px: float) -> list[Region]:
    """Put small regions within reach together, where both are no larger than one cell."""
    boxes = [_bounds(region) for region in regions]
    i = 0
    while i < len(regions) and len(regions) <= MOST_TO_GATHER:
        top, left, bottom, right = boxes[i]
        small = max(bottom - top, right - left) <= SMALL_SHARE * whole_px
        partner = None
        for j in range(len(regions) if small else 0):
            y0, x0, y1, x1 = boxes[j]
            gap = max(y0 - bottom, top - y1, x0 - right, left - x1)
            size = max(max(bottom, y1) - min(top, y0), max(right, x1) - min(left, x0))
            alike = max(y1 - y0, x1 - x0) <= SMALL_SHARE * whole_px
            if j != i and alike and gap <= reach_px and size <= whole_px:
                partner = j
                break
        if partner is None:
            i += 1
            continue
        regions[i] = _united(regions[i], regions[partner])
        boxes[i] = _bounds(regions[i])
        del regions[partner], boxes[partner]
        i = 0
    return regions


def _bounds(region: Region) -> tuple[int, int, int, int]:
    """First and one past the last row and column: top, left, bottom, right."""
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
    """Highest value in each label, 0 at least."""
    inside = np.flatnonzero(labels)
    peaks = np.zeros(count, dtype=np.float32)
    np.maximum.at(peaks, labels.ravel()[inside], values.ravel()[inside])
    return peaks


def remove_halo(
    mask: NDArray[np.uint8], residual: NDArray[np.float32], noise_sd: NDArray[np.float32], pixel_um: float
) -> NDArray[np.uint8]:
    """Take away what has certainly too little light to belong to what it is connected to.

    That is less than a quarter of the mean light of its surroundings in the mask, or less than a twelfth of
    the brightest part of its region.

    It is light from out of focus and, of a cell that is labelled in its nucleus, the rest of it. Finer
    smoothing follows an outline more closely, coarser smoothing is certain of fainter light.

    Parameters
    ----------
    mask : (rows, columns) array of uint8
    residual : (rows, columns) array of float32
        Frame above its background.
    noise_sd : (rows, columns) array of float32
        Standard deviation of a pixel of `residual`.
    pixel_um : float
    """
    shrink = 4
    size = -(-mask.shape[1] // shrink), -(-mask.shape[0] // shrink)
    sigma = HALO_SURROUNDINGS_UM / pixel_um / shrink
    inside = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(residual * mask, size, interpolation=cv2.INTER_AREA)
    mean = np.asarray(cv2.GaussianBlur(total, (0, 0), sigma)) / np.maximum(
        np.asarray(cv2.GaussianBlur(inside, (0, 0), sigma)), np.float32(1e-3)
    )
    mean = np.asarray(cv2.resize(mean, mask.shape[::-1], interpolation=cv2.INTER_LINEAR))
    within = mask.astype(np.float32)
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    floor = HALO_SHARE * mean
    kept = mask
    for sigma_um in HALO_SMOOTHINGS_UM:
        sigma = max(sigma_um / pixel_um, 0.5)
        uncertainty = noise_sd * np.float32(CERTAIN_SD / (2 * math.sqrt(math.pi) * sigma))
        if sigma_um > FINE_UM:
            share = np.maximum(np.asarray(cv2.GaussianBlur(within, (0, 0), sigma)), np.float32(1e-3))
            light = np.asarray(cv2.GaussianBlur(residual * within, (0, 0), sigma)) / share
            uncertainty = uncertainty / np.sqrt(share)
        else:
            # Fine enough to follow the outline; the darkness beyond it helps.
            light = np.asarray(cv2.GaussianBlur(residual, (0, 0), sigma))
        if sigma_um == HALO_SMOOTHINGS_UM[0]:
            floor = np.maximum(floor, CORE_SHARE * _peaks(labels, count, light)[labels])
        kept = kept & (light + uncertainty >= floor)
    return np.asarray(kept, dtype=np.uint8)
