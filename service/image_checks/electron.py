"""Checks of an electron image: what is looked at, in which order, and with which limits.

Each check is a value; no check decides what follows (`service.acquisition.retakes`). An image of another kind
than requested is not looked at further, nor is one that shows nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from drivers.sem import ScanImage
from service.image_checks import seams
from service.image_checks.charging import charging_step
from service.image_checks.jumps import LEAST_TWICE, rows_twice
from service.image_checks.levels import Levels, levels_of
from service.image_checks.noise import noises_of
from service.image_checks.rows import Marks, blank_rows, marks_of, repeated_rows
from service.image_checks.sharpness import sharpness_of
from service.model.images.checks import Check, CheckKind

ENOUGH = 3
"""Images beside which another one is judged: of two that differ nobody knows which is the bad one."""

_SHOWS_NOTHING = 0.99
"""Share of pixels at the largest grey level of an image that shows nothing. Chosen by hand."""
_TELL_OF_BEAM = (CheckKind.TRUNCATED, CheckKind.SATURATED)
_DARK, _AROUND = 0.99, 2
"""Share of pixels of one grey level, and the levels of 8 bits around it that count as the same: in so few
there is nothing to look at. Without a beam the simulator has .995 to .999, its most even good frames .94:
bare support after 10 ms a pixel. Images of 16 bits may use a small part of their levels."""
_CLIPPED = 0.5
"""Share of pixels at one grey level at the end. With 1 us, the noisiest of `benchmarks frame_checks`, good
frames have .36 at most."""
_LEAST_ROWS = 8
"""Fewer rows without signal, or like those of another image, are let pass. Chosen by hand; not measured."""
_BLANK = 0.2
"""Noise over that of images with the same settings: .9 and more in good frames of development seeds, .07 at
most without a beam (`benchmarks frame_checks`)."""
_FINE = 0.2
"""Sharpness of a section below which focus is not judged: its pixels are small for the detail that it has. A
blur of 2.5 px does not show, and good frames differ by more than ten times. Median of development seeds: .3
to .5 with pixels of 16 to 100 nm, .17 with 8 nm, .08 with 4 nm."""
_USUAL = 0.25
"""Share of the other images that have less noise than the usual one: where some have much more, such as those
of a scan with another dwell time, a good image is not blank beside them. Chosen by hand."""
_FOCUS = 0.25
"""Sharpness over the median of the section. In development seeds good frames have .5 and more, those with
dirt or little stain .38; frames with a blur of 2.5 px .19 at most, where the section has fine detail."""


@dataclass(frozen=True, slots=True)
class Requested:
    """A request to the SEM, as far as its image shows it.

    Attributes
    ----------
    size_px : (int, int)
        Width and height.
    pixel_size_m : float
    center_m : (float, float)
        Expected centre: the position of the stage plus the beam shift, m.
    tolerance_m : float
        Largest distance of the centre from there, m.
    """

    size_px: tuple[int, int]
    pixel_size_m: float
    center_m: tuple[float, float]
    tolerance_m: float


@dataclass(frozen=True, slots=True)
class Others:
    """Other images of the run, as far as they tell about one.

    Attributes
    ----------
    noises : sequence of float
        Noise of images with the same scan settings and bits, grey levels.
    sharpnesses : sequence of float
        Sharpness of images of the section with the same scan settings.
    last : Marks or None
        Rows of the image before.
    strips : sequence of seams.Strips
        Ground that images of frames to the left and right show, too.
    """

    noises: Sequence[float] = ()
    sharpnesses: Sequence[float] = ()
    last: Marks | None = None
    strips: Sequence[seams.Strips] = ()


ALONE = Others()


@dataclass(frozen=True, slots=True)
class Checked:
    """Checks of an image, and what it tells about later ones; None where it does not.

    Attributes
    ----------
    checks : tuple of Check
    noise, sharpness : float or None
    marks : Marks or None
    """

    checks: tuple[Check, ...]
    noise: float | None = None
    sharpness: float | None = None
    marks: Marks | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """Measurements and checks of an image that need no other.

    Attributes
    ----------
    first, later : tuple of Check
        Checks before and after those beside other images; the later ones are only made of an image that
        shows the specimen.
    noise : float or None
        None of an image that is saturated, too.
    beam_noise : float
        By `service.image_checks.noise`.
    sharpness : float or None
    marks : Marks or None
    """

    first: tuple[Check, ...]
    later: tuple[Check, ...] = ()
    noise: float | None = None
    beam_noise: float = 0.0
    sharpness: float | None = None
    marks: Marks | None = None


def check_image(
    image: ScanImage, asked: Requested, others: Others = ALONE, *, detail: bool = True
) -> Checked:
    """Check an image.

    Parameters
    ----------
    image : ScanImage
    asked : Requested
    others : Others
    detail : bool
        False for an image of which only the beam matters, such as the spot of a focus.
    """
    return judge(measure(image, asked, detail=detail), others)


def measure(image: ScanImage, asked: Requested, *, detail: bool = True) -> Measured:
    """Make the checks of an image that need no other; see `check_image`."""
    form = _form(image, asked)
    if any(check.bad for check in form):
        return Measured(form)
    pixels = image.pixels
    rows = _at_least(CheckKind.TRUNCATED, blank_rows(pixels), _LEAST_ROWS)
    levels = levels_of(pixels)
    first = (*form, *_of_levels(levels), rows)
    marks = marks_of(pixels)
    if _is_saturated(levels):
        # Of its noise nobody can tell if a beam made it.
        return Measured(first, marks=marks)
    noise, beam_noise = noises_of(pixels)
    if any(check.bad for check in first) or not detail:
        return Measured(first, (), noise, beam_noise, marks=marks)
    grey = pixels.astype(np.float32)
    step = charging_step(grey, noise)
    later = (
        _at_least(CheckKind.CHARGING, step.size, step.limit),
        _at_least(CheckKind.JUMP, rows_twice(grey, noise), LEAST_TWICE),
    )
    return Measured(first, later, noise, beam_noise, sharpness_of(grey, noise), marks)


def judge(found: Measured, others: Others = ALONE) -> Checked:
    """Add the checks of an image beside others."""
    if found.marks is None:
        return Checked(found.first)
    repeated = _at_least(CheckKind.REPEATED, repeated_rows(found.marks, others.last), _LEAST_ROWS)
    checks = [*found.first, repeated]
    told = any(check.bad and check.kind in _TELL_OF_BEAM for check in checks)
    if found.noise is not None and not told and len(others.noises) >= ENOUGH:
        usual = float(np.quantile(others.noises, _USUAL, method="lower"))
        if usual > 0:
            checks.append(_at_most(CheckKind.BLANK, found.beam_noise / usual, _BLANK))
    if any(check.bad for check in checks):
        return Checked(tuple(checks), found.noise, None, found.marks)
    checks += found.later
    focus = judge_focus(found.sharpness, others.sharpnesses)
    if focus is not None:
        checks.append(focus)
    ways = [way for way in map(seams.drift_px, others.strips) if way is not None]
    if ways:
        checks.append(_at_least(CheckKind.DRIFT, max(ways), seams.DRIFT_PX))
    return Checked(tuple(checks), found.noise, found.sharpness, found.marks)


def judge_focus(sharpness: float | None, others: Sequence[float]) -> Check | None:
    """Judge the sharpness of an image beside others; None if it, or too few of them, can be measured."""
    if sharpness is None or len(others) < ENOUGH:
        return None
    usual = median(others)
    return None if usual < _FINE else _at_most(CheckKind.FOCUS, sharpness / usual, _FOCUS)


def _form(image: ScanImage, asked: Requested) -> tuple[Check, ...]:
    """Compare kind, size, pixel size and place with the request."""
    pixels = image.pixels
    if pixels.ndim != 2 or pixels.dtype not in (np.uint8, np.uint16):
        bits = 8.0 * pixels.dtype.itemsize
        return (Check(CheckKind.DEPTH, bits if pixels.ndim == 2 else float(pixels.ndim), 16.0, bad=True),)
    width, height = asked.size_px
    # Not `>`: a centre of NaN is no match.
    off_m = math.dist(image.center_m, asked.center_m)
    misplaced = not off_m <= asked.tolerance_m
    scale = image.pixel_size_m
    return (
        # Kept for the noise of later images, which is that of the same bits.
        Check(CheckKind.DEPTH, 8.0 * pixels.dtype.itemsize, 16.0, bad=False),
        Check(CheckKind.WIDTH, float(pixels.shape[1]), float(width), pixels.shape[1] != width),
        Check(CheckKind.HEIGHT, float(pixels.shape[0]), float(height), pixels.shape[0] != height),
        Check(
            CheckKind.PIXEL_SIZE,
            _finite(scale),
            asked.pixel_size_m,
            not math.isclose(scale, asked.pixel_size_m, rel_tol=1e-3),
        ),
        Check(CheckKind.PLACE, _finite(off_m), asked.tolerance_m, misplaced),
    )


def _of_levels(levels: Levels) -> list[Check]:
    lowest, highest = (levels.share(level, level) for level in (levels.low, levels.high))
    top = len(levels.counts) - 1
    around = _AROUND if top == 255 else 0
    usual = int(levels.median)
    of_one_grey = levels.share(usual - around, usual + around)
    # White with a little noise: a detector at its end, not one without a beam.
    white = levels.share(top - around, top) if levels.high == top else highest
    one = levels.low == levels.high
    saturated = white >= _SHOWS_NOTHING and not one
    checks = [
        _at_least(CheckKind.DARK, 0.0 if saturated else of_one_grey, _DARK),
        _at_least(CheckKind.SATURATED, 0.0 if one else white, _SHOWS_NOTHING),
    ]
    if not any(check.bad for check in checks):
        checks.append(_at_least(CheckKind.CLIPPED, max(lowest, highest), _CLIPPED))
    return checks


def _is_saturated(levels: Levels) -> bool:
    """Return True if most pixels have the largest level, and not as those without a beam, which have few."""
    return levels.high - levels.low > 2 * _AROUND and levels.share(levels.high, levels.high) >= _CLIPPED


def _at_least(kind: CheckKind, value: float, limit: float) -> Check:
    return Check(kind, float(value), float(limit), bool(value >= limit))


def _at_most(kind: CheckKind, value: float, limit: float) -> Check:
    return Check(kind, float(value), float(limit), bool(value <= limit))


def _finite(value: float) -> float:
    return value if math.isfinite(value) else -1.0
