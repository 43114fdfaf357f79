import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from drivers.sem import BeamSettings, ScanImage
from service.image_checks.electron import ALONE, Checked, Others, Requested, check_image, judge_focus
from service.image_checks.rows import marks_of
from service.image_checks.seams import Strips
from service.model.images.checks import CheckKind, kinds_of
from service.words.checks import NAMES, bad_says, check_says

BEAM = BeamSettings(2500.0, 3.5, 30e-6, 5.8e-3, "vCD")
PIXELS = np.arange(6 * 8, dtype=np.uint8).reshape(6, 8)
GOOD = ScanImage(PIXELS, (1e-3, 2e-3), 1e-8, 1e-6, "nonce", BEAM)
ASKED = Requested((8, 6), 1e-8, (1e-3, 2e-3), 2e-6)


def reason(image: ScanImage) -> str:
    return bad_says(check_image(image, ASKED).checks)


def checked(pixels: NDArray[np.float64], others: Others = ALONE, dtype: type = np.uint8) -> Checked:
    full = 255 if dtype is np.uint8 else 65535
    image = replace(GOOD, pixels=pixels.clip(0, full).astype(dtype))
    return check_image(image, replace(ASKED, size_px=(pixels.shape[1], pixels.shape[0])), others)


def bad(pixels: NDArray[np.float64], others: Others = ALONE) -> set[CheckKind]:
    return set(kinds_of(checked(pixels, others).checks))


def test_a_good_image_has_no_reason() -> None:
    assert reason(GOOD) == ""
    assert reason(replace(GOOD, center_m=(1e-3 + 1.9e-6, 2e-3), pixel_size_m=1.0005e-8)) == ""


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (replace(GOOD, pixels=PIXELS.T), "6 pixels wide, not 8"),
        (replace(GOOD, pixels=PIXELS[1:]), "5 rows, not 6"),
        (replace(GOOD, pixels=PIXELS[None]), "no rows and columns"),
        (replace(GOOD, pixels=PIXELS.astype(np.float32)), "no rows and columns of whole grey"),  # type: ignore[arg-type]
        (replace(GOOD, pixel_size_m=1.1e-8), "pixel size of 11 nm, not 10 nm"),
        (replace(GOOD, pixel_size_m=math.nan), "pixel size"),
        (replace(GOOD, center_m=(1e-3, 2e-3 + 3e-6)), "3.0 um from the requested place"),
        (replace(GOOD, center_m=(math.nan, 2e-3)), "does not say where it scanned"),
        (replace(GOOD, pixels=np.zeros((6, 8), np.uint8)), "dark"),
        (replace(GOOD, pixels=np.full((6, 8), 255, np.uint8)), "dark"),
    ],
)
def test_an_image_that_cannot_be_right_has_one(image: ScanImage, said: str) -> None:
    assert said in reason(image)


def test_every_check_has_words() -> None:
    assert set(NAMES) == set(CheckKind)
    for check in check_image(GOOD, ASKED).checks:
        assert check_says(replace(check, bad=True))


def test_an_image_with_nearly_all_pixels_at_the_largest_level_is_saturated() -> None:
    pixels = np.full((20, 20), 255.0)
    pixels[0, 0] = 3
    assert CheckKind.SATURATED in bad(pixels)
    rng = np.random.default_rng(1)
    assert bad(rng.normal(260, 20, (64, 64))) == {CheckKind.CLIPPED}


@pytest.mark.parametrize("noise", [0, 1], ids=["silent", "detector noise"])
def test_an_image_whose_last_rows_show_nothing_lost_its_beam_in_mid_scan(noise: int) -> None:
    rng = np.random.default_rng(1)
    seen = rng.normal(120, 15, (200, 64))
    dark = 5 + noise * rng.integers(0, 2, (200, 64))
    for blank_from, cut in ((200, False), (195, False), (120, True)):
        found = bad(np.where(np.arange(200)[:, None] < blank_from, seen, dark))
        assert (CheckKind.TRUNCATED in found) == cut


def test_an_empty_part_of_the_section_is_no_loss_of_the_beam() -> None:
    rng = np.random.default_rng(1)
    pixels = rng.normal(120, 5, (200, 64))
    pixels[:120] += 60 * np.sin(np.arange(64) / 3)
    assert CheckKind.TRUNCATED not in bad(pixels)


