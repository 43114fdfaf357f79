"""Objects as large as a section, but of another shape: folded, torn, half off."""

from collections.abc import Sequence

import cv2
import numpy as np

from detection.overview import quads
from detection.overview.common_shape.regions import regions_of
from detection.overview.edges import of_energy
from detection.overview.ground import Ground
from detection.overview.settings import FitSettings
from detection.overview.values import Corners


def rest_of(
    ground: Ground, outlines: Sequence[Corners], shape: Corners, settings: FitSettings
) -> list[Corners]:
    """Return quadrilaterals around what the outlines, in working pixels, leave unexplained.

    Loose strips and dust are smaller; shades have no edge around them.
    """
    mask = np.asarray(ground.foreground, dtype=np.uint8).copy()
    for corners in outlines:
        cv2.fillConvexPoly(mask, np.round(quads.grown(corners, 1.08)).astype(np.int32), 0)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    large = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel)) > 0
    support_of = of_energy(ground.edge[:, :, 0] + ground.edge[:, :, 2], ground)
    edge = np.asarray(cv2.dilate(support_of, np.ones((5, 5), np.uint8)))
    section = quads.area(shape)
    low, high = settings.rest
    found = []
    for region in regions_of(large, ground.glass, low * section):
        x, y = np.maximum(region.contour[:, 0], 0).T
        support = float(edge[np.minimum(y, edge.shape[0] - 1), np.minimum(x, edge.shape[1] - 1)].mean())
        if region.area <= high * section and support >= settings.rest_support:
            found.append(region.corners)
    return found
