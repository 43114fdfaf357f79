"""Fusion of the hits of the network and of recall-first."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.combined.bands import bands_in
from detection.combined.cautions import Caution
from detection.combined.settings import COMBINED, CombinedSettings
from detection.image.boxes import Sides, boxes_from, sides_on_grid, union_of
from detection.image.highest import highest_in
from detection.image.hit_table import NO_HITS, HitTable, code_of, joined, table_of
from detection.image.hits import Hit, SeenBy
from detection.image.working_grid import WorkingGrid
from detection.network import detector as network
from detection.network.settings import PLACE_PX, READING
from detection.recall_first.standing import Standing


def _no_hits() -> HitTable:
    return NO_HITS


@dataclass(frozen=True, slots=True)
class Fusion:
    """Hits of both detectors, joined.

    Attributes
    ----------
    learned : HitTable
        Of the network, which are kept.
    added : HitTable
        Of recall-first, which the network does not show.
    ruled_out : HitTable
        Of recall-first, which the network rules out.
    doubted : HitTable
        Of the network, in a frame that it is unsure of.
    noise : HitTable
        Of the network, which nothing in the frame supports.
    unlikely : HitTable
        Those of `hits` that a second look takes for no cell.
    cautions : tuple of Caution
    """

    learned: HitTable
    added: HitTable = field(default_factory=_no_hits)
    ruled_out: HitTable = field(default_factory=_no_hits)
    doubted: HitTable = field(default_factory=_no_hits)
    noise: HitTable = field(default_factory=_no_hits)
    unlikely: HitTable = field(default_factory=_no_hits)
    cautions: tuple[Caution, ...] = ()

    @property
    def hits(self) -> HitTable:
        """All hits that are kept."""
        return joined(self.learned, self.added)


def learned_of(seen: network.Steps, standing: Standing, settings: CombinedSettings = COMBINED) -> HitTable:
    """Return the hits of the network with who sees them."""
    hits = seen.hits
    if standing.crowded:
        # Recall-first has lost the background.
        return seen_by(hits, SeenBy.NETWORK)
    sums = np.asarray(cv2.integral(standing.mask.astype(np.uint8)))
    rows, columns = standing.mask.shape
    on_grid = sides_on_grid(hits.boxes, seen.grid.shrink)
    x0, y0, x1, y1 = np.minimum(on_grid, (columns, rows, columns, rows)).T
    area = (x1 - x0) * (y1 - y0)
    standing_px = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]
    stand_out = (area > 0) & (standing_px / np.maximum(area, 1) >= settings.standing_share)
    return _seen_by(hits, stand_out, SeenBy.BOTH, SeenBy.NETWORK)


def seen_by(hits: HitTable, by: SeenBy) -> HitTable:
    """Return hits with who sees them."""
    return replace(hits, seen_by=np.full(len(hits), code_of(by), np.int8))


def _seen_by(hits: HitTable, where: NDArray[np.bool_], by: SeenBy, otherwise: SeenBy) -> HitTable:
    codes = np.where(where, code_of(by), code_of(otherwise))
    return replace(hits, seen_by=codes.astype(np.int8))


def fused(
    seen: network.Steps,
    learned: HitTable,
    standing: Standing,
    rest: Sequence[Hit],
    *,
    crowd: bool,
    settings: CombinedSettings = COMBINED,
) -> Fusion:
    """Join the hits of the network with those of recall-first in what the network does not show.

    These are added unless the network rules them out. Everything is kept where recall-first takes most of the
    frame for cells and the network does not, and where the network rules out most of what is surely found.

    Parameters
    ----------
    seen : Steps
        Of the network.
    learned : HitTable
        Of the network, with who sees them.
    standing : Standing
        Pixels that stand out from the background.
    rest : sequence of Hit
        Of recall-first.
    crowd : bool
        The network shows a crowd.
    settings : CombinedSettings
    """
    others = table_of(rest)
    beyond = beyond_shown(seen.score, learned, seen.grid)
    around = _are_around(others.boxes, learned.boxes)
    rules_out = np.where(around, settings.rules_out_around_below, settings.rules_out_below)
    ruled_out = highest_scores(beyond, others.boxes, seen.grid) < rules_out
    own = _seen_by(others, ruled_out, SeenBy.UNDECIDED, SeenBy.RECALL_FIRST)
    if (standing.crowded or standing.dense) and not crowd:
        return Fusion(learned, own, cautions=(Caution.GROUND,))
    if not len(own):
        return Fusion(learned)
    # Nor is a cell overlooked that is shown, but smaller. Bands take long, and fewer hits decide nothing.
    overlooked = ~around
    if np.count_nonzero(_are_missed(own, settings) & overlooked) >= settings.fewest_overlooked:
        overlooked &= ~_in_bands(own, standing, seen.grid, settings)
        if _unlike(learned, own.chosen(overlooked), settings):
            return Fusion(learned, own, cautions=(Caution.UNLIKE,))
    return Fusion(learned, added=own.chosen(~ruled_out), ruled_out=own.chosen(ruled_out))


def is_unsure(score: NDArray[np.float32], learned: HitTable, settings: CombinedSettings = COMBINED) -> bool:
    """Return True if the network is unsure of a frame, and recall-first sees what the network is sure of.

    Parameters
    ----------
    score : (places down, places across) array of float32
        Of the network.
    learned : HitTable
        Of the network, with who sees them.
    settings : CombinedSettings
    """
    sure = learned.confidences >= settings.sure_alone
    if not (sure.any() and unsure_places(score, settings)):
        # Without a hit that both see nothing shows that recall-first sees the cells of this frame.
        return False
    both = learned.seen_by[sure] == code_of(SeenBy.BOTH)
    return int(both.sum()) >= settings.seen_share * len(both)


def unsure_places(score: NDArray[np.float32], settings: CombinedSettings = COMBINED) -> bool:
    """Return True if the network is unsure of more places than it takes for cells."""
    low, high = settings.unsure_scores
    cells = int(np.count_nonzero(score >= READING.least_score))
    return int(np.count_nonzero((score > low) & (score < high))) >= settings.unsure_share * cells


def without_network(learned: HitTable, alone: Sequence[Hit]) -> Fusion:
    """Keep the hits of recall-first and set those of the network aside."""
    own = seen_by(table_of(alone), SeenBy.RECALL_FIRST)
    return Fusion(NO_HITS, own, doubted=learned, cautions=(Caution.UNSURE,))


def beyond_shown(score: NDArray[np.float32], learned: HitTable, grid: WorkingGrid) -> NDArray[np.float32]:
    """Return the scores, 0 where the network shows a hit.

    Light around a nucleus makes a hit of recall-first that surrounds it. The high score of the nucleus says
    nothing about that light.

    Parameters
    ----------
    score : (places down, places across) array of float32
    learned : HitTable
        Of the network.
    grid : WorkingGrid
    """
    places = sides_on_grid(learned.outers, PLACE_PX * grid.shrink)
    return np.where(union_of(places, (score.shape[0], score.shape[1])), np.float32(0), score)


def highest_scores(score: NDArray[np.float32], boxes: Sides, grid: WorkingGrid) -> NDArray[np.float32]:
    """Return the highest score of the places that each box touches, 0 where there are none."""
    return np.maximum(highest_in(score, sides_on_grid(boxes, PLACE_PX * grid.shrink)), np.float32(0))


def _are_around(boxes: Sides, shown: Sides) -> NDArray[np.bool_]:
    """Return True for boxes that have most of a shown cell inside: light around a nucleus, say."""
    area = (shown[:, 2] - shown[:, 0]) * (shown[:, 3] - shown[:, 1])
    around = np.zeros(len(boxes), np.bool_)
    for number, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        width = np.minimum(shown[:, 2], x1) - np.maximum(shown[:, 0], x0)
        height = np.minimum(shown[:, 3], y1) - np.maximum(shown[:, 1], y0)
        around[number] = bool((2 * np.maximum(width, 0) * np.maximum(height, 0) > area).any())
    return around


def _in_bands(
    hits: HitTable, standing: Standing, grid: WorkingGrid, settings: CombinedSettings
) -> NDArray[np.bool_]:
    """Return True for hits of which a part lies in a long, thin band."""
    bands = bands_in(standing.mask, grid.pixel_um, settings)
    boxes = boxes_from(sides_on_grid(hits.boxes, grid.shrink))
    return np.array([bool(bands[box.slices].any()) for box in boxes], np.bool_)


def _are_missed(hits: HitTable, settings: CombinedSettings) -> NDArray[np.bool_]:
    """Return True for hits that are surely found and that the network rules out."""
    undecided = hits.seen_by == code_of(SeenBy.UNDECIDED)
    return np.asarray(undecided & (hits.confidences >= settings.sure))


def _unlike(learned: HitTable, rest: HitTable, settings: CombinedSettings) -> bool:
    """Return True if the network rules out most of what is surely found."""
    both = joined(learned, rest)
    sure = both.chosen(both.confidences >= settings.sure)
    missed = _are_missed(sure, settings)
    count = int(missed.sum())
    if count < settings.fewest_overlooked:
        return False
    areas = (sure.boxes[:, 2] - sure.boxes[:, 0]) * (sure.boxes[:, 3] - sure.boxes[:, 1])
    by_area = int(areas[missed].sum()) / int(areas.sum())
    return max(by_area, count / len(sure)) >= settings.overlooked_share
