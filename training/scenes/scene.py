"""A whole random frame: cells, ground, optics, camera, processing."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.network.inputs import WORKING_PIXEL_UM
from training.labelled import LabelledFrame
from training.scenes import ground as grounds
from training.scenes.camera import draw_camera, exposed, processed
from training.scenes.labels import PATTERNS, Labelled, paint
from training.scenes.outlines import Floats, draw_outlines

SIDE = 256
"""Side of a frame, pixels of the working grid: 91 um, a field of the paper's camera."""
_ROSE = 5.0
"""Signal over noise above which a cell is visible (Rose, J. Opt. Soc. Am. 38 (1948) 196)."""
_SMALLEST_UM2 = 1.0
"""Smallest cut that counts."""
_IN_TISSUE = 0.3
"""Share of the frames with light of tissue between cells, also of those without cells; chosen by hand."""
_DIMMEST_PROCESSED = 0.05
"""Brightness over that of usual cells from which cells count in a frame that was equalised; chosen by
hand."""
_PATTERN_SHARES = (0.2, 0.25, 0.25, 0.1, 0.2)
"""Shares of `PATTERNS`; chosen by hand."""
_PIXELS_UM = (0.1, 0.12, 0.16, 0.178, 0.178, 0.178, 0.2, 0.25, 0.3, 0.3, 0.36, 0.45)


def draw_scene(seed: int) -> LabelledFrame:
    """Draw a frame; the same for the same seed."""
    rng = np.random.default_rng([seed, 41])
    size_um = float(rng.choice(_PIXELS_UM) * rng.uniform(0.97, 1.03))
    shrink = max(round(WORKING_PIXEL_UM / size_um), 1)
    pixel_um = shrink * size_um
    camera = draw_camera(rng)
    shape = (SIDE, SIDE)
    level = camera.noise * float(np.exp(rng.uniform(np.log(1), np.log(40))))
    contrast = float(np.exp(rng.uniform(np.log(0.5), np.log(60))))
    contrast = min(contrast, 0.7 * (2**camera.bits - 1) / camera.noise)
    none = rng.random() < 0.18
    found = _cells(rng, shape, pixel_um, none=none, brightness=contrast * camera.noise)
    light = found.light + grounds.haze(rng, found.light, pixel_um)
    between = 0.0
    if rng.random() < _IN_TISSUE:
        between = contrast * camera.noise * float(np.exp(rng.uniform(np.log(0.03), np.log(0.4))))
        light += np.float32(between) * grounds.tissue(rng, shape, pixel_um)
    resin = np.float32(level) * grounds.lumps(rng, shape, pixel_um)
    artefacts = rng.random(4) < (0.35, 0.12, 0.08, 0.12)
    if artefacts[0]:
        light += grounds.specks(rng, shape, pixel_um, contrast * camera.noise * float(rng.uniform(0.5, 3)))
    if artefacts[1]:
        for _ in range(int(rng.integers(1, 3))):
            fold = grounds.band(rng, shape, pixel_um, float(rng.uniform(1, 3)))
            light, resin = light * (1 + fold), resin * (1 + fold)
    if artefacts[2]:
        line = grounds.band(rng, shape, pixel_um, float(rng.uniform(0.3, 0.8)))
        resin = resin * (1 + line * np.float32(rng.uniform(-0.5, 2)))
    truth, labelled = found.truth, found.labelled
    if artefacts[3]:
        beyond = grounds.beyond_edge(rng, shape, pixel_um)
        light, resin = light * (1 - beyond), resin * (1 - beyond * np.float32(rng.uniform(-0.5, 0.8)))
        truth = np.where(beyond < 0.5, truth, 0).astype(np.int32)
        labelled = labelled & (beyond < 0.5)
    whole = (light + resin) * grounds.illumination(rng, shape)
    blur = float(rng.uniform(0.1, 0.35)) / pixel_um
    whole = np.asarray(cv2.GaussianBlur(whole, (0, 0), max(blur, 0.2)))
    if shrink > 1:
        side = SIDE * shrink
        whole = np.asarray(cv2.resize(whole, (side, side), interpolation=cv2.INTER_CUBIC))
    pixels = exposed(rng, whole, level, camera)
    offset = camera.offset if camera.offset_known else None
    is_processed = rng.random() < 0.3
    # What is dimmer than the tissue around it, nobody could mark.
    dimmest = max(between, _DIMMEST_PROCESSED * contrast * camera.noise if is_processed else 0.0)
    boxes, counted = _judged(truth, labelled, found.light, camera.noise / shrink, dimmest, pixel_um)
    if is_processed:
        pixels, offset = processed(rng, pixels, size_um), None
    return LabelledFrame(pixels, size_um, offset, truth, boxes, counted)


def _cells(
    rng: np.random.Generator, shape: tuple[int, int], pixel_um: float, *, none: bool, brightness: float
) -> Labelled:
    cover = (
        0.0
        if none
        else float(rng.choice([rng.uniform(0.01, 0.15), rng.uniform(0.05, 0.5), rng.uniform(0.3, 0.95)]))
    )
    outlines = draw_outlines(
        rng,
        shape,
        pixel_um,
        cover=cover,
        radius_um=float(np.clip(5.5 * np.exp(rng.normal(0, 0.45)), 1.8, 12)),
        radius_sd=float(rng.uniform(0, 0.3)),
        cut=bool(rng.random() < 0.6),
    )
    count = len(outlines.radius_um)
    spread = float(rng.choice([0.0, rng.uniform(0, 0.4), rng.uniform(0.3, 1.0)]))
    own = (brightness * np.exp(spread * rng.standard_normal(count) - spread**2 / 2)).astype(np.float32)
    own[rng.random(count) < rng.choice([0.0, 0.0, rng.uniform(0, 0.7)])] = 0
    return paint(rng, outlines, pixel_um, PATTERNS[int(rng.choice(len(PATTERNS), p=_PATTERN_SHARES))], own)


def _judged(
    truth: NDArray[np.int32],
    labelled: NDArray[np.bool_],
    light: Floats,
    noise: float,
    dimmest: float,
    pixel_um: float,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the boxes of all cells, and True for those that are large and bright enough to be seen."""
    count = int(truth.max())
    boxes = np.zeros((count, 4), np.float32)
    counted = np.zeros(count, np.bool_)
    if count == 0:
        return boxes, counted
    area = np.bincount(truth.ravel(), minlength=count + 1)[1:]
    own = np.where(labelled, truth, 0).ravel()
    marked = np.bincount(own, minlength=count + 1)[1:]
    total = np.bincount(own, weights=light.ravel(), minlength=count + 1)[1:]
    rows, columns = np.indices(truth.shape)
    for axis, low, high in ((columns, 0, 2), (rows, 1, 3)):
        first = np.full(count + 1, 10**6)
        last = np.full(count + 1, -1)
        np.minimum.at(first, truth.ravel(), axis.ravel())
        np.maximum.at(last, truth.ravel(), axis.ravel())
        boxes[:, low], boxes[:, high] = first[1:], last[1:] + 1
    boxes[area == 0] = 0
    mean = total / np.maximum(marked, 1)
    seen = (mean / noise * np.sqrt(marked) >= _ROSE) & (mean >= dimmest)
    across = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) * pixel_um
    counted = seen & (area * pixel_um**2 >= _SMALLEST_UM2) & (across >= math.sqrt(_SMALLEST_UM2))
    return boxes, counted
