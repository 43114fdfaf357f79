"""Hits of noise: with hardly any intensity, where neighbouring sections show nothing."""

from collections.abc import Sequence
from dataclasses import replace

from detection.image.boxes import union_mask
from detection.image.hits import Cell, Decision
from detection.serial.pooling import Layer, support
from detection.serial.settings import SETTINGS

REASON = "not imaged: little more than noise, and the sections beside show nothing"
_SETTINGS = SETTINGS.noise_hits


def reject_noise(
    cells: Sequence[Cell], own: Layer, beside: Sequence[tuple[Layer, Sequence[Cell]]]
) -> tuple[Cell, ...]:
    """Reject noise hits in a section that could not be registered on its neighbours.

    A cell spans many sections. Where the sections on both sides show nothing at all, a hit with hardly any
    intensity of its own is not one.

    Parameters
    ----------
    cells : sequence of Cell
        Of the section.
    own : Layer
    beside : sequence of (Layer, sequence of Cell)
        The sections on both sides; for the first and last section, the two nearest.

    Returns
    -------
    tuple of Cell
        The same; rejected ones are not imaged and have `Decision.NOISE`.
    """
    limit = _SETTINGS.similar_noise
    comparable = [shown for layer, shown in beside if 1 / limit <= layer.noise_adu / own.noise_adu <= limit]
    if len(comparable) < _SETTINGS.fewest_sections or any(
        cell.image_box_px is not None for shown in comparable for cell in shown
    ):
        return tuple(cells)
    taken = union_mask([cell.box_px for cell in cells], own.frame.shape)
    return tuple(
        replace(cell, image_box_px=None, reason=REASON, decision=Decision.NOISE)
        if cell.image_box_px is not None and support(own, cell.box_px, taken) < _SETTINGS.least_support_sd
        else cell
        for cell in cells
    )
