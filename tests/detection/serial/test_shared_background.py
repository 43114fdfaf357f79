from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from config.work import DetectionConfig
from detection.background.estimate import average_blocks, background_at, estimate_background
from detection.background.masked_smoothing import Smoother
from detection.detect import detect
from detection.image.boxes import union_mask
from detection.registration.section_frame import SectionFrame
from detection.serial.pooling import split_background
from detection.serial.shared_background import shared_level, with_shared_background
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section
from tests.examples import examples

SIDE = 40
DARK = 200.0
NOISE = 20.0
IN_CELLS = 0.2


def bell() -> NDArray[np.float64]:
    y, x = (np.mgrid[:SIDE, :SIDE] - SIDE / 2) / SIDE
    return np.asarray(600 + 300 * np.exp(-4 * (x**2 + y**2)))


def smoothed(values: NDArray[np.floating], blocks: float) -> NDArray[np.float32]:
    return Smoother(np.ones(values.shape, dtype=np.bool_), blocks)(values.astype(np.float32))


def levels(count: int, crowded: float = 0.0, uneven: float = 0.0) -> list[NDArray[np.float32]]:
    """Estimates of one ground: cells raise them here and there, uneven resin up and down."""
    found = []
    for n in range(count):
        rng = np.random.default_rng([3, n])
        cells = smoothed((rng.random((SIDE, SIDE)) < 0.04) * 1.0, 2.0)
        lumps = smoothed(rng.standard_normal((SIDE, SIDE)), 2.0)
        noise = smoothed(rng.standard_normal((SIDE, SIDE)), 1.0)
        found.append(
            (bell() + crowded * cells / cells.max() + uneven * lumps / lumps.std() + noise).astype(np.float32)
        )
    return found


