import math

import numpy as np
import scipy.ndimage as ndi
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detection.image.boxes import BoxPx
from detection.image.hits import Cell
from detection.registration.rigid import Rigid
from detection.registration.section_frame import SectionFrame
from detection.serial.pooling import split_background
from detection.serial.separation.by_neighbours import NeighbourOutlines, cells_of_parts, split_by_neighbours
from detection.serial.separation.coarse_image import CoarseImage, coarse_image
from detection.serial.separation.outlines import Outlines, assign_to_nearest, fill_holes, find_outlines
from tests.examples import examples

PIXEL_UM = 0.36
SIZE_PX = 96


def discs(*cells: tuple[float, float, float], seed: int = 1) -> CoarseImage:
    """Discs of light: column, row and radius, px."""
    y, x = np.mgrid[:SIZE_PX, :SIZE_PX] + 0.5
    image = np.full((SIZE_PX, SIZE_PX), 500.0)
    for column, row, radius in cells:
        image[np.hypot(x - column, y - row) <= radius] = 700
    image += np.random.default_rng(seed).normal(0, 10, image.shape)
    frame = SectionFrame("S0001", np.rint(image).astype(np.uint16), PIXEL_UM, 500.0)
    own = split_background(frame)
    return coarse_image(own.residual, own.noise_adu, PIXEL_UM)


def around(*cells: tuple[float, float, float]) -> BoxPx:
    """Box around discs."""
    return BoxPx(
        math.floor(min(x - r for x, _, r in cells)),
        math.floor(min(y - r for _, y, r in cells)),
        math.ceil(max(x + r for x, _, r in cells)),
        math.ceil(max(y + r for _, y, r in cells)),
    )


A, B = (34.0, 48.0, 12.0), (56.0, 48.0, 11.0)
APART = find_outlines(
    discs((33.0, 48.0, 11.0), (57.0, 48.0, 10.0)), [around((33, 48, 11)), around((57, 48, 10))]
)
MERGED = find_outlines(discs(A, B), [around(A, B)])


def area_px(found: Outlines, number: int) -> int:
    return int((found.labels == number).sum())


def test_an_outline_has_the_area_of_its_cell() -> None:
    found = find_outlines(discs(A), [around(A)])
    assert abs(found.areas_um2(1)[0] / (math.pi * 12**2 * PIXEL_UM**2) - 1) < 0.1


def test_a_ring_is_filled() -> None:
    y, x = np.mgrid[:SIZE_PX, :SIZE_PX] + 0.5
    own = discs(A)
    own.intensity[np.hypot(x - 34, y - 48) < 6] = 0
    assert abs(area_px(find_outlines(own, [around(A)]), 1) / (math.pi * 12**2) - 1) < 0.1


def test_what_does_not_stand_out_is_the_ellipse_in_its_box() -> None:
    found = find_outlines(discs(), [around(A)])
    assert abs(area_px(found, 1) / (math.pi * 12**2) - 1) < 0.05


def test_a_detection_of_two_cells_is_taken_apart_where_its_neighbour_shows_two() -> None:
    found, parents = split_by_neighbours(MERGED, [NeighbourOutlines(APART, Rigid())])
    assert parents == [0, 0]
    for number, (_, _, radius) in enumerate((A, B), start=1):
        assert abs(area_px(found, number) / (math.pi * radius**2) - 1) < 0.15


def test_sections_may_lie_anyhow() -> None:
    motion = Rigid(2.0, (3.0, -1.0))
    turned = find_outlines(
        discs(*(_moved(cell, motion.inverse()) for cell in ((33.0, 48.0, 11.0), (57.0, 48.0, 10.0)))),
        [around(_moved(cell, motion.inverse())) for cell in ((33.0, 48.0, 11.0), (57.0, 48.0, 10.0))],
    )
    assert split_by_neighbours(MERGED, [NeighbourOutlines(turned, motion)])[1] == [0, 0]
    assert split_by_neighbours(MERGED, [NeighbourOutlines(turned, Rigid())])[1] == [0]


