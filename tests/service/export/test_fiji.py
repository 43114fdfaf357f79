"""Exports for Fiji: ROIs as roifile reads them, TrakEM2's rules, data sets as npy2bdv and h5py read them."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import npy2bdv
import numpy as np
import pytest
import roifile

from drivers.pose import FmToSem, Pose, to_pixels
from service.export.contents import SectionContents
from service.export.exporting import Exported, export
from service.export.fiji.trakem2 import import_list
from service.export.items import ExportFormat
from service.export.places import image_affine
from service.model.specimen import Section
from tests.service.export.runs import FM_SHAPE, UM, MadeRun, noise


def exported(made: MadeRun, out: Path, *sections: str) -> Exported:
    return export(made.folder, made.info, ExportFormat.FIJI, out, sections)


def rois(path: Path) -> dict[str, Any]:
    found = roifile.roiread(path)
    return {one.name: one.coordinates() for one in (found if isinstance(found, list) else [found])}


def test_cells_and_frames_are_rois_of_the_fluorescence(made: MadeRun, tmp_path: Path) -> None:
    exported(made, tmp_path / "out")
    folder = tmp_path / "out" / "rois" / "S0001"
    found = rois(folder / "F000-cells.zip")
    assert list(found) == ["S0001_F000_c0001", "S0001_F000_c0002"]
    assert found["S0001_F000_c0001"].tolist() == [[5, 6], [20, 6], [20, 25], [5, 25]]
    wider = rois(folder / "F000-to-image.zip")["S0001_F000_c0001"]
    assert wider.tolist() == [[4, 5], [21, 5], [21, 26], [4, 26]]
    frame = rois(folder / "F000-frames.zip")["S0001_J000001"]
    # 40 x 30 pixels of 20 nm, 0.4 um right of the centre and 0.6 um above it, in pixels of 0.2 um.
    assert frame == pytest.approx(np.array([[25, 18.5], [29, 18.5], [29, 15.5], [25, 15.5]]))


def test_frames_are_turned_where_the_camera_is(made: MadeRun, turned: Pose, tmp_path: Path) -> None:
    made.save_frame("S0002/F000", noise(FM_SHAPE, 8, "uint16"), turned)
    name = made.expose("S0002", noise((100, 60), 9), turned.center_m)
    exported(made, tmp_path / "out")
    frame = rois(tmp_path / "out" / "rois" / "S0002" / "F000-frames.zip")[f"S0002_{name}"]
    corner_m = np.array([turned.center_m]) - np.array([30, 50]) * 20e-9
    assert frame[0] == pytest.approx(to_pixels(turned, FM_SHAPE, corner_m)[0], abs=1e-4)


def test_trakem2_reads_the_list_by_its_rules(made: MadeRun, tmp_path: Path) -> None:
    exported(made, tmp_path / "out")
    (path,) = (tmp_path / "out" / "trakem2").iterdir()
    assert path.name == "em-20nm.txt"
    images = as_trakem2(path.read_text())
    assert [Path(name) for name, *_ in images] == [made.files["J000001"], made.files["J000002"]]
    (_, x0, y0, z0), (_, x1, y1, z1) = images
    assert z0 == z1 == 0
    assert (min(x0, x1), min(y0, y1)) == (0, 0)
    # Corners: centres 1.9 um and -0.8 um apart, frames of 40 x 30 and 64 x 20 pixels.
    assert (x1 - x0, y1 - y0) == pytest.approx((-1.9 / 0.02 - (32 - 20), 0.8 / 0.02 - (10 - 15)))


def as_trakem2(text: str) -> list[tuple[str, float, float, float]]:
    """Read an import list as `importImages` of TrakEM2 does, with tabs."""
    found = []
    for raw in text.splitlines():
        line = raw.replace("\\", "/").strip().partition("#")[0]
        if line:
            path, x, y, z = line.split("\t")
            found.append((path.strip(), float(x), float(y), float(z)))
    return found


@pytest.mark.parametrize("folder", ["a#b", "a\tb", "a\\b"])
def test_paths_that_trakem2_cannot_read_are_relative(folder: str, made: MadeRun, tmp_path: Path) -> None:
    moved = tmp_path / folder
    made.folder.path.rename(moved)
    exported(MadeRun(type(made.folder)(moved), made.info, made.store), tmp_path / "out")
    (path,) = (tmp_path / "out" / "trakem2").iterdir()
    assert [name for name, *_ in as_trakem2(path.read_text())] == [
        "em/S0001/J000001.ome.tiff",
        "em/S0001/J000002.ome.tiff",
    ]


def test_an_empty_section_has_no_layer() -> None:
    empty = SectionContents(Section("S0001", 0, (0.0, 0.0)), (), (), ())
    assert not as_trakem2(import_list([empty], 20e-9, Path("/run")))


def test_npy2bdv_opens_the_data_set(made: MadeRun, tmp_path: Path) -> None:
    wide = made.expose("S0001", noise((300, 700), 5, "uint16"), (2 * UM, -1 * UM), 10e-9)
    exported(made, tmp_path / "out")
    folder = tmp_path / "out" / "bigstitcher" / "S0001"
    editor = npy2bdv.BdvEditor(str(folder / "em" / "dataset.h5"))
    names = ["J000001", "J000002", wide]
    assert editor.get_attribute_count() == (1, 1, 1, 3, 1)
    corners = {
        "J000001": (0.4 - 0.4, -0.6 - 0.3),
        "J000002": (-1.5 - 0.64, 0.2 - 0.2),
        wide: (2 - 3.5, 1 - 1.5),
    }
    low = [min(x) for x in zip(*corners.values(), strict=True)]
    for tile, name in enumerate(names):
        found = editor.read_view(tile=tile)
        np.testing.assert_array_equal(found[0], made.pixels(name))
        affine = editor.read_affine(tile=tile)
        scale = 0.5 if name == wide else 1
        assert affine[:, :3] == pytest.approx(np.diag([scale, scale, 1]))
        # Corners of first pixels, in pixels of 20 nm.
        at = affine[:2, 3] - scale / 2
        first = np.array([(corners[one][axis] - low[axis]) / 0.02 for one in names for axis in (0, 1)])
        offset = (first.reshape(3, 2) + 0.5 * np.array([[1], [1], [0.5]])).min(axis=0)
        assert at == pytest.approx((np.array(corners[name]) - low) / 0.02 - offset)
    half = editor.read_view(tile=2, ilevel=1)[0]
    mean = made.pixels(wide).reshape(150, 2, 350, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(half, mean, atol=0.5)
    root = ET.parse(folder / "fm" / "dataset.xml").getroot()
    assert [one.text for one in root.iter("size")] == ["50 40 1", "0.2 0.2 0.2"]


def test_the_calibration_turns_electron_images_in_data_sets() -> None:
    calibration = FmToSem(rotation_rad=0.01, scale=1.002, shear=0.003)
    place = image_affine((5 * UM, 7 * UM), (400, 200), 10e-9, calibration)
    middle = place(np.array([[200.0, 100.0]]))[0]
    assert middle == pytest.approx((5, -7))
    corner_m = np.array([[-200, 100]]) * 10e-9
    seen = calibration.to_fm(corner_m)[0] - calibration.to_fm(np.zeros((1, 2)))[0]
    x, y = place(np.zeros((1, 2)))[0]
    assert (x - 5, -(y - -7)) == pytest.approx(tuple(seen / UM), abs=1e-8)


def test_an_image_that_is_gone_is_left_out_of_its_data_set_alone(made: MadeRun, tmp_path: Path) -> None:
    made.files["J000001"].rename(tmp_path / "kept")
    result = exported(made, tmp_path / "out")
    assert [one.image for one in result.left_out] == ["S0001/J000001"]
    path = tmp_path / "out" / "bigstitcher" / "S0001" / "em" / "dataset.h5"
    np.testing.assert_array_equal(npy2bdv.BdvEditor(str(path)).read_view()[0], made.pixels("J000002"))
    (tmp_path / "kept").rename(made.files["J000001"])
    assert not exported(made, tmp_path / "out").left_out
    assert npy2bdv.BdvEditor(str(path)).ntiles == 2
