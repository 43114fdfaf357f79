"""Recall-first policy: the area that the electron beam must image for each hit.

Missing a cell is far worse than imaging too much, so doubt makes a box larger, never smaller.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import repeat
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from config.work import DetectionConfig
from detection.fragments import fragment_groups
from detection.image.boxes import BoxPx, Sides, around, boxes_from
from detection.image.hit_table import HitTable, table_of
from detection.image.hits import OUTER_QUANTILE, Cell, CellSource, Decision, Hit, SeenBy
from detection.image.many import many

SEEN_BY = {
    SeenBy.BOTH: "seen by both detectors",
    SeenBy.NETWORK: "seen by the network",
    SeenBy.RECALL_FIRST: "seen by recall-first only",
    SeenBy.UNDECIDED: "seen by recall-first only, against the network",
}
"""Words of a reason."""
_DECISIONS = (Decision.KEPT, Decision.DOUBTFUL, Decision.BELOW_FLOOR)


def apply_policy(
    hits: Sequence[Hit], shape: tuple[int, int], pixel_size_um: float, config: DetectionConfig
) -> tuple[Cell, ...]:
    """Decide what is imaged of every hit, and give the reason.

    Parameters
    ----------
    hits : sequence of Hit
    shape : (int, int)
        Rows and columns of the frame.
    pixel_size_um : float
    config : DetectionConfig

    Returns
    -------
    tuple of Cell
        One for every hit, in reading order; ids ``c0001``, ... follow it.
    """
    table = table_of(hits)
    x0, y0, x1, y1 = table.boxes.T
    table = table.chosen(np.lexsort((x1, y1, x0, y0)))
    cells = _decided(table, shape, pixel_size_um, config)
    # A detector that knows how far a cell may reach has said so of each fragment.
    alone = np.flatnonzero(~table.has_outer).tolist()
    kept = [index for index in alone if cells[index].image_box_px is not None]
    margin_px = _pixels(config.dilate_um, pixel_size_um)
    for group in fragment_groups([cells[index].box_px for index in kept], shape, pixel_size_um):
        whole = around(*(cells[kept[one]].box_px for one in group)).dilated(margin_px, shape)
        for one in group:
            others = " and ".join(cells[kept[other]].id for other in group if other != one)
            cells[kept[one]] = _within(cells[kept[one]], whole, others)
    return tuple(cells)


def _within(cell: Cell, whole: BoxPx, others: str) -> Cell:
    """Image all of the box around a cell and the hits that may be fragments of it."""
    if cell.image_box_px is None or cell.image_box_px.contains(whole):
        return cell
    reason = f"{cell.reason}; imaged together with {others}"
    return replace(cell, image_box_px=around(cell.image_box_px, whole), reason=reason)


def _decided(
    hits: HitTable, shape: tuple[int, int], pixel_size_um: float, config: DetectionConfig
) -> list[Cell]:
    """Decide on each hit by itself."""
    below = hits.confidences < config.min_confidence
    doubtful = ~below & (hits.confidences < config.doubtful_below)
    margins_um = config.dilate_um + np.where(doubtful, config.doubtful_extra_um, 0.0)
    margins_um += np.maximum(hits.extents_um, 0.0)
    imaged = _imaged(hits, _whole_pixels(margins_um, pixel_size_um), shape, config.side_quantile)
    decisions = [_DECISIONS[code] for code in (below * 2 + doubtful).tolist()]
    confidences, extents_um = hits.confidences.tolist(), hits.extents_um.tolist()
    count = len(hits)
    return many(
        Cell,
        count,
        id=[f"c{number:04d}" for number in range(1, count + 1)],
        box_px=boxes_from(hits.boxes),
        image_box_px=_where(boxes_from(imaged), ~below),
        confidence=confidences,
        reason=_reasons(hits, below, doubtful, config),
        extent_uncertainty_um=extents_um,
        source=repeat(CellSource.FRAME),
        decision=decisions,
        outer_px=_where(boxes_from(hits.outers), hits.has_outer),
        seen_by=hits.detectors(),
    )


def _reasons(
    hits: HitTable, below: NDArray[np.bool_], doubtful: NDArray[np.bool_], config: DetectionConfig
) -> list[str]:
    """Return the reason of each hit in words; most hits of a frame have one of few."""
    confident = "kept: confident"
    unsure = f"kept: doubtful, grown by {config.doubtful_extra_um:g} um"
    seen = [f"; {SEEN_BY[by]}" for by in SeenBy] + [""]
    words = [start + end for start in (confident, unsure) for end in seen]
    reasons = [words[at] for at in (doubtful * len(seen) + hits.seen_by).tolist()]
    for at in np.flatnonzero(below | (hits.extents_um > 0)).tolist():
        reason = unsure if doubtful[at] else confident
        if below[at]:
            reason = f"not imaged: confidence {hits.confidences[at]:.3g} below {config.min_confidence:g}"
        else:
            reason += f"; outline unsure, grown by {hits.extents_um[at]:.1f} um"
        reasons[at] = reason + seen[hits.seen_by[at]]
    return reasons


def _where(boxes: list[BoxPx], known: NDArray[np.bool_]) -> list[BoxPx] | list[BoxPx | None]:
    if known.all():
        return boxes
    return [box if is_known else None for box, is_known in zip(boxes, known.tolist(), strict=True)]


def _imaged(hits: HitTable, margins_px: NDArray[np.int64], shape: tuple[int, int], quantile: float) -> Sides:
    """Return what is imaged of each hit: its box with a margin, and its reach where that is known.

    The reach is the box that the cell exceeds with the chance of a quantile on each side: between the most
    likely box and the outer one, and beyond it, as if the place of a side were Gaussian.
    """
    rows, columns = shape
    deviations = NormalDist()
    share = deviations.inv_cdf(quantile) / deviations.inv_cdf(OUTER_QUANTILE)
    # Without an outer box the reach is the box itself.
    reach = hits.boxes + share * (hits.outers - hits.boxes)
    low = np.minimum(np.floor(reach[:, :2]).astype(np.int64), hits.boxes[:, :2] - margins_px[:, None])
    high = np.maximum(np.ceil(reach[:, 2:]).astype(np.int64), hits.boxes[:, 2:] + margins_px[:, None])
    return np.concatenate([np.maximum(low, 0), np.minimum(high, (columns, rows))], axis=1)


def _pixels(margin_um: float, pixel_size_um: float) -> int:
    return int(_whole_pixels(np.array([margin_um]), pixel_size_um)[0])


def _whole_pixels(margins_um: NDArray[np.float64], pixel_size_um: float) -> NDArray[np.int64]:
    """Round margins up to whole pixels; 1e-9 keeps 1 um at 0.1 um per pixel from becoming 11 px."""
    return np.ceil(margins_um / pixel_size_um - 1e-9).astype(np.int64)
