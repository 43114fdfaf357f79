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
    kept = [
        index for index, cell in enumerate(cells) if cell.image_box_px is not None and cell.outer_px is None
    ]
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
    decisions = [
        Decision.BELOW_FLOOR if out else Decision.DOUBTFUL if unsure else Decision.KEPT
        for out, unsure in zip(below.tolist(), doubtful.tolist(), strict=True)
    ]
    confidences, extents_um, detectors = (
        hits.confidences.tolist(),
        hits.extents_um.tolist(),
        hits.detectors(),
    )
    cases = zip(decisions, confidences, extents_um, detectors, strict=True)
    reasons = _Reasons(config)
    count = len(hits)
    return many(
        Cell,
        count,
        id=[f"c{number:04d}" for number in range(1, count + 1)],
        box_px=boxes_from(hits.boxes),
        image_box_px=_where(boxes_from(imaged), ~below),
        confidence=confidences,
        reason=[reasons.of(*case) for case in cases],
        extent_uncertainty_um=extents_um,
        source=repeat(CellSource.FRAME),
        decision=decisions,
        outer_px=_where(boxes_from(hits.outers), hits.has_outer),
        seen_by=detectors,
    )


def _where(boxes: list[BoxPx], known: NDArray[np.bool_]) -> list[BoxPx] | list[BoxPx | None]:
    if known.all():
        return boxes
    return [box if is_known else None for box, is_known in zip(boxes, known.tolist(), strict=True)]


class _Reasons:
    """Reasons in words; most hits of a frame have one of few."""

    def __init__(self, config: DetectionConfig) -> None:
        self._config = config
        self._known: dict[tuple[Decision, float, SeenBy | None], str] = {}

    def of(self, decision: Decision, confidence: float, extent_um: float, by: SeenBy | None) -> str:
        """Return the reason of a hit."""
        if decision is Decision.BELOW_FLOOR:
            return self._seen(
                f"not imaged: confidence {confidence:.3g} below {self._config.min_confidence:g}", by
            )
        case = decision, extent_um, by
        reason = self._known.get(case)
        if reason is None:
            reason = self._known[case] = self._seen(self._kept(decision, extent_um), by)
        return reason

    def _kept(self, decision: Decision, extent_um: float) -> str:
        reason = "kept: confident"
        if decision is Decision.DOUBTFUL:
            reason = f"kept: doubtful, grown by {self._config.doubtful_extra_um:g} um"
        return reason if extent_um <= 0 else f"{reason}; outline unsure, grown by {extent_um:.1f} um"

    @staticmethod
    def _seen(reason: str, by: SeenBy | None) -> str:
        return reason if by is None else f"{reason}; {SEEN_BY[by]}"


def _imaged(
    hits: HitTable, margins_px: NDArray[np.int64], shape: tuple[int, int], quantile: float
) -> Sides:
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
