"""The recall-first policy: what of the hits the electron beam must image.

Missing a cell is far worse than imaging too much, so doubt makes a box larger, never smaller.
"""

import math
from collections.abc import Iterable

from config.work import DetectionConfig
from detection.cells import Cell, Hit


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
    return tuple(
        _decide(f"c{number:04d}", hit, shape, pixel_size_um, config)
        for number, hit in enumerate(ordered, start=1)
    )


def _decide(
    name: str, hit: Hit, shape: tuple[int, int], pixel_size_um: float, config: DetectionConfig
) -> Cell:
    if hit.confidence < config.min_confidence:
        reason = f"not imaged: confidence {hit.confidence:.3g} below {config.min_confidence:g}"
        return Cell(name, hit.box, None, hit.confidence, reason, hit.unsure_um)
    margin_um, reason = config.dilate_um, "kept: confident"
    if hit.confidence < config.doubtful_below:
        margin_um += config.doubtful_extra_um
        reason = f"kept: doubtful, grown by {config.doubtful_extra_um:g} um"
    if hit.unsure_um > 0:
        margin_um += hit.unsure_um
        reason += f"; outline unsure, grown by {hit.unsure_um:.1f} um"
    # Up to the next whole pixel, so that the margin is never less than asked for; 1e-9 against 1 / 0.1.
    margin_px = math.ceil(margin_um / pixel_size_um - 1e-9)
    return Cell(name, hit.box, hit.box.dilated(margin_px, shape), hit.confidence, reason, hit.unsure_um)