def of(own: NDArray[np.float32], others: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    shared = shared_level(own, others, NOISE, DARK, IN_CELLS)
    assert shared is not None
    return shared


def test_ground_as_dark_as_nothing_is_shared_too() -> None:
    own, *others = (level - np.float32(bell() - DARK) for level in levels(10, crowded=40.0))
    shared = of(own, others) - DARK
    assert np.percentile(shared, 95) < 0.7 * np.percentile(own - DARK, 95)


def test_the_light_of_crowded_cells_is_taken_off_the_ground() -> None:
    own, *others = levels(10, crowded=90.0)
    alone, shared = own - bell(), of(own, others) - bell()
    assert np.percentile(alone, 95) > 40
    assert np.percentile(shared, 95) < 0.7 * np.percentile(alone, 95)


def test_what_is_even_stays_as_it_is() -> None:
    own, *others = levels(10)
    assert np.abs(of(own, others) - own).max() < 1.5
    assert np.abs(of(own, others) - own).mean() < 0.1


@pytest.mark.parametrize("light", [150.0, -60.0])
def test_light_or_shadow_in_one_section_stays_its_ground(light: float) -> None:
    """Stray light would be one large cell, and a shadow would hide the cells in it."""
    sections = [make_section(20 + n, cells=60, brightness=(150.0, 60.0), bell=60.0) for n in range(6)]
    y, x = np.mgrid[:512, :512] / 512
    stray = np.rint(light * np.exp(-(((x - 0.3) ** 2 + (y - 0.3) ** 2) / 0.08)))
    pixels = [section.pixels for section in sections]
    pixels[0] = (pixels[0] + stray).astype(np.uint16)
    own, *others = (
        split_background(SectionFrame(f"S000{n}", one, PIXEL_SIZE_UM, 400.0)) for n, one in enumerate(pixels)
    )

    def whole(upon: NDArray[np.float32] | None) -> set[int]:
        cells = detect(pixels[0], PIXEL_SIZE_UM, DetectionConfig(), 400.0, background=upon).cells
        boxes = [cell.image_box_px for cell in cells if cell.image_box_px is not None]
        covered = union_mask(boxes, (512, 512))
        return {n for n, mask in enumerate(sections[0].masks) if covered[mask].mean() >= 0.99}

    assert whole(with_shared_background(own, others).shared_background) >= whole(None)


def test_a_section_lit_by_halves_keeps_its_own_ground() -> None:
    pixels = [make_section(20 + n, cells=60, brightness=(150.0, 60.0)).pixels for n in range(6)]
    pixels[0][:, 256:] += 300
    own, *others = (
        split_background(SectionFrame(f"S000{n}", one, PIXEL_SIZE_UM, 400.0)) for n, one in enumerate(pixels)
    )
    assert with_shared_background(own, others) is own
    assert with_shared_background(others[0], others[1:]) is not others[0]


def test_a_section_may_be_grounded_again() -> None:
    pixels = [make_section(20 + n, cells=60, brightness=(150.0, 60.0)).pixels for n in range(6)]
    own, *others = (
        split_background(SectionFrame(f"S000{n}", one, PIXEL_SIZE_UM, 400.0)) for n, one in enumerate(pixels)
    )
    once = with_shared_background(with_shared_background(own, others[:2]), others).shared_background
    assert once is not None
    assert once == pytest.approx(with_shared_background(own, others).shared_background, abs=2)


def test_ground_is_never_raised() -> None:
    own, *others = levels(10)
    own[5:20, 5:20] -= 40
    assert (of(own, others) <= own).all()


def test_uneven_resin_is_left_to_a_section_with_few_cells() -> None:
    own, *others = levels(10, uneven=60.0)
    assert shared_level(own, others, NOISE, DARK, 0.05) is None


def test_the_more_cells_the_more_the_ground_may_vary() -> None:
    own, *others = levels(3, crowded=90.0)
    assert shared_level(own, others, NOISE, DARK, 0.0) is None
    assert shared_level(own, others, NOISE, DARK, IN_CELLS) is not None


@pytest.mark.parametrize("others", [0, 1])
def test_two_sections_are_too_few(others: int) -> None:
    own, *rest = levels(1 + others, crowded=90.0)
    assert shared_level(own, rest, NOISE, DARK, IN_CELLS) is None


def test_sections_of_another_brightness_are_scaled_and_those_taken_otherwise_left_out() -> None:
    own, *others = levels(10, crowded=90.0)
    brighter = [(other - np.float32(DARK)) * np.float32(1.3) + np.float32(DARK) for other in others]
    assert of(own, brighter) == pytest.approx(of(own, others), abs=5)
    lost = [(other - np.float32(DARK)) * np.float32(0.1) + np.float32(DARK) for other in others]
    assert shared_level(own, lost, NOISE, DARK, IN_CELLS) is None


def test_one_section_with_a_shadow_does_not_lower_the_ground_of_others() -> None:
    own, *others = levels(8)
    others[3][5:20, 5:20] *= np.float32(0.7)
    assert (of(own, others) - own).min() > -15


@examples(25)
@given(st.integers(3, 13), st.floats(0, 150), st.floats(0.1, 50), st.randoms(use_true_random=False))
def test_neither_the_order_of_others_nor_the_unit_of_light_matters(
    count: int, crowded: float, gain: float, random: Random
) -> None:
    own, *others = levels(count, crowded=crowded)
    shared = of(own, others)
    random.shuffle(others)
    again = shared_level(
        own * np.float32(gain),
        [other * np.float32(gain) for other in others],
        NOISE * gain,
        DARK * gain,
        IN_CELLS,
    )
    assert again is not None
    assert again / gain == pytest.approx(shared, rel=1e-3)


def test_a_known_level_gives_the_noise_of_its_empty_ground() -> None:
    section = make_section(9, cells=20, bell=80.0, noise_sd=20.0)
    blocks = average_blocks(section.pixels.astype(np.float32), PIXEL_SIZE_UM)
    alone = estimate_background(blocks)
    known = background_at(blocks, alone.level)
    assert (known.level == alone.level).all()
    assert known.noise_sd == pytest.approx(20, rel=0.1)
    assert (known.empty == alone.empty).mean() > 0.95


def test_dim_cells_between_crowded_ones_are_found_upon_the_true_ground() -> None:
    y, x = np.mgrid[:256, :256] + 0.5
    rng = np.random.default_rng(2)
    image = np.full((256, 256), 500.0)
    dim = []
    for row in range(8):
        for column in range(8):
            at = np.hypot(x - 16 - 32 * column, y - 16 - 32 * row) < 14.5
            bright = (row + column) % 2 == 0
            image[at] += 200 if bright else 16
            dim += [] if bright else [at]
    pixels = np.rint(image + rng.normal(0, 20, image.shape)).astype(np.uint16)

    def whole(ground: NDArray[np.float32] | None) -> int:
        cells = detect(pixels, 0.36, DetectionConfig(), 100.0, background=ground).cells
        boxes = [cell.image_box_px for cell in cells if cell.image_box_px is not None]
        covered = union_mask(boxes, image.shape)
        return sum(float(covered[one].mean()) >= 0.99 for one in dim)

    assert whole(np.full((46, 46), 500, dtype=np.float32)) > whole(None)
