"""Sections laid on each other, and how alike they are there.

Sections most alike coarsely are registered, at the rotations that the list gives. The surest of these links
give every section a position in the block, so that any two can be compared where they lie: also those that
alone could not be registered, as where few cells are common to both.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.registration.correlation import Raster, refine
from detection.registration.normalisation import brightness_of, smooth_background
from detection.registration.register import Link, Prepared, prepare, register
from detection.registration.rigid import Rigid, warp_matrix
from detection.registration.section_frame import SectionFrame
from detection.registration.settings import SETTINGS
from service.mapping.order.likeness.noise import noise_variance
from service.mapping.order.likeness.poses import Laid, Poses, poses_of

Floats = NDArray[np.float64]

_FIRST = 8
"""Sections most alike coarsely, which are registered on each section. Chosen by hand."""
_MORE = 24
"""The same, for sections of small groups, at every rotation. Chosen by hand."""
_ALL = 60
"""Up to so many sections, all pairs are compared: some seconds. Chosen by hand."""
_CLOSE = 8
"""Of more sections, those most alike, whose pairs are compared in turn (Dong, Moses, Li, WWW (2011) 577).
Chosen by hand."""
_MOST_CORRECTION_UM = 5.0
"""A refinement that moves further than this has found something else. Chosen by hand."""
_LEAST_SIGNAL = 0.02
"""Least share of the variance that is no noise. Chosen by hand."""
_CORRELATED_NOISE = 1.5
"""Pixels over which the noise of a raster is one value: a pixel of the camera that is blurred by .35 um lies
on a raster of .9 um. Computed from both."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Comparison of all pairs of sections; all arrays are (N, N) and symmetric.

    Attributes
    ----------
    unlike : array
        1 less the correlation that there would be without noise: 0 alike, 1 unrelated; NaN if not compared.
    error : array
        Standard deviation that noise gives it.
    signal_um2 : array
        Area of cells that the comparison rests on, about: the signal of both where they overlap, squared.
    apart : array of bool
        Not compared as they lie in different groups: nothing is known. Other pairs without a value are not
        among the most alike.
    """

    unlike: Floats
    error: Floats
    signal_um2: Floats
    apart: NDArray[np.bool_]


def registered_likeness(frames: Sequence[SectionFrame], coarse: Floats, half_turns: bool = False) -> Likeness:
    """Return how alike sections are where they lie on each other.

    Parameters
    ----------
    frames : sequence of SectionFrame
        Of one part of the block, with the angles of their sections.
    coarse : (N, N) array
        Dissimilarities of all pairs, which choose the pairs that are registered.
    half_turns : bool
        The angles are known up to 180 degrees only.
    """
    prepared, noise = _prepared(frames)
    count = len(prepared)
    ranked = np.argsort(coarse + np.where(np.eye(count, dtype=np.bool_), np.inf, 0), axis=1, kind="stable")
    links: dict[tuple[int, int], Laid] = {}
    _register(
        prepared, _pairs(ranked[:, :_FIRST], range(count)), links, (0.0, math.pi) if half_turns else (0.0,)
    )
    poses = poses_of(count, [*links.values()])
    small = [n for n, size in enumerate(poses.sizes) if size <= count / 2]
    if small:
        _register(prepared, _pairs(ranked[:, :_MORE], small), links, None)
        poses = poses_of(count, [*links.values()])
    compared = _Compared(prepared, noise, poses)
    compared.add(_pairs(ranked if count <= _ALL else ranked[:, :_MORE], range(count)))
    while count > _ALL and (new := compared.through_others()):
        compared.add(new)
    group = np.array(poses.group)
    return Likeness(compared.unlike, compared.error, compared.signal_um2, group[:, None] != group[None, :])


def _prepared(frames: Sequence[SectionFrame]) -> tuple[list[Prepared], list[float]]:
    """Return frames ready to be registered, and the variance of the noise of each.

    All are taken with one light, so that cells are as bright in all: a frame that shows hardly any takes its
    scale from the others, as otherwise its noise would be as bright as their cells.
    """
    residuals = []
    for frame in frames:
        values = np.asarray(frame.pixels, dtype=np.float32)
        residuals.append(values - smooth_background(values, frame.pixel_size_um))
    pairs = [*zip(residuals, frames, strict=True)]
    bright = float(
        np.median([brightness_of(one, frame, SETTINGS.correlation.pixel_um) for one, frame in pairs])
    )
    noise = [noise_variance(one, frame, bright, seed) for seed, (one, frame) in enumerate(pairs)]
    return [prepare(frame, one, bright) for one, frame in pairs], noise


def _pairs(ranked: NDArray[np.int_], of: Iterable[int]) -> list[tuple[int, int]]:
    return sorted({(min(n, other), max(n, other)) for n in of for other in ranked[n].tolist() if other != n})


def _register(
    prepared: Sequence[Prepared],
    pairs: Iterable[tuple[int, int]],
    links: dict[tuple[int, int], Laid],
    turns: Sequence[float] | None,
) -> None:
    """Register pairs without a link, turned by the angles of the list; without `turns` at any rotation."""
    for one, other in pairs:
        if (one, other) in links:
            continue
        source, target = prepared[one], prepared[other]
        found: list[Link] = []
        if turns is None:
            found.append(register(replace(source, angle_rad=None), target))
        else:
            for turn in turns:
                turned = replace(target, angle_rad=(target.angle_rad or 0.0) + turn)
                found.append(register(source, turned, elsewhere=False))
        best = max(found, key=lambda link: -math.inf if link.bad else link.significance)
        if not best.bad and best.motion is not None:
            # A small overlap agrees by chance more easily.
            sure = best.significance * math.sqrt(best.overlap)
            links[one, other] = Laid(one, other, best.motion, sure)


class _Compared:
    """Pairs that are compared where they lie."""

    def __init__(self, prepared: Sequence[Prepared], noise: Sequence[float], poses: Poses) -> None:
        self._prepared, self._noise, self._poses = prepared, noise, poses
        count = len(prepared)
        self.unlike, self.error, self.signal_um2 = np.full((3, count, count), np.nan)
        self._tried: set[tuple[int, int]] = set()

    def add(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Compare pairs that have not been compared."""
        for one, other in pairs:
            if (one, other) in self._tried:
                continue
            self._tried.add((one, other))
            expected = self._poses.motion(one, other)
            if expected is None:
                continue
            source, target = self._prepared[one], self._prepared[other]
            motion = refine(source.raster, target.raster, expected)
            if motion is None or motion.distance_um(expected, source.radius_um) > _MOST_CORRECTION_UM:
                motion = expected
            found = compare(source.raster, target.raster, motion, self._noise[one], self._noise[other])
            for values, value in zip((self.unlike, self.error, self.signal_um2), found, strict=True):
                values[one, other] = values[other, one] = value

    def through_others(self) -> list[tuple[int, int]]:
        """Return pairs not compared yet of sections that are among the most alike of one section."""
        known = np.where(np.isnan(self.unlike), np.inf, self.unlike)
        found = set()
        for row in known:
            close = sorted(n for n in np.argsort(row, kind="stable")[:_CLOSE].tolist() if row[n] < np.inf)
            found |= {(one, other) for at, one in enumerate(close) for other in close[at + 1 :]}
        return sorted(found - self._tried)


