"""Recall-first policy: the area that the electron beam must image for each hit.

Missing a cell is far worse than imaging too much, so doubt makes a box larger, never smaller.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import NormalDist

import numpy as np

from config.work import DetectionConfig
from detection.fragments import fragment_groups
from detection.image.boxes import BoxPx, around, sides_of
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
    reaches = _reaches(ordered, shape, config.side_quantile)
    cells = [
        _decide(f"c{number:04d}", hit, reach, shape, pixel_size_um, config)
        for number, (hit, reach) in enumerate(zip(ordered, reaches, strict=True), start=1)
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
    name: str,
    hit: Hit,
    reach: tuple[int, int, int, int] | None,
    shape: tuple[int, int],
    pixel_size_um: float,
    config: DetectionConfig,
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
        margin_px = _pixels(margin_um, pixel_size_um)
        grown = _at_least(hit.box, margin_px, reach, shape) if reach else hit.box.dilated(margin_px, shape)
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


def _reaches(
    hits: Sequence[Hit], shape: tuple[int, int], quantile: float
) -> list[tuple[int, int, int, int] | None]:
    """Return the box that each cell exceeds with the chance of a quantile on each side, if that is known.

    Between the most likely box and the outer one, and beyond it, as if the place of a side were Gaussian.
    """
    known = [number for number, hit in enumerate(hits) if hit.outer is not None]
    found: list[tuple[int, int, int, int] | None] = [None] * len(hits)
    if not known:
        return found
    deviations = NormalDist()
    share = deviations.inv_cdf(quantile) / deviations.inv_cdf(OUTER_QUANTILE)
    box = sides_of(hits[number].box for number in known)
    outer = sides_of(hits[number].outer or hits[number].box for number in known)
    sides = box + share * (outer - box)
    low = np.maximum(np.floor(sides[:, :2]), 0).astype(np.int64)
    high = np.minimum(np.ceil(sides[:, 2:]), (shape[1], shape[0])).astype(np.int64)
    for number, ends in zip(known, np.concatenate([low, high], axis=1).tolist(), strict=True):
        found[number] = tuple(ends)
    return found


def _at_least(box: BoxPx, margin_px: int, reach: tuple[int, int, int, int], shape: tuple[int, int]) -> BoxPx:
    """Return the box around a reach and a box with its margin."""
    rows, columns = shape
    x0, y0, x1, y1 = reach
    left, top = max(box.x0 - margin_px, 0), max(box.y0 - margin_px, 0)
    right, bottom = min(box.x1 + margin_px, columns), min(box.y1 + margin_px, rows)
    return BoxPx(
        left if left < x0 else x0,
        top if top < y0 else y0,
        right if right > x1 else x1,
        bottom if bottom > y1 else y1,
    )


def _pixels(margin_um: float, pixel_size_um: float) -> int:
    """Round a margin up to whole pixels; 1e-9 keeps 1 um at 0.1 um per pixel from becoming 11 px."""
    return math.ceil(margin_um / pixel_size_um - 1e-9)
