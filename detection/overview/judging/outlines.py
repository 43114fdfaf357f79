"""Sections and doubtful outlines among what was fitted."""

from collections.abc import Sequence

import numpy as np

from detection.overview import quads
from detection.overview.fit import inner_share
from detection.overview.judging.chance import LEAST_CHANCE, OTHER_SHAPE, chances
from detection.overview.judging.evidence import evidence_of
from detection.overview.judging.fits import Fits
from detection.overview.judging.rest import rest_of
from detection.overview.selection import chosen
from detection.overview.settings import FitSettings, OverviewSettings
from detection.overview.values import Corners, Doubt, Outline


def judged(found: Fits, settings: OverviewSettings) -> tuple[list[Outline], list[Outline]]:
    """Return the sections and what is doubtful, each from top to bottom."""
    fit, scale = settings.fit, found.ground.scale
    kept, best = kept_of(found, settings)
    taken = [found.corners[one] for one in kept]
    outlines = [
        _outline(
            quads.in_overview(found.corners[one], scale),
            float(chance),
            found.support[one],
            float(found.filled[one]),
            _doubt(found, one, float(chance), fit) if number < best else Doubt.OVERLAP,
        )
        for number, (one, chance) in enumerate(zip(kept, chances(evidence_of(found, kept)), strict=True))
    ]
    rest = rest_of(found.ground, taken, np.array(found.shape.corners_px) * scale, fit)
    outlines += [
        _outline(quads.in_overview(one, scale), OTHER_SHAPE, np.zeros(4), 1.0, Doubt.SHAPE) for one in rest
    ]
    return _sorted([one for one in outlines if one.doubt is None]), _sorted(
        [one for one in outlines if one.doubt is not None]
    )


def kept_of(found: Fits, settings: OverviewSettings) -> tuple[list[int], int]:
    """Return the outlines that are listed, and how many of them, the first, overlap no better one much."""
    fit = settings.fit
    best = chosen(found.corners, found.scores, fit.most_overlap, fit.doubtful)
    taken = [found.corners[one] for one in best]
    return best + chosen(found.corners, found.scores, fit.doubtful_overlap, fit.sure, taken), len(best)


def _doubt(found: Fits, one: int, chance: float, fit: FitSettings) -> Doubt | None:
    glass = inner_share(found.ground, found.corners[one][None], of_glass=True)[0]
    if glass < fit.least_on_glass:
        return Doubt.CUT
    if found.filled[one] < fit.least_filled:
        return Doubt.INCOMPLETE
    return Doubt.SIDES if chance < LEAST_CHANCE else None


def _outline(
    corners: Corners, chance: float, support: Sequence[float] | Corners, filled: float, doubt: Doubt | None
) -> Outline:
    first, second, third, fourth = (round(float(side), 3) for side in support)
    return Outline(
        tuple((float(x), float(y)) for x, y in corners),
        quads.facing_deg(corners),
        chance,
        (first, second, third, fourth),
        filled,
        doubt,
    )


def _sorted(outlines: list[Outline]) -> list[Outline]:
    return sorted(outlines, key=lambda one: (round(one.center_px[1]), one.center_px[0]))
