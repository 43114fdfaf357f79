"""Recall-first policy: the area that the electron beam must image for each hit.

Missing a cell is far worse than imaging too much, so doubt makes a box larger, never smaller.
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from statistics import NormalDist

from config.work import DetectionConfig
from detection.fragments import fragment_groups
from detection.image.boxes import BoxPx, around
from detection.image.hits import OUTER_QUANTILE, Cell, Decision, Hit, SeenBy

SEEN_BY = {
    SeenBy.BOTH: "seen by both detectors",
    SeenBy.NETWORK: "seen by the network",
    SeenBy.RECALL_FIRST: "seen by recall-first only",
    SeenBy.UNDECIDED: "seen by recall-first only, against the network",
}
"""Words of a reason."""


def apply_policy(
    hits: Iterable[Hit], shape: tuple[int, int], pixel_size_um: float, config: DetectionConfig
) -> tuple[Cell, ...]:
    """Decide what is imaged of every hit, and give the reason.

    Parameters
    ----------
    hits : iterable of Hit
    shape : (int, int)
        Rows and columns of the frame.
    pixel_size_um : float
    config : DetectionConfig

    Returns
    -------
    tuple of Cell
        One for every hit, in reading order; ids ``c0001``, ... follow it.
    """
    ordered = sorted(hits, key=lambda hit: (hit.box.y0, hit.box.x0, hit.box.y1, hit.box.x1))
    cells = [
        _decide(f"c{number:04d}", hit, shape, pixel_size_um, config)
        for number, hit in enumerate(ordered, start=1)
    ]
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


def _decide(
    name: str, hit: Hit, shape: tuple[int, int], pixel_size_um: float, config: DetectionConfig
) -> Cell:
    extra_um = hit.extent_uncertainty_um
    decision, margin_um, reason = Decision.KEPT, config.dilate_um, "kept: confident"
    if hit.confidence < config.min_confidence:
        decision = Decision.BELOW_FLOOR
        reason = f"not imaged: confidence {hit.confidence:.3g} below {config.min_confidence:g}"
    elif hit.confidence < config.doubtful_below:
        decision = Decision.DOUBTFUL
        margin_um += config.doubtful_extra_um
        reason = f"kept: doubtful, grown by {config.doubtful_extra_um:g} um"
    grown = None
    if decision is not Decision.BELOW_FLOOR:
        if extra_um > 0:
            margin_um += extra_um
            reason += f"; outline unsure, grown by {extra_um:.1f} um"
        grown = hit.box.dilated(_pixels(margin_um, pixel_size_um), shape)
        if hit.outer is not None:
            grown = around(grown, _reach(hit.box, hit.outer, config.side_quantile, shape))
    if hit.seen_by is not None:
        reason += f"; {SEEN_BY[hit.seen_by]}"
    return Cell(
        name,
        hit.box,
        grown,
        hit.confidence,
        reason,
        extra_um,
        decision=decision,
        outer_px=hit.outer,
        seen_by=hit.seen_by,
    )


def _reach(box: BoxPx, outer: BoxPx, quantile: float, shape: tuple[int, int]) -> BoxPx:
    """Return the box that a cell exceeds with the chance of a quantile on each side.

    Between the most likely box and the outer one, and beyond it, as if the place of a side were Gaussian.
    """
    deviations = NormalDist()
    share = deviations.inv_cdf(quantile) / deviations.inv_cdf(OUTER_QUANTILE)
    rows, columns = shape
    return BoxPx(
        max(math.floor(box.x0 + share * (outer.x0 - box.x0)), 0),
        max(math.floor(box.y0 + share * (outer.y0 - box.y0)), 0),
        min(math.ceil(box.x1 + share * (outer.x1 - box.x1)), columns),
        min(math.ceil(box.y1 + share * (outer.y1 - box.y1)), rows),
    )


def _pixels(margin_um: float, pixel_size_um: float) -> int:
    """Round a margin up to whole pixels; 1e-9 keeps 1 um at 0.1 um per pixel from becoming 11 px."""
    return math.ceil(margin_um / pixel_size_um - 1e-9)
