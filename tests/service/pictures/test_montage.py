import numpy as np
import pytest

from detection.image.boxes import BoxPx
from detection.image.hits import Cell
from detection.registration.register import Link
from detection.registration.rigid import Rigid
from detection.serial.section import SerialCell, SerialSection
from detection.tracking.tracker import Place
from service.pictures.montage import CAPTION_PX, GAP_PX, draw_montage, shown
from service.pictures.overlay import DOUBTFUL, NOT_IMAGED, track_colour

SHAPE = (120, 160)
PIXEL_UM = 0.5


def section(number: int, to_chain: Rigid, box: BoxPx, chain: int = 1, *, bad: bool = False) -> SerialSection:
    cell = SerialCell(Cell("c0001", box, box, 0.9, "kept: confident"), ("T0003",), seen=True)
    name = f"S{number:04d}"
    link = Link(name, "S0001", to_chain, "landmarks", 9, 0.9, 9.0, 0.9, 0.1, bad, "no" if bad else "")
    links = (link,) if number > 1 else ()
    return SerialSection(name, (cell,), links, Place(number - 1, name, chain, to_chain), 0.1, (), 1.0)


def frame() -> np.ndarray:
    return np.random.default_rng(0).normal(1000, 50, SHAPE).astype(np.uint16)


def middle(picture: np.ndarray, colour: tuple[int, int, int]) -> tuple[float, float]:
    rows, columns = np.nonzero((picture == colour).all(axis=2))
    return float(columns.min() + columns.max()) / 2, float(rows.min() + rows.max()) / 2


def tiles(picture: np.ndarray, count: int) -> list[np.ndarray]:
    """Tiles of one row, without gaps and captions."""
    width = (picture.shape[1] - GAP_PX) // count
    return [
        picture[GAP_PX + CAPTION_PX : -CAPTION_PX, n * width + GAP_PX : (n + 1) * width] for n in range(count)
    ]


def test_a_cell_is_at_one_place_in_all_tiles() -> None:
    # 20 px right and 10 px up in the first frame, turned by a half circle in the second.
    first = section(1, Rigid(), BoxPx(90, 40, 110, 60))
    second = section(2, Rigid(np.pi, (0.0, 0.0)), BoxPx(50, 60, 70, 80))
    picture = draw_montage([shown(frame(), one, PIXEL_UM) for one in (first, second)])
    one, other = (middle(tile, track_colour("T0003")) for tile in tiles(picture, 2))
    assert one == pytest.approx(other, abs=2)


def test_a_section_that_stands_alone_says_so() -> None:
    sections = [
        section(1, Rigid(), BoxPx(90, 40, 110, 60)),
        section(2, Rigid(), BoxPx(90, 40, 110, 60), 2, bad=True),
    ]
    picture = draw_montage([shown(frame(), one, PIXEL_UM) for one in sections])
    captions = picture[GAP_PX : GAP_PX + CAPTION_PX]
    amber = (captions == DOUBTFUL).all(axis=2)
    half = picture.shape[1] // 2
    assert not amber[:, :half].any()
    assert amber[:, half:].any()


@pytest.mark.parametrize(("count", "rows", "columns"), [(1, 1, 1), (3, 1, 3), (12, 3, 4), (40, 6, 7)])
def test_the_montage_stays_of_a_size_to_look_at(count: int, rows: int, columns: int) -> None:
    sections = [section(n + 1, Rigid(), BoxPx(90, 40, 110, 60)) for n in range(count)]
    picture = draw_montage([shown(frame(), one, PIXEL_UM) for one in sections])
    side = (picture.shape[1] - GAP_PX) / columns - GAP_PX
    assert 200 <= side <= 760
    height = (picture.shape[0] - CAPTION_PX - GAP_PX) / rows - GAP_PX - CAPTION_PX
    assert height == pytest.approx(side * 120 / 160, abs=2)


def test_what_has_no_track_is_red_and_a_frame_may_be_constant() -> None:
    alone = section(1, Rigid(), BoxPx(90, 40, 110, 60))
    cell = SerialCell(alone.cells[0].cell, (), seen=True)
    without = SerialSection("S0001", (cell,), (), alone.place, 0.1, (), 1.0)
    picture = draw_montage([shown(np.full(SHAPE, 7, np.uint16), without, PIXEL_UM)])
    assert (picture == NOT_IMAGED).all(axis=2).any()
