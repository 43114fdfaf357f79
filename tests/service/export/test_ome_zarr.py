"""OME-Zarr exports, opened by the libraries that others open them with."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader
from ome_zarr_models.v05 import BioFormats2Raw, Image, ImageLabel
from ome_zarr_models.v05.labels import Labels

from drivers.pose import Pose, to_pixels
from service.export.exporting import Exported, export
from service.export.items import ExportFormat
from service.export.ome_zarr.images import ImageLook, write_image
from service.export.ome_zarr.metadata import GREY
from service.model.jobs import JobKind
from tests.service.export.runs import FM_SHAPE, POSE, UM, MadeRun, noise


def exported(made: MadeRun, out: Path, *sections: str) -> Exported:
    return export(made.folder, made.info, ExportFormat.OME_ZARR, out, sections)


def opened(path: Path) -> Any:
    """Open a group; typed, each step into it would have to be narrowed."""
    return zarr.open_group(path, mode="r")


def place_of(group: Any, level: int = 0) -> tuple[list[float], list[float]]:
    """Return scale and translation, (y, x) um, as a viewer reads them."""
    first, second = group.attrs["ome"]["multiscales"][0]["datasets"][level]["coordinateTransformations"]
    return first["scale"], second["translation"]


def test_each_image_is_valid_and_keeps_its_grey_levels(made: MadeRun, tmp_path: Path) -> None:
    result = exported(made, tmp_path / "out")
    assert not result.left_out
    assert not result.ended
    assert not (tmp_path / "out" / "S0002.ome.zarr").exists()
    section = opened(tmp_path / "out" / "S0001.ome.zarr")
    BioFormats2Raw.from_zarr(section)
    names = {"fm/F000": "S0001/F000", "em/J000001": "J000001", "em/J000002": "J000002"}
    assert section["OME"].attrs["ome"]["series"] == list(names)
    for path, name in names.items():
        group = section[path]
        Image.from_zarr(group)
        np.testing.assert_array_equal(group["0"][:], made.pixels(name))
    Labels.from_zarr(section["fm/F000/labels"])
    label = ImageLabel.from_zarr(section["fm/F000/labels/cells"])
    assert label.attributes.ome.image_label is not None
    xml = (tmp_path / "out" / "S0001.ome.zarr" / "OME" / "METADATA.ome.xml").read_text()
    assert [xml.index(f'ID="Image:{path}"') for path in names] == sorted(
        xml.index(f'ID="Image:{path}"') for path in names
    )


def test_the_reader_of_ome_zarr_opens_image_and_cells(made: MadeRun, tmp_path: Path) -> None:
    exported(made, tmp_path / "out")
    location = parse_url(tmp_path / "out" / "S0001.ome.zarr" / "fm" / "F000")
    assert location is not None
    image, _, cells = Reader(location)()
    np.testing.assert_array_equal(np.asarray(image.data[0]), made.pixels("S0001/F000"))
    assert image.metadata["channel_names"] == ["fluorescence 488 nm"]
    labels = np.asarray(cells.data[0])
    assert (labels[6:25, 5:20] > 0).all()
    assert (labels[9:14, 8:12] == 2).all(), "the smaller box is on top"
    assert (labels > 0).sum() == 15 * 19
    assert cells.metadata["properties"][1]["cell"] == "S0001/F000/c0001"
    assert cells.metadata["properties"][1]["reason"] == 'kept: "<&>"'


def test_images_lie_where_the_stage_had_them(made: MadeRun, tmp_path: Path) -> None:
    exported(made, tmp_path / "out")
    section = opened(tmp_path / "out" / "S0001.ome.zarr")
    scale, place = place_of(section["em/J000001"])
    assert scale == [0.02, 0.02]
    # The centre of the first pixel, with y downwards.
    assert place == pytest.approx([-0.6 - 15 * 0.02 + 0.01, 0.4 - 20 * 0.02 + 0.01])
    scale, place = place_of(section["fm/F000"])
    assert scale == [0.2, 0.2]
    assert place == pytest.approx([-20 * 0.2 + 0.1, -25 * 0.2 + 0.1])


def test_a_frame_of_a_turned_camera_is_laid_upright(made: MadeRun, turned: Pose, tmp_path: Path) -> None:
    rows, columns = np.mgrid[:40, :50]
    pixels = (1000 + 20 * rows + 9 * columns).astype(np.uint16)
    made.save_frame("S0002/F000", pixels, turned)
    made.find("S0002/F000", [(20, 10, 35, 30)], turned)
    exported(made, tmp_path / "out")
    section = opened(tmp_path / "out" / "S0002.ome.zarr")
    group = section["fm/F000"]
    scale, place = place_of(group)
    found, labels = group["0"][:], section["fm/F000/labels/cells/0"][:]
    for column, row in ((10.5, 12.5), (40.5, 30.5), (27.5, 20.5)):
        x_um, y_um = stage_of(turned, column, row)
        at = (-y_um - place[0]) / scale[0], (x_um - place[1]) / scale[1]
        nearest = tuple(round(one) for one in at)
        level = 1000 + 20 * (row - 0.5) + 9 * (column - 0.5)
        assert found[nearest] == pytest.approx(level, abs=0.75 * (20 + 9)), "half a pixel each way"
        assert (labels[nearest] == 1) == (20 < column < 35 and 10 < row < 30)
    assert found[0, 0] == 0, "nothing is known of the ground beside the frame"


def stage_of(pose: Pose, column: float, row: float) -> tuple[float, float]:
    """Return the stage position of a point of a frame, um, found by the inverse of what is tested."""
    step = 0.5
    at = np.array(pose.center_m)
    for _ in range(60):
        now = to_pixels(pose, FM_SHAPE, at[None])[0]
        by_x, by_y = (to_pixels(pose, FM_SHAPE, (at + d)[None])[0] - now for d in np.eye(2) * step * UM)
        at = at + np.linalg.solve(np.stack([by_x, by_y], axis=1), (column, row) - now) * step * UM
    return at[0] / UM, at[1] / UM


def test_large_images_have_levels_that_lie_on_each_other(tmp_path: Path) -> None:
    pixels = np.repeat(np.repeat(noise((300, 517), 5), 5, axis=0), 5, axis=1)[:, :2583]
    look = ImageLook("a", "b", GREY, (0.02, 0.02), (100.0, -50.0), {})
    write_image(tmp_path / "image", pixels, look)
    group = opened(tmp_path / "image")
    Image.from_zarr(group)
    assert [group[str(level)].shape for level in range(3)] == [(1500, 2583), (750, 1291), (375, 645)]
    mean = pixels[:1500, :2580].reshape(375, 4, 645, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(group["2"][:], mean, atol=1.5)
    for level in range(3):
        scale, place = place_of(group, level)
        assert scale == [0.02 * 2**level] * 2
        assert [place[0] - scale[0] / 2, place[1] - scale[1] / 2] == pytest.approx([-50.0, 100.0])


def test_overviews_and_mixed_pixels_are_images_like_others(made: MadeRun, tmp_path: Path) -> None:
    made.expose("S0002", noise((10, 20), 6, "uint16"), (0, 0), 100e-9, kind=JobKind.OVERVIEW)
    made.expose("S0002", noise((10, 20), 7, "uint16"), (0, 0), 7.3e-9, kind=JobKind.FOCUS)
    exported(made, tmp_path / "out")
    section = opened(tmp_path / "out" / "S0002.ome.zarr")
    assert section["OME"].attrs["ome"]["series"] == ["em/J000004", "overviews/J000003"]
    assert place_of(section["em/J000004"])[0] == [0.0073, 0.0073]
    np.testing.assert_array_equal(section["overviews/J000003/0"][:], made.pixels("J000003"))


def test_the_metadata_says_where_an_image_comes_from(made: MadeRun, tmp_path: Path) -> None:
    exported(made, tmp_path / "out")
    path = tmp_path / "out" / "S0001.ome.zarr" / "em" / "J000001" / "zarr.json"
    notes = json.loads(path.read_text())["attributes"]["ilemtrack"]
    assert notes["run"] == made.info.run
    assert notes["file"] == "em/S0001/J000001.ome.tiff"
    assert notes["covers"] == ["S0001/F000/c0001", "S0001/F000/c0002"]


def test_fluorescence_alone_can_be_exported(made: MadeRun, tmp_path: Path) -> None:
    made.save_frame("S0002/F000", noise(FM_SHAPE, 2, "uint8"), POSE)
    exported(made, tmp_path / "out", "S0002")
    section = opened(tmp_path / "out" / "S0002.ome.zarr")
    assert sorted(section) == ["OME", "fm"]
    np.testing.assert_array_equal(section["fm/F000/0"][:], made.pixels("S0002/F000"))
    assert not (section["fm/F000/labels/cells/0"][:]).any()
