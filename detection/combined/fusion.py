"""Fusion of the hits of the network and of recall-first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.combined.bands import bands_in
from detection.combined.cautions import Caution
from detection.combined.settings import COMBINED, CombinedSettings
from detection.image.boxes import BoxPx, intersection_px, on_grid, sides_of, sides_on_grid, union_of
from detection.image.hits import Hit, SeenBy
from detection.image.working_grid import WorkingGrid
from detection.network import detector as network
from detection.network.settings import PLACE_PX, READING
from detection.recall_first.standing import Standing


@dataclass(frozen=True, slots=True)
class Fusion:
    """Hits of both detectors, joined.

    Attributes
    ----------
    learned : tuple of Hit
        Of the network, which are kept.
    added : tuple of Hit
        Of recall-first, which the network does not show.
    ruled_out : tuple of Hit
        Of recall-first, which the network rules out.
    doubted : tuple of Hit
        Of the network, in a frame that it is unsure of.
    noise : tuple of Hit
        Of the network, which nothing in the frame supports.
    cautions : tuple of Caution
    """

    learned: tuple[Hit, ...]
    added: tuple[Hit, ...]
    ruled_out: tuple[Hit, ...] = ()
    doubted: tuple[Hit, ...] = ()
    noise: tuple[Hit, ...] = ()
    cautions: tuple[Caution, ...] = ()

    @property
    def hits(self) -> tuple[Hit, ...]:
        """All hits that are kept."""
        return *self.learned, *self.added


def learned_of(
    seen: network.Steps, standing: Standing, settings: CombinedSettings = COMBINED
) -> tuple[Hit, ...]:
    """Return the hits of the network with who sees them."""
    if standing.crowded:
        # Recall-first has lost the background.
        return tuple(seen_by(hit, SeenBy.NETWORK) for hit in seen.hits)
    sums = np.asarray(cv2.integral(standing.mask.astype(np.uint8)))
    rows, columns = standing.mask.shape
    x0, y0, x1, y1 = np.minimum(
        sides_on_grid(sides_of(hit.box for hit in seen.hits), seen.grid.shrink),
        (columns, rows, columns, rows),
    ).T
    area = (x1 - x0) * (y1 - y0)
    standing_px = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]
    stand_out = (area > 0) & (standing_px / np.maximum(area, 1) >= settings.standing_share)
    return tuple(
        seen_by(hit, SeenBy.BOTH if both else SeenBy.NETWORK)
        for hit, both in zip(seen.hits, stand_out.tolist(), strict=True)
    )


def seen_by(hit: Hit, by: SeenBy) -> Hit:
    """Return a hit with who sees it, quicker than `dataclasses.replace`: crowds have thousands."""
    return Hit(hit.box, hit.confidence, hit.extent_uncertainty_um, hit.outer, by)


def fused(
    seen: network.Steps,
    learned: tuple[Hit, ...],
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
    learned : tuple of Hit
        Of the network, with who sees them.
    standing : Standing
        Pixels that stand out from the background.
    rest : sequence of Hit
        Of recall-first.
    crowd : bool
        The network shows a crowd.
    settings : CombinedSettings
    """
    beyond = beyond_shown(seen.score, learned, seen.grid)
    around_shown = [_is_around(hit, learned) for hit in rest]
    ruled_out = [
        highest_score(beyond, hit.box, seen.grid)
        < (settings.rules_out_around_below if around else settings.rules_out_below)
        for hit, around in zip(rest, around_shown, strict=True)
    ]
    own = tuple(
        replace(hit, seen_by=SeenBy.UNDECIDED if out else SeenBy.RECALL_FIRST)
        for hit, out in zip(rest, ruled_out, strict=True)
    )
    if (standing.crowded or standing.dense) and not crowd:
        return Fusion(learned, own, cautions=(Caution.GROUND,))
    bands = bands_in(standing.mask, seen.grid.pixel_um, settings)
    # Nor is a cell overlooked that is shown, but smaller.
    cells = [
        hit
        for hit, around in zip(own, around_shown, strict=True)
        if not (around or bands[on_grid(hit.box, seen.grid.shrink).slices].any())
    ]
    if _unlike(learned, cells, settings):
        return Fusion(learned, own, cautions=(Caution.UNLIKE,))
    return Fusion(
        learned,
        added=tuple(hit for hit in own if hit.seen_by is SeenBy.RECALL_FIRST),
        ruled_out=tuple(hit for hit in own if hit.seen_by is SeenBy.UNDECIDED),
    )


