from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import tifffile

from drivers.errors import FrameError
from drivers.fluorescence import FmFrame, FmSettings
from drivers.pose import Pose
from drivers.recorded.tiff import read_frames
from drivers.sem import BeamSettings, ScanImage
from service.errors import ImageError
from service.image_files.images import read_fm, read_pixels, save_em, save_fm
from service.image_files.ome_xml import LightPath

PIXELS = np.arange(20 * 30, dtype=np.uint16).reshape(20, 30)
POSE = Pose((1.25e-3, -3.5e-3), (0.178e-6, 0.178e-6), rotation_rad=0.01, flip_x=True)
FRAME = FmFrame(PIXELS, POSE, FmSettings(2.0, 100.0, 488.0, 0.5), 200.0, 12.5)
BEAM = BeamSettings(2500.0, 3.5, 30e-6, 5.8e-3, "vCD", 1e-10, ("aperture_m", "detector"))
TAKEN_AT = datetime(2026, 11, 29, 10, 20, 30, 400_000, tzinfo=UTC)
LIGHT_PATH = LightPath(40.0, 0.95, "iXon", 525.0)
SCAN = ScanImage(PIXELS.astype(np.uint8), (1e-3, 2e-3), 1.65e-8, 6e-5, "nonce", BEAM)


def test_a_fluorescence_frame_comes_back_with_its_pose(tmp_path: Path) -> None:
    saved = save_fm(tmp_path / "fm" / "F000.ome.tiff", FRAME, "S0001", "S0001/F000", LIGHT_PATH, TAKEN_AT)
    pixels, pose, offset_adu = read_fm(saved.path, saved.sha256)
    np.testing.assert_array_equal(pixels, PIXELS)
    assert pose.center_m == pytest.approx(POSE.center_m, abs=1e-12)
    assert pose.pixel_size_m == pytest.approx(POSE.pixel_size_m, rel=1e-9)
    assert (pose.rotation_rad, pose.flip_x, pose.flip_y) == (0.01, True, False)
    assert offset_adu == 200
    (recorded,) = read_frames(saved.path)
    assert (recorded.section, recorded.field, recorded.exposure_s) == ("S0001", "S0001/F000", 2.0)
    assert saved.size_bytes == saved.path.stat().st_size
    assert [p.name for p in saved.path.parent.iterdir()] == ["F000.ome.tiff"]


def test_other_programs_read_position_pixel_size_and_dwell(tmp_path: Path) -> None:
    # Loaded by one worker only: it takes a second.
    from ome_types import from_tiff

    saved = save_em(tmp_path / "J000001.ome.tiff", SCAN, "S0001", "J000001", ("S0001/F000/c0001",), TAKEN_AT)
    ome = from_tiff(saved.path)
    pixels = ome.images[0].pixels
    assert (pixels.size_x, pixels.size_y, pixels.type.value) == (30, 20, "uint8")
    assert pixels.physical_size_x == pytest.approx(0.0165)
    assert pixels.physical_size_x_unit.value == "µm"
    assert pixels.planes[0].position_x == 1e-3
    assert pixels.planes[0].position_y == 2e-3
    assert ome.structured_annotations is not None
    notes = dict(ome.structured_annotations.map_annotations[0].value)
    assert float(str(notes["ilemtrack.dwell_s"])) == 6e-5
    assert notes["ilemtrack.covers"] == "S0001/F000/c0001"
    assert notes["ilemtrack.detector"] == "vCD"
    assert float(str(notes["ilemtrack.probe_current_a"])) == 1e-10
    assert notes["ilemtrack.as_configured"] == "aperture_m detector"


def test_a_damaged_image_is_noticed(tmp_path: Path) -> None:
    saved = save_em(tmp_path / "J000001.ome.tiff", SCAN, "S0001", "J000001", (), TAKEN_AT)
    data = bytearray(saved.path.read_bytes())
    data[-1] ^= 1
    saved.path.write_bytes(data)
    with pytest.raises(ImageError, match="not the one that was saved"):
        read_pixels(saved.path, saved.sha256)
    saved.path.unlink()
    with pytest.raises(ImageError, match="cannot be read back"):
        read_pixels(saved.path, saved.sha256)
    with pytest.raises(ImageError):
        read_fm(saved.path, None)


def test_nothing_is_left_where_an_image_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_em(tmp_path / "J000001.ome.tiff", SCAN, "S0001", "J000001", (), TAKEN_AT)
    assert not list(tmp_path.iterdir())


def test_a_frame_without_a_place_is_no_frame_of_a_run(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.tiff"
    tifffile.imwrite(path, PIXELS)
    with pytest.raises(ImageError):
        read_fm(path, None)
    with pytest.raises(FrameError):
        read_frames(path)
