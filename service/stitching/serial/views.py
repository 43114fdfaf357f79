"""Electron images of cells, ready to be compared from section to section.

Two kinds of details are compared. Coarse ones are the sign of details rather than their strength: membranes
that run obliquely through the section move from one to the next, and would count most. Of close ones those
count least that run in one direction for long: the outlines of a cell and of its nucleus, which all grow or
shrink one way where only a part of them is shown or the cell leans.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from service.image_files.images import Pixels
from service.stitching.placing.correlation import Band, Floats
from service.stitching.values import Point

PIXEL_UM = 0.1
"""Pixel size on which sections are compared. At .05, .066 and .15 um errors were larger (seed 21, 65 pairs of
images)."""
COARSE = Band(1.0, 8.0)
CLOSE = Band(1.5, 3.2)
"""In pixels. At the true rotation the close band was 25 nm off in the median, the coarse one with the same
weights 29 (201 pairs of images of development seeds 705 and 711 to 713); bands at .05 and .066 um were no
better."""
_STRONGEST = 0.7
"""Contrast at which details are cut, in standard deviations: half of the pairs of seed 21 then lay within
21 nm instead of 25."""
_ALONG_PX = 6.0
"""Standard deviation of the ground over which directions are compared, px. With .6 um 95 % of the 201 pairs
were within 63 nm, 117 without. At .4 and .8 um, and with the square of the weights, they were no better."""


@dataclass(frozen=True, slots=True)
class CellView:
    """The electron image of a cell in a section.

    Attributes
    ----------
    details, close : (rows, columns) arrays of float32
        0 where there is no image.
    middle_um : (float, float)
        The middle of the cell as fluorescence has it, from the middle of the image, X right, Y up.
    """

    details: Floats
    close: Floats
    middle_um: Point


def view_of(image: Pixels, pixel_um: float, middle_um: Point) -> CellView:
    """Prepare the electron image of a cell; ground that is 0 counts as not shown.

    Parameters
    ----------
    image : (rows, columns) array of uint8 or uint16
    pixel_um : float
    middle_um : (float, float)
        See `CellView`.
    """
    rows, columns = (max(1, round(side * pixel_um / PIXEL_UM)) for side in image.shape)
    # About the middle, in pixels of exactly the common size.
    share = PIXEL_UM / pixel_um
    matrix = np.array([[share, 0.0, 0.0], [0.0, share, 0.0]])
    matrix[:, 2] = np.array(image.shape[::-1]) / 2 - 0.5 - share * (np.array([columns, rows]) / 2 - 0.5)
    # An odd side: an even one would move the image.
    smooth = cv2.blur(image.astype(np.float32), (2 * round(share / 2) + 1,) * 2)
    way = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    small = cv2.warpAffine(smooth, matrix, (columns, rows), flags=way, borderMode=cv2.BORDER_REPLICATE)
    shown = cv2.warpAffine((image > 0).astype(np.float32), matrix, (columns, rows), flags=way)
    inside = cv2.erode(shown, np.ones((3, 3), np.uint8), borderValue=1.0)
    known = np.asarray(inside > 0.5, dtype=np.float32)
    grey = np.asarray(small, dtype=np.float32)
    close = _cut(grey, known, CLOSE) * _without_direction(grey, known)
    return CellView(_cut(grey, known, COARSE), np.asarray(close, dtype=np.float32), middle_um)


def _cut(grey: Floats, known: Floats, band: Band) -> Floats:
    """Return the details of a band where an image is known, cut at their strongest."""
    details = np.subtract(_even(grey, known, band.fine_px), _even(grey, known, band.coarse_px))
    spread = float(details[known > 0].std()) if known.any() else 0.0
    return np.asarray(np.clip(details, -_STRONGEST * spread, _STRONGEST * spread) * known, dtype=np.float32)


def _without_direction(grey: Floats, known: Floats) -> Floats:
    """Return 1 where edges run in all directions, 0 where all run in one: by the structure tensor."""
    if min(grey.shape) < 2:
        return np.zeros_like(known)
    down, right = np.gradient(_even(grey, known, 1.0))
    down, right = down * known, right * known

    def around(values: Floats) -> Floats:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), _ALONG_PX), dtype=np.float32)

    xx, xy, yy = around(right * right), around(right * down), around(down * down)
    # Less than a thousandth of a grey level a pixel is none.
    return np.asarray(1 - np.hypot(xx - yy, 2 * xy) / (xx + yy + np.float32(1e-6)), dtype=np.float32)


def _even(image: Floats, known: Floats, sigma: float) -> Floats:
    """Blur an image where it is known, as if it went on as it ends."""
    weight = cv2.GaussianBlur(known, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    sums = cv2.GaussianBlur(image * known, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return np.asarray(sums / np.maximum(weight, np.float32(1e-3)), dtype=np.float32)
