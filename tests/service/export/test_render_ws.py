"""Exports for render-ws, read in the steps of its importers."""

from pathlib import Path

import numpy as np
import pytest

from drivers.pose import Pose, to_stage
from service.errors import InputError
from service.export.exporting import Exported, export
from service.export.items import ExportFormat
from service.model.jobs import JobKind
from tests.service.export.importer import ImportedTile, import_project
from tests.service.export.runs import FM_SHAPE, POSE, UM, MadeRun, made_run, noise


def exported(made: MadeRun, out: Path, *sections: str) -> Exported:
    return export(made.folder, made.info, ExportFormat.RENDER_WS, out, sections)


def by_stack(tiles: list[ImportedTile]) -> dict[str, list[ImportedTile]]:
    stacks: dict[str, list[ImportedTile]] = {}
    for tile in sorted(tiles, key=lambda one: (one.z, one.row, one.column)):
        stacks.setdefault(tile.stack, []).append(tile)
    return stacks


def test_an_importer_finds_stacks_tiles_and_grey_levels(made: MadeRun, tmp_path: Path) -> None:
    made.expose("S0002", noise((10, 20), 6, "uint16"), (0, 0), 100e-9, kind=JobKind.OVERVIEW)
    exported(made, tmp_path / "out")
    stacks = by_stack(import_project(tmp_path / "out"))
    assert {name: len(tiles) for name, tiles in stacks.items()} == {
        "exc_488nm": 1,
        "EM_himag": 2,
        "EM_lomag": 1,
    }
    np.testing.assert_array_equal(stacks["exc_488nm"][0].pixels, made.pixels("S0001/F000"))
    for tile, name in zip(stacks["EM_himag"], ("J000001", "J000002"), strict=True):
        np.testing.assert_array_equal(tile.pixels, made.pixels(name))
        assert (tile.section, tile.z, tile.camera) == ("S001", 0, "ETD & <co>")
    assert [(one.column, one.row) for one in stacks["EM_himag"]] == [(1, 0), (2, 0)]
    assert (stacks["EM_lomag"][0].z, stacks["EM_lomag"][0].row) == (1, 50_000)
    assert (tmp_path / "out" / "sections.csv").read_text() == "folder,section,z\nS001,S0001,0\nS002,S0002,1\n"


def test_tiles_of_any_size_lie_where_the_stage_had_them(made: MadeRun, tmp_path: Path) -> None:
    exported(made, tmp_path / "out")
    stacks = by_stack(import_project(tmp_path / "out"))
    first, second = stacks["EM_himag"]
    assert first.at_um(20, 15) == pytest.approx((0.4, -0.6))
    assert second.at_um(32, 10) == pytest.approx((-1.5, 0.2))
    assert stacks["exc_488nm"][0].at_um(25, 20) == pytest.approx((0, 0))


def test_a_turned_and_mirrored_frame_is_laid_turned(made: MadeRun, turned: Pose, tmp_path: Path) -> None:
    made.save_frame("S0002/F000", noise(FM_SHAPE, 8, "uint16"), turned)
    exported(made, tmp_path / "out", "S0002")
    (tile,) = import_project(tmp_path / "out")
    points = np.array([[0.0, 0.0], [50.0, 0.0], [13.0, 31.0]])
    stage_um = to_stage(turned, FM_SHAPE, points) / UM
    for (column, row), (x, y) in zip(points, stage_um, strict=True):
        assert tile.at_um(column, row) == pytest.approx((x, -y), abs=1e-6)


def test_other_pixel_sizes_are_projects_of_their_own(made: MadeRun, tmp_path: Path) -> None:
    made.expose("S0002", noise((10, 20), 6), (0, 0), 7.5e-9)
    exported(made, tmp_path / "out", "S0002")
    assert {tile.pixel_size_um for tile in import_project(tmp_path / "out")} == {0.0075}
    exported(made, tmp_path / "out")
    assert {tile.z for tile in import_project(tmp_path / "out") if tile.stack == "EM_himag"} == {1}
    others = import_project(tmp_path / "out" / "pixels-20nm")
    assert [tile.pixel_size_um for tile in others] == [0.02, 0.02]


def test_fields_have_columns_and_rows(tmp_path: Path) -> None:
    made = made_run(tmp_path / "run", fields=3)
    for n in (0, 2):
        pose = Pose((n * 10 * UM, 0.0), POSE.pixel_size_m)
        made.save_frame(f"S0001/F{n:03d}", noise(FM_SHAPE, n, "uint16"), pose)
    exported(made, tmp_path / "out")
    assert sorted((tile.column, tile.row) for tile in import_project(tmp_path / "out")) == [(0, 0), (2, 0)]
    made.close()


def test_sections_beyond_three_digits_are_refused(tmp_path: Path) -> None:
    made = made_run(tmp_path / "run", sections=1, first=999)
    with pytest.raises(InputError, match="has room for 999"):
        exported(made, tmp_path / "out")
    made.close()
