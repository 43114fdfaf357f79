"""A change in a series of numbers, against its own scatter."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST = 8
"""Values below which no change is looked for: four and four."""
_SHORTEST, _LONGEST = 4, 25
"""Values compared at each end: four show a step soon, a quarter of all (at most 25) a slow change."""
_SIGMAS = 6.0
"""Change over its standard error; chosen by hand, as series are looked at after each section and neighbours
are alike."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change.

    Attributes
    ----------
    ratio : float
        Median of the last values over that of the first.
    since : int
        Index of the first of these last values.
    """

    ratio: float
    since: int


def change_of(values: Sequence[float], least: float) -> Change | None:
    """Return the change between the begin and the end of a series; None if there is none that is certain.

    Parameters
    ----------
    values : sequence of float
        In the order of time; those that are not above 0 count as the smallest that is.
    least : float
        Smallest factor, up or down, that matters; above 1.
    """
    if len(values) < FEWEST:
        return None
    given = np.asarray(values, dtype=np.float64)
    above = given[given > 0]
    if not len(above):
        return None
    log = np.log(np.maximum(given, above.min()))
    first = min(max(len(log) // 4, _SHORTEST), _LONGEST)
    head = log[:first]
    for last in dict.fromkeys((_SHORTEST, first)):
        tail = log[-last:]
        by = float(np.median(tail) - np.median(head))
        error = _SIGMAS * _scatter(head, tail) * math.sqrt(1 / first + 1 / last)
        if abs(by) >= max(math.log(least), error):
            return Change(math.exp(by), len(log) - last)
    return None


def _scatter(head: NDArray[np.float64], tail: NDArray[np.float64]) -> float:
    """Return the standard deviation within both ends."""
    degrees = len(head) + len(tail) - 2
    squares = float(((head - head.mean()) ** 2).sum() + ((tail - tail.mean()) ** 2).sum())
    return math.sqrt(squares / degrees)