@pytest.mark.parametrize("beyond_rows", [9, 60])
@pytest.mark.parametrize("bright", [13, 400], ids=["dark glass", "glass that is saturated"])
def test_ground_beyond_the_border_of_the_section_is_no_loss_of_the_beam(
    beyond_rows: int, bright: int
) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.normal(bright, 9, (200, 64))
    # The border crosses most rows: they vary by more than ten times the noise.
    for row in range(200 - beyond_rows):
        width = 60 - row // 5 if bright == 13 else max(0, 200 - beyond_rows - row) // 3
        pixels[row, :width] = rng.normal(243 if bright == 13 else 90, 9, min(width, 64))
    assert CheckKind.TRUNCATED not in bad(pixels)


def specimen(
    seed: int = 1, shape: tuple[int, int] = (384, 512), dx: float = 0.0, size_px: float = 6.0
) -> NDArray[np.float64]:
    """Return a picture with edges in all directions, sharp to a pixel."""
    rng = np.random.default_rng(seed)
    field = cv2.GaussianBlur(rng.standard_normal((shape[0], shape[1] + 100)), (0, 0), size_px)
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    moved = cv2.remap(field.astype(np.float32), columns + np.float32(50 + dx), rows, cv2.INTER_CUBIC)
    return blurred(np.where(moved > 0, 160.0, 90.0), 0.7)


def blurred(grey: NDArray[np.float64], sigma_px: float) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma_px), np.float64)


def noisy(grey: NDArray[np.float64], seed: int = 2) -> NDArray[np.float64]:
    return grey + np.random.default_rng(seed).normal(0, 6, grey.shape)


def test_focus_is_judged_beside_others_only_and_by_blur_not_by_contrast() -> None:
    sharp = [checked(noisy(specimen(seed, size_px=3.0), seed)).sharpness for seed in range(1, 5)]
    others = Others(sharpnesses=[value for value in sharp if value is not None])
    assert len(others.sharpnesses) == 4
    assert CheckKind.FOCUS not in bad(noisy(specimen(9, size_px=3.0)), others)
    assert CheckKind.FOCUS not in bad(noisy(120 + 0.4 * (specimen(9, size_px=3.0) - 120)), others)
    soft = noisy(blurred(specimen(9, size_px=3.0), 3.0))
    assert CheckKind.FOCUS in bad(soft, others)
    assert CheckKind.FOCUS not in bad(soft)
    assert CheckKind.FOCUS not in bad(soft, replace(others, sharpnesses=others.sharpnesses[:2]))
    assert judge_focus(None, [1.0, 1.0, 1.0]) is None


def test_an_image_of_nothing_but_noise_is_not_judged_by_its_focus() -> None:
    found = checked(noisy(np.full((384, 512), 120.0)), Others(sharpnesses=[0.4, 0.4, 0.4]))
    assert found.sharpness is None
    assert CheckKind.FOCUS not in {check.kind for check in found.checks}


def test_a_step_of_grey_between_two_rows_is_charging_and_an_edge_of_the_specimen_is_none() -> None:
    grey = specimen()
    step = np.where(np.arange(384)[:, None] < 200, 0.0, 12.0)
    assert CheckKind.CHARGING in bad(noisy(grey + step))
    border = blurred(np.where(np.arange(384)[:, None] < 200, grey, 220.0), 0.6)
    assert CheckKind.CHARGING not in bad(noisy(border))


def test_drift_shows_in_the_strip_that_the_image_beside_shows_too() -> None:
    there = noisy(specimen(3, (640, 128), size_px=3.0), 5).astype(np.float32)
    for way_px in (0.0, 12.0):
        slanted = [
            specimen(3, (640, 128), way_px * row / 640, size_px=3.0)[row : row + 40]
            for row in range(0, 640, 40)
        ]
        here = noisy(np.concatenate(slanted), 4).astype(np.float32)
        found = checked(noisy(specimen()), Others(strips=[Strips(here, there)]))
        (drift,) = [check for check in found.checks if check.kind is CheckKind.DRIFT]
        assert drift.bad == (way_px > 0)
        assert drift.value == pytest.approx(way_px, abs=2.0)


def test_rows_of_the_image_before_are_found_also_where_only_part_is_old() -> None:
    first, second = noisy(specimen(), 6), noisy(specimen(), 7)
    last = marks_of(first.clip(0, 255).astype(np.uint8))
    assert CheckKind.REPEATED not in bad(second, Others(last=last))
    assert CheckKind.REPEATED in bad(first, Others(last=last))
    half = second.copy()
    half[300:] = first[300:]
    assert CheckKind.REPEATED in bad(half, Others(last=last))


