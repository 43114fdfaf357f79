"""Evidence of the second look: numbers of the doubtful hits of a frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.image.boxes import Sides
from detection.image.hit_table import HitTable
from detection.second_look.company import Floats, OnGrid, company_of, sides_within
from detection.second_look.features import features_of
from detection.second_look.light import light_of
from detection.second_look.settings import SECOND_LOOK, SecondLookSettings


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Numbers of one frame for a second look.

    Attributes
    ----------
    company : (hits, COMPANY) array of float32
        Of all hits; see `company_of`.
    chosen : (doubtful hits,) array of intp
        Numbers of the doubtful ones.
    light : (doubtful hits, LIGHT) array of float32
        See `light_of`.
    features : (doubtful hits, FEATURES) array of float32
        See `features_of`.
    """

    company: Floats
    chosen: NDArray[np.intp]
    light: Floats
    features: Floats


def look_at(
    hits: HitTable,
    z: Floats,
    score: Floats,
    features: Floats,
    grid: OnGrid,
    settings: SecondLookSettings = SECOND_LOOK,
) -> Evidence | None:
    """Return the evidence; None where no hit is doubtful, or where hits are too many.

    Parameters
    ----------
    hits : HitTable
        All of the frame.
    z : (rows, columns) array of float32
        Frame above its background, in standard deviations of the noise of a pixel of the working grid.
    score : (places down, places across) array of float32
        Of the network.
    features : (channels, rows, columns) array of float32
        Of the network; see `detection.network.detector.Steps`.
    grid : OnGrid
    settings : SecondLookSettings
    """
    chosen = np.flatnonzero(hits.confidences < settings.doubtful_below)
    if not chosen.size or len(hits) > settings.most_hits:
        return None
    shape = (z.shape[0], z.shape[1])
    boxes = sides_within(hits.boxes, grid, shape)
    outer = _outer_of(hits, boxes, grid, shape, settings)
    numbers = chosen.tolist()
    return Evidence(
        company_of(hits, boxes, outer, z, score, grid),
        chosen,
        light_of(numbers, boxes, outer, z, grid.pixel_um, settings),
        features_of(boxes[chosen], features),
    )


def _outer_of(
    hits: HitTable, boxes: Sides, grid: OnGrid, shape: tuple[int, int], settings: SecondLookSettings
) -> Sides:
    """Return what may be imaged of each hit; one without an outer box may be so far beyond its box."""
    known = sides_within(hits.outers, grid, shape)
    reach_px = np.round((settings.margin_um + hits.extents_um) / grid.pixel_um).astype(np.int64)[:, None]
    low = np.maximum(boxes[:, :2] - reach_px, 0)
    high = np.minimum(boxes[:, 2:] + reach_px, (shape[1], shape[0]))
    return np.where(hits.has_outer[:, None], known, np.concatenate([low, high], axis=1))
