"""Files as the real writers make them."""

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

PIXELS: NDArray[np.uint16] = np.arange(40 * 30, dtype=np.uint16).reshape(30, 40)


def write_fiji(
    path: Path, pixels: NDArray[Any], um: Sequence[float] = (0.178, 0.178), **metadata: Any
) -> Path:
    """As Fiji's File > Save As > Tiff; without a unit it is uncalibrated."""
    resolution = tuple(1 / size for size in um)
    tifffile.imwrite(path, pixels, imagej=True, resolution=resolution, metadata=metadata)  # type: ignore[arg-type]
    return path


def write_ome(path: Path, pixels: NDArray[Any], **metadata: Any) -> Path:
    """As Bio-Formats does."""
    tifffile.imwrite(path, pixels, ome=True, photometric="minisblack", metadata=metadata)
    return path


def write_ndtiff(
    folder: Path, planes: Sequence[tuple[Mapping[str, Any], NDArray[np.uint16]]], um: float = 0.178
) -> Path:
    """As Micro-Manager does: NDTiff 3, with the axes of each plane in the index beside the file.

    After https://github.com/micro-manager/NDTiffStorage, and a file that its `ndstorage` 0.1.18 has written.
    """
    folder.mkdir(exist_ok=True)
    path, about = folder / "NDTiffStack.tif", json.dumps({"PixelSizeUm": um}).encode()
    summary = json.dumps({"Prefix": "a"}).encode()
    data = bytearray(struct.pack("<2sHI", b"II", 42, 28 + len(summary)))
    data += struct.pack("<IIIII", 483729, 3, 3, 2355492, len(summary)) + summary
    index = bytearray()
    for number, (axes, pixels) in enumerate(planes):
        rows, columns = pixels.shape
        pixels_at = len(data) + 2 + 12 * 10 + 4
        about_at = pixels_at + pixels.nbytes
        end = about_at + len(about) + (pixels.nbytes + len(about)) % 2
        entries = [
            (256, 4, 1, columns),
            (257, 4, 1, rows),
            (258, 3, 1, 16),
            (259, 3, 1, 1),
            (262, 3, 1, 1),
            (273, 4, 1, pixels_at),
            (277, 3, 1, 1),
            (278, 4, 1, rows),
            (279, 4, 1, pixels.nbytes),
            (51123, 2, len(about), about_at),
        ]
        data += struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
        data += struct.pack("<I", end if number + 1 < len(planes) else 0)
        data += pixels.astype("<u2").tobytes() + about
        data += bytes(end - len(data))
        name, of_axes = path.name.encode(), json.dumps(axes).encode()
        index += struct.pack("<I", len(of_axes)) + of_axes + struct.pack("<I", len(name)) + name
        index += struct.pack("<IiiiiIii", pixels_at, columns, rows, 1, 0, about_at, len(about), 0)
    path.write_bytes(data)
    (folder / "NDTiff.index").write_bytes(index)
    return path
