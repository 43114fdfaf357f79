"""Outlines that explain a picture best, of many that overlap."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detection.overview import quads
from detection.overview.values import Corners


def chosen(
    corners: Corners,
    scores: NDArray[np.floating],
    most_overlap: float,
    least_score: float,
    taken: Sequence[Corners] = (),
) -> list[int]:
    """Return the outlines that are kept, the best first: none overlaps a better one by more than a share.

    Parameters
    ----------
    corners : (N, 4, 2) array
    scores : (N,) array
    most_overlap : float
        Share of the smaller of two outlines.
    least_score : float
    taken : sequence of (4, 2) array, optional
        Outlines that are kept already.
    """
    kept: list[int] = []
    places = list(taken)
    low, high = ([part(one, axis=0) for one in places] for part in (np.min, np.max))
    for number in np.argsort(-scores, kind="stable"):
        if scores[number] < least_score:
            break
        one = corners[number]
        near = (
            np.flatnonzero(
                ((np.array(low) < one.max(axis=0)) & (one.min(axis=0) < np.array(high))).all(axis=1)
            )
            if places
            else ()
        )
        if not any(_share(one, places[other]) > most_overlap for other in near):
            kept.append(int(number))
            places.append(one)
            low.append(one.min(axis=0))
            high.append(one.max(axis=0))
    return kept


def _share(one: Corners, other: Corners) -> float:
    return quads.shared(one, other) / max(min(quads.area(one), quads.area(other)), 1e-9)