def compare(
    source: Raster, target: Raster, motion: Rigid, source_noise: float, target_noise: float
) -> tuple[float, float, float]:
    """Return unlikeness, error and signal as in `Likeness`; NaN without overlap."""
    size = target.image.shape[::-1]
    matrix = warp_matrix(motion, source.grid, target.grid)
    # Nearest pixels: interpolation would smooth the noise.
    moved = np.asarray(cv2.warpAffine(source.image, matrix, size, flags=cv2.INTER_NEAREST))
    there = np.asarray(cv2.warpAffine(source.mask.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST))
    both = (there > 0) & target.mask
    shared = int(both.sum())
    least = SETTINGS.correlation.least_overlap * min(int(source.mask.sum()), int(target.mask.sum()))
    if shared <= max(least, 1):
        return math.nan, math.nan, math.nan
    a, b = moved[both], target.image[both]
    a, b = a - a.mean(), b - b.mean()
    of_a, of_b = float((a * a).mean()), float((b * b).mean())
    signal_a = max(of_a - source_noise, _LEAST_SIGNAL * of_a, 1e-9)
    signal_b = max(of_b - target_noise, _LEAST_SIGNAL * of_b, 1e-9)
    correlation = float((a * b).mean()) / math.sqrt(signal_a * signal_b)
    part_a, part_b = source_noise / signal_a, target_noise / signal_b
    error = math.sqrt(_CORRELATED_NOISE * (part_a + part_b + part_a * part_b) / shared)
    return 1 - correlation, error, math.sqrt(signal_a * signal_b) * shared * target.pixel_size_um**2
