"""Noise tells of a missing beam only beside images of the same bits."""

import numpy as np
import pytest

from drivers.sem import BeamSettings, ScanImage
from service.acquisition.retakes.look import look_at
from service.image_checks.electron import ENOUGH
from service.model.images.checks import Check, CheckKind
from service.model.jobs import Job
from service.session.context import Context, Taken
from tests.service.acquisition.retakes.images import bad, queued, taken

SCALE = {8: 1.0, 16: 256.0}
"""Grey levels of a 16-bit image for one of an 8-bit image."""
NOISE = 10.0
"""Of 8 bits, grey levels."""

BEAM = BeamSettings(2e3, 3.0, 30e-6, 5e-3, "ETD")


def depth(bits: int | None) -> tuple[Check, ...]:
    """Return the check that says of what bits an image was; none in a run of an earlier version."""
    return () if bits is None else (Check(CheckKind.DEPTH, float(bits), 16.0, bad=False),)


def scanned(context: Context, job: Job, bits: int, noise: float) -> Taken:
    width, height = job.size_px
    grey = np.random.default_rng(3).normal(120, noise, (height, width)) * SCALE[bits]
    whole = grey.clip(0, 2**bits - 1)
    pixels = whole.astype(np.uint8) if bits == 8 else whole.astype(np.uint16)
    image = ScanImage(pixels, job.center_m, job.pixel_size_m, job.dwell_s, "nonce", BEAM)
    row = context.store.ledger.arm(job.id, job.rect_m, 0.0)
    return Taken(image, row.id, job.center_m, None)


def blank_of(context: Context, bits: int, noise: float) -> Check | None:
    """Take another frame; return what its noise says of the beam."""
    job = queued(context)
    checked = look_at(context, job, scanned(context, job, bits, noise))
    assert not {one.kind for one in checked.checks if one.bad} - {CheckKind.BLANK}
    return next((one for one in checked.checks if one.kind is CheckKind.BLANK), None)


def earlier(context: Context, number: int, bits: int | None, noise: float) -> None:
    for _ in range(number):
        taken(context, queued(context), depth(bits), noise)


@pytest.mark.parametrize(("bits", "other"), [(8, 16), (16, 8)])
def test_images_of_other_bits_say_nothing_of_the_beam(context: Context, bits: int, other: int) -> None:
    earlier(context, ENOUGH, other, NOISE * SCALE[other])
    earlier(context, ENOUGH - 1, bits, NOISE * SCALE[bits])
    assert blank_of(context, bits, NOISE) is None, "of its own bits there are too few"


@pytest.mark.parametrize(("bits", "other"), [(8, 16), (16, 8)])
def test_an_image_is_judged_beside_those_of_its_own_bits(context: Context, bits: int, other: int) -> None:
    earlier(context, ENOUGH, bits, NOISE * SCALE[bits])
    earlier(context, 2 * ENOUGH, other, NOISE * SCALE[other])
    check = blank_of(context, bits, NOISE)
    assert check is not None
    assert not check.bad
    assert check.value == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("bits", [8, 16])
def test_an_image_without_a_beam_is_found_beside_those_of_its_own_bits(context: Context, bits: int) -> None:
    earlier(context, ENOUGH, bits, NOISE * SCALE[bits])
    check = blank_of(context, bits, NOISE / 6)
    assert check is not None
    assert check.bad


def test_images_of_an_earlier_version_whose_bits_are_not_known_count(context: Context) -> None:
    earlier(context, ENOUGH, None, NOISE)
    check = blank_of(context, 8, NOISE)
    assert check is not None
    assert check.value == pytest.approx(1.0, rel=0.1)


def test_images_that_had_no_beam_themselves_do_not_count(context: Context) -> None:
    earlier(context, ENOUGH - 1, 8, NOISE)
    taken(context, queued(context), (*depth(8), *bad(CheckKind.TRUNCATED)), NOISE)
    assert blank_of(context, 8, NOISE) is None


def test_a_scan_in_doubt_is_not_looked_at(context: Context) -> None:
    job = queued(context)
    found = scanned(context, job, 8, NOISE)
    doubtful = Taken(found.image, found.exposure, found.center_m, "the stage moved")
    assert look_at(context, job, doubtful).checks == ()
