"""Data sets for BigStitcher and BigDataViewer: an XML file and an HDF5 file beside it.

The format: https://imagej.net/plugins/bdv and the paper of BigDataViewer (Pietzsch et al. 2015, supplementary
note 2). A view is one image; `t00000/s00/0/cells` is its first level of resolution, (z, y, x), 16 bits,
deflated in chunks.
"""

import os
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Self
from xml.etree import ElementTree as ET

import h5py
import imagecodecs
import numpy as np

from service.export.places import Affine
from service.export.pyramids import halved
from service.image_files.images import Pixels

_CHUNK_PX = 256
"""Side of a chunk: 128 kB, as BigDataViewer advises."""
_SMALLEST_PX = 256
"""Longest side of the last level: one chunk."""
_ZLIB_HEADER = b"\x78\x01"
"""Of a deflated stream: window of 32 kB, lowest level (RFC 1950)."""
_THREADS = min(os.cpu_count() or 1, 4)


@dataclass(frozen=True, slots=True)
class View:
    """A view of a data set.

    Attributes
    ----------
    name : str
    size_px : (int, int)
    pixel_size_um : (float, float)
    place : Affine
    """

    name: str
    size_px: tuple[int, int]
    pixel_size_um: tuple[float, float]
    place: Affine


class ViewFile:
    """HDF5 file of a data set, to which images are added one by one.

    Parameters
    ----------
    path : Path
        Must not exist.

    Raises
    ------
    OSError
    """

    def __init__(self, path: Path) -> None:
        self._file = h5py.File(path, "w-")
        self._views = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self._file.close()

    def add(self, pixels: Pixels) -> None:
        """Add an image as the next view, with levels of half the width and height each."""
        factors, chunks = [], []
        for level, part in enumerate(halved(pixels, _SMALLEST_PX)):
            factors.append((2**level, 2**level, 1))
            chunks.append((*reversed(_chunk_size(part)), 1))
            self._write(self._file.create_group(f"t00000/s{self._views:02d}/{level}"), part)
        setup = self._file.create_group(f"s{self._views:02d}")
        setup.create_dataset("resolutions", data=np.array(factors, dtype="<f8"))
        setup.create_dataset("subdivisions", data=np.array(chunks, dtype="<i4"))
        self._views += 1

    def _write(self, group: h5py.Group, pixels: Pixels) -> None:
        (height, width), size = pixels.shape, _chunk_size(pixels)
        cells = group.create_dataset(
            "cells",
            shape=(1, height, width),
            chunks=(1, *size),
            # Readers take the bits for those of unsigned numbers.
            dtype="<i2",
            shuffle=True,
            compression="gzip",
            compression_opts=1,
        )
        rows, columns = range(0, height, size[0]), range(0, width, size[1])
        with ThreadPoolExecutor(_THREADS) as pool:
            # A row of chunks at a time: what waits to be written stays small.
            for y in rows:
                chunks = pool.map(partial(_chunk, pixels, y, size), columns)
                for x, data in zip(columns, chunks, strict=True):
                    cells.id.write_direct_chunk((0, y, x), data)


def _chunk_size(pixels: Pixels) -> tuple[int, int]:
    """Return rows and columns of a chunk, which HDF5 wants no larger than the image."""
    return min(_CHUNK_PX, pixels.shape[0]), min(_CHUNK_PX, pixels.shape[1])


def _chunk(pixels: Pixels, y: int, size: tuple[int, int], x: int) -> bytes:
    """Return a chunk as HDF5 stores it: filled up with 0, low and high bytes apart, deflated."""
    block = np.zeros(size, dtype="<u2")
    part = pixels[y : y + size[0], x : x + size[1]]
    block[: part.shape[0], : part.shape[1]] = part
    apart = np.ascontiguousarray(block.view(np.uint8).reshape(-1, 2).T)
    if pixels.itemsize > 1:
        return bytes(imagecodecs.deflate_encode(apart.tobytes(), level=1, raw=False))
    # The noise of 8 bits is stored as it is: deflated, it is 13 % smaller and takes six times as long.
    low, high = apart[0].tobytes(), apart[1].tobytes()
    stored = zlib.compressobj(0, zlib.DEFLATED, -zlib.MAX_WBITS)
    blocks = stored.compress(low) + stored.flush(zlib.Z_FULL_FLUSH)
    total = zlib.adler32(high, zlib.adler32(low))
    return _ZLIB_HEADER + blocks + _deflated_zeros(len(high)) + total.to_bytes(4, "big")


