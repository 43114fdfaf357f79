"""Tiles of the simulated holder, stitched."""

import csv
from pathlib import Path

import numpy as np
import pytest

from config.model import Config
from service.image_files.images import read_pixels
from service.mapping.overview.own_place import corner_pairs, own_stage_map
from service.mapping.tiles.folder import TileFolder
from service.mapping.tiles.plan import plan_tiles
from service.mapping.tiles.stitching import stitch
from tests.service.mapping.tiles.simulated import CENTERS_UM, X_MM, Y_MM, settings, taken


@pytest.fixture(scope="module")
def config() -> Config:
    # A stage three times as bad as the simulator's usual one.
    stage = {"position_error_um": 3.0, "arrival_tolerance_um": 4.0}
    bad = settings(stage=stage, planner={"guard_um": 3.0}, simulator={"stage_error_um": 1.0})
    return Config.model_validate(bad)


@pytest.fixture(scope="module")
def folder(config: Config, tmp_path_factory: pytest.TempPathFactory) -> TileFolder:
    return TileFolder(tmp_path_factory.mktemp("overview") / "holder")


@pytest.fixture(scope="module")
def true_m(config: Config, folder: TileFolder) -> dict[str, tuple[float, float]]:
    return taken(config, folder)


def test_overlaps_correct_the_stage(
    config: Config, folder: TileFolder, true_m: dict[str, tuple[float, float]]
) -> None:
    plan = plan_tiles(config, X_MM, Y_MM)
    found = stitch(config, plan, folder)
    assert (found.tiles, found.missing) == (len(plan.tiles), 0)
    assert found.measured > 0.7 * found.neighbours
    with folder.table.open() as file:
        rows = list(csv.DictReader(file))
    true = np.array([true_m[row["name"]] for row in rows]) * 1e6
    read, placed = (
        np.array([[float(row[f"{kind}x_um"]), float(row[f"{kind}y_um"])] for row in rows])
        for kind in ("stage_", "")
    )
    errors = [np.hypot(*(one - true - (one - true).mean(axis=0)).T) for one in (read, placed)]
    before, after = (float(np.sqrt((error**2).mean())) for error in errors)
    assert before > 1
    assert after < 0.6 * before


def test_the_overview_knows_its_place_and_shows_the_sections_there(
    config: Config, folder: TileFolder, true_m: dict[str, tuple[float, float]]
) -> None:
    plan = plan_tiles(config, X_MM, Y_MM)
    stitch(config, plan, folder)
    picture = read_pixels(folder.picture).astype(float)
    assert picture.shape == plan.size_px[::-1]
    stage_map = own_stage_map(folder.picture)
    assert stage_map is not None
    assert stage_map.to_stage(np.array([[0.0, 0.0]]))[0] == pytest.approx([-200, 150])
    assert not stage_map.mirrored
    inverse = np.linalg.inv(stage_map.linear)
    bright = np.median(picture)
    for x, y in CENTERS_UM:
        for dx, dy, dark in ((-40, 25, True), (40, -25, True), (58, 0, False), (0, 43, False)):
            column, row = (inverse @ (np.array([x + dx, y + dy]) - stage_map.shift_um)).astype(int)
            patch = picture[row - 2 : row + 3, column - 2 : column + 3]
            assert bool(patch.mean() < 0.8 * bright) is dark
    pairs = corner_pairs(stage_map, (picture.shape[1], picture.shape[0]))
    assert pairs[2].stage_um == pytest.approx(stage_map.to_stage(np.array([pairs[2].overview_px]))[0])


def test_a_tile_that_is_missing_leaves_grey_ground(
    config: Config, folder: TileFolder, true_m: dict[str, tuple[float, float]], tmp_path: Path
) -> None:
    plan = plan_tiles(config, X_MM, Y_MM)
    away = folder.path / "tiles" / "T00000.ome.tiff"
    kept = away.rename(tmp_path / "kept")
    try:
        found = stitch(config, plan, folder)
        assert found.missing == 1
        picture = read_pixels(folder.picture)
        assert picture[3, 3] == picture[20, 20] == int(np.rint(np.median(picture)))
        assert folder.table.read_text().splitlines()[1] == "T00000,0,0,,,,,,"
    finally:
        kept.rename(away)


def test_pictures_of_other_programs_state_no_place(tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    other.write_bytes(b"\x89PNG\r\n")
    assert own_stage_map(other) is None
