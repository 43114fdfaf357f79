"""Confidence of the hits of both detectors, each beside the others of its frame.

The network gives a hit the same chance in a frame of cells as among specks. But a hit beside cells is more
likely to be one, and a hit far dimmer than those beside it is more often the rest of one: light around a
nucleus, say. `python -m training.confidence` fits the coefficients to frames of the training's simulators.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detection.background.ranks import percentile
from detection.combined.fusion import Fusion
from detection.combined.settings import COMBINED, CombinedSettings
from detection.image.boxes import Sides, sides_on_grid
from detection.image.highest import highest_in
from detection.image.hit_table import HitTable
from detection.image.working_grid import WorkingGrid
from detection.network import detector as network
from detection.second_look.evidence import look_at
from detection.second_look.model import SecondLook, chance_of


def with_confidences(
    fusion: Fusion, z: NDArray[np.float32], grid: WorkingGrid, settings: CombinedSettings = COMBINED
) -> Fusion:
    """Return the fusion with the confidences of hits beside each other.

    Where either detector cannot be trusted, both keep their own. Nowhere is a hit of the network left out for
    what stands beside it.

    Parameters
    ----------
    fusion : Fusion
    z : (rows, columns) array of float32
        Frame above its background, in standard deviations of the noise of a pixel of the working grid.
    grid : WorkingGrid
    settings : CombinedSettings
    """
    if fusion.cautions or not len(fusion.hits):
        return fusion
    weights = np.array([settings.confidence_base, 1.0, settings.per_company, settings.per_dimness])
    chances = 1 / (1 + np.exp(-(evidence_of(fusion.hits, z, grid, settings) @ weights)))
    chances = np.maximum(chances, settings.least_confidence)
    learned = replace(fusion.learned, confidences=chances[: len(fusion.learned)])
    least = np.minimum(fusion.added.confidences, settings.added_confidence)
    added = replace(fusion.added, confidences=least)
    return replace(fusion, learned=learned, added=added)


def with_second_look(
    fusion: Fusion,
    second_look: SecondLook,
    z: NDArray[np.float32],
    seen: network.Steps,
    settings: CombinedSettings = COMBINED,
) -> Fusion:
    """Return the fusion with the confidences that doubtful hits have after a second look.

    It may put a hit below the floor of the policy, which then is reported and not imaged. A small one stays
    above: to image it costs little beside a lost cell. It may also lift one that was below.

    Parameters
    ----------
    fusion : Fusion
        With confidences.
    second_look : SecondLook
    z : (rows, columns) array of float32
        Frame above its background, in standard deviations of the noise of a pixel of the working grid.
    seen : Steps
        Of the network.
    settings : CombinedSettings
    """
    hits = fusion.hits
    evidence = None if fusion.cautions else look_at(hits, z, seen.score, seen.features, seen.grid)
    if evidence is None:
        return fusion
    doubtful, odds = evidence.chosen, second_look.odds(evidence)
    chances = chance_of(odds.mean(axis=0))
    # It is left out only if every network finds it too unlikely. One of recall-first that would not be imaged
    # anyway is lifted only by their mean, whatever its size.
    least = settings.least_confidence
    prices = np.minimum(_prices(hits.boxes[doubtful], seen.grid, settings), least)
    imaged = hits.confidences[doubtful] >= least
    worth = np.where(imaged, chance_of(odds.max(axis=0)) >= prices, chances >= least)
    confidences = hits.confidences.copy()
    confidences[doubtful] = np.where(worth, np.maximum(chances, least), chances)
    # That it is a cell says nothing of how far it reaches: the margin of a doubtful hit stays.
    lifted = ~hits.has_outer & (hits.confidences < settings.sure) & (confidences >= settings.sure)
    extents_um = hits.extents_um + np.where(lifted, settings.lifted_extent_um, 0.0)
    count = len(fusion.learned)
    looked = replace(
        fusion,
        learned=replace(fusion.learned, confidences=confidences[:count], extents_um=extents_um[:count]),
        added=replace(fusion.added, confidences=confidences[count:], extents_um=extents_um[count:]),
    )
    unlikely = doubtful[confidences[doubtful] < least]
    return replace(looked, unlikely=looked.hits.chosen(unlikely))


def _prices(boxes: Sides, grid: WorkingGrid, settings: CombinedSettings) -> NDArray[np.float64]:
    """Return the chance from which each hit is worth the area that it takes, with its margins."""
    sides_um = (boxes[:, 2:] - boxes[:, :2]) * (grid.pixel_um / grid.shrink)
    areas_um2 = (sides_um + 2 * settings.usual_margin_um).prod(axis=1)
    return np.asarray(areas_um2 / settings.cell_worth_um2)


def evidence_of(
    hits: HitTable, z: NDArray[np.float32], grid: WorkingGrid, settings: CombinedSettings = COMBINED
) -> NDArray[np.float64]:
    """Return what the confidence of each hit is made of.

    Returns
    -------
    (hits, 4) array of float64
        1, the log-odds of its own confidence, the logarithm of 1 + the number of cells among the others, and
        that of its brightest pixel over what is usual in the frame, 0 or less.
    """
    own = hits.confidences
    peaks = _peaks(hits, z, grid)
    usual = percentile(peaks, settings.usual_percent)
    chance = np.clip(own, 1e-4, 1 - 1e-4)
    company = np.log1p(np.minimum(own.sum() - own, settings.most_company))
    dimness = np.maximum(np.log(np.minimum(peaks / usual, 1.0)), settings.least_dimness)
    return np.stack([np.ones(len(hits)), np.log(chance / (1 - chance)), company, dimness], axis=1)


def usual_peak(
    hits: HitTable, z: NDArray[np.float32], grid: WorkingGrid, settings: CombinedSettings = COMBINED
) -> float:
    """Return the brightest pixel that is usual among the hits of a frame, in deviations of the noise."""
    return percentile(_peaks(hits, z, grid), settings.usual_percent)


def _peaks(hits: HitTable, z: NDArray[np.float32], grid: WorkingGrid) -> NDArray[np.float64]:
    """Brightest pixel of each hit, in deviations of the noise, at least half of one."""
    highest = highest_in(z, sides_on_grid(hits.boxes, grid.shrink))
    return np.maximum(highest.astype(np.float64), 0.5)
