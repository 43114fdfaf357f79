"""Regions of an overview that differ from the substrate, and the quadrilaterals that fit them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from detection.overview import quads
from detection.overview.ground import Ground
from detection.overview.settings import ShapeSettings
from detection.overview.values import Corners, Mask


@dataclass(frozen=True, slots=True)
class Region:
    """A connected region.

    Attributes
    ----------
    corners : (4, 2) array
        Quadrilateral fitted to it, working pixels.
    area : float
        Working pixels.
    match : float
        Intersection over union of region and quadrilateral.
    cut : bool
        It reaches the end of the glass or of the picture.
    contour : (N, 1, 2) array of int
        Its pixels x, y.
    weight : float
        For the choice of the common shape: its area, less where its sides or its inside are doubtful.
    sure : bool
        False for a part of a ribbon if the picture does not decide that the ribbon has such parts.
    """

    corners: Corners
    area: float
    match: float
    cut: bool
    contour: NDArray[np.int32]
    weight: float = 1.0
    sure: bool = True


def regions_of(mask: Mask, glass: Mask, least_area: float, grown_px: int = 0) -> list[Region]:
    """Return the connected regions of a mask, without their holes.

    Parameters
    ----------
    mask, glass : (rows, columns) array of bool
    least_area : float
        Working pixels.
    grown_px : int
        Every region is grown by this, where edges were taken from it.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    # The end of the glass, widened: a region that reaches it may go on.
    outside = cv2.dilate((~glass).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    outside[[0, -1]] = outside[:, [0, -1]] = True
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grown_px + 1, 2 * grown_px + 1))
    found = []
    for number, place in enumerate(find_objects(np.asarray(labels, dtype=np.int32)), start=1):
        if place is None or stats[number, cv2.CC_STAT_AREA] < least_area:
            continue
        part = np.pad((labels[place] == number).astype(np.uint8), grown_px + 1)
        cut = bool((outside[place] & (labels[place] == number)).any())
        part = cv2.dilate(part, kernel) if grown_px else part
        outer, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        contour = max(outer, key=len)
        corners = quadrilateral(contour)
        filled, fitted = np.zeros(part.shape, np.uint8), np.zeros(part.shape, np.uint8)
        cv2.drawContours(filled, [contour], -1, 1, cv2.FILLED)
        cv2.fillConvexPoly(fitted, np.round(corners).astype(np.int32), 1)
        both, either = int((filled & fitted).sum()), int((filled | fitted).sum())
        outer_px = contour + np.array([place[1].start, place[0].start]) - grown_px - 1
        shift = (place[1].start - grown_px - 0.5, place[0].start - grown_px - 0.5)
        found.append(Region(corners + shift, float(filled.sum()), both / max(either, 1), cut, outer_px))
    return found


def quadrilateral(contour: np.ndarray) -> Corners:
    """Return the quadrilateral, clockwise, that fits a contour, or else the smallest rectangle around it."""
    hull = cv2.convexHull(contour)
    box = np.asarray(cv2.boxPoints(cv2.minAreaRect(hull)), dtype=np.float64)
    length = cv2.arcLength(hull, True)
    for share in (0.02, 0.03, 0.04, 0.06, 0.08):
        corners = cv2.approxPolyDP(hull, share * length, True)[:, 0].astype(np.float64)
        if len(corners) == 4 and cv2.contourArea(corners.astype(np.float32)) > 0.75 * quads.area(box):
            return quads.clockwise(corners)
    return quads.clockwise(box)


def quadrilateral_regions(ground: Ground, settings: ShapeSettings) -> list[Region]:
    """Return the regions that are about quadrilaterals, touching ones parted along their edges."""
    mask = ground.foreground
    gradient = np.sqrt(ground.edge[:, :, 0] + ground.edge[:, :, 2])
    least_area = settings.least_side_px**2
    small = np.ones((3, 3), np.uint8)
    levels: list[tuple[Mask, int]] = []
    for one in (mask, ground.inside) if ground.by_edges else (mask,):
        levels.append((one, 0))
        for radius in settings.parted_px:
            kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
            levels.append((cv2.morphologyEx(one.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0, 0))
        for share in settings.parted_by:
            calm = (one & (gradient < share * ground.strong)).astype(np.uint8)
            levels.append((cv2.morphologyEx(calm, cv2.MORPH_OPEN, small) > 0, 1))
    found = []
    for level, grown in levels:
        for region in regions_of(level, ground.glass, least_area, grown):
            lengths = quads.sides(region.corners)
            good = region.match >= settings.least_match and not region.cut
            if (
                good
                and settings.least_side_px <= lengths.min()
                and (lengths.max() <= settings.most_aspect * lengths.min())
            ):
                found.append(region)
    return found