def is_unsure(
    score: NDArray[np.float32], learned: Sequence[Hit], settings: CombinedSettings = COMBINED
) -> bool:
    """Return True if the network is unsure of a frame, and recall-first sees what the network is sure of.

    Parameters
    ----------
    score : (places down, places across) array of float32
        Of the network.
    learned : sequence of Hit
        Of the network, with who sees them.
    settings : CombinedSettings
    """
    sure = [hit for hit in learned if hit.confidence >= settings.sure_alone]
    if not (sure and unsure_places(score, settings)):
        # Without a hit that both see nothing shows that recall-first sees the cells of this frame.
        return False
    return sum(hit.seen_by is SeenBy.BOTH for hit in sure) >= settings.seen_share * len(sure)


def unsure_places(score: NDArray[np.float32], settings: CombinedSettings = COMBINED) -> bool:
    """Return True if the network is unsure of more places than it takes for cells."""
    low, high = settings.unsure_scores
    cells = int(np.count_nonzero(score >= READING.least_score))
    return int(np.count_nonzero((score > low) & (score < high))) >= settings.unsure_share * cells


def without_network(learned: Sequence[Hit], alone: Sequence[Hit]) -> Fusion:
    """Keep the hits of recall-first and set those of the network aside."""
    own = tuple(replace(hit, seen_by=SeenBy.RECALL_FIRST) for hit in alone)
    return Fusion((), own, doubted=tuple(learned), cautions=(Caution.UNSURE,))


def imaged_of(hit: Hit) -> BoxPx:
    """Return the largest box that a hit may be imaged with, without any margin."""
    return hit.box if hit.outer is None else hit.outer


def beyond_shown(
    score: NDArray[np.float32], learned: Iterable[Hit], grid: WorkingGrid
) -> NDArray[np.float32]:
    """Return the scores, 0 where the network shows a hit.

    Light around a nucleus makes a hit of recall-first that surrounds it. The high score of the nucleus says
    nothing about that light.

    Parameters
    ----------
    score : (places down, places across) array of float32
    learned : iterable of Hit
        Of the network.
    grid : WorkingGrid
    """
    places = sides_on_grid(sides_of(imaged_of(hit) for hit in learned), PLACE_PX * grid.shrink)
    return np.where(union_of(places, (score.shape[0], score.shape[1])), np.float32(0), score)


def highest_score(score: NDArray[np.float32], box: BoxPx, grid: WorkingGrid) -> float:
    """Return the highest score of the places that a box touches."""
    part = score[on_grid(box, PLACE_PX * grid.shrink).slices]
    return float(part.max()) if part.size else 0.0


def _is_around(hit: Hit, shown: Iterable[Hit]) -> bool:
    """Return True for a hit that has most of a shown cell inside: light around a nucleus, say."""
    return any(2 * intersection_px(hit.box, other.box) > other.box.area_px for other in shown)


def _unlike(learned: Sequence[Hit], rest: Sequence[Hit], settings: CombinedSettings) -> bool:
    """Return True if the network rules out most of what is surely found."""
    sure = [hit for hit in (*learned, *rest) if hit.confidence >= settings.sure]
    missed = [hit for hit in sure if hit.seen_by is SeenBy.UNDECIDED]
    if len(missed) < settings.fewest_overlooked:
        return False
    by_area = sum(hit.box.area_px for hit in missed) / sum(hit.box.area_px for hit in sure)
    return max(by_area, len(missed) / len(sure)) >= settings.overlooked_share
