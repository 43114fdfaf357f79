"""Images of OME-Zarr: pyramids in chunks and shards, and labels beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import zarr
from zarr.codecs import BloscCodec

from service.export.ome_zarr.metadata import channel, label_properties, multiscales, write_group
from service.export.pyramids import halved, thinned
from service.export.upright import Upright
from service.image_files.images import Pixels
from service.model.specimen import Cell

CHUNK_PX = 1024
"""Side of a chunk: what a viewer loads at once, 1 to 2 MB."""
SHARD_PX = 2048
"""Side of a shard, a file of four chunks; what is in memory beside the image while it is written."""
_WINDOW_PERCENTILES = (1.0, 99.7)
"""As in our pictures (`service.pictures.overlay.STRETCH_PERCENTILES`)."""


@dataclass(frozen=True, slots=True)
class ImageLook:
    """Name, place and channel of an image.

    Attributes
    ----------
    name, label, colour : str
        Colour as RRGGBB.
    pixel_size_um, offset_um : (float, float)
    notes : dict
        JSON values, kept under `ilemtrack`.
    """

    name: str
    label: str
    colour: str
    pixel_size_um: tuple[float, float]
    offset_um: tuple[float, float]
    notes: dict[str, Any]


def write_image(path: Path, pixels: Pixels, look: ImageLook) -> None:
    """Write an image as a group of arrays, each half as wide and high as the one before.

    No more than the image and its next level are in memory.

    Parameters
    ----------
    path : Path
        Must not exist.
    pixels : (rows, columns) array of uint8 or uint16
    look : ImageLook

    Raises
    ------
    OSError
    """
    path.mkdir()
    levels, part = 0, pixels
    for level, part in enumerate(halved(pixels, CHUNK_PX)):
        _write_array(path / str(level), part)
        levels = level + 1
    ome = {
        "multiscales": multiscales(look.name, look.pixel_size_um, look.offset_um, levels),
        "omero": channel(look.label, look.colour, int(np.iinfo(pixels.dtype).max), _window(part)),
    }
    write_group(path, ome, ilemtrack=look.notes)


def write_labels(image: Path, cells: Sequence[Cell], grid: Upright) -> None:
    """Write the boxes of cells as labels of an image; where boxes overlap, the smaller one is on top.

    Parameters
    ----------
    image : Path
        Folder of the image.
    cells : sequence of Cell
    grid : Upright
        Of the image.

    Raises
    ------
    OSError
    """
    width, height = grid.size_px
    labels = np.zeros((height, width), dtype=np.uint16 if len(cells) < 2**16 else np.uint32)
    by_area = sorted(enumerate(cells, 1), key=lambda one: _area(one[1]), reverse=True)
    for number, cell in by_area:
        _fill(labels, grid.corners_px(cell.box_px), number)
    folder = image / "labels"
    write_group(folder, {"labels": ["cells"]})
    place = grid.pixel_size_um, grid.offset_um
    source = {"source": {"image": "../../"}}
    write_label_image(folder / "cells", labels, "cells", place, label_properties(cells), source)


def write_label_image(
    path: Path,
    labels: Pixels,
    name: str,
    place: tuple[tuple[float, float], tuple[float, float]],
    properties: Sequence[dict[str, Any]],
    more: dict[str, Any],
) -> None:
    """Write labels as a group of arrays, as `write_image` does an image.

    Parameters
    ----------
    path : Path
        Must not exist.
    labels : (rows, columns) array of uint16 or uint32
        Numbered from 1; 0 is none.
    name : str
    place : ((float, float), (float, float))
        Size of a pixel, and place of the corner of the first one, um.
    properties : sequence of dict
        Of each label, JSON values.
    more : dict
        More of the metadata `image-label`.

    Raises
    ------
    OSError
    """
    path.mkdir()
    levels = 0
    for level, part in enumerate(thinned(labels, CHUNK_PX)):
        _write_array(path / str(level), part)
        levels = level + 1
    ome = {
        "multiscales": multiscales(name, *place, levels),
        "image-label": {
            "colors": [{"label-value": n, "rgba": list(_colour(n))} for n in range(1, len(properties) + 1)],
            "properties": list(properties),
            **more,
        },
    }
    write_group(path, ome)


def _area(cell: Cell) -> int:
    x0, y0, x1, y1 = cell.box_px
    return (x1 - x0) * (y1 - y0)


def _fill(labels: Pixels, corners: Any, number: int) -> None:
    """Fill the pixels whose centres lie in a quadrilateral, cut at the edges."""
    (x0, y0), (x1, y1) = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    rows = slice(max(int(y0), 0), max(int(y1), 0))
    columns = slice(max(int(x0), 0), max(int(x1), 0))
    part = labels[rows, columns]
    x, y = (
        np.arange(part.shape[1]) + columns.start + 0.5,
        np.arange(part.shape[0])[:, None] + rows.start + 0.5,
    )
    inside = np.ones(part.shape, dtype=bool)
    middle = corners.mean(axis=0)
    for one, other in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        normal = np.array([one[1] - other[1], other[0] - one[0]])
        normal *= np.sign((middle - one) @ normal)
        inside &= (x - one[0]) * normal[0] + (y - one[1]) * normal[1] >= 0
    part[inside] = number


def _colour(number: int) -> tuple[int, int, int, int]:
    """Return a colour in which a label differs from its neighbours in number: steps of the golden section."""
    hue = np.uint8(number * 0.618034 % 1 * 180)
    red, green, blue = cv2.cvtColor(np.array([[[hue, 200, 255]]], dtype=np.uint8), cv2.COLOR_HSV2RGB)[0, 0]
    return int(red), int(green), int(blue), 255


def _write_array(path: Path, pixels: Pixels) -> None:
    height, width = pixels.shape
    chunks = min(CHUNK_PX, height), min(CHUNK_PX, width)
    # A whole number of chunks each way, no more than the array needs.
    shards = tuple(
        min(-(-side // chunk) * chunk, SHARD_PX) for side, chunk in zip(pixels.shape, chunks, strict=True)
    )
    array = zarr.create_array(
        path,
        shape=pixels.shape,
        chunks=chunks,
        shards=shards if shards != chunks else None,
        dtype=pixels.dtype,
        # Bytes of one grey level are shuffled together: noise does not spoil the higher ones.
        compressors=BloscCodec(
            cname="zstd", clevel=1, shuffle="shuffle" if pixels.itemsize > 1 else "noshuffle"
        ),
        fill_value=0,
        dimension_names=("y", "x"),
        zarr_format=3,
    )
    for top in range(0, height, shards[0]):
        for left in range(0, width, shards[1]):
            region = slice(top, min(top + shards[0], height)), slice(left, min(left + shards[1], width))
            array[region] = pixels[region]


def _window(pixels: Pixels) -> tuple[float, float]:
    # Every third pixel each way tells as much, in a tenth of the time.
    low, high = np.percentile(pixels[::3, ::3], _WINDOW_PERCENTILES).tolist()
    return low, max(high, low + 1)
