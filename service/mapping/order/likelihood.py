"""Likelihood of what two sections differ by: as neighbours, against far apart.

The logarithm of the unlikeness has a distribution for each distance in the block, one section or several, and
one for all that is further. Both come from the array itself: from sections whose distance is known, or from
the order as it is found so far.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.mapping.order.likeness.registering import Likeness

Floats = NDArray[np.float64]

REACH = 6
"""Largest distance in the block that counts, sections. Of 4, 6, 8 and 10 it left the fewest wrong links on
development stacks (320 to 375, 6021 to 6023)."""
_LEAST_UNLIKE = 0.01
"""Smaller ones are equal. Chosen by hand."""
_CELL_UM2 = 5.0
"""Signal over which one unlikeness has an error of its own size: a piece of one cell. Of 3, 5 and 10 on the
same stacks 3 left wrong links of a chance above .95, and 10 more doubtful right ones."""
_OF_SECTION = 0.5
"""Share of what the closest sections of one differ by that is taken for its own. Of 0, .5 and 1 it left the
fewest wrong links on the same stacks."""
_CLOSEST = 6
"""Sections that are the closest of one: three on either side."""
_TAILS = 4.0
"""Degrees of freedom of Student's distribution: a wrong comparison must not decide alone. Chosen by hand."""
_LEAST_SD, _LEAST_FAR_SD = 0.08, 0.2
"""Of the logarithms, near and far: a few values may agree by chance. Chosen by hand."""
_USUAL_VARIANCE = 0.04
"""Of a logarithm without error: those with larger errors count less in medians. Chosen by hand."""
_FEWEST = 3
"""Values of which a median tells something."""
_STEP = 0.2
"""By which the logarithm grows per section where the array itself does not show it: less than it does on
development stacks, .3 to .6."""
_NOT_COMPARED = -3.0
"""Gain of pairs that are not among those most alike. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class _Spread:
    middle: float
    sd: float


def neighbour_gains(likeness: Likeness, sequences: Sequence[Sequence[int]]) -> Floats:
    """Return the gains in log-likelihood of sections that are 1, 2, ... apart, against far apart.

    Parameters
    ----------
    likeness : Likeness
    sequences : sequence of sequence of int
        Sections in order, one after another without gaps, by which the distributions are estimated.

    Returns
    -------
    (REACH, N, N) array
        Symmetric; 0 where nothing is known.
    """
    unlike, error = likeness.unlike, likeness.error
    count = len(unlike)
    known = ~np.isnan(unlike) & ~np.eye(count, dtype=np.bool_)
    value = np.where(known, np.log(np.maximum(np.maximum(unlike, error), _LEAST_UNLIKE)), np.nan)
    own = _OF_SECTION * _of_sections(value)
    value = value - (own[:, None] + own[None, :]) / 2
    noise = (error / np.maximum(unlike, 3 * _LEAST_UNLIKE)) ** 2
    noise = np.where(known, noise + _CELL_UM2 / np.maximum(likeness.signal_um2, 1.0), 0.0)
    near, far = _spreads(value, noise, sequences)
    of_far = _log_density(value, noise, far)
    gains = np.array([_log_density(value, noise, one) - of_far for one in near])
    gains[:, ~known] = 0.0
    unseen = ~known & ~likeness.apart
    np.fill_diagonal(unseen, False)
    gains[:, unseen] = _NOT_COMPARED
    return gains


def _of_sections(value: Floats) -> Floats:
    """Return by how much the sections closest to each are less alike than is usual."""
    closest = np.sort(value, axis=1)[:, :_CLOSEST]
    some = np.isfinite(closest).any(axis=1)
    means = np.zeros(len(value))
    means[some] = np.nanmean(closest[some], axis=1)
    return np.where(some, means - (np.median(means[some]) if some.any() else 0.0), 0.0)


def _spreads(
    value: Floats, noise: Floats, sequences: Sequence[Sequence[int]]
) -> tuple[list[_Spread], _Spread]:
    """Return the distributions at each distance, never less alike the nearer, and of all that is further."""
    used = np.zeros(value.shape, dtype=np.bool_)
    near: list[_Spread] = []
    for apart in range(1, REACH + 1):
        pairs = [(one, other) for each in sequences for one, other in zip(each, each[apart:], strict=False)]
        one, other = np.array(pairs, dtype=np.int_).reshape(-1, 2).T
        used[one, other] = used[other, one] = True
        found = _spread(value[one, other], noise[one, other], _LEAST_SD)
        if found is None:
            found = _Spread(near[-1].middle + _STEP, near[-1].sd) if near else _closest(value)
        elif near:
            found = _Spread(max(found.middle, near[-1].middle), found.sd)
        near.append(found)
    rest = np.triu(~used, 1)
    far = _spread(value[rest], noise[rest], _LEAST_FAR_SD)
    if far is None or far.middle < near[0].middle:
        far = _Spread(near[-1].middle + _STEP, max(near[-1].sd, _LEAST_FAR_SD))
    return near, far


def _closest(value: Floats) -> _Spread:
    """Return the distribution of each section and the one most like it."""
    best = np.array([np.nanmin(row) for row in value if np.isfinite(row).any()])
    found = _spread(best, np.zeros(len(best)), _LEAST_SD)
    return found or _Spread(0.0, 1.0)


def _spread(value: Floats, noise: Floats, least_sd: float) -> _Spread | None:
    """Return median and robust standard deviation; None of too few values."""
    known = np.isfinite(value)
    value, weight = value[known], 1 / (_USUAL_VARIANCE + noise[known])
    if len(value) < _FEWEST:
        return None
    middle = _median(value, weight)
    return _Spread(middle, max(1.4826 * _median(np.abs(value - middle), weight), least_sd))


def _median(value: Floats, weight: Floats) -> float:
    order = np.argsort(value)
    passed = np.cumsum(weight[order])
    return float(value[order][np.searchsorted(passed, passed[-1] / 2)])


def _log_density(value: Floats, noise: Floats, of: _Spread) -> Floats:
    """Return the logarithm of Student's density, up to what it is for all."""
    sd = np.sqrt(of.sd**2 + noise)
    return np.asarray(-np.log(sd) - (_TAILS + 1) / 2 * np.log1p(((value - of.middle) / sd) ** 2 / _TAILS))
