"""The recall-first policy: what of the hits the electron beam must image.

Missing a cell is far worse than imaging too much, so doubt makes a box larger, never smaller.
"""

import math
from collections.abc import Iterable
from dataclasses import replace

from config.work import DetectionConfig
from detection.fragments import together
from detection.image.boxes import BoxPx, around
from detection.image.hits import Cell, Decision, Hit


def apply_policy(
    hits: Iterable[Hit], shape: tuple[int, int], pixel_size_um: float, config: DetectionConfig
) -> tuple[Cell, ...]:
    """Decide for every hit what is imaged and why.

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
    kept = [index for index, cell in enumerate(cells) if cell.image_box_px is not None]
    margin_px = _pixels(config.dilate_um, pixel_size_um)
    for group in together([cells[index].box_px for index in kept], shape, pixel_size_um):
        whole = around(*(cells[kept[one]].box_px for one in group)).dilated(margin_px, shape)
        for one in group:
            others = " and ".join(cells[kept[other]].id for other in group if other != one)
            cells[kept[one]] = _within(cells[kept[one]], whole, others)
    return tuple(cells)


def _within(cell: Cell, whole: BoxPx, others: str) -> Cell:
    """Image all of the box around a cell and those that may be pieces of it."""
    if cell.image_box_px is None or cell.image_box_px.contains(whole):
        return cell
    reason = f"{cell.reason}; imaged together with {others}"
    return replace(cell, image_box_px=around(cell.image_box_px, whole), reason=reason)


def _decide(
    name: str, hit: Hit, shape: tuple[int, int], pixel_size_um: float, config: DetectionConfig
) -> Cell:
    if hit.confidence < config.min_confidence:
        reason = f"not imaged: confidence {hit.confidence:.3g} below {config.min_confidence:g}"
        return Cell(name, hit.box, None, hit.confidence, reason, hit.unsure_um, decision=Decision.BELOW_FLOOR)
    margin_um, reason, decision = config.dilate_um, "kept: confident", Decision.KEPT
    if hit.confidence < config.doubtful_below:
        margin_um += config.doubtful_extra_um
        reason = f"kept: doubtful, grown by {config.doubtful_extra_um:g} um"
        decision = Decision.DOUBTFUL
    if hit.unsure_um > 0:
        margin_um += hit.unsure_um
        reason += f"; outline unsure, grown by {hit.unsure_um:.1f} um"
    grown = hit.box.dilated(_pixels(margin_um, pixel_size_um), shape)
    return Cell(name, hit.box, grown, hit.confidence, reason, hit.unsure_um, decision=decision)


def _pixels(margin_um: float, pixel_size_um: float) -> int:
    """Up to the next whole pixel, so that a margin is never less than asked for; 1e-9 against 1 / 0.1."""
    return math.ceil(margin_um / pixel_size_um - 1e-9)
