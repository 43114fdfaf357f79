import struct
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from drivers.errors import FrameError
from drivers.recorded.frame import RecordedFrame
from drivers.recorded.tiff import read_frames
from tests.examples import examples
from tests.places import REAL_FRAMES

PIXELS = np.arange(40 * 30, dtype=np.uint16).reshape(30, 40)


def write_ome(path: Path, pixels: np.ndarray[Any, Any], **metadata: Any) -> Path:
    tifffile.imwrite(path, pixels, ome=True, photometric="minisblack", metadata=metadata)
    return path


def one_sentence(error: pytest.ExceptionInfo[FrameError], path: Path) -> str:
    text = str(error.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    return text.removeprefix(str(path))


# What can be read


@pytest.mark.parametrize("name", ["fl01", "fl02", "fl03"])
def test_real_frames(name: str) -> None:
    path = REAL_FRAMES / f"{name}_rollball_clahe.ome.tiff"
    if not path.exists():
        pytest.skip("the real frames are not here")
    (frame,) = read_frames(path)
    assert frame.pixels.shape == (512, 512)
    assert frame.pixels.dtype == np.uint16
    assert frame.pixel_size_m == pytest.approx((177.78e-9, 177.78e-9), rel=1e-4)
    assert frame.center_m is None
    assert frame.section is None
    assert frame.page == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_plain_pages(
    tmp_path: Path, dtype: type, byteorder: Literal["<", ">"], compression: str | None
) -> None:
    path = tmp_path / "pages.tiff"
    pages: np.ndarray[Any, Any] = np.stack([PIXELS, PIXELS[::-1], PIXELS // 2]).astype(dtype)
    tifffile.imwrite(
        path, pages, photometric="minisblack", byteorder=byteorder, compression=compression, metadata=None
    )
    frames = read_frames(path, 178)
    assert [frame.page for frame in frames] == [0, 1, 2]
    for frame, page in zip(frames, pages, strict=True):
        np.testing.assert_array_equal(frame.pixels, page)
        assert frame.pixels.dtype == dtype
        assert frame.pixels.dtype.isnative
        assert frame.pixel_size_m == pytest.approx((178e-9, 178e-9))


def test_big_tiff(tmp_path: Path) -> None:
    path = tmp_path / "big.tiff"
    tifffile.imwrite(
        path, np.stack([PIXELS, PIXELS + 1]), photometric="minisblack", bigtiff=True, metadata=None
    )
    np.testing.assert_array_equal(read_frames(path, 178)[1].pixels, PIXELS + 1)


@pytest.mark.parametrize("stated_um", [0.2, 1.0, 6.0, -1.0])
def test_a_pixel_size_given_by_a_person_wins_over_the_file_and_both_are_told(
    tmp_path: Path, stated_um: float
) -> None:
    path = write_ome(tmp_path / "a.ome.tiff", PIXELS, PhysicalSizeX=stated_um, PhysicalSizeY=stated_um)
    (frame,) = read_frames(path, 178)
    assert frame.pixel_size_m == pytest.approx((178e-9, 178e-9))
    (notice,) = frame.notices
    assert "178 nm as given" in notice
    assert f"not {stated_um * 1000:g} nm as in its OME metadata" in notice


def test_a_pixel_size_that_agrees_with_the_file_needs_no_notice(tmp_path: Path) -> None:
    path = write_ome(tmp_path / "a.ome.tiff", PIXELS, PhysicalSizeX=0.178, PhysicalSizeY=0.178)
    assert read_frames(path, 178)[0].notices == ()


def test_ome_pixel_size_in_other_units(tmp_path: Path) -> None:
    path = write_ome(
        tmp_path / "a.ome.tiff",
        PIXELS,
        PhysicalSizeX=180,
        PhysicalSizeXUnit="nm",
        PhysicalSizeY=0.00018,
        PhysicalSizeYUnit="mm",
    )
    assert read_frames(path)[0].pixel_size_m == pytest.approx((180e-9, 180e-9))


def test_the_argument_serves_where_ome_has_no_pixel_size(tmp_path: Path) -> None:
    path = write_ome(tmp_path / "a.ome.tiff", PIXELS)
    assert read_frames(path, 150)[0].pixel_size_m == pytest.approx((150e-9, 150e-9))


def test_ome_stack_with_positions(tmp_path: Path) -> None:
    path = write_ome(
        tmp_path / "a.ome.tiff",
        np.stack([PIXELS, PIXELS + 1]),
        axes="ZYX",
        PhysicalSizeX=0.178,
        PhysicalSizeY=0.178,
        Plane={
            "PositionX": [1.5, -0.25],
            "PositionXUnit": ["mm", "mm"],
            "PositionY": [2000.0, 10.0],
            "PositionYUnit": ["µm", "µm"],
            "ExposureTime": [2000.0, 500.0],
            "ExposureTimeUnit": ["ms", "ms"],
        },
    )
    first, second = read_frames(path)
    assert first.center_m == pytest.approx((1.5e-3, 2e-3))
    assert second.center_m == pytest.approx((-0.25e-3, 10e-6))
    assert (first.exposure_s, second.exposure_s) == (2.0, 0.5)
    np.testing.assert_array_equal(second.pixels, PIXELS + 1)


def test_positions_on_an_unknown_stage_scale_are_no_positions(tmp_path: Path) -> None:
    path = write_ome(
        tmp_path / "a.ome.tiff",
        PIXELS,
        PhysicalSizeX=0.178,
        PhysicalSizeY=0.178,
        Plane={"PositionX": 3.0, "PositionXUnit": "reference frame", "PositionY": 3.0},
    )
    assert read_frames(path)[0].center_m is None


def test_section_field_and_offset_of_our_own_files(tmp_path: Path) -> None:
    path = write_ome(
        tmp_path / "a.ome.tiff",
        PIXELS,
        PhysicalSizeX=0.178,
        PhysicalSizeY=0.178,
        MapAnnotation={
            "ilemtrack.section": "S0003",
            "ilemtrack.field": "S0003/F001",
            "ilemtrack.offset_adu": "200",
        },
    )
    (frame,) = read_frames(path)
    assert (frame.section, frame.field, frame.offset_adu) == ("S0003", "S0003/F001", 200.0)


def test_one_file_of_a_set_has_its_own_planes(tmp_path: Path) -> None:
    def block(z: int, name: str) -> str:
        return (
            f'<TiffData IFD="0" FirstZ="{z}" PlaneCount="1">'
            f'<UUID FileName="{name}.ome.tiff">urn:uuid:{z}</UUID></TiffData>'
        )

    def plane(z: int, mm: int) -> str:
        units = 'PositionXUnit="mm" PositionYUnit="mm"'
        return f'<Plane TheZ="{z}" TheC="0" TheT="0" PositionX="{mm}" PositionY="{mm}" {units}/>'

    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="40" SizeY="30" SizeZ="2" '
        'SizeC="1" SizeT="1" PhysicalSizeX="0.178" PhysicalSizeY="0.178">'
        f"{block(0, 'first')}{block(1, 'second')}{plane(0, 1)}{plane(1, 2)}</Pixels></Image></OME>"
    )
    for name, x_m in (("first.ome.tiff", 1e-3), ("second.ome.tiff", 2e-3)):
        path = tmp_path / name
        tifffile.imwrite(path, PIXELS, photometric="minisblack", metadata=None, description=xml)
        (frame,) = read_frames(path)
        assert frame.center_m == pytest.approx((x_m, x_m))


# What cannot


def test_missing_folder_and_text(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "no.tiff", "no such file"), (tmp_path, "folder")):
        with pytest.raises(FrameError) as error:
            read_frames(path)
        assert words in one_sentence(error, path)
    text = tmp_path / "text.tiff"
    for content in (b"", b"II", b"hello, world" * 100, b"\xff\xd8\xff\xe0" + bytes(100)):
        text.write_bytes(content)
        with pytest.raises(FrameError) as error:
            read_frames(text, 178)
        assert "not a TIFF file" in one_sentence(error, text)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.tiff", tmp_path / "cut.tiff"
    tifffile.imwrite(whole, PIXELS, photometric="minisblack", metadata=None)
    data = whole.read_bytes()
    for length in range(0, len(data), 97):
        path.write_bytes(data[:length])
        with pytest.raises(FrameError) as error:
            read_frames(path, 178)
        one_sentence(error, path)
    path.write_bytes(data[:-10])
    with pytest.raises(FrameError, match="truncated"):
        read_frames(path, 178)


@pytest.mark.parametrize(
    ("pixels", "photometric", "words"),
    [
        (np.arange(192, dtype=np.uint8).reshape(8, 8, 3), "rgb", "3 samples per pixel"),
        (np.full((8, 8), 0.5, np.float32), "minisblack", "float32 values that are not whole"),
        (np.full((8, 8), np.nan, np.float32), "minisblack", "float32 values that are not all numbers"),
        (np.full((8, 8), -1, np.int16), "minisblack", "int16 values from -1 to -1"),
        (np.full((8, 8), 65536, np.uint32), "minisblack", "uint32 values from 65536 to 65536"),
        (np.zeros((8, 8), np.bool_), "minisblack", "bool"),
        (np.zeros((8, 8), np.uint8), "miniswhite", "inverted"),
    ],
)
def test_other_kinds_of_pixels(
    tmp_path: Path, pixels: np.ndarray[Any, Any], photometric: str, words: str
) -> None:
    path = tmp_path / "a.tiff"
    tifffile.imwrite(path, pixels, photometric=photometric, metadata=None)
    with pytest.raises(FrameError) as error:
        read_frames(path, 178)
    assert words in one_sentence(error, path)
    assert "page 0" in str(error.value)


def test_palette(tmp_path: Path) -> None:
    path = tmp_path / "a.tiff"
    colours = np.zeros((3, 256), np.uint16)
    tifffile.imwrite(path, np.zeros((8, 8), np.uint8), photometric="palette", colormap=colours, metadata=None)
    with pytest.raises(FrameError, match=r"PALETTE.*Lookup Tables > Grays"):
        read_frames(path, 178)


def test_several_channels_are_named(tmp_path: Path) -> None:
    path = write_ome(
        tmp_path / "a.ome.tiff", np.stack([PIXELS, PIXELS]), axes="CYX", Channel={"Name": ["GFP", "DAPI"]}
    )
    with pytest.raises(FrameError, match=r"2 channels.*GFP, DAPI"):
        read_frames(path, 178)


def test_no_pixel_size(tmp_path: Path) -> None:
    path = tmp_path / "a.tiff"
    tifffile.imwrite(path, PIXELS, photometric="minisblack", metadata=None)
    with pytest.raises(FrameError) as error:
        read_frames(path)
    assert "no pixel size" in one_sentence(error, path)


@pytest.mark.parametrize("size_um", [0.0, -0.178, 178.0, 0.000178, 1e300])
def test_absurd_pixel_size_in_the_file(tmp_path: Path, size_um: float) -> None:
    path = write_ome(tmp_path / "a.ome.tiff", PIXELS, PhysicalSizeX=size_um, PhysicalSizeY=size_um)
    with pytest.raises(FrameError, match=r"pixel size in its OME metadata.*10 to 5000 nm"):
        read_frames(path)


@pytest.mark.parametrize("size_nm", [0.0, -178.0, 1e6, float("nan"), float("inf")])
def test_absurd_pixel_size_given(tmp_path: Path, size_nm: float) -> None:
    path = tmp_path / "a.tiff"
    tifffile.imwrite(path, PIXELS, photometric="minisblack", metadata=None)
    with pytest.raises(FrameError, match="pixel size given"):
        read_frames(path, size_nm)


def test_the_limits_themselves_are_allowed(tmp_path: Path) -> None:
    path = tmp_path / "a.tiff"
    tifffile.imwrite(path, PIXELS, photometric="minisblack", metadata=None)
    for size_nm in (10.0, 5000.0):
        assert read_frames(path, size_nm)[0].pixel_size_m[0] == pytest.approx(size_nm * 1e-9)


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    path = write_ome(tmp_path / "a.ome.tiff", PIXELS, PhysicalSizeX=0.178, PhysicalSizeY=0.2)
    with pytest.raises(FrameError, match="178 nm wide and 200 nm high"):
        read_frames(path)


def test_a_header_that_claims_too_much(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tiff"
    for side in (20_000, 100_000):
        path.write_bytes(_header(side, side, compression=1) + bytes(40_000))
        with pytest.raises(FrameError) as error:
            read_frames(path, 178)
        assert f"claims {side} x {side} pixels" in one_sentence(error, path)
        path.write_bytes(_header(side, side, compression=8) + bytes(40_000))
        with pytest.raises(FrameError, match="claims"):
            read_frames(path, 178)


def test_pages_that_go_round_in_a_circle_end(tmp_path: Path) -> None:
    path = tmp_path / "circle.tiff"
    header = bytearray(_header(100, 100, compression=1) + bytes(40_000))
    entries = struct.unpack_from("<H", header, 8)[0]
    struct.pack_into("<I", header, 10 + 12 * entries, 8)
    path.write_bytes(header)
    with pytest.raises(FrameError, match="page 1 leads back"):
        read_frames(path, 178)


@pytest.mark.parametrize(
    "xml", ["<OME", "<OME xmlns='http://www.openmicroscopy.org/Schemas/OME/2016-06'><Ima"]
)
def test_broken_xml(tmp_path: Path, xml: str) -> None:
    path = tmp_path / "a.ome.tiff"
    tifffile.imwrite(path, PIXELS, photometric="minisblack", metadata=None, description=xml + "</OME>")
    with pytest.raises(FrameError) as error:
        read_frames(path)
    one_sentence(error, path)


@examples(150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 400), value=st.binary(min_size=1, max_size=6))
def test_damaged_bytes_never_crash(tmp_path: Path, at: int, value: bytes) -> None:
    whole, path = tmp_path / "whole.ome.tiff", tmp_path / "damaged.ome.tiff"
    if not whole.exists():
        write_ome(whole, PIXELS, PhysicalSizeX=0.178, PhysicalSizeY=0.178)
    data = bytearray(whole.read_bytes())
    data[at : at + len(value)] = value
    path.write_bytes(data)
    frames: tuple[RecordedFrame, ...] = ()
    message = str(path)
    try:
        frames = read_frames(path, 178)
    except FrameError as error:
        message = str(error)
    assert message.startswith(str(path))
    assert all(frame.pixels.ndim == 2 for frame in frames)


def _header(width: int, height: int, compression: int) -> bytes:
    """A little-endian TIFF with one page of 16-bit pixels in one strip of 40 000 bytes."""
    entries = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 16),
        (259, 3, 1, compression),
        (262, 3, 1, 1),
        (273, 4, 1, 8 + 2 + 12 * 9 + 4),
        (277, 3, 1, 1),
        (278, 4, 1, height),
        (279, 4, 1, 40_000),
    ]
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + body + struct.pack("<I", 0)


def test_channels_of_an_imagej_stack_are_no_sections(tmp_path: Path) -> None:
    path = tmp_path / "two_channels.tif"
    tifffile.imwrite(path, np.zeros((2, 64, 64), np.uint16), imagej=True, metadata={"axes": "CYX"})
    with pytest.raises(FrameError, match="2 channels"):
        read_frames(path, 178)


@pytest.mark.parametrize("compression", ["lzw", "deflate", "packbits", "zstd"])
def test_compressed_files_are_read(tmp_path: Path, compression: str) -> None:
    pixels = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    path = tmp_path / "small.tif"
    tifffile.imwrite(path, pixels, compression=compression)
    (frame,) = read_frames(path, 178)
    np.testing.assert_array_equal(frame.pixels, pixels)
