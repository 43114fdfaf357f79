"""From what speaks for a hit to a confidence: the share of hits like it that are cells.

The coefficients are those of a logistic regression by maximum likelihood, none below nought, so that
confidence never falls as the evidence grows. They were fitted to hits of development seeds 0 to 39; the
limits of the terms were chosen on seeds 50 to 79, by the likelihood there and by what is imaged of uneven
ground. `python -m benchmarks confidence` is the check, on seeds that neither has seen. Each kind counts as so
many frames as any other: sections after the paper with both sizes of cells and three noises; the simulated
microscope with cytoplasmic, nuclear and punctate labels, each bright and dim, with few cells, with dim cells
on uneven ground, and without cells on even and uneven ground, with debris and without
(`benchmarks.scenes.every_kind`). What share of hits is real depends on the specimen.
"""

import math
from collections.abc import Sequence

from detection.recall_first.features import Features

BASE = 5.11
SMALL_UM = (2.5, 6.0)
"""Debris is small, and so is a glancing cut: below the first nothing more is lost."""
PER_SMALL = 2.30
LARGE_UM = (6.0, 9.0)
"""What is larger yet is a cell more often still."""
PER_LESS_THAN_LARGE = 2.40
FAINT = (0.04, 0.5)
"""Light relative to the brighter cells of the frame; cells scatter by less, unlabelled parts are fainter."""
PER_FAINT = 2.57
LUMP_SD = (8.0, 16.0)
"""Light over the unevenness of the ground up to which it may all be a lump, and from which it cannot be."""
LUMP_EDGE = (0.6, 0.8)
"""Step at the outline over the mean light up to which it may be a lump; that of a cell is sharper."""
LUMP_STANDING = 0.6
"""Share of a region that stands out itself, of a lump; puncta with nothing between them have less."""
PER_LUMP = 2.05
ALONE = 0.3
"""Cells beside it by which being alone counts e times less: a section has none, or several."""
PER_ALONE, PER_LONE_LUMP = 2.18, 3.08
MANY = 8.0
PER_FEW = 1.41
CELL_UM = (3.0, 6.0)
"""What is smaller than the first may be debris, what is larger than the second is none."""


def confidences_of(all_features: Sequence[Features]) -> list[float]:
    """Chance of each hit of a frame that it is a cell, 0..1.

    What lies beside cells is more likely to be one: sections without cells have specks and lumps too.

    Parameters
    ----------
    all_features : sequence of Features
        Of all the hits of the frame.
    """
    cells = [(1 - _falling(e.diameter_um, CELL_UM)) * (1 - _lumpiness(e)) for e in all_features]
    total = sum(cells)
    return [confidence_of(e, max(total - own, 0.0)) for e, own in zip(all_features, cells, strict=True)]


def confidence_of(features: Features, company: float) -> float:
    """Chance that a hit is a cell, 0..1.

    Parameters
    ----------
    features : Features
    company : float
        How many others in the frame are as large as cells and no lumps, 0 or more.
    """
    diameter_um = max(features.diameter_um, LARGE_UM[0] if features.cut else 0.0)
    lumpiness = _lumpiness(features)
    alone = math.exp(-company / ALONE)
    against = (
        PER_SMALL * _falling_log(diameter_um, SMALL_UM)
        + PER_LESS_THAN_LARGE * _falling(diameter_um, LARGE_UM)
        + PER_FAINT * _falling_log(features.relative_intensity, FAINT)
        + PER_LUMP * lumpiness
        + (PER_ALONE + PER_LONE_LUMP * lumpiness) * alone
        + PER_FEW * _falling(company, (0.0, MANY))
    )
    return 1 / (1 + math.exp(against - BASE))


def _lumpiness(features: Features) -> float:
    """How much a hit is like a lump of the ground: 0 a cell or a speck, 1 a lump."""
    in_lumps = features.contrast / max(features.unevenness, 1e-6)
    filled = min(features.standing / LUMP_STANDING, 1.0)
    return _falling(in_lumps, LUMP_SD) * _falling(features.edge, LUMP_EDGE) * filled


def _falling(value: float, limits: tuple[float, float]) -> float:
    """1 up to the first limit, 0 from the second, a straight line between."""
    return min(max((limits[1] - value) / (limits[1] - limits[0]), 0.0), 1.0)


def _falling_log(value: float, limits: tuple[float, float]) -> float:
    """The same of the logarithm."""
    low, high = limits
    return _falling(math.log(max(value, low)), (math.log(low), math.log(high)))
