"""From what speaks for a hit to a confidence: the share of hits like it that are cells.

The coefficients of size, faintness and humps follow a logistic regression on synthetic sections of both
kinds, with all three patterns, dim cells, uneven and empty ground and debris (development seeds, each kind
weighted the same whatever its number of hits, but nuclear ones less: their false hits are cells cut beside
the nucleus). That of lumps is set so that lumps of the ground are not imaged where the ground is uneven: many
hits that it gives next to nothing are dim cells all the same. Each term is nought where nothing speaks
against a cell, so that confidence never falls as the evidence grows. What share of hits is real depends on
the specimen.
"""

import math

from detection.evidence import Evidence

BASE = 3.0
STRONG = 5.0
"""Significance over the seed threshold above which nothing is gained."""
SMALL_UM = (1.6, 6.0)
"""Debris is small, and so is a glancing cut: below the first nothing more is lost, above the
second nothing."""
PER_SMALLNESS = 2.95
FAINT = (0.04, 0.4)
"""Light relative to the brighter cells of the frame; cells scatter by less, unlabelled parts are fainter."""
PER_FAINTNESS = 0.2
SHARP_EDGE = 0.75
"""Step at the outline, as a share of the mean light, of a cell; a hump of the ground has less."""
PER_WEAK_HUMP = 1.0
PER_LUMP = 22.0
"""Added to that of weak humps for what is no brighter than lumps of the ground."""
LUMP_SD = (6.0, 12.0)
"""Light over the unevenness of the ground up to which it may all be a lump, and from which it cannot be."""
EVEN_PROMINENCE, PROMINENCE_POWER = 4.0, 12.0
"""Logistic regression on such sections (development seeds 20 to 27) says 3.6 and 20, on few hits between
noise and cells; but noise alone now and then reaches 3.9, and a gentler slope claims less."""


def confidence_of(evidence: Evidence) -> float:
    """Chance that a hit is a cell, 0..1."""
    weakness = math.log(STRONG / min(max(evidence.strength, 0.7), STRONG))
    diameter_um = max(evidence.diameter_um, SMALL_UM[1] if evidence.cut else 0.0)
    smallness = math.log(SMALL_UM[1] / min(max(diameter_um, SMALL_UM[0]), SMALL_UM[1]))
    faintness = math.log(FAINT[1] / min(max(evidence.relative_light, FAINT[0]), FAINT[1]))
    bluntness = min(max(SHARP_EDGE - evidence.edge, 0.0), 0.5)
    lumps = LUMP_SD[1] * evidence.unevenness - evidence.contrast
    lumpiness = min(max(lumps / max((LUMP_SD[1] - LUMP_SD[0]) * evidence.unevenness, 1e-6), 0.0), 1.0)
    hump = weakness * bluntness * (PER_WEAK_HUMP + PER_LUMP * lumpiness)
    against = PER_SMALLNESS * smallness + PER_FAINTNESS * faintness**2 + hump
    return 1 / (1 + math.exp(against - BASE))


def confidence_of_prominence(prominence: float) -> float:
    """Chance that a hit of the paper's detector is a cell, 0..1.

    Parameters
    ----------
    prominence : float
        Highest feature in its box above the middle of all, in standard deviations of the feature. In noise
        alone it reaches 2 to 3, and such hits are in every frame, since a fixed share of it marks cells.
    """
    ratio = EVEN_PROMINENCE / max(prominence, 0.1)
    return float(1 / (1 + ratio**PROMINENCE_POWER))