def _moved(cell: tuple[float, float, float], motion: Rigid) -> tuple[float, float, float]:
    middle = SIZE_PX / 2
    at = np.array([[(cell[0] - middle) * PIXEL_UM, (middle - cell[1]) * PIXEL_UM]])
    x, y = motion.apply(at)[0] / PIXEL_UM
    return float(x + middle), float(middle - y), cell[2]


def test_one_cell_stays_whole_though_a_neighbour_shows_it_torn() -> None:
    torn = np.zeros((SIZE_PX, SIZE_PX), dtype=np.int32)
    whole = find_outlines(discs(A), [around(A)])
    torn[:, :36] = np.where(whole.labels[:, :36] > 0, 1, 0)
    torn[:, 36:] = np.where(whole.labels[:, 36:] > 0, 2, 0)
    assert split_by_neighbours(whole, [NeighbourOutlines(Outlines(torn, 1, PIXEL_UM, (1, 1)), Rigid())])[
        1
    ] == [0]


def test_cells_seen_apart_in_two_sections_are_two_for_good() -> None:
    views = [NeighbourOutlines(APART, Rigid())]
    for _ in range(2):
        found, _ = split_by_neighbours(APART, views)
        views = [NeighbourOutlines(found, Rigid())]
    assert found.sightings == (3, 3)
    merged, parents = split_by_neighbours(MERGED, views)
    assert (parents, merged.sightings) == ([0, 0], (3, 3))
    assert split_by_neighbours(MERGED, [NeighbourOutlines(merged, Rigid())])[1] == [0, 0]


def test_parts_keep_what_is_imaged_of_the_whole() -> None:
    box = around(A, B)
    cell = Cell("c0001", box, box.dilated(3, (SIZE_PX, SIZE_PX)), 0.9, "kept: confident")
    found, parents = split_by_neighbours(MERGED, [NeighbourOutlines(APART, Rigid())])
    parts = cells_of_parts([cell], found, parents, (SIZE_PX, SIZE_PX))
    assert [one.image_box_px for one in parts] == [cell.image_box_px] * 2
    assert all(box.contains(one.box_px) for one in parts)
    assert parts[0].box_px.x1 <= parts[1].box_px.x0 + 4
    assert {one.reason for one in parts} == {cell.reason}


@examples(30)
@given(
    st.lists(
        st.tuples(st.integers(0, 80), st.integers(0, 80), st.integers(1, 16), st.integers(1, 16)),
        max_size=8,
    ),
    st.integers(0, 3),
)
def test_no_detection_is_lost(places: list[tuple[int, int, int, int]], seed: int) -> None:
    boxes = [BoxPx(x, y, x + width, y + height) for x, y, width, height in places]
    own = find_outlines(discs(A, B, seed=seed), boxes)
    found, parents = split_by_neighbours(
        own, [NeighbourOutlines(APART, Rigid()), NeighbourOutlines(own, Rigid(0.3))]
    )
    assert sorted(set(parents)) == list(range(len(boxes)))
    assert ((found.labels > 0) == (own.labels > 0)).all()


def test_what_is_between_seeds_goes_to_the_nearest() -> None:
    seeds: NDArray[np.int32] = np.zeros((1, 9), dtype=np.int32)
    seeds[0, 0], seeds[0, 6] = 1, 2
    mask = np.ones((1, 9), dtype=np.bool_)
    mask[0, 8] = False
    found = assign_to_nearest(seeds, mask)[0].tolist()
    assert found[:3] + found[4:] == [1, 1, 1, 2, 2, 2, 2, 0]


@given(st.integers(0, 1000), st.floats(0.2, 0.8))
def test_holes_are_filled_as_by_scipy(seed: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((12, 15)) < share
    assert (fill_holes(mask) == ndi.binary_fill_holes(mask)).all()