@cache
def _deflated_zeros(count: int) -> bytes:
    """Return the last blocks of a deflated stream of zeros."""
    zeros = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return zeros.compress(bytes(count)) + zeros.flush()


def dataset_xml(views: Sequence[View], file: str) -> bytes:
    """Return the XML of a data set whose views are in an HDF5 file beside it.

    Its unit is the pixel of the first view, the corner of the ground of all is at (0, 0), y downwards.

    Parameters
    ----------
    views : sequence of View
        In the order of the file.
    file : str
        Name of the HDF5 file.
    """
    root = ET.Element("SpimData", {"version": "0.2"})
    ET.SubElement(root, "BasePath", {"type": "relative"}).text = "."
    sequence = ET.SubElement(root, "SequenceDescription")
    loader = ET.SubElement(sequence, "ImageLoader", {"format": "bdv.hdf5"})
    ET.SubElement(loader, "hdf5", {"type": "relative"}).text = file
    setups = ET.SubElement(sequence, "ViewSetups")
    for number, view in enumerate(views):
        setup = ET.SubElement(setups, "ViewSetup")
        ET.SubElement(setup, "id").text = str(number)
        ET.SubElement(setup, "name").text = view.name
        ET.SubElement(setup, "size").text = f"{view.size_px[0]} {view.size_px[1]} 1"
        voxel = ET.SubElement(setup, "voxelSize")
        ET.SubElement(voxel, "unit").text = "um"
        width, height = view.pixel_size_um
        ET.SubElement(voxel, "size").text = f"{width!r} {height!r} {width!r}"
        attributes = ET.SubElement(setup, "attributes")
        for name, value in (("illumination", 0), ("channel", 0), ("tile", number), ("angle", 0)):
            ET.SubElement(attributes, name).text = str(value)
    for kind in ("illumination", "channel", "angle"):
        _attribute(setups, kind, ["0"])
    _attribute(setups, "tile", [view.name for view in views])
    times = ET.SubElement(sequence, "Timepoints", {"type": "range"})
    ET.SubElement(times, "first").text = "0"
    ET.SubElement(times, "last").text = "0"
    registrations = ET.SubElement(root, "ViewRegistrations")
    for number, affine in enumerate(_affines(views)):
        one = ET.SubElement(registrations, "ViewRegistration", {"timepoint": "0", "setup": str(number)})
        transform = ET.SubElement(one, "ViewTransform", {"type": "affine"})
        ET.SubElement(transform, "Name").text = "stage position"
        ET.SubElement(transform, "affine").text = " ".join(repr(value) for value in affine)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _attribute(setups: ET.Element, kind: str, names: Sequence[str]) -> None:
    group = ET.SubElement(setups, "Attributes", {"name": kind})
    for number, name in enumerate(names):
        one = ET.SubElement(group, kind.capitalize())
        ET.SubElement(one, "id").text = str(number)
        ET.SubElement(one, "name").text = name


def _affines(views: Sequence[View]) -> list[list[float]]:
    """Return the rows of the 3 x 4 matrices from centres of pixels to units of the data set."""
    unit_um = views[0].pixel_size_um[0]
    matrices = [np.array(view.place.matrix) / unit_um for view in views]
    firsts = np.array([view.place(np.array([[0.5, 0.5]]))[0] for view in views]) / unit_um
    origin = firsts.min(axis=0)
    return [
        [round(float(v), 9) + 0.0 for v in (*m[0], 0, x, *m[1], 0, y, 0, 0, 1, 0)]
        for m, (x, y) in zip(matrices, firsts - origin, strict=True)
    ]
