import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detection.image.boxes import BoxPx
from detection.registration.rigid import Rigid
from detection.registration.section_frame import SectionFrame
from detection.serial.pooling import split_background
from detection.serial.separation.by_shape import merge_pieces, split_by_shape
from detection.serial.separation.coarse_image import CoarseImage, coarse_image, mean_intensity
from detection.serial.separation.outlines import Outlines, find_outlines
from tests.examples import examples

PIXEL_UM = 0.36
SIZE_PX = 96
RADIUS_PX = 11.0
USUAL_UM2 = math.pi * (RADIUS_PX * PIXEL_UM) ** 2
WHOLE = BoxPx(8, 36, 74, 60)


def cells(
    *ellipses: tuple[float, float, float, float, float],
    nucleus: float = 0.5,
    noise: float = 10,
    seed: int = 1,
) -> CoarseImage:
    """Cells with dark nuclei: column, row, half axes, px, and light; the latter lie over the former."""
    y, x = np.mgrid[:SIZE_PX, :SIZE_PX] + 0.5
    image = np.full((SIZE_PX, SIZE_PX), 500.0)
    for column, row, a, b, light in ellipses:
        off = np.hypot((x - column) / a, (y - row) / b)
        image[off <= 1] = 500 + light
        image[off <= nucleus] = 500 + 0.1 * light
    image += np.random.default_rng(seed).normal(0, noise, image.shape)
    own = split_background(SectionFrame("S0001", np.rint(image).astype(np.uint16), PIXEL_UM, 500.0))
    return coarse_image(own.residual, own.noise_adu, PIXEL_UM)


def taken_apart(found: CoarseImage, *boxes: BoxPx, usual: int = 20) -> tuple[Outlines, list[int]]:
    own = find_outlines(found, boxes or (WHOLE,))
    return split_by_shape(own, found.intensity, found.noise_adu, [USUAL_UM2] * usual)


LEFT, RIGHT = (37.0, 48.0, 11.0, 11.0), (58.0, 48.0, 11.0, 11.0)


@pytest.mark.parametrize("light", [200.0, 120.0, 400.0])
def test_two_cells_that_touch_are_two(light: float) -> None:
    found, parents = taken_apart(cells((*LEFT, 200.0), (*RIGHT, light)))
    assert parents == [0, 0]
    for column in (37, 58):
        number = found.labels[48, column]
        area = float((found.labels == number).sum())
        assert abs(area / (math.pi * RADIUS_PX**2) - 1) < 0.25
    assert 0 < found.labels[48, 37] != found.labels[48, 58] > 0


def test_a_chain_of_three_is_three() -> None:
    chain = [(20.0 + 21 * n, 48.0, 11.0, 11.0, 200.0) for n in range(3)]
    assert taken_apart(cells(*chain))[1] == [0, 0, 0]


@pytest.mark.parametrize("nucleus", [0.0, 0.6, 0.8])
@pytest.mark.parametrize("axes", [(11.0, 11.0), (17.0, 17.0), (20.0, 12.0)])
@pytest.mark.parametrize("noise", [10.0, 60.0])
def test_one_cell_stays_whole(axes: tuple[float, float], nucleus: float, noise: float) -> None:
    for seed in range(3):
        found = cells((48.0, 48.0, *axes, 200.0), nucleus=nucleus, noise=noise, seed=seed)
        box = BoxPx(int(47 - axes[0]), int(47 - axes[1]), int(50 + axes[0]), int(50 + axes[1]))
        assert taken_apart(found, box)[1] == [0]


def test_nothing_is_taken_apart_where_the_usual_size_is_not_known() -> None:
    found = cells((*LEFT, 200.0), (*RIGHT, 200.0))
    own = find_outlines(found, (WHOLE,))
    assert split_by_shape(own, found.intensity, found.noise_adu, [USUAL_UM2] * 3 + [1.0] * 20) == (own, [0])


def test_a_cell_belongs_to_the_detection_that_has_most_of_it() -> None:
    first, second = BoxPx(24, 34, 54, 62), BoxPx(46, 34, 72, 62)
    found, parents = taken_apart(cells((*LEFT, 200.0), (*RIGHT, 200.0)), first, second)
    assert parents == [0, 1]
    # Pixels of the left cell that the box of the right one covers too belong to the left one.
    assert (found.labels[46:51, 28:46] == 1).all()
    assert (found.labels[46:51, 50:66] == 2).all()


@examples(30)
@given(
    st.lists(
        st.tuples(st.integers(0, 80), st.integers(0, 80), st.integers(1, 40), st.integers(1, 40)),
        max_size=8,
    ),
    st.integers(0, 3),
)
def test_no_detection_is_lost(places: list[tuple[int, int, int, int]], seed: int) -> None:
    light = cells((*LEFT, 200.0), (*RIGHT, 90.0), seed=seed)
    boxes = [BoxPx(x, y, min(x + w, SIZE_PX), min(y + h, SIZE_PX)) for x, y, w, h in places]
    own = find_outlines(light, boxes)
    found, parents = split_by_shape(own, light.intensity, light.noise_adu, [USUAL_UM2] * 20)
    assert parents == sorted(parents)
    assert set(parents) == set(range(len(boxes)))
    assert len(found.sightings) == len(parents)
    assert not (found.labels > 0)[own.labels == 0].any()
    shown = set(np.unique(found.labels).tolist()) - {0}
    without = {n + 1 for n in range(len(boxes)) if not (own.labels == n + 1).any()}
    assert shown == {n for n, parent in enumerate(parents, 1) if parent + 1 not in without}


def test_pieces_that_do_not_touch_are_never_joined() -> None:
    labels: NDArray[np.int32] = np.zeros((20, 20), dtype=np.int32)
    labels[2:8, 2:8], labels[2:8, 9:15], labels[9:15, 2:8] = 1, 2, 3
    assert (merge_pieces(labels, 400.0) == labels).all()


def test_noise_of_a_coarse_image_is_known() -> None:
    values = np.random.default_rng(3).normal(500, 20, (256, 256))
    own = split_background(SectionFrame("S0001", np.rint(values).astype(np.uint16), 0.18, 500.0))
    found = coarse_image(own.residual, own.noise_adu, 0.18)
    assert found.intensity.shape == (128, 128)
    assert found.noise_adu == pytest.approx(float(found.intensity.std()), rel=0.1)


def test_light_is_averaged_where_frames_reach() -> None:
    own, other = cells((*LEFT, 200.0), noise=0), cells((*LEFT, 400.0), noise=0)
    assert np.allclose(mean_intensity(own, []), own.intensity)
    assert np.allclose(
        mean_intensity(own, [(other, Rigid())]), (own.intensity + other.intensity) / 2, atol=1e-3
    )
    beyond = mean_intensity(own, [(other, Rigid(0.0, (1000.0, 0.0)))])
    assert np.allclose(beyond, own.intensity)


def test_a_speck_beside_a_cell_is_no_cell_but_one_alone_stays_a_detection() -> None:
    found = cells((*LEFT, 200.0), (56.0, 48.0, 1.0, 1.0, 400.0), (80.0, 80.0, 1.0, 1.0, 400.0), nucleus=0.0)
    _, parents = taken_apart(found, BoxPx(24, 36, 62, 60), BoxPx(77, 77, 83, 83))
    assert parents == [0, 1]
