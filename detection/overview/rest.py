"""What is about as large as a section, but has another shape: folded, torn, half off."""

from collections.abc import Sequence

import cv2
import numpy as np

from detection.overview import quads
from detection.overview.edges import of_energy
from detection.overview.ground import Ground
from detection.overview.regions import regions_of
from detection.overview.settings import FitSettings
from detection.overview.values import Corners


def rest_of(
    ground: Ground, outlines: Sequence[Corners], shape: Corners, settings: FitSettings
) -> list[Corners]:
    """Return quadrilaterals around what the outlines, in working pixels, leave unexplained.

    Loose strips and dust are smaller; shades have no edge around them.
    """
    mask = ground.foreground.astype(np.uint8)
    for corners in outlines:
        cv2.fillConvexPoly(mask, np.round(quads.grown(corners, 1.08)).astype(np.int32), 0)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)))
    edge = cv2.dilate(
        of_energy(ground.edge[:, :, 0] + ground.edge[:, :, 2], ground), np.ones((5, 5), np.uint8)
    )
    section = quads.area(shape)
    low, high = settings.rest
    found = []
    for region in regions_of(mask > 0, ground.glass, low * section):
        contour = np.zeros(mask.shape, np.uint8)
        cv2.drawContours(contour, [region.contour], -1, 1)
        support = float(edge[contour > 0].mean()) if contour.any() else 0.0
        if region.area <= high * section and support >= settings.rest_support:
            found.append(region.corners)
    return found
