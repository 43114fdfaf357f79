"""Files made to fill the memory, or to keep a program waiting."""

import os
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from drivers.errors import FrameError
from drivers.recorded.tiff import read_frames


def pages_on_one_strip(count: int, side: int) -> bytes:
    """Return a TIFF of many pages that share one deflated strip."""
    strip = zlib.compress(bytes(side * side * 2), 9)
    begin = 8 + len(strip) + len(strip) % 2
    size = 2 + 12 * 9 + 4
    data = bytearray(struct.pack("<2sHI", b"II", 42, begin) + strip)
    data += bytes(begin - len(data))
    for number in range(count):
        entries = [
            (256, 4, 1, side),
            (257, 4, 1, side),
            (258, 3, 1, 16),
            (259, 3, 1, 8),
            (262, 3, 1, 1),
            (273, 4, 1, 8),
            (277, 3, 1, 1),
            (278, 4, 1, side),
            (279, 4, 1, len(strip)),
        ]
        data += struct.pack("<H", 9) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
        data += struct.pack("<I", begin + (number + 1) * size if number + 1 < count else 0)
    return bytes(data)


def test_pages_that_share_a_strip_do_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tif"
    path.write_bytes(pages_on_one_strip(400, 3072))
    tracemalloc.start()
    with pytest.raises(FrameError, match=r"claims 7\.5 GB of pixels in 400 pages but holds 0\.1 MB"):
        read_frames(path, 178)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6


def test_an_even_stack_that_compresses_well_is_read(tmp_path: Path) -> None:
    path = tmp_path / "even.tif"
    tifffile.imwrite(path, np.zeros((20, 512, 512), np.uint16), compression="deflate", metadata=None)
    assert len(read_frames(path, 178)) == 20


def test_a_small_page_of_a_large_tile_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "tile.tif"
    tifffile.imwrite(
        path,
        np.zeros((64, 64), np.uint16),
        tile=(64, 64),
        compression="deflate",
        metadata=None,
        photometric=1,
    )
    with tifffile.TiffFile(path, mode="r+") as file:
        for name in ("TileWidth", "TileLength"):
            file.pages.first.tags[name].overwrite(65520)
    with pytest.raises(FrameError, match="claims 64 x 64 pixels but holds"):
        read_frames(path, 178)


@pytest.mark.parametrize("compression", ["jpeg", "jpeg2000", "webp"])
def test_image_formats_inside_a_tiff_are_bounded_or_refused(tmp_path: Path, compression: str) -> None:
    path, pixels = tmp_path / "a.tif", (np.arange(64 * 64) % 250).astype(np.uint8).reshape(64, 64)
    options: dict[str, Any] = {"compression": compression, "metadata": None, "photometric": "minisblack"}
    if compression == "webp":
        tifffile.imwrite(path, np.dstack([pixels] * 3), compression="webp", metadata=None, photometric="rgb")
        with pytest.raises(FrameError, match="is compressed as WEBP, which is not read; save it without"):
            read_frames(path, 178)
        return
    tifffile.imwrite(path, pixels, **options)
    assert read_frames(path, 178)[0].pixels.shape == (64, 64)
    for name in ("ImageWidth", "ImageLength"):
        with tifffile.TiffFile(path, mode="r+") as file:
            file.pages.first.tags[name].overwrite(16)
    with pytest.raises(FrameError, match="holds an image larger than it claims"):
        read_frames(path, 178)


def test_entities_in_the_metadata_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    xml = '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><OME xmlns="x">&b;</OME>'
    tifffile.imwrite(path, np.zeros((8, 8), np.uint8), metadata=None, description=xml, photometric=1)
    with tifffile.TiffFile(path) as file:
        assert file.ome_metadata
    with pytest.raises(FrameError, match="defines entities"):
        read_frames(path, 178)


def test_a_pipe_or_a_device_is_no_image(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tif")
    for path in (tmp_path / "pipe.tif", Path("/dev/zero")):
        with pytest.raises(FrameError, match="is a pipe or a device, not a file"):
            read_frames(path, 178)
