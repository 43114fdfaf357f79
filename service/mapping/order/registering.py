"""Dissimilarity of sections after registration, of those pairs that may be neighbours.

A coarse comparison of upright pictures misses some neighbours. But what is registered on two sections also
tells how these two lie on each other, so that neighbours of neighbours are compared without a search, until
no pair is new: Dong, Moses, Li, WWW (2011) 577.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detection.registration.correlation import correlate, refine
from detection.registration.register import Prepared, prepare, register
from detection.registration.rigid import Rigid
from detection.registration.section_frame import SectionFrame
from detection.registration.settings import SETTINGS

Floats = NDArray[np.float64]

_FIRST = 8
"""Sections most alike coarsely, which are registered on each section. Chosen by hand."""
_MORE = 24
"""The same, for sections that have fewer good links than `_LONELY`. Chosen by hand."""
_LONELY = 2
_CLOSE = 6
"""Sections most alike after registration, whose pairs are compared: three on each side. Chosen by hand."""
_MOST_CORRECTION_UM = 5.0
"""A refinement that moves further than this has found something else. Chosen by hand."""
UNREGISTERED = 2.0
"""Added to the coarse dissimilarity of pairs that are not registered, so that they come last."""


def registered_dissimilarities(frames: Sequence[SectionFrame], coarse: Floats) -> Floats:
    """Return 1 less the correlation of pairs after registration; `UNREGISTERED` and more where there is none.

    Parameters
    ----------
    frames : sequence of SectionFrame
    coarse : (N, N) array
        Dissimilarities of all pairs, 0 to 2.

    Returns
    -------
    (N, N) array
        Symmetric, 0 on the diagonal.
    """
    known = _Known([prepare(replace(frame, section_angle_rad=None)) for frame in frames])
    ranked = np.argsort(coarse, axis=1, kind="stable")
    nearest = [[other for other in row if other != n] for n, row in enumerate(ranked.tolist())]
    known.register((n, other) for n, row in enumerate(nearest) for other in row[:_FIRST])
    known.close()
    lonely = np.flatnonzero(known.links() < _LONELY).tolist()
    known.register((n, other) for n in lonely for other in nearest[n][_FIRST:_MORE])
    known.close()
    found = np.where(np.isnan(known.correlation), UNREGISTERED + coarse, 1 - known.correlation)
    np.fill_diagonal(found, 0)
    return np.asarray(found)


@dataclass(frozen=True, slots=True)
class _Through:
    """A section through which two others are known to each other, and the worse of the two correlations."""

    section: int
    correlation: float


class _Known:
    """Pairs of sections whose position on each other is known."""

    def __init__(self, prepared: Sequence[Prepared]) -> None:
        self._prepared = prepared
        self._motions: dict[tuple[int, int], Rigid] = {}
        self._tried: set[tuple[int, int]] = set()
        self._composed: set[tuple[int, int]] = set()
        self.correlation = np.full((len(prepared), len(prepared)), np.nan)

    def links(self) -> NDArray[np.int_]:
        """Return the number of sections that are known to each."""
        return np.asarray((~np.isnan(self.correlation)).sum(axis=1))

    def register(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Register pairs that are not known yet, with a search."""
        for pair in pairs:
            one, other = min(pair), max(pair)
            if (one, other) in self._tried or (one, other) in self._motions:
                continue
            self._tried.add((one, other))
            link = register(self._prepared[one], self._prepared[other])
            if not link.bad and link.motion is not None:
                self._put(one, other, link.motion, link.correlation)

    def close(self) -> None:
        """Compare all pairs of the sections that are most like one, until there is no new pair."""
        while new := self._new_pairs():
            for (one, other), through in new.items():
                self._composed.add((one, other))
                self._compare(one, other, through.section)

    def _new_pairs(self) -> dict[tuple[int, int], _Through]:
        found: dict[tuple[int, int], _Through] = {}
        likeness = np.where(np.isnan(self.correlation), -np.inf, self.correlation)
        for middle, row in enumerate(likeness):
            close = [n for n in np.argsort(-row, kind="stable")[:_CLOSE].tolist() if row[n] > -np.inf]
            for at, one in enumerate(close):
                for other in close[at + 1 :]:
                    pair = min(one, other), max(one, other)
                    if pair in self._motions or pair in self._composed:
                        continue
                    worse = float(min(row[one], row[other]))
                    if pair not in found or worse > found[pair].correlation:
                        found[pair] = _Through(middle, worse)
        return found

    def _compare(self, one: int, other: int, middle: int) -> None:
        source, target = self._prepared[one], self._prepared[other]
        expected = self._motions[middle, other].after(self._motions[one, middle])
        motion = refine(source.raster, target.raster, expected)
        if motion is None or motion.distance_um(expected, source.radius_um) > _MOST_CORRECTION_UM:
            motion = expected
        found = correlate(source.raster, target.raster, motion)
        if found.significance >= SETTINGS.link.significant:
            self._put(one, other, motion, found.correlation)

    def _put(self, one: int, other: int, motion: Rigid, correlation: float) -> None:
        self._motions[one, other], self._motions[other, one] = motion, motion.inverse()
        self.correlation[one, other] = self.correlation[other, one] = correlation
