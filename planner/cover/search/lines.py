"""Lines on which the sides of candidate frames lie, and what frames between them show.

Lines are the sides of required rectangles, those at which a frame overlaps a neighbour that ends at such a
side by what stitching needs, and more in between where these are far apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from planner.geometry.rects import TOLERANCE_M

_JOINED_M = 1e-6
"""Lines closer than this are one. Chosen on the layouts of `benchmarks/targeting/planning.py` with seeds from
0: .25 um takes twice the time and gains nothing; 1 um costs 0.5 % of the time of a plan."""
_PITCH_M = 4.5e-6
"""Largest distance of lines; chosen likewise."""

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Axis:
    """Candidate frames along one axis: P pairs of lines, a lower and a higher one.

    Attributes
    ----------
    low, high : (P,) arrays
        Sides of the pairs, m.
    points : sequence of (n,) arrays
        Test points of each required rectangle: where frames show all of them, they show all of it. What is
        not shown begins at the low side of the rectangle, or where a frame ends.
    shows : sequence of (P, n) arrays
        True where a pair shows a test point safely, as in `seams`.
    holds : sequence of (P,) arrays
        True where a pair holds a required rectangle.
    """

    low: Values
    high: Values
    points: Sequence[Values]
    shows: Sequence[Flags]
    holds: Sequence[Flags]


def axis(low: Values, high: Values, longest_m: float, overlap_m: float, ends: Values) -> Axis:
    """Return the candidate frames along one axis.

    Parameters
    ----------
    low, high : (N,) arrays
        Sides of the required rectangles, m.
    longest_m : float
        Longest side of a frame.
    overlap_m : float
        Overlap at a seam.
    ends : (M,) array
        High sides of frames that lie on no lines.
    """
    # A rectangle that only just fits in a frame would not if its sides were joined with others.
    tight = high - low > longest_m - 2 * _JOINED_M
    lows = _filled(_joined(np.concatenate((low, high - overlap_m)), low[tight]))
    highs = _filled(-_joined(-np.concatenate((high, low + overlap_m)), -high[tight])[::-1])
    first, last = np.meshgrid(lows, highs, indexing="ij")
    shortest_m = min(overlap_m, float((high - low).min()))
    fits = (last - first >= shortest_m - TOLERANCE_M) & (last - first <= longest_m + TOLERANCE_M)
    pair_low, pair_high = first[fits], last[fits]
    points, shows, holds = [], [], []
    stops = np.concatenate((highs, ends)) - overlap_m / 2
    for begin, end in zip(low, high, strict=True):
        inside = stops[(stops > begin + TOLERANCE_M) & (stops < end - overlap_m / 2 - TOLERANCE_M)]
        at = np.unique(np.concatenate(((begin,), inside)))
        at = at[np.concatenate(((True,), np.diff(at) > TOLERANCE_M))]
        safe_low, safe_high = safe_span(pair_low, pair_high, begin, end, overlap_m)
        points.append(at)
        shows.append(shown_points(safe_low, safe_high, at))
        holds.append((pair_low <= begin + TOLERANCE_M) & (pair_high >= end - TOLERANCE_M))
    return Axis(pair_low, pair_high, points, shows, holds)


def safe_span(low: Values, high: Values, begin: float, end: float, overlap_m: float) -> tuple[Values, Values]:
    """Return the span of a required one, from `begin` to `end`, that frames show safely."""
    safe_low = np.where(low <= begin + TOLERANCE_M, begin, low + overlap_m / 2)
    safe_high = np.where(high >= end - TOLERANCE_M, end, high - overlap_m / 2)
    return safe_low, safe_high


def shown_points(safe_low: Values, safe_high: Values, points: Values) -> Flags:
    """Return which test points lie in which spans, (P, n); a span does not include its end."""
    return np.asarray(
        (safe_low[:, None] <= points + TOLERANCE_M) & (safe_high[:, None] > points + TOLERANCE_M)
    )


def _joined(values: Values, kept: Values) -> Values:
    """Return sorted values without those shortly above another, but with all that must be kept."""
    found: list[float] = []
    for value in np.sort(values).tolist():
        if not found or value > found[-1] + _JOINED_M:
            found.append(value)
    return np.unique(np.concatenate((found, kept)))


def _filled(values: Values) -> Values:
    """Return ascending values, with more where they are far apart."""
    more = [values]
    for a, b in pairwise(values):
        count = int(np.ceil((b - a) / _PITCH_M))
        more.append(a + (b - a) * np.arange(1, count) / max(count, 1))
    return np.sort(np.concatenate(more))
