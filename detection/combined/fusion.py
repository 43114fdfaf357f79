"""Fusion of the hits of the network and of recall-first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detection.combined.cautions import Caution
from detection.combined.settings import COMBINED, CombinedSettings
from detection.image.boxes import BoxPx, union_fraction, union_mask
from detection.image.hits import Hit, SeenBy
from detection.image.working_grid import WorkingGrid
from detection.network import detector as network
from detection.network.settings import PLACE_PX
from detection.recall_first import detector as recall_first


@dataclass(frozen=True, slots=True)
class Fusion:
    """Hits of both detectors, joined.

    Attributes
    ----------
    learned : tuple of Hit
        Of the network; all are kept.
    added : tuple of Hit
        Of recall-first, which the network does not show.
    shown : tuple of Hit
        Of recall-first, which the network shows as well, so that they add nothing.
    ruled_out : tuple of Hit
        Of recall-first, which the network rules out.
    aside : tuple of Hit
        Of recall-first, which lost the background, while the network shows a crowd.
    cautions : tuple of Caution
    """

    learned: tuple[Hit, ...]
    added: tuple[Hit, ...]
    shown: tuple[Hit, ...]
    ruled_out: tuple[Hit, ...] = ()
    aside: tuple[Hit, ...] = ()
    cautions: tuple[Caution, ...] = ()

    @property
    def hits(self) -> tuple[Hit, ...]:
        """All hits that are kept."""
        return *self.learned, *self.added


def fused(
    seen: network.Steps,
    classic: recall_first.Steps,
    shape: tuple[int, int],
    settings: CombinedSettings = COMBINED,
) -> Fusion:
    """Join the hits of both detectors.

    Hits of recall-first are added unless the network shows them or rules them out. Where recall-first has
    lost the background among cells and the network shows a crowd, the network alone decides. Everything is
    kept where recall-first takes most of the frame for cells and the network does not, and where the network
    rules out most of what recall-first is sure of.

    Parameters
    ----------
    seen, classic : Steps
        Of the network and of recall-first.
    shape : (int, int)
        Rows and columns of the frame.
    settings : CombinedSettings
    """
    covered = union_mask((imaged_of(hit) for hit in seen.hits), shape)
    highest = [highest_score(seen.score, hit.box, seen.grid) for hit in classic.hits]
    ruled_out = [most < settings.rules_out_below for most in highest]
    is_shown = [_share(covered, hit.box) >= settings.same_cell for hit in classic.hits]
    lost = classic.crowded or classic.dense
    crowd = lost and union_fraction((hit.box for hit in seen.hits), shape) >= settings.crowd_share
    if classic.crowded and crowd:
        learned = tuple(replace(hit, seen_by=SeenBy.NETWORK) for hit in seen.hits)
        return Fusion(learned, (), (), aside=classic.hits)
    by = [_seen_by(*one) for one in zip(ruled_out, is_shown, strict=True)]
    own = tuple(replace(hit, seen_by=one) for hit, one in zip(classic.hits, by, strict=True))
    learned = _of_network(seen.hits, classic.hits, shape, settings)
    if lost and not crowd:
        return Fusion(learned, own, (), cautions=(Caution.GROUND,))
    if _unlike(classic.hits, ruled_out, settings):
        return Fusion(learned, own, (), cautions=(Caution.UNLIKE,))
    return Fusion(
        learned,
        added=tuple(hit for hit in own if hit.seen_by is SeenBy.RECALL_FIRST),
        shown=tuple(hit for hit in own if hit.seen_by is SeenBy.BOTH),
        ruled_out=tuple(hit for hit in own if hit.seen_by is SeenBy.UNDECIDED),
    )


def _seen_by(ruled_out: bool, is_shown: bool) -> SeenBy:
    """Return who sees a hit of recall-first."""
    if ruled_out:
        return SeenBy.UNDECIDED
    return SeenBy.BOTH if is_shown else SeenBy.RECALL_FIRST


def imaged_of(hit: Hit) -> BoxPx:
    """Return the largest box that a hit may be imaged with, without any margin."""
    return hit.box if hit.outer is None else hit.outer


def highest_score(score: NDArray[np.float32], box: BoxPx, grid: WorkingGrid) -> float:
    """Return the highest score of the places that a box touches."""
    step = PLACE_PX * grid.shrink
    part = score[box.y0 // step : -(-box.y1 // step), box.x0 // step : -(-box.x1 // step)]
    return float(part.max()) if part.size else 0.0


def _unlike(hits: Sequence[Hit], ruled_out: Sequence[bool], settings: CombinedSettings) -> bool:
    """Return True if the network rules out most of what recall-first is sure of."""
    sure = [
        (hit.box.area_px, out)
        for hit, out in zip(hits, ruled_out, strict=True)
        if hit.confidence >= settings.sure
    ]
    missed = [area for area, out in sure if out]
    if len(missed) < settings.fewest_overlooked:
        return False
    by_area = sum(missed) / sum(area for area, _ in sure)
    return max(by_area, len(missed) / len(sure)) >= settings.overlooked_share


def _of_network(
    learned: Sequence[Hit], classic: Sequence[Hit], shape: tuple[int, int], settings: CombinedSettings
) -> tuple[Hit, ...]:
    """Return the hits of the network with who sees them."""
    covered = union_mask((hit.box for hit in classic), shape)
    return tuple(
        replace(
            hit,
            seen_by=SeenBy.BOTH if _share(covered, hit.box) >= settings.same_cell else SeenBy.NETWORK,
        )
        for hit in learned
    )


def _share(mask: NDArray[np.bool_], box: BoxPx) -> float:
    """Return the share of a box inside a mask."""
    return int(np.count_nonzero(mask[box.slices])) / box.area_px