def test_an_image_without_the_noise_of_the_beam_is_blank() -> None:
    others = Others(noises=[11.0, 12.0, 11.5])
    dark = 2000 + np.random.default_rng(1).normal(0, 1, (128, 128))
    assert CheckKind.BLANK in {check.kind for check in checked(dark, others, np.uint16).checks if check.bad}
    assert CheckKind.BLANK not in bad(noisy(np.full((128, 128), 120.0)), others)


@pytest.mark.parametrize("plateau", [0.0, 1.0], ids=["at the largest level", "with noise of its own"])
def test_a_saturated_image_has_a_beam_and_is_not_blank(plateau: float) -> None:
    """Blank ones are taken again, which would do nothing for it."""
    rng = np.random.default_rng(1)
    grey = noisy(specimen())
    flat = 230 + np.rint(rng.normal(0, plateau, grey.shape)) if plateau else 255.0
    saturated = np.where(specimen(5) > 110, flat, grey)
    others = Others(noises=[6.0, 6.1, 6.2])
    assert CheckKind.BLANK not in bad(saturated, others)
    mostly = np.where(rng.random(grey.shape) < 0.97, 255.0, grey)
    assert bad(mostly, others) == {CheckKind.CLIPPED}


def test_a_good_image_is_not_blank_beside_some_with_much_more_noise() -> None:
    assert CheckKind.BLANK not in bad(noisy(specimen()), Others(noises=[6.0, 60.0, 61.0, 60.0]))


def test_the_noise_of_a_detector_alone_is_dark_also_where_nothing_else_is_known() -> None:
    rng = np.random.default_rng(1)
    assert CheckKind.DARK in bad(rng.normal(5.1, 0.77, (256, 256)))
    assert CheckKind.DARK not in bad(rng.normal(100, 1.0, (256, 256)))


def drowned(grey: NDArray[np.float64], seed: int = 3) -> NDArray[np.float64]:
    """Return an image with so much noise that no row shows a step."""
    return grey + np.random.default_rng(seed).normal(0, 60, grey.shape)


def test_a_step_is_found_below_the_noise_of_a_row_and_an_edge_along_the_rows_is_none() -> None:
    below, grey = np.arange(384)[:, None] >= 200, 120 + 0.3 * (specimen() - 120)
    assert CheckKind.CHARGING not in bad(drowned(grey))
    assert CheckKind.CHARGING in bad(drowned(grey + 25.0 * below))
    edge = blurred(np.where(below, 60.0, grey + 20), 0.6)
    assert CheckKind.CHARGING not in bad(drowned(edge))
    # The edge does not hide it.
    assert CheckKind.CHARGING in bad(drowned(edge + 25.0 * (np.arange(384)[:, None] >= 100)))


def test_few_grey_levels_are_no_steps() -> None:
    faint = 100 + 0.1 * (noisy(specimen()) - 100)
    assert CheckKind.CHARGING not in bad(np.rint(faint))


def test_focus_is_not_judged_where_pixels_are_small_for_the_detail() -> None:
    assert judge_focus(0.01, [0.15, 0.16, 0.17]) is None
    judged = judge_focus(0.04, [0.25, 0.26, 0.27])
    assert judged is not None
    assert judged.bad


def test_a_jump_is_flagged() -> None:
    grey = specimen(3, (420, 512))
    jumped = np.concatenate([grey[:200], grey[180:400]])
    assert CheckKind.JUMP in bad(noisy(jumped))
    assert CheckKind.JUMP not in bad(noisy(grey))


@settings(max_examples=25)
@given(
    arrays.arrays(
        st.sampled_from([np.uint8, np.uint16]),
        st.tuples(st.integers(1, 40), st.integers(1, 40)),
    )
)
def test_no_image_breaks_the_checks_and_all_numbers_are_finite(pixels: NDArray[np.uint8]) -> None:
    asked = replace(ASKED, size_px=(pixels.shape[1], pixels.shape[0]))
    others = Others([5.0, 5.0, 5.0], [0.3, 0.3, 0.3], marks_of(pixels))
    for check in check_image(replace(GOOD, pixels=pixels), asked, others).checks:
        assert math.isfinite(check.value)
        assert math.isfinite(check.limit)
        assert check_says(check)
