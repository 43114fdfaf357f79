"""Detection of the cells of a frame: the entry point of this package."""

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from config.work import DetectionConfig
from detection.detectors import BUILT_IN, Detector, KnowsItsLimit, built_in
from detection.errors import DetectionError
from detection.image.borders import clip_to_border
from detection.image.boxes import union_fraction
from detection.image.frames import check_frame
from detection.image.hit_table import votes_of
from detection.image.hits import Detection, Overlooked
from detection.overlooked.bound import overlooked_in
from detection.policy import apply_policy
from detection.tiles import find_in_parts

NOTHING_STANDS_OUT = "no cells: nothing stands out enough from its surroundings"
"""Sentence for a frame without cells where there is no bound on what may have been overlooked."""
NOTHING_LIKELY = "nothing is imaged: all hits are below the floor of confidence; look at what is left out"
"""Sentence for a frame with hits of which none is imaged."""


def detect(
    pixels: NDArray[np.generic],
    pixel_size_um: float,
    config: DetectionConfig,
    offset_adu: float | None = None,
    detector: Detector | None = None,
    background: NDArray[np.float32] | None = None,
    *,
    with_votes: bool = False,
) -> Detection:
    """Find the cells of a fluorescence frame and the areas that the electron beam must image.

    Parameters
    ----------
    pixels : (rows, columns) array of uint8 or uint16
        Best raw and linear; at least 16 on a side. Frames larger than 2048 x 2048 are processed in parts.
    pixel_size_um : float
        At the specimen, 0.01..5 um.
    config : DetectionConfig
        Name of the detector, and the policy.
    offset_adu : float, optional
        Grey level of no light.
    detector : Detector, optional
        The detector that ``config.detector`` names, if that is a plug-in or a forest.
    background : (block rows, block columns) array of float32, optional
        Background of a linear frame, grey levels, if it is known from other frames; None to estimate it.
    with_votes : bool
        Read the votes of the places, too, which tell cells of serial sections apart.

    Returns
    -------
    Detection
        Its warnings say why there are no cells, or that none is imaged; `overlooked` bounds what may have
        been missed where there are none.

    Raises
    ------
    DetectionError
        Raised when the frame, the pixel size or the offset cannot be used, or there is no such detector.
    """
    started = time.perf_counter()
    frame = check_frame(pixels, pixel_size_um, offset_adu)
    if background is not None:
        frame = replace(frame, background=background - np.float32(offset_adu or 0))
    chosen = detector or built_in(config)
    if chosen is None:
        raise DetectionError(f"there is no detector {config.detector!r}; there are {' and '.join(BUILT_IN)}")
    hits, warnings = ([], []) if frame.constant else find_in_parts(chosen, frame, with_votes=with_votes)
    votes = votes_of(hits) if with_votes else None
    if frame.border is not None:
        hits = clip_to_border(hits, frame.border)
    overlooked = None
    if not (hits or frame.constant):
        if isinstance(chosen, KnowsItsLimit):
            overlooked = overlooked_in(frame, chosen.least_contrast)
        if overlooked is not None:
            warnings = [*warnings, no_cells(overlooked)]
        elif not warnings:
            warnings = [NOTHING_STANDS_OUT]
    shape = (frame.values.shape[0], frame.values.shape[1])
    cells = apply_policy(hits, shape, pixel_size_um, config)
    if cells and all(cell.image_box_px is None for cell in cells):
        warnings = [*warnings, NOTHING_LIKELY]
    imaged = union_fraction((cell.image_box_px for cell in cells if cell.image_box_px is not None), shape)
    elapsed_ms = (time.perf_counter() - started) * 1e3
    return Detection(cells, imaged, (*frame.warnings, *warnings), elapsed_ms, overlooked, votes)


def no_cells(overlooked: Overlooked) -> str:
    """Return the sentence for a frame without cells, with the bound on what may have been overlooked."""
    return (
        f"no cells: a disc of {overlooked.diameter_um:g} um and {overlooked.contrast_sd:.2g} noise deviations"
        f" ({_plainly(overlooked.contrast_adu)} grey levels) would have been seen"
    )


def _plainly(contrast_adu: float) -> str:
    return f"{contrast_adu:.0f}" if contrast_adu >= 10 else f"{contrast_adu:.2g}"
