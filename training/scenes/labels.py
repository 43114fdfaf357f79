"""Distribution of the label in cells: cytoplasm, nuclei, membranes, vesicles, textures."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from training.scenes.outlines import Floats, Outlines, smooth_field

Pattern = Literal["filled", "cytoplasmic", "nuclear", "membrane", "punctate"]
PATTERNS: tuple[Pattern, ...] = get_args(Pattern)


@dataclass(frozen=True, slots=True)
class Labelled:
    """Light of cells, and the parts that count as the cell.

    Attributes
    ----------
    light : (rows, columns) array of float32
        The labelled parts have a mean near the brightness of their cell.
    truth : (rows, columns) array of int32
        1 + number of the cell of each pixel, 0 for none: the whole cut, or the nucleus if only that is
        labelled.
    labelled : (rows, columns) array of bool
        Pixels that carry the label.
    """

    light: Floats
    truth: NDArray[np.int32]
    labelled: NDArray[np.bool_]


def paint(
    rng: np.random.Generator, outlines: Outlines, pixel_um: float, pattern: Pattern, brightness: Floats
) -> Labelled:
    """Label cells in one pattern.

    Parameters
    ----------
    rng : Generator
    outlines : Outlines
    pixel_um : float
    pattern : Pattern
    brightness : (cells,) array of float32
        0 for cells that are not labelled at all.
    """
    shape = outlines.owner.shape
    if len(brightness) == 0:
        none = np.zeros(shape, np.float32)
        return Labelled(none, np.zeros(shape, np.int32), np.zeros(shape, np.bool_))
    cell = np.clip(outlines.inside_um / np.float32(pixel_um) + np.float32(0.5), 0, 1)
    nucleus_um = _inside_nucleus(rng, outlines)
    nucleus = np.minimum(np.clip(nucleus_um / np.float32(pixel_um) + np.float32(0.5), 0, 1), cell)
    own = brightness[outlines.owner]
    faint = np.float32(rng.choice([0.0, rng.uniform(0, 0.05), rng.uniform(0.05, 0.25)]))
    texture = np.exp(
        np.float32(rng.uniform(0, 0.6)) * smooth_field(rng, shape, float(rng.uniform(0.4, 3.0)) / pixel_um)
    )
    whole = outlines.inside_um > 0
    match pattern:
        case "filled":
            share, labelled = cell * texture, whole
        case "cytoplasmic":
            share = (cell - nucleus * (1 - faint)) * texture * _rim(rng, outlines)
            labelled = whole & (nucleus < 0.5)
        case "nuclear":
            share = np.maximum(nucleus * texture, faint * cell)
            whole = whole & (nucleus_um > 0)
            labelled = whole
        case "membrane":
            width = np.float32(rng.uniform(0.4, 1.2))
            ring = cell * np.exp(-np.maximum(outlines.inside_um, 0) / width)
            share = np.maximum(ring * texture, faint * cell)
            labelled = whole & (outlines.inside_um < width)
        case "punctate":
            field = smooth_field(rng, shape, float(rng.uniform(0.25, 0.8)) / pixel_um)
            spots = np.maximum(field - np.float32(rng.uniform(0.8, 1.6)), 0)
            base = np.float32(rng.uniform(0.02, 0.2))
            outside_nucleus = cell - nucleus * np.float32(rng.choice([0.0, 0.9]))
            share = outside_nucleus * (base + np.float32(rng.uniform(2, 5)) * spots)
            labelled = whole & (share > 0.3)
    light = np.asarray(share * own, dtype=np.float32)
    truth = np.where(whole & (own > 0), outlines.owner + 1, 0).astype(np.int32)
    return Labelled(light, truth, labelled & (own > 0))


def _inside_nucleus(rng: np.random.Generator, outlines: Outlines) -> Floats:
    """Return the depth inside the nucleus of the cell of each pixel; some cuts show none."""
    count = len(outlines.radius_um)
    share = np.clip(rng.normal(rng.uniform(0.4, 0.75), 0.07, count), 0.25, 0.85)
    share[rng.random(count) < rng.choice([0.0, 0.15])] = 0
    shift = rng.normal(0, 1, (2, count)) * (1 - share) * 0.35 * outlines.radius_um
    off = shift.astype(np.float32)[:, outlines.owner]
    distance = np.hypot(*(outlines.from_center_um - off))
    size = (share * outlines.radius_um).astype(np.float32)[outlines.owner]
    return np.asarray(np.minimum(size - distance, outlines.inside_um - np.float32(0.2)), dtype=np.float32)


def _rim(rng: np.random.Generator, outlines: Outlines) -> Floats:
    """Return the label of the cortex under the membrane over that of the cytoplasm, and a brighter side."""
    rim = np.clip(np.float32(rng.uniform(0.2, 1)) + outlines.inside_um / np.float32(1.0), 0, 1)
    count = len(outlines.radius_um)
    lean, turn = rng.uniform(0, 0.6) * np.ones(count), rng.uniform(0, 2 * np.pi, count)
    to_x, to_y = (
        (lean * part(turn) / outlines.radius_um).astype(np.float32)[outlines.owner]
        for part in (np.cos, np.sin)
    )
    x, y = outlines.from_center_um
    return np.asarray(rim * np.clip(1 + x * to_x + y * to_y, 0.2, 2), dtype=np.float32)
