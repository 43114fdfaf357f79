"""Features of the network inside hits: what its last layer reads, of which the scores say only a part."""

import numpy as np

from detection.image.boxes import Sides
from detection.network.graph import WIDTHS
from detection.network.inputs import STRIDE
from detection.second_look.company import Floats

FEATURES = 2 * WIDTHS[0]
"""Numbers for each hit."""


def features_of(boxes: Sides, features: Floats) -> Floats:
    """Return the mean and the highest value of each feature among the places that each box touches.

    Parameters
    ----------
    boxes : (hits, 4) array of int64
        See `detection.second_look.company.sides_within`.
    features : (channels, rows, columns) array of float32
        Output of the layer before the last, a place of `STRIDE` pixels of the working grid each.

    Returns
    -------
    (hits, FEATURES) array of float32
    """
    low, high = boxes[:, :2] // STRIDE, -(-boxes[:, 2:] // STRIDE)
    found = np.empty((len(boxes), FEATURES), np.float32)
    for number, ((x0, y0), (x1, y1)) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        inside = features[:, y0:y1, x0:x1]
        found[number, : WIDTHS[0]] = inside.mean(axis=(1, 2))
        found[number, WIDTHS[0] :] = inside.max(axis=(1, 2))
    return found
