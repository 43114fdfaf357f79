"""Alignment of a field: its fluorescence is found in its electron overview, and the accuracy proven."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detection.alignment.fit import Fit, outlines_of
from detection.alignment.preparation import Prepared, prepare
from detection.alignment.reasons import NotProven
from detection.alignment.search import Found, search
from detection.alignment.settings import SETTINGS
from detection.alignment.values import Alignment, Evidence, Picture, Similarity
from detection.image.boxes import BoxPx


def align(
    fluorescence: Picture, cells: Sequence[BoxPx], overview: Picture, largest_offset_um: float
) -> Alignment:
    """Find a field in its electron overview by the outlines of its cells.

    Neither does it matter which side of an outline is the brighter one, nor that the overview shows cells
    without fluorescence as well.

    Parameters
    ----------
    fluorescence : Picture
    cells : sequence of BoxPx
        Boxes of the cells found in the fluorescence.
    overview : Picture
        Its middle is expected at that of the fluorescence, and its axes along the same directions.
    largest_offset_um : float
        Largest distance between the two that the machine can cause.

    Returns
    -------
    Alignment
    """
    if not cells:
        return _nothing(NotProven.NO_CELLS)
    if _is_blank(overview.pixels):
        return _nothing(NotProven.NOTHING_SHOWN)
    prepared = prepare(fluorescence, cells, overview)
    if prepared.shown < SETTINGS.least_shown:
        return _nothing(NotProven.WRONG_FIELD)
    pixel_um = SETTINGS.pixel_um
    step = SETTINGS.coarse_step
    source = np.where(prepared.ground, prepared.coarse.source, np.complex64(0))
    found = search(source[::step, ::step], prepared.coarse.target[::step, ::step], pixel_um * step)
    parts = len(np.unique(prepared.part_of[prepared.ground]))
    if parts < SETTINGS.fewest_parts:
        return Alignment(found.motion, None, NotProven.NO_CELLS, _evidence(found, parts))
    return _judged(found, *_fitted(prepared, found), prepared, largest_offset_um, parts)


def _fitted(prepared: Prepared, found: Found) -> tuple[Similarity, float, float]:
    """Return the best motion, its standard error, and the distance between those of two halves, um."""
    start = found.motion
    for pair in (prepared.coarse, prepared.fine):
        outlines = outlines_of(pair.source, prepared.part_of, SETTINGS.pixel_um)
        fit = Fit(pair.target, SETTINGS.pixel_um, outlines)
        whole = fit.best(start)
        start = fit.motion(whole.parameters)
    precision_um = float(fit.errors_um(whole, prepared.corners_um).max())
    halves = []
    for half in (0, 1):
        part = Fit(prepared.fine.target, SETTINGS.pixel_um, outlines.chosen(outlines.parts % 2 == half))
        halves.append(part.motion(part.best(start).parameters))
    return start, precision_um, halves[0].distance_um(halves[1], prepared.corners_um)


def _judged(
    found: Found,
    motion: Similarity,
    precision_um: float,
    halves_um: float,
    prepared: Prepared,
    largest_offset_um: float,
    parts: int,
) -> Alignment:
    evidence = _evidence(found, parts, halves_um, precision_um)
    proven_um = max(SETTINGS.floor_um + SETTINGS.sure * precision_um, halves_um / 2)
    clear = max(found.rival_sd, found.chance_sd) * SETTINGS.over_rival
    reason = None
    if found.peak_sd < max(SETTINGS.least_peak_sd, clear):
        reason = NotProven.AMBIGUOUS
    elif _jumped(motion, found.motion, prepared.corners_um, largest_offset_um):
        reason = NotProven.JUMPED
    elif halves_um > SETTINGS.halves_factor * precision_um + SETTINGS.floor_um:
        reason = NotProven.HALVES_DISAGREE
    elif not proven_um <= SETTINGS.most_proven_um:
        reason = NotProven.NOT_PRECISE
    return Alignment(motion, None if reason else proven_um, reason, evidence)


def _jumped(
    motion: Similarity, start: Similarity, points_um: NDArray[np.float64], largest_offset_um: float
) -> bool:
    return (
        math.hypot(*motion.shift_um) > largest_offset_um
        or abs(motion.rotation_rad) > SETTINGS.largest_rotation_rad
        or abs(motion.scale - 1) > SETTINGS.largest_scale
        or motion.distance_um(start, points_um) > SETTINGS.rival_um
    )


def _evidence(
    found: Found, parts: int, halves_um: float = math.inf, precision_um: float = math.inf
) -> Evidence:
    return Evidence(found.peak_sd, found.rival_sd, found.chance_sd, halves_um, precision_um, parts)


def _nothing(reason: NotProven) -> Alignment:
    return Alignment(None, None, reason, Evidence())


def _is_blank(pixels: NDArray[np.generic]) -> bool:
    """Return True if an image is black, white or even, or not of numbers."""
    values = np.asarray(pixels, dtype=np.float32)
    if not np.isfinite(values).all():
        return True
    full = float(np.iinfo(pixels.dtype.name).max) if pixels.dtype.kind in "iu" else 1.0
    clipped = max(float((values <= 0).mean()), float((values >= full).mean()))
    return clipped > SETTINGS.most_clipped or float(values.std()) < SETTINGS.least_contrast * full
