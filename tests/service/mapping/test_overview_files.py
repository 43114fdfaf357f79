"""Overviews read from files."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from service.errors import InputError
from service.mapping.overview.joining import read_overview
from service.mapping.overview.reading import read_picture

GREY = np.random.default_rng(1).integers(0, 255, (40, 60), dtype=np.uint8)
COLOUR = np.stack([GREY, GREY // 2, GREY // 3], axis=2)


def saved(path: Path, pixels: np.ndarray) -> Path:
    if path.suffix == ".tif":
        tifffile.imwrite(path, pixels, photometric="rgb" if pixels.ndim == 3 else "minisblack")
    else:
        cv2.imwrite(str(path), pixels[..., ::-1] if pixels.ndim == 3 else pixels)
    return path


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
@pytest.mark.parametrize(
    "pixels", [GREY, COLOUR, GREY.astype(np.uint16) * 200], ids=["grey", "colour", "16 bit"]
)
def test_pixels_are_read_as_they_are(tmp_path: Path, name: str, pixels: np.ndarray) -> None:
    read = read_picture(saved(tmp_path / name, pixels))
    assert read.dtype == pixels.dtype
    assert np.array_equal(read, pixels)


def test_a_jpeg_is_read_in_its_colours(tmp_path: Path) -> None:
    flat = np.full((40, 60, 3), (200, 100, 50), np.uint8)
    read = read_picture(saved(tmp_path / "a.jpg", flat)).astype(int)
    assert np.abs(read - flat).max() <= 3


def test_transparency_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.dstack([COLOUR[..., ::-1], GREY]))
    assert np.array_equal(read_picture(path), COLOUR)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.tif", b"", "is no TIFF, PNG or JPEG file"),
        ("a.txt", b"no picture at all", "is no TIFF, PNG or JPEG file"),
        ("a.tif", b"II*\0\x08\0\0\0" + bytes(20), "is a damaged TIFF file"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(40), "is a damaged PNG file"),
        ("a.jpg", b"\xff\xd8\xff\xe0" + bytes(40), "is a damaged JPEG file"),
        ("a.jpg", b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff" + bytes(40), "at most 32768 a side"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        read_picture(path)


def test_a_missing_file_a_folder_and_odd_pixels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_picture(tmp_path / "a.tif")
    with pytest.raises(InputError, match="cannot be read"):
        read_picture(tmp_path)
    odd = tmp_path / "odd.tif"
    tifffile.imwrite(odd, np.full((40, 40), np.nan, np.float32))
    with pytest.raises(InputError, match="not all numbers"):
        read_picture(odd)
    with pytest.raises(InputError, match="too few"):
        read_picture(saved(tmp_path / "small.png", GREY[:8, :8]))


def test_tiles_are_joined_as_a_grid_or_at_their_positions(tmp_path: Path) -> None:
    tiles = [saved(tmp_path / f"{number}.png", np.full((40, 60), number, np.uint8)) for number in (1, 2)]
    assert read_overview(tiles, "2x1").shape == (40, 120)
    assert read_overview(tiles, "1x2")[40:].min() == 2
    table = tmp_path / "tiles.csv"
    table.write_text("name,x_px,y_px\n1.png,-10,0\n2.png,40.2,5\n")
    joined = read_overview(tiles, str(table))
    assert joined.shape == (45, 110)
    assert (joined[5:, 50:] == 2).all()
    assert joined[44, 0] == 0


def test_channels_are_stacked(tmp_path: Path) -> None:
    files = [saved(tmp_path / f"{number}.png", GREY) for number in range(2)]
    assert read_overview(files, "channels").shape == (40, 60, 2)


@pytest.mark.parametrize(
    ("layout", "says"),
    [
        (None, "say what they are"),
        ("3x1", "has 3 tiles, but there are 2 files"),
        ("channels", "another size or type"),
        ("missing.csv", "no such file"),
    ],
)
def test_a_layout_that_does_not_fit_is_refused(tmp_path: Path, layout: str | None, says: str) -> None:
    files = [saved(tmp_path / "a.png", GREY), saved(tmp_path / "b.png", GREY[:36])]
    with pytest.raises(InputError, match=says):
        read_overview(files, layout)


@pytest.mark.parametrize(
    ("line", "says"), [("a.png,left,0", "line 1 is no"), ("b.png,0,0", "has no line for a.png")]
)
def test_a_table_of_tiles_names_its_mistake(tmp_path: Path, line: str, says: str) -> None:
    table = tmp_path / "tiles.csv"
    table.write_text(line + "\n")
    with pytest.raises(InputError, match=says):
        read_overview([saved(tmp_path / "a.png", GREY)], str(table))
