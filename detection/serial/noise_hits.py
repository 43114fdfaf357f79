"""Hits that are no more than the noise of a frame: too little light of their own, and nothing beside them."""

from collections.abc import Sequence
from dataclasses import replace

from detection.image.boxes import union_mask
from detection.image.hits import Cell, Decision
from detection.serial.pooling import Layer, support

REASON = "not imaged: little more than noise, and the sections beside show nothing"
LEAST_SUPPORT = 5.0
"""Of the light in its box, in standard deviations of noise (Rose's criterion)."""
ALIKE_NOISE = 1.5
"""A section whose noise differs by a larger factor was taken otherwise, or lost: it is no witness."""
FEWEST_WITNESSES = 2


def without_noise(
    cells: Sequence[Cell], own: Layer, beside: Sequence[tuple[Layer, Sequence[Cell]]]
) -> tuple[Cell, ...]:
    """Leave out what noise makes up, of a section that could not be registered on those beside it.

    A cell is many sections deep. Where the sections on both sides show nothing at all, a hit that the
    section's own light hardly supports is none.

    Parameters
    ----------
    cells : sequence of Cell
        Of the section.
    own : Layer
    beside : sequence of (Layer, sequence of Cell)
        The sections next to it; where it is the first or last, the two nearest.

    Returns
    -------
    tuple of Cell
        The same, those left out with `REASON`.
    """
    witnesses = [
        shown for layer, shown in beside if 1 / ALIKE_NOISE <= layer.noise_adu / own.noise_adu <= ALIKE_NOISE
    ]
    if len(witnesses) < FEWEST_WITNESSES or any(
        cell.image_box_px is not None for shown in witnesses for cell in shown
    ):
        return tuple(cells)
    taken = union_mask([cell.box_px for cell in cells], own.frame.shape)
    return tuple(
        replace(cell, image_box_px=None, reason=REASON, decision=Decision.NOISE)
        if cell.image_box_px is not None and support(own, cell.box_px, taken) < LEAST_SUPPORT
        else cell
        for cell in cells
    )
