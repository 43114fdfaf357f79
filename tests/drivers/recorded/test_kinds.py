"""Pages and pixels of every kind: read where that is safe, refused with the remedy elsewhere."""

import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from drivers.errors import FrameError
from drivers.recorded.tiff import read_frames
from tests.drivers.recorded.writers import PIXELS, write_ome

GREY = (np.arange(40 * 30) % 251).astype(np.uint8).reshape(30, 40)
RAMP = np.tile(np.arange(256, dtype=np.uint16) * 257, (3, 1))


def write(path: Path, pixels: NDArray[Any], **options: Any) -> Path:
    tifffile.imwrite(path, pixels, metadata=None, **options)
    return path


# Reduced copies


@pytest.mark.parametrize("as_pages", [True, False])
def test_levels_of_a_pyramid_are_no_sections(tmp_path: Path, as_pages: bool) -> None:
    path = tmp_path / "pyramid.tif"
    with tifffile.TiffWriter(path) as file:
        options: dict[str, Any] = {"photometric": "minisblack", "metadata": None}
        file.write(PIXELS, subifds=0 if as_pages else 2, **options)
        file.write(PIXELS[::2, ::2], subfiletype=1, **options)
        file.write(PIXELS[::4, ::4], subfiletype=1, **options)
    (frame,) = read_frames(path, 178)
    np.testing.assert_array_equal(frame.pixels, PIXELS)


def test_a_colour_thumbnail_does_not_refuse_the_file(tmp_path: Path) -> None:
    """As Odemis writes it before the images, whose metadata count it as a page."""
    path = tmp_path / "a.ome.tif"
    image = (
        '<Image ID="Image:{n}"><Pixels ID="P:{n}" DimensionOrder="XYCZT" Type="uint16" SizeX="40" SizeY="30"'
        ' SizeZ="1" SizeC="1" SizeT="1" PhysicalSizeX="{um}" PhysicalSizeY="{um}">'
        '<TiffData IFD="{ifd}" PlaneCount="1"/></Pixels></Image>'
    )
    images = "".join(image.format(n=n, um=um, ifd=n + 1) for n, um in enumerate((0.178, 0.2)))
    xml = f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">{images}</OME>'
    with tifffile.TiffWriter(path) as file:
        thumbnail = np.dstack([GREY[::2, ::2]] * 2 + [GREY[1::2, ::2]])
        file.write(thumbnail, photometric="rgb", subfiletype=1, metadata=None, description=xml)
        for n in range(2):
            file.write(PIXELS + n, photometric="minisblack", metadata=None)
    frames = read_frames(path)
    assert [frame.page for frame in frames] == [0, 1]
    assert [frame.pixels[0, 0] for frame in frames] == [0, 1]
    assert [round(frame.pixel_size_m[0] * 1e9) for frame in frames] == [178, 200]


def test_a_reduced_copy_that_is_not_marked_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        for pixels in (PIXELS, PIXELS[::2, ::2]):
            file.write(pixels, photometric="minisblack", metadata=None)
    with pytest.raises(FrameError, match=r"page 1 \(20 x 15 pixels\) looks like a reduced copy"):
        read_frames(path, 178)


