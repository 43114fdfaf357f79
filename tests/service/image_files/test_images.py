from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from drivers.errors import FrameError
from drivers.recorded.tiff import read_frames
from service.errors import ImageError
from service.image_files.images import STRIP_ROWS, needs_bigtiff, read_fm, read_pixels
from service.image_files.saving import save_em, save_fm
from service.pictures.preview import preview
from tests.service.image_files.samples import (
    FRAME,
    IN_VACUUM,
    IN_VAPOUR,
    LIGHT_PATH,
    PIXELS,
    POSE,
    SCAN,
    Sample,
)


def test_a_fluorescence_frame_comes_back_with_its_pose(tmp_path: Path) -> None:
    saved = save_fm(tmp_path / "fm" / "F000.ome.tiff", FRAME, "S0001", "S0001/F000", LIGHT_PATH, IN_VAPOUR)
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


def test_a_damaged_image_is_noticed(tmp_path: Path) -> None:
    saved = save_em(tmp_path / "J000001.ome.tiff", SCAN, "S0001", "J000001", (), IN_VACUUM)
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
        save_em(tmp_path / "J000001.ome.tiff", SCAN, "S0001", "J000001", (), IN_VACUUM)
    assert not list(tmp_path.iterdir())


def test_a_frame_without_a_place_is_no_frame_of_a_run(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.tiff"
    tifffile.imwrite(path, PIXELS)
    with pytest.raises(ImageError):
        read_fm(path, None)
    with pytest.raises(FrameError):
        read_frames(path)


def test_a_compressed_image_has_the_same_pixels_and_previews(samples: dict[str, Sample]) -> None:
    plain, small = samples["electron"], samples["compressed"]
    np.testing.assert_array_equal(read_pixels(small.path, small.saved.sha256), plain.pixels)
    for box_px in (None, (10, 20, 90, 140), (100, -5, 1000, 1000)):
        assert preview(small.path, 50, box_px) == preview(plain.path, 50, box_px)
    with pytest.raises(ImageError, match="shows nothing"):
        preview(plain.path, 50, (130, 0, 140, 10))


def test_previews_show_every_nth_row_and_column(samples: dict[str, Sample]) -> None:
    one = samples["electron, 16 bit"]
    small = preview(one.path, 50, (10, 20, 90, 140))
    assert small.size_px == (27, 40)
    shown = one.pixels[20:140:3, 10:90:3]
    assert (small.low_adu, small.high_adu) == tuple(np.percentile(shown.astype(np.float32), (1.0, 99.8)))
    whole = one.path.read_bytes()
    try:
        one.path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ImageError):
            preview(one.path, 50)
    finally:
        one.path.write_bytes(whole)


def test_damage_within_a_compressed_image_is_an_image_error(tmp_path: Path) -> None:
    saved = save_em(tmp_path / "J000001.ome.tiff", SCAN, "S0001", "J000001", (), IN_VACUUM, compress=True)
    with tifffile.TiffFile(saved.path) as file:
        at = file.pages.first.dataoffsets[0]
    data = bytearray(saved.path.read_bytes())
    data[at : at + 64] = b"\xff" * 64
    saved.path.write_bytes(data)
    with pytest.raises(ImageError):
        read_pixels(saved.path)
    with pytest.raises(ImageError):
        preview(saved.path, 50)


def test_strips_are_short_and_beyond_4_gib_offsets_are_long(tmp_path: Path) -> None:
    saved = save_em(tmp_path / "J000001.ome.tiff", SCAN, "S0001", "J000001", (), IN_VACUUM)
    with tifffile.TiffFile(saved.path) as file:
        assert file.pages.first.rowsperstrip == STRIP_ROWS
        assert not file.is_bigtiff
    assert not needs_bigtiff(6144 * 4096 * 2)
    assert not needs_bigtiff(2**32 - 2**25)
    assert needs_bigtiff(2**32 - 2**25 + 1)


def test_an_image_beyond_4_gib_is_a_bigtiff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The real border takes 4 GiB: see tests/long.
    monkeypatch.setattr("service.image_files.images._MOST_CLASSIC_BYTES", 1000)
    saved = save_em(tmp_path / "J000001.ome.tiff", SCAN, "S0001", "J000001", (), IN_VACUUM)
    with tifffile.TiffFile(saved.path) as file:
        assert file.is_bigtiff
        assert file.is_ome
    np.testing.assert_array_equal(read_pixels(saved.path, saved.sha256), SCAN.pixels)


def test_tifffile_opens_every_file_as_one_plane_of_ome(samples: dict[str, Sample]) -> None:
    for sample in samples.values():
        with tifffile.TiffFile(sample.path) as file:
            assert file.is_ome
            assert [one.axes for one in file.series] == ["YX"]
            np.testing.assert_array_equal(file.series[0].asarray(), sample.pixels)


@pytest.mark.parametrize("shape", [(1, 1), (16, 300), (64, 5), (65, 5)])
def test_any_size_comes_back(tmp_path: Path, shape: tuple[int, int]) -> None:
    image = replace(SCAN, pixels=np.arange(shape[0] * shape[1], dtype=np.uint16).reshape(shape))
    for compress in (False, True):
        saved = save_em(tmp_path / "em" / "J000001.ome.tiff", image, "S0001", "J1", (), IN_VACUUM, compress)
        np.testing.assert_array_equal(read_pixels(saved.path, saved.sha256), image.pixels)
        assert preview(saved.path, 10).size_px == tuple(
            -(-side // -(-max(shape) // 10)) for side in shape[::-1]
        )


def test_the_rounding_of_a_unit_is_not_written(tmp_path: Path) -> None:
    odd = replace(SCAN, pixel_size_m=16.5e-9, dwell_s=60e-6)
    saved = save_em(tmp_path / "J000001.ome.tiff", odd, "S0001", "J000001", (), IN_VACUUM)
    with tifffile.TiffFile(saved.path) as file:
        xml = file.pages.first.description
    assert 'PhysicalSizeX="0.0165"' in xml
    assert 'ExposureTime="0.00006"' in xml
    assert 'WorkingDistance="5800.0"' in xml
    (frame,) = read_frames(saved.path)
    assert frame.pixel_size_m == pytest.approx((16.5e-9, 16.5e-9), rel=1e-12)
