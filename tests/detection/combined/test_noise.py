"""Hits of the network that nothing in the frame supports."""

from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from detection.combined.detector import Combined
from detection.combined.noise import are_all_hidden, hidden_in_noise
from detection.image.boxes import BoxPx
from detection.image.frames import Frame, check_frame
from detection.image.hit_table import table_of
from detection.image.hits import Hit, SeenBy
from detection.image.working_grid import WorkingGrid, on_working_grid
from detection.network.detector import Network
from detection.network.inputs import WORKING_PIXEL_UM
from tests.detection.combined.networks import Shows
from tests.detection.synthetic import PIXEL_SIZE_UM

SHAPE = (256, 256)
EMPTY, CELL, WIDE = BoxPx(20, 20, 80, 80), BoxPx(150, 150, 200, 200), BoxPx(20, 150, 100, 230)


def frame_of(cell_sd: float, spread_px: float, middle: tuple[int, int]) -> Frame:
    """Return white noise with one Gaussian of a height in deviations of the noise of a pixel."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    light = np.exp(-((y - middle[0]) ** 2 + (x - middle[1]) ** 2) / (2 * spread_px**2))
    return check_frame(
        (1000 + 20 * (rng.normal(size=SHAPE) + cell_sd * light)).astype(np.uint16), PIXEL_SIZE_UM, 100.0
    )


def hidden(hits: list[Hit], z: np.ndarray, grid: WorkingGrid) -> list[Hit]:
    """Return the hits that are noise."""
    table = table_of(hits)
    return list(table.chosen(hidden_in_noise(table, z, grid)))


def hit(box: BoxPx, seen_by: SeenBy = SeenBy.NETWORK) -> Hit:
    return Hit(box, 0.7, seen_by=seen_by)


@pytest.mark.parametrize(
    ("cell_sd", "spread_px", "box"),
    [(0.8, 14.0, CELL), (6.0, 1.5, CELL), (0.7, 22.0, WIDE)],
    ids=["a dim cell", "a spot", "a large dim cell"],
)
def test_what_stands_out_at_some_size_is_no_noise(cell_sd: float, spread_px: float, box: BoxPx) -> None:
    middle = (box.y0 + box.y1) // 2, (box.x0 + box.x1) // 2
    grid = on_working_grid(frame_of(cell_sd, spread_px, middle), WORKING_PIXEL_UM)
    z = np.asarray(grid.residual / grid.noise_sd, np.float32)
    assert hidden([hit(EMPTY), hit(box)], z, grid) == [hit(EMPTY)]


def test_a_hit_that_recall_first_sees_is_never_noise() -> None:
    grid = on_working_grid(frame_of(0, 1, (0, 0)), WORKING_PIXEL_UM)
    z = np.asarray(grid.residual / grid.noise_sd, np.float32)
    assert hidden([hit(EMPTY, SeenBy.BOTH), hit(CELL, SeenBy.RECALL_FIRST)], z, grid) == []
    assert hidden([], z, grid) == []


def test_all_hits_are_noise_only_if_each_is() -> None:
    grid = on_working_grid(frame_of(0.8, 14.0, (175, 175)), WORKING_PIXEL_UM)
    z = np.asarray(grid.residual / grid.noise_sd, np.float32)
    noise = [hit(BoxPx(x, y, x + 16, y + 16)) for x in (10, 50, 90) for y in (10, 40, 70, 100)]
    assert hidden(noise, z, grid) == noise
    assert are_all_hidden(table_of(noise), z, grid)
    assert are_all_hidden(table_of([]), z, grid)
    for cell in (hit(CELL), hit(EMPTY, SeenBy.BOTH)):
        assert not are_all_hidden(table_of([*noise, cell]), z, grid)
        assert not are_all_hidden(table_of([cell, *noise]), z, grid)


def test_a_dim_cell_beside_bright_ones_whose_background_is_too_high_is_no_noise() -> None:
    frame = frame_of(0.8, 14.0, (175, 175))
    grid = on_working_grid(frame, WORKING_PIXEL_UM)
    z = np.asarray(grid.residual / grid.noise_sd - 2, np.float32)
    assert hidden([hit(EMPTY), hit(CELL)], z, grid) == [hit(EMPTY)]


def test_a_hit_without_ground_around_it_is_not_judged() -> None:
    grid = on_working_grid(frame_of(0, 1, (0, 0)), WORKING_PIXEL_UM)
    z = np.asarray(grid.residual / grid.noise_sd, np.float32)
    around = [hit(BoxPx(0, 0, 256, 20)), hit(BoxPx(0, 20, 20, 120)), hit(BoxPx(80, 20, 256, 120))]
    below = hit(BoxPx(0, 80, 256, 130))
    assert hit(EMPTY) in hidden([hit(EMPTY), *around], z, grid)
    assert hit(EMPTY) not in hidden([hit(EMPTY), *around, below], z, grid)


def test_noise_is_set_aside_unless_the_ground_is_unknown() -> None:
    frame = frame_of(0.8, 14.0, (175, 175))
    hits = hit(EMPTY), hit(CELL)
    steps = Combined(cast(Network, Shows(hits))).steps(frame)
    assert [one.box for one in steps.fusion.noise] == [EMPTY]
    assert [one.box for one in steps.fusion.learned] == [CELL]
    crowd = (*hits, hit(BoxPx(0, 0, 256, 120)))
    for shown, seen in ((hits, replace(frame, processed=True)), (crowd, frame)):
        assert not len(Combined(cast(Network, Shows(shown))).steps(seen).fusion.noise)
