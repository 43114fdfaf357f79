"""Features of the network inside hits."""

import numpy as np

from detection.network.graph import WIDTHS
from detection.second_look.features import features_of


def test_a_hit_has_the_mean_and_the_highest_of_the_places_that_it_touches() -> None:
    features = np.zeros((WIDTHS[0], 16, 16), np.float32)
    features[3, 2:4, 5:8] = [[1, 2, 3], [4, 5, 9]]
    # A place is four pixels: rows 2 and 3, columns 5 to 7, of which the box touches all.
    boxes = np.array([[21, 11, 29, 13], [0, 0, 1, 1]])
    found = features_of(boxes, features)
    assert found[0, 3] == 4
    assert found[0, WIDTHS[0] + 3] == 9
    found[0, [3, WIDTHS[0] + 3]] = 0
    assert not found.any()