def test_a_full_page_marked_as_reduced_is_not_lost_silently(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(PIXELS, photometric="minisblack", metadata=None)
        file.write(PIXELS, photometric="minisblack", metadata=None, subfiletype=1)
    with pytest.raises(FrameError, match="page 1 is marked as a reduced copy but is as large"):
        read_frames(path, 178)
    only = write(tmp_path / "b.tif", PIXELS, photometric="minisblack", subfiletype=1)
    with pytest.raises(FrameError, match="only reduced copies"):
        read_frames(only, 178)


# Colours


@pytest.mark.parametrize("colours", [(1, 1, 1), (0, 1, 0), (1, 0, 0), (0, 0.5, 1)])
def test_a_palette_that_is_a_plain_ramp_is_read_as_grey(tmp_path: Path, colours: tuple[float, ...]) -> None:
    table = (RAMP * np.array(colours)[:, None]).astype(np.uint16)
    path = write(tmp_path / "a.tif", GREY, photometric="palette", colormap=table)
    np.testing.assert_array_equal(read_frames(path, 178)[0].pixels, GREY)


@pytest.mark.parametrize("table", [RAMP[:, ::-1], np.roll(RAMP, 40, axis=1), RAMP // 4, np.sqrt(RAMP) * 256])
def test_other_palettes_are_refused_with_the_remedy(tmp_path: Path, table: NDArray[Any]) -> None:
    path = write(tmp_path / "a.tif", GREY, photometric="palette", colormap=table.astype(np.uint16))
    with pytest.raises(FrameError, match=r"PALETTE.*save it as grey levels \(in Fiji: Image > Lookup"):
        read_frames(path, 178)


def test_grey_saved_as_colour_is_read_and_colour_is_not(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.dstack([GREY] * 3), photometric="rgb")
    np.testing.assert_array_equal(read_frames(path, 178)[0].pixels, GREY)
    colour = write(tmp_path / "b.tif", np.dstack([GREY, GREY, GREY // 2]), photometric="rgb")
    with pytest.raises(FrameError, match=r"3 samples per pixel \(colour\).*Split Channels"):
        read_frames(colour, 178)


def test_channels_in_one_page_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.stack([GREY] * 3), photometric="minisblack", planarconfig="separate")
    with pytest.raises(FrameError, match="3 samples per pixel"):
        read_frames(path, 178)


# Numbers


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i2", "i4", "u4", ">f4", ">i2"])
def test_whole_numbers_of_another_type_keep_their_values(tmp_path: Path, dtype: str) -> None:
    path = write(tmp_path / "a.tif", PIXELS.astype(dtype), photometric="minisblack")
    (frame,) = read_frames(path, 178)
    assert frame.pixels.dtype == np.uint16
    np.testing.assert_array_equal(frame.pixels, PIXELS)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (PIXELS.astype("f4") + 0.25, "float32 values that are not whole numbers"),
        (PIXELS.astype("f2") / 2048, "float16 values that are not whole numbers"),
        (PIXELS.astype("f4") / PIXELS.max(), "float32 values that are not whole numbers"),
        (PIXELS.astype("f4") - 1, "float32 values from -1 to 1198"),
        (PIXELS.astype("i2") - 1, "int16 values from -1 to 1198"),
        (PIXELS.astype("u4") * 100, "uint32 values from 0 to 119900"),
        (np.where(GREY == 7, np.inf, 1).astype("f4"), "float32 values that are not all numbers"),
    ],
)
def test_numbers_that_would_change_are_refused_with_the_remedy(
    tmp_path: Path, pixels: NDArray[Any], words: str
) -> None:
    path = write(tmp_path / "a.tif", pixels, photometric="minisblack")
    with pytest.raises(FrameError, match=words + ".*save it as 16 bit without scaling"):
        read_frames(path, 178)


# PNG


def test_a_png_is_read_in_8_and_16_bit(tmp_path: Path) -> None:
    pictures: tuple[NDArray[Any], ...] = (GREY, PIXELS, np.dstack([GREY] * 3))
    for number, pixels in enumerate(pictures):
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), pixels)
        (frame,) = read_frames(path, 178)
        np.testing.assert_array_equal(frame.pixels, pixels if pixels.ndim == 2 else GREY)
        with pytest.raises(FrameError, match="states no pixel size"):
            read_frames(path)


def test_a_png_in_colour_damaged_or_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.dstack([GREY, GREY // 2, GREY]))
    whole = path.read_bytes()
    with pytest.raises(FrameError, match="Split Channels"):
        read_frames(path, 178)
    path.write_bytes(whole[:60])
    with pytest.raises(FrameError, match="damaged PNG"):
        read_frames(path, 178)
    header = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 16, 0, 0, 0, 0)
    path.write_bytes(whole[:12] + header + struct.pack(">I", zlib.crc32(header)) + whole[33:])
    with pytest.raises(FrameError, match="claims 30000 x 30000 pixels"):
        read_frames(path, 178)


def test_ome_metadata_in_a_file_beside_it_are_found(tmp_path: Path) -> None:
    whole = write_ome(tmp_path / "whole.ome.tif", PIXELS, PhysicalSizeX=0.178, PhysicalSizeY=0.178)
    with tifffile.TiffFile(whole) as file:
        xml = (file.ome_metadata or "").replace(whole.name, "a.tif")
    only = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1">'
        '<BinaryOnly MetadataFile="a.companion.ome" UUID="urn:uuid:2"/></OME>'
    )
    path = write(tmp_path / "a.tif", PIXELS, description=only, photometric="minisblack")
    with pytest.raises(FrameError, match=r"its OME metadata is in a\.companion\.ome, which is not beside it"):
        read_frames(path, 178)
    (tmp_path / "a.companion.ome").write_text(xml, encoding="utf-8")
    assert read_frames(path)[0].pixel_size_m == pytest.approx((178e-9, 178e-9))
