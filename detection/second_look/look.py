"""The second look itself."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detection.image.hits import Hit
from detection.image.working_grid import WorkingGrid
from detection.second_look.company import Floats, company_of, sides_within
from detection.second_look.light import light_of
from detection.second_look.model import SecondLook
from detection.second_look.settings import SECOND_LOOK, SecondLookSettings


def looked_at(
    second_look: SecondLook,
    hits: Sequence[Hit],
    z: Floats,
    score: Floats,
    grid: WorkingGrid,
    settings: SecondLookSettings = SECOND_LOOK,
) -> dict[int, float]:
    """Return the chances of the doubtful hits of a frame that they are cells, by number.

    Parameters
    ----------
    second_look : SecondLook
    hits : sequence of Hit
        All of the frame.
    z : (rows, columns) array of float32
        Frame above its background, in standard deviations of the noise of a pixel of the working grid.
    score : (places down, places across) array of float32
        Of the network.
    grid : WorkingGrid
    settings : SecondLookSettings

    Returns
    -------
    dict of int to float
        0..1; none where no hit is doubtful, or where hits are too many.
    """
    company, chosen, light = evidence_of(hits, z, score, grid, settings)
    if not chosen.size:
        return {}
    return dict(zip(chosen.tolist(), second_look.chances(company, chosen, light).tolist(), strict=True))


def evidence_of(
    hits: Sequence[Hit],
    z: Floats,
    score: Floats,
    grid: WorkingGrid,
    settings: SecondLookSettings = SECOND_LOOK,
) -> tuple[Floats, NDArray[np.intp], Floats]:
    """Return the company of all hits, the numbers of the doubtful ones, and the light of these.

    See `company_of` and `light_of`; nothing is chosen where hits are too many.
    """
    doubtful = [number for number, hit in enumerate(hits) if hit.confidence < settings.doubtful_below]
    chosen = np.array(doubtful if len(hits) <= settings.most_hits else [], np.intp)
    nothing = np.zeros((0, 0), np.float32)
    if not chosen.size:
        return nothing, chosen, nothing
    shape = (z.shape[0], z.shape[1])
    boxes = sides_within([hit.box for hit in hits], grid, shape)
    reach_px = [_reach_px(hit, grid, settings) for hit in hits]
    outer = np.concatenate([boxes[:, :2], -boxes[:, 2:]], axis=1) - np.array(reach_px)[:, None]
    known = [number for number, hit in enumerate(hits) if hit.outer is not None]
    outer = np.concatenate(
        [np.maximum(outer[:, :2], 0), np.minimum(-outer[:, 2:], (shape[1], shape[0]))], axis=1
    )
    if known:
        outer[known] = sides_within([hits[n].outer or hits[n].box for n in known], grid, shape)
    company = company_of(hits, boxes, outer, z, score, grid)
    return company, chosen, light_of(chosen.tolist(), boxes, outer, z, grid.pixel_um, settings)


def _reach_px(hit: Hit, grid: WorkingGrid, settings: SecondLookSettings) -> int:
    """Return how far beyond its box a hit without an outer box may be imaged, px of the working grid."""
    return round((settings.margin_um + hit.extent_uncertainty_um) / grid.pixel_um)
