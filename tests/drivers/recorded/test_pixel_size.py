"""The pixel size that a file states, in the units of its writer."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from drivers.errors import FrameError
from drivers.recorded.tiff import read_frames
from tests.drivers.recorded.writers import PIXELS, write_fiji, write_ndtiff, write_ome


@pytest.mark.parametrize(
    ("unit", "size"),
    [
        ("um", 0.178),
        ("micron", 0.178),
        ("\\u00B5m", 0.178),
        ("nm", 178.0),
        ("mm", 178e-6),
        ("inch", 178e-9 / 0.0254),
        ("in", 178e-9 / 0.0254),
        ("A", 1780.0),
        ("\\u00C5", 1780.0),
        ("thou", 178e-9 / 25.4e-6),
        ("cm", 178e-7),
    ],
)
def test_the_calibration_of_fiji_is_read_in_its_unit(tmp_path: Path, unit: str, size: float) -> None:
    path = write_fiji(tmp_path / "a.tif", PIXELS, (size, size), unit=unit)
    assert read_frames(path)[0].pixel_size_m == pytest.approx((178e-9, 178e-9), rel=1e-4)


def test_an_uncalibrated_file_of_fiji_needs_a_pixel_size(tmp_path: Path) -> None:
    for name, unit in (("a", ""), ("b", "pixel")):
        path = write_fiji(tmp_path / f"{name}.tif", PIXELS, unit=unit)
        with pytest.raises(FrameError, match="states no pixel size; give it with --pixel-size-nm"):
            read_frames(path)
        assert read_frames(path, 178)[0].notices == ()


def test_a_unit_that_is_no_length_is_named(tmp_path: Path) -> None:
    fiji = write_fiji(tmp_path / "a.tif", PIXELS, unit="furlong")
    ome = write_ome(
        tmp_path / "a.ome.tif",
        PIXELS,
        PhysicalSizeX=1,
        PhysicalSizeXUnit="reference frame",
        PhysicalSizeY=1,
        PhysicalSizeYUnit="reference frame",
    )
    for path, words in ((fiji, "in 'furlong'"), (ome, "in 'reference frame'")):
        with pytest.raises(FrameError, match=words + r".*--pixel-size-nm"):
            read_frames(path)
        assert words in read_frames(path, 178)[0].notices[0]


@pytest.mark.parametrize(
    ("unit", "size"), [("in", 178e-9 / 0.0254), ("mm", 178e-6), ("Å", 1780.0), ("thou", 178e-9 / 25.4e-6)]
)
def test_ome_sizes_in_unusual_units_are_read(tmp_path: Path, unit: str, size: float) -> None:
    sizes = {"PhysicalSizeX": size, "PhysicalSizeY": size}
    path = write_ome(tmp_path / "a.ome.tif", PIXELS, **sizes, PhysicalSizeXUnit=unit, PhysicalSizeYUnit=unit)
    assert read_frames(path)[0].pixel_size_m == pytest.approx((178e-9, 178e-9), rel=1e-6)


def test_a_size_in_one_direction_only_is_named_and_not_guessed(tmp_path: Path) -> None:
    ome = write_ome(tmp_path / "a.ome.tif", PIXELS, PhysicalSizeX=0.178)
    fiji = write_fiji(tmp_path / "a.tif", PIXELS, unit="um")
    with tifffile.TiffFile(fiji, mode="r+") as file:
        file.pages.first.tags["YResolution"].overwrite((0, 1))
    for path, words in ((ome, "PhysicalSizeX=178 nm and nothing"), (fiji, "nothing of the direction y")):
        with pytest.raises(FrameError, match=words):
            read_frames(path)
        assert read_frames(path, 178)[0].pixel_size_m == pytest.approx((178e-9, 178e-9))


def test_micro_manager_states_it_for_each_plane(tmp_path: Path) -> None:
    path = write_ndtiff(tmp_path, [({"z": 0}, PIXELS)])
    assert read_frames(path)[0].pixel_size_m == pytest.approx((178e-9, 178e-9))
    uncalibrated = write_ndtiff(tmp_path / "b", [({"z": 0}, PIXELS)], um=0)
    with pytest.raises(FrameError, match="states no pixel size"):
        read_frames(uncalibrated)


@pytest.mark.parametrize("value", ["six", "nan", "1e999"])
def test_a_size_that_is_no_number_is_refused_and_can_be_given(tmp_path: Path, value: Any) -> None:
    path = write_ome(tmp_path / "a.ome.tif", PIXELS, PhysicalSizeX=0.5, PhysicalSizeY=0.5)
    with tifffile.TiffFile(path) as file:
        xml = (file.ome_metadata or "").replace('PhysicalSizeX="0.5"', f'PhysicalSizeX="{value}"')
    tifffile.imwrite(path, PIXELS, metadata=None, description=xml, photometric="minisblack")
    with pytest.raises(FrameError, match="OME metadata"):
        read_frames(path)
    np.testing.assert_array_equal(read_frames(path, 178)[0].pixels, PIXELS)
