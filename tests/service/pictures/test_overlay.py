from pathlib import Path

import cv2
import numpy as np
import pytest

from detection.image.boxes import BoxPx
from detection.image.hits import Cell, Decision, Detection
from service.pictures.overlay import (
    DOUBTFUL,
    FOUND,
    IMAGED,
    INK,
    LEGEND_HEIGHT,
    NOT_IMAGED,
    draw_overlay,
    track_colour,
    write_png,
)


def make_detection(*cells: Cell) -> Detection:
    return Detection(cells, imaged_fraction=0.1, warnings=(), elapsed_ms=1.0)


def make_cell(number: int, box: BoxPx, decision: Decision = Decision.KEPT) -> Cell:
    image_box = None if decision is Decision.BELOW_FLOOR else box.dilated(5, (120, 160))
    return Cell(f"c{number:04d}", box, image_box, 0.5, "neither doubtful nor not imaged", decision=decision)


def pixels() -> np.ndarray:
    return np.random.default_rng(0).normal(1000, 50, (120, 160)).astype(np.uint16)


def has(picture: np.ndarray, colour: tuple[int, int, int], x: int, y: int) -> bool:
    return bool((picture[y, x] == colour).all())


def test_the_picture_is_twice_the_frame_and_a_legend() -> None:
    picture = draw_overlay(pixels(), make_detection(), 0.178)
    assert picture.shape == (240 + LEGEND_HEIGHT, 320, 3)
    assert picture.dtype == np.uint8


@pytest.mark.parametrize(
    ("decision", "colour"),
    [(Decision.KEPT, FOUND), (Decision.DOUBTFUL, DOUBTFUL), (Decision.BELOW_FLOOR, NOT_IMAGED)],
)
def test_the_box_as_found_is_solid_in_the_colour_of_its_fate(
    decision: Decision, colour: tuple[int, int, int]
) -> None:
    picture = draw_overlay(pixels(), make_detection(make_cell(1, BoxPx(50, 40, 90, 80), decision)), 0.178)
    assert all(has(picture, colour, x, 159) for x in range(100, 180))
    assert all(has(picture, colour, 179, y) for y in range(90, 160))


def test_the_box_to_image_is_dashed() -> None:
    picture = draw_overlay(pixels(), make_detection(make_cell(1, BoxPx(50, 40, 90, 80))), 0.178)
    along = [has(picture, IMAGED, x, 169) for x in range(90, 190)]
    assert 0.3 < np.mean(along) < 0.7


def test_a_box_at_the_edge_of_the_frame_is_drawn_inside_the_picture() -> None:
    picture = draw_overlay(pixels(), make_detection(make_cell(1, BoxPx(0, 0, 160, 120))), 0.178)
    assert has(picture, FOUND, 319, 100)
    assert has(picture, FOUND, 100, 239)


def test_labels_of_cells_on_one_spot_do_not_cover_each_other() -> None:
    one = draw_overlay(pixels(), make_detection(make_cell(1, BoxPx(50, 40, 90, 80))), 0.178)
    many = [make_cell(n, BoxPx(50, 40, 90, 80)) for n in range(1, 40)]
    picture = draw_overlay(pixels(), make_detection(*many), 0.178)
    # The first label is drawn as if it were alone.
    assert np.array_equal(picture[60:78, 100:165], one[60:78, 100:165])


@pytest.mark.parametrize(("pixel_size_um", "length_um"), [(0.178, 5), (0.05, 1), (1.0, 20)])
def test_the_scale_bar_is_as_long_as_it_says(pixel_size_um: float, length_um: float) -> None:
    frame = np.zeros((120, 160), dtype=np.uint8)
    picture = draw_overlay(frame, make_detection(), pixel_size_um)
    dots = int((picture[227] == INK).all(axis=1).sum())
    assert dots == pytest.approx(2 * length_um / pixel_size_um, abs=1.5)


def test_a_constant_frame_can_be_drawn() -> None:
    assert draw_overlay(np.full((32, 32), 7, dtype=np.uint16), make_detection(), 0.178).shape[2] == 3


def test_a_png_keeps_its_colours(tmp_path: Path) -> None:
    rgb = np.zeros((4, 5, 3), dtype=np.uint8)
    rgb[..., 0] = 200
    write_png(tmp_path / "a.png", rgb)
    back = cv2.imread(str(tmp_path / "a.png"))
    assert back is not None
    assert back[0, 0].tolist() == [0, 0, 200]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none"):
        write_png(tmp_path / "none" / "a.png", np.zeros((4, 5, 3), dtype=np.uint8))


def test_with_tracks_a_cell_has_the_colour_of_its_track_and_others_are_red() -> None:
    cells = make_cell(1, BoxPx(20, 40, 60, 80)), make_cell(2, BoxPx(90, 40, 130, 80), Decision.BELOW_FLOOR)
    picture = draw_overlay(pixels(), make_detection(*cells), 0.178, [("T0007", "T0002"), ()])
    assert has(picture, track_colour("T0007"), 80, 159)
    assert has(picture, NOT_IMAGED, 220, 159)
    assert not (picture[:-LEGEND_HEIGHT] == IMAGED).all(axis=2).any()


def test_every_colour_of_a_track_can_be_read_on_black() -> None:
    colours = np.array([track_colour(f"T{n:04d}") for n in range(1, 500)])
    assert (colours @ (0.299, 0.587, 0.114)).min() >= 0.41 * 255


def test_colours_of_neighbouring_tracks_can_be_told_apart() -> None:
    colours = np.array([track_colour(f"T{n:04d}") for n in range(1, 41)]).astype(int)
    steps = colours[:, None] - colours[None]
    apart = np.abs(steps).sum(axis=2) + 765 * np.eye(40, dtype=int)
    assert apart.min() >= 20
    assert np.abs(np.diff(colours, axis=0)).sum(axis=1).min() >= 150


@pytest.mark.parametrize(
    ("shape", "picture"),
    [
        ((100, 2048), (200, 4096)),
        ((100, 3000), (137, 4096)),
        ((100, 4096), (100, 4096)),
        ((64, 8192), (32, 4096)),
    ],
)
def test_pictures_of_large_frames_shrink_to_4096_px(shape: tuple[int, int], picture: tuple[int, int]) -> None:
    frame = np.full(shape, 7, dtype=np.uint16)
    box = BoxPx(80, 20, 140, 60)
    drawn = draw_overlay(frame, make_detection(make_cell(1, box)), 0.178)
    assert drawn.shape[:2] == (picture[0] + LEGEND_HEIGHT, picture[1])
    scale = picture[1] / shape[1]
    assert tuple(drawn[round(60 * scale) - 1, round(140 * scale) - 1]) == FOUND
