"""The detector of Delpiano et al., J. Microsc. 271 (2018) 109, as the authors' program really works.

Rolling ball, CLAHE, negative Laplacian of Gaussian; its brightest 8 % mark cells, lines half-way between
them mark background; watershed of the gradient from both; boxes of the regions, merged and filtered by size.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy.ndimage as ndi
from numpy.typing import NDArray

from detection.image.boxes import BoxPx
from detection.image.hits import Hit
from detection.paper.clahe import clahe
from detection.paper.confidence import confidence_of_prominence
from detection.paper.filters import brightest, gradient_magnitude, negative_log, rescale
from detection.paper.merging import merge_boxes
from detection.paper.rolling_ball import subtract_rolling_ball
from detection.paper.watershed import background_lines, marker_watershed

PAPER_PIXEL_SIZE_UM = 0.178


@dataclass(frozen=True, slots=True)
class PaperSettings:
    """Settings of the authors' program; lengths in pixels, as the paper gives them.

    Attributes
    ----------
    sigma_px : float
        Of the Laplacian of Gaussian; 7 in the paper, 8 in the window of the authors' program.
    marker_quantile : float
        Pixels above this point of the feature's distribution mark cells, 0..1.
    merge_share : float
        Boxes merge where they share this much of either, 0..1.
    smallest_px, largest_px : float
        Diameters of the discs whose areas bound the size of a region.
    ball_radius_px : float
        Of the rolling ball.
    """

    sigma_px: float = 7.0
    marker_quantile: float = 0.92
    merge_share: float = 0.33
    smallest_px: float = 30.0
    largest_px: float = 90.0
    ball_radius_px: float = 50.0


def settings_for(pixel_size_um: float) -> PaperSettings:
    """Return the paper's settings with lengths scaled from its pixels of 0.178 um to others.

    Differences of pixel size below half a percent are none, so that the published frames (0.1778 um) get
    the published numbers.
    """
    scale = round(PAPER_PIXEL_SIZE_UM / pixel_size_um, 2)
    plain = PaperSettings()
    return PaperSettings(
        sigma_px=max(plain.sigma_px * scale, 0.5),
        smallest_px=plain.smallest_px * scale,
        largest_px=plain.largest_px * scale,
        ball_radius_px=max(plain.ball_radius_px * scale, 2.0),
    )


def find_cells(frame: NDArray[np.float32], settings: PaperSettings, prepared: bool) -> list[Hit]:
    """Find cells as the authors' program does.

    Parameters
    ----------
    frame : (rows, columns) array of float32
        Grey levels.
    settings : PaperSettings
    prepared : bool
        The frame had its background removed and its contrast equalised before.

    Returns
    -------
    list of Hit
        In the order of their regions, by columns. 8 % of the pixels of any frame mark cells, so a frame
        without cells gets several hits too, of low confidence.
    """
    image = frame if prepared else prepare(frame, settings.ball_radius_px)
    feature = negative_log(image, settings.sigma_px)
    cells = brightest(feature, settings.marker_quantile)
    # Where a background line touches a marker (8-connected) the two are one source, and that cell is lost:
    # a property of the method, kept.
    markers = cells | background_lines(cells)
    regions = marker_watershed(gradient_magnitude(clahe(feature)), markers)
    # The feature is smooth: every fourth pixel tells its distribution.
    some = feature[::2, ::2]
    middle = float(np.median(some))
    spread = 1.4826 * float(np.median(np.abs(some - middle)))
    hits = []
    for box in _boxes_of(regions, settings):
        prominence = (float(feature[box.slices].max()) - middle) / max(spread, 1e-6)
        hits.append(Hit(box, confidence_of_prominence(prominence)))
    return hits


def prepare(frame: NDArray[np.float32], ball_radius_px: float) -> NDArray[np.float32]:
    """Remove the background by a rolling ball and equalise contrast by CLAHE; returns 0..1."""
    return clahe(rescale(subtract_rolling_ball(frame, ball_radius_px)))


def _boxes_of(regions: NDArray[np.int32], settings: PaperSettings) -> list[BoxPx]:
    """Boxes of the regions that are not too large, merged, without those too small; merged ones all stay."""
    area_px = np.bincount(regions.ravel())
    boxes, areas = [], []
    for label, place in enumerate(ndi.find_objects(regions), start=1):
        if place is not None and area_px[label] <= math.pi / 4 * settings.largest_px**2:
            rows, columns = place
            boxes.append(BoxPx(columns.start, rows.start, columns.stop, rows.stop))
            areas.append(area_px[label])
    smallest = math.pi / 4 * settings.smallest_px**2
    return [
        found.box
        for found in merge_boxes(boxes, settings.merge_share)
        if found.merged or areas[found.index] >= smallest
    ]
