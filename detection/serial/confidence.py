"""Confidence of hits that only neighbouring sections show: the share of them that are cells.

The coefficients come from logistic regressions by maximum likelihood, only the first below zero (with a
ridge of .001), on all such hits in 70 simulated stacks of ten sections, development seeds 0 to 93: 1905
carried hits and 571 of averages only. The stacks are of 14 kinds: mixed sizes and brightness, crowded,
sections of 80, 200, 400 and 500 nm, large cells, nuclear and punctate labels, few cells, debris with folds,
lumps, and no cells. A kind weighs as the square root of its hits. Fitted to 42 of the stacks, the mean log
likelihood on the other 28 was -.44 and -.43; an even chance has -.69. The true share depends on the specimen:
it is lower for folds and debris, higher for dim cells among few others. `python -m benchmarks confidence`
checks it on seeds that nothing was fitted to.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from detection.image.boxes import BoxPx, union_fraction, union_mask
from detection.image.hits import Cell, CellSource, Decision
from detection.serial.pooling import Layer, support
from detection.serial.settings import SETTINGS

_SETTINGS = SETTINGS.confidence


@dataclass(frozen=True, slots=True)
class NeighbourSupport:
    """Features of a hit beside those of a detector.

    Attributes
    ----------
    support_sd : float
        Significance of the section's own intensity in its box, standard deviations of noise; infinite if
        unknown.
    before, after : int
        How many of the three sections on each side show its track by themselves.
    covered : float
        Share of the section in boxes of detections, 0..1.
    """

    support_sd: float
    before: int
    after: int
    covered: float


@dataclass(frozen=True, slots=True)
class NearbySection:
    """A section near another one.

    Attributes
    ----------
    away : int
        Its index less that of the other section.
    cells : sequence of Cell
    tracks : sequence of tuple of str
        Of each cell.
    """

    away: int
    cells: Sequence[Cell]
    tracks: Sequence[tuple[str, ...]]


def assign_confidences(
    hits: Sequence[tuple[Cell, tuple[str, ...], bool]],
    own: Layer,
    single: Sequence[BoxPx],
    near: Sequence[NearbySection],
) -> list[Cell]:
    """Assign a confidence to the hits of a section that it does not show by itself, and that are imaged.

    Parameters
    ----------
    hits : sequence of (Cell, tuple of str, bool)
        Each with its tracks; true if it was seen, false if carried.
    own : Layer
        The section.
    single : sequence of BoxPx
        Hits of the section by itself.
    near : sequence of NearbySection
        Sections of its chain up to three away.

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
        # What lies below the floor keeps the confidence that put it there.
        imaged = cell.decision is not Decision.BELOW_FLOOR
        averaged = seen and imaged and cell.source is CellSource.AVERAGED
        confidence = cell.confidence
        if tracks and (averaged or not seen):
            support_sd = support(own, cell.box_px, taken)
            features = NeighbourSupport(support_sd, before[tracks[0]], after[tracks[0]], covered)
            confidence = (
                confidence_of_averaged(features, confidence) if averaged else confidence_of_carried(features)
            )
        result.append(replace(cell, confidence=confidence))
    return result


def _sightings(near: Sequence[NearbySection]) -> Counter[str]:
    """Count the sections that show each track by themselves."""
    return Counter(
        name
        for section in near
        for cell, names in zip(section.cells, section.tracks, strict=True)
        if cell.source is not CellSource.AVERAGED
        for name in names
    )


def confidence_of_carried(features: NeighbourSupport) -> float:
    """Return the probability that a hit carried from neighbours is a cell in this section, 0..1."""
    return _probability(_log_odds(_SETTINGS.carried, features))


def confidence_of_averaged(features: NeighbourSupport, confidence: float) -> float:
    """Return the probability that a hit of the average alone is a cell of this section, 0..1.

    Parameters
    ----------
    features : NeighbourSupport
    confidence : float
        Of the detector, in the average.
    """
    return _probability(_log_odds(_SETTINGS.averaged, features) + _SETTINGS.per_confidence * confidence)


def _log_odds(weights: tuple[float, float, float, float, float], features: NeighbourSupport) -> float:
    base, per_intensity, per_sighting, both_sides, per_crowding = weights
    full_sd, most = _SETTINGS.full_support_sd, _SETTINGS.most_sightings
    intensity = math.log(min(max(features.support_sd, 1.0), full_sd)) / math.log(full_sd)
    sightings = min(features.before + features.after, most) / most
    return (
        base
        + per_intensity * intensity
        + per_sighting * sightings
        + both_sides * (features.before > 0 and features.after > 0)
        + per_crowding * min(features.covered / _SETTINGS.crowded, 1.0)
    )


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
