"""Confidence of a hit from its features: the share of such hits that are cells.

A logistic regression whose coefficients are all 0 or above, so that confidence never falls as the evidence
grows. Each kind of frame counted as much as any other in the fit: sections after the paper with both sizes
of cells and three noises; the simulated microscope with cytoplasmic, nuclear and punctate labels, each bright
and dim, with few cells, with dim cells on uneven background, and without cells on even and uneven background,
with and without debris (`benchmarks.frames.scenes.every_kind`). The share of hits that are real depends on
the specimen.
"""

import math
from collections.abc import Sequence

from detection.recall_first.features import Features
from detection.recall_first.ramps import falling, falling_log
from detection.recall_first.settings import RECALL_FIRST, ConfidenceSettings


def confidences_of(
    all_features: Sequence[Features], settings: ConfidenceSettings = RECALL_FIRST.confidence
) -> list[float]:
    """Return the chance of each hit of a frame to be a cell, 0..1.

    A hit beside cells is more likely to be one: sections without cells have specks and lumps too.

    Parameters
    ----------
    all_features : sequence of Features
        Of all the hits of the frame.
    settings : ConfidenceSettings
    """
    cells = [
        (1 - falling(e.diameter_um, settings.cell_um)) * (1 - _lumpiness(e, settings)) for e in all_features
    ]
    total = sum(cells)
    return [
        confidence_of(e, max(total - own, 0.0), settings) for e, own in zip(all_features, cells, strict=True)
    ]


def confidence_of(
    features: Features, company: float, settings: ConfidenceSettings = RECALL_FIRST.confidence
) -> float:
    """Return the chance that a hit is a cell, 0..1.

    Parameters
    ----------
    features : Features
    company : float
        Others in the frame that are as large as cells and no lumps, 0 or more.
    settings : ConfidenceSettings
    """
    diameter_um = max(features.diameter_um, settings.large_um[0] if features.cut else 0.0)
    lumpiness = _lumpiness(features, settings)
    alone = math.exp(-company / settings.alone_cells)
    against = (
        settings.per_small * falling_log(diameter_um, settings.small_um)
        + settings.per_less_than_large * falling(diameter_um, settings.large_um)
        + settings.per_faint * falling_log(features.relative_intensity, settings.faint)
        + settings.per_lump * lumpiness
        + (settings.per_alone + settings.per_lone_lump * lumpiness) * alone
        + settings.per_few * falling(company, (0.0, settings.many_cells))
    )
    return 1 / (1 + math.exp(against - settings.base))


def _lumpiness(features: Features, settings: ConfidenceSettings) -> float:
    """Return the likeness to a lump of the background: 0 for a cell or a speck, 1 for a lump."""
    in_lumps = features.contrast / max(features.unevenness, 1e-6)
    filled = min(features.standing / settings.lump_standing, 1.0)
    return falling(in_lumps, settings.lump_sd) * falling(features.edge, settings.lump_edge) * filled
