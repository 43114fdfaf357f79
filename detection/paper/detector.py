"""Detector of Delpiano et al., J. Microsc. 271 (2018) 109, as the authors' program really works.

Rolling ball, CLAHE, negative Laplacian of Gaussian; its brightest 8 % mark cells, lines half-way between
them mark background; watershed of the gradient from both; boxes of the regions, merged and filtered by size.
"""

import math

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
from detection.paper.settings import PaperSettings
from detection.paper.watershed import background_lines, marker_watershed


def find_cells(frame: NDArray[np.float32], settings: PaperSettings, prepared: bool) -> list[Hit]:
    """Find cells as the authors' program does.

    Parameters
    ----------
    frame : (rows, columns) array of float32
        Grey levels.
    settings : PaperSettings
    prepared : bool
        True if the frame had its background removed and its contrast equalised before.

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
    # The feature is smooth: every fourth pixel is enough for its distribution.
    some = feature[::2, ::2]
    middle = float(np.median(some))
    spread = 1.4826 * float(np.median(np.abs(some - middle)))
    hits = []
    for box in _boxes_of(regions, settings):
        prominence = (float(feature[box.slices].max()) - middle) / max(spread, 1e-6)
        hits.append(Hit(box, confidence_of_prominence(prominence, settings)))
    return hits


def prepare(frame: NDArray[np.float32], ball_radius_px: float) -> NDArray[np.float32]:
    """Remove the background by a rolling ball and equalise contrast by CLAHE, to 0..1."""
    return clahe(rescale(subtract_rolling_ball(frame, ball_radius_px)))


def _boxes_of(regions: NDArray[np.int32], settings: PaperSettings) -> list[BoxPx]:
    """Return the merged boxes of regions that are not too large; unmerged small ones are dropped."""
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
