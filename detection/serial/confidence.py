"""Confidence of what neighbouring sections show: the share of such hits that are cells.

The coefficients are those of logistic regressions by maximum likelihood, none but the first below nought
(with a ridge of .001), on all such hits in 70 simulated stacks of ten sections, development seeds 0 to 93:
1905 carried and 571 found in averages only. The stacks are of 14 kinds: mixed sizes and brightness, crowded,
sections of 80, 200, 400 and 500 nm, large cells, nuclear and punctate labels, few cells, debris with folds,
lumps, and none at all. A kind weighs as the square root of its hits. Fitted to 42 of the stacks, the mean log
likelihood on the other 28 was -.44 and -.43, that of an even chance is -.69. What share is real depends on
the specimen: of what folds and debris cause less is real than this says, of dim cells among few others more.
`python -m benchmarks confidence` is the check, on seeds that nothing was fitted to.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from detection.image.boxes import BoxPx, union_fraction, union_mask
from detection.image.hits import Cell, CellSource
from detection.serial.pooling import Layer, support

ALL_LIGHT_SD = 20.0
"""Support of its own section from which on a hit counts fully; below one deviation it has none."""
MOST_SIGHTINGS = 4
CROWDED = 0.3
"""Share of the section in detections from which on it is crowded."""
CARRIED = (-3.47, 2.82, 1.41, 0.72, 2.34)
AVERAGED = (-3.63, 0.99, 1.09, 1.01, 4.17)
"""Base, own light, sightings, both sides, crowd."""
PER_CONFIDENCE = 0.73
"""That of the hit in the average."""


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What speaks for a hit beside a detector.

    Attributes
    ----------
    support_sd : float
        Significance of the section's own light in its box, standard deviations of noise; infinite where it
        is not known.
    before, after : int
        Of the three sections on each side, those that show its track by themselves.
    covered : float
        Share of the section in boxes of detections, 0..1.
    """

    support_sd: float
    before: int
    after: int
    covered: float


@dataclass(frozen=True, slots=True)
class Near:
    """A section near another one.

    Attributes
    ----------
    away : int
        Sections from the other to it, below 0 for earlier ones.
    cells : sequence of Cell
    tracks : sequence of tuple of str
        Of each cell.
    """

    away: int
    cells: Sequence[Cell]
    tracks: Sequence[tuple[str, ...]]


def with_confidences(
    hits: Sequence[tuple[Cell, tuple[str, ...], bool]],
    own: Layer,
    single: Sequence[BoxPx],
    near: Sequence[Near],
) -> list[Cell]:
    """Give those hits of a section their confidence that it does not show by itself.

    Parameters
    ----------
    hits : sequence of (Cell, tuple of str, bool)
        Each with its tracks, and whether it was seen or carried.
    own : Layer
        The section.
    single : sequence of BoxPx
        What it shows by itself.
    near : sequence of Near
        The sections of its chain up to three away.

    Returns
    -------
    list of Cell
        All of them, in order.
    """
    taken = union_mask([cell.box_px for cell, _, _ in hits], own.frame.shape)
    covered = union_fraction(single, own.frame.shape)
    before = _sightings([one for one in near if one.away < 0])
    after = _sightings([one for one in near if one.away > 0])
    result = []
    for cell, tracks, seen in hits:
        averaged = seen and cell.source is CellSource.AVERAGED
        confidence = cell.confidence
        if tracks and (averaged or not seen):
            light_sd = support(own, cell.box_px, taken)
            witnesses = Witnesses(light_sd, before[tracks[0]], after[tracks[0]], covered)
            confidence = (
                confidence_of_averaged(witnesses, confidence)
                if averaged
                else confidence_of_carried(witnesses)
            )
        result.append(replace(cell, confidence=confidence))
    return result


def _sightings(near: Sequence[Near]) -> Counter[str]:
    """How many sections show each track by themselves."""
    return Counter(
        name
        for section in near
        for cell, names in zip(section.cells, section.tracks, strict=True)
        if cell.source is not CellSource.AVERAGED
        for name in names
    )


def confidence_of_carried(witnesses: Witnesses) -> float:
    """Chance that what was carried from neighbours is a cell in this section as well, 0..1."""
    return _chance(_odds(CARRIED, witnesses))


def confidence_of_averaged(witnesses: Witnesses, confidence: float) -> float:
    """Chance that what only the average with neighbours shows is a cell of this section, 0..1.

    Parameters
    ----------
    witnesses : Witnesses
    confidence : float
        In the average, as the detector gives it.
    """
    return _chance(_odds(AVERAGED, witnesses) + PER_CONFIDENCE * confidence)


def _odds(weights: tuple[float, float, float, float, float], witnesses: Witnesses) -> float:
    """Logarithm of the odds."""
    base, per_light, per_sighting, both_sides, crowd = weights
    light = math.log(min(max(witnesses.support_sd, 1.0), ALL_LIGHT_SD)) / math.log(ALL_LIGHT_SD)
    sightings = min(witnesses.before + witnesses.after, MOST_SIGHTINGS) / MOST_SIGHTINGS
    return (
        base
        + per_light * light
        + per_sighting * sightings
        + both_sides * (witnesses.before > 0 and witnesses.after > 0)
        + crowd * min(witnesses.covered / CROWDED, 1.0)
    )


def _chance(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))
