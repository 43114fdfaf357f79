"""Frames of an OME-Zarr image: NGFF 0.4 (Zarr 2) and 0.5 (Zarr 3), of ilemtrack and of other programs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.errors import FrameError
from drivers.recorded.grey import Pixels, grey_levels, kind_of
from drivers.recorded.listed.ngff_metadata import Image, attributes_of, image_of
from drivers.recorded.planes import Plane, of_channel
from drivers.recorded.tiff import DAMAGED

_MAX_SIDE_PX = 32768
_MAX_BYTES = 512 * 2**20
"""Largest plane, as of TIFF."""
_MAX_PLANES = 100_000
_MARKS = ("zarr.json", ".zattrs", ".zgroup")
_FLUORESCENCE = "fm/"
"""Folder of fluorescence in our exports, beside electron images."""


def is_zarr(folder: Path) -> bool:
    """Return True if a folder is a group of Zarr."""
    return any((folder / mark).is_file() for mark in _MARKS)


def ngff_images(folder: Path) -> list[Path]:
    """Return the images of an OME-Zarr folder: itself, or those of its collection, in their order.

    Of an export of ilemtrack these are the fluorescence frames; of a plate all fields, well by well as it
    lists them.

    Raises
    ------
    FrameError
        It holds no image, is a group of labels, or is damaged; one sentence.
    """
    with _in_a_sentence(folder):
        attributes = attributes_of(folder)
        if "multiscales" in attributes:
            return [folder]
        if "plate" in attributes:
            wells = _inside(folder, [str(one["path"]) for one in attributes["plate"]["wells"]])
            found = [image for well in wells for image in _of_well(well, attributes_of(well))]
        elif "well" in attributes:
            found = _of_well(folder, attributes)
        else:
            found = _inside(folder, _names_in(folder))
        if not found:
            raise FrameError(f"{folder}: is OME-Zarr without an image; name the folder of an image in it")
        return found


def _names_in(collection: Path) -> list[str]:
    series = attributes_of(collection / "OME").get("series") if is_zarr(collection / "OME") else None
    if isinstance(series, list) and all(isinstance(one, str) for one in series):
        return [one for one in series if one.startswith(_FLUORESCENCE)] or series
    # Images of a collection are numbered where nothing lists them.
    return sorted((one.name for one in collection.iterdir() if one.name.isdecimal()), key=int)


def _of_well(well: Path, attributes: dict[str, Any]) -> list[Path]:
    return _inside(well, [str(one["path"]) for one in attributes["well"]["images"]])


def _inside(folder: Path, names: list[str]) -> list[Path]:
    found = [folder / name for name in names]
    if any(not one.resolve().is_relative_to(folder.resolve()) for one in found):
        raise FrameError(f"{folder}: lists images outside of itself; it is damaged, or made to mislead")
    return found


def is_labels(folder: Path) -> bool:
    """Return True if an OME-Zarr folder is a label image.

    Raises
    ------
    FrameError
    """
    with _in_a_sentence(folder):
        return "image-label" in attributes_of(folder)


def labels_of(image: Path) -> str:
    """Return the name of the labels of an image.

    Raises
    ------
    FrameError
        It has none, or several.
    """
    with _in_a_sentence(image):
        folder = image / "labels"
        names = attributes_of(folder).get("labels") if is_zarr(folder) else None
        if not isinstance(names, list) or not names:
            raise FrameError(f"{image}: has no labels")
        if len(names) > 1:
            raise FrameError(
                f"{image}: has several labels ({', '.join(map(str, names))}); name one of their folders"
            )
        if (folder / str(names[0])).resolve().parent != folder.resolve():
            raise FrameError(f"{image}: lists labels outside of itself; it is damaged, or made to mislead")
        return str(names[0])


def read_labels(folder: Path) -> list[NDArray[Any]]:
    """Return the planes of a label image, (rows, columns) of whole numbers each.

    Raises
    ------
    FrameError
    """
    with _in_a_sentence(folder):
        image = image_of(folder, labels=True)
        array = _array(folder, image)
        _plane_shape(folder, image, array)
        return [np.asarray(array[image.index(number)]) for number in range(image.count)]


def list_ngff(folder: Path, channel: str | None) -> list[tuple[int, tuple[int, int], str, Plane]]:
    """Return number, rows and columns, type of pixel, and description of each plane of a channel.

    Raises
    ------
    FrameError
        The image cannot be read, or has several channels and none is chosen; one sentence.
    """
    with _in_a_sentence(folder):
        if not is_zarr(folder):
            raise FrameError(f"{folder}: is a folder, not an image")
        image = image_of(folder)
        array = _array(folder, image)
        shape = _plane_shape(folder, image, array)
        if image.count > _MAX_PLANES:
            raise FrameError(f"{folder}: has more than {_MAX_PLANES} planes")
        planes = [(number, image.plane(number)) for number in range(image.count)]
        kind = kind_of(array.dtype)
        return [(number, shape, kind, plane) for number, plane in of_channel(planes, channel, str(folder))]


def read_ngff(folder: Path, number: int, where: str) -> Pixels:
    """Return the grey levels of a plane, (rows, columns); `where` names it in errors.

    Raises
    ------
    FrameError
    """
    with _in_a_sentence(folder):
        image = image_of(folder)
        array = _array(folder, image)
        _plane_shape(folder, image, array)
        return grey_levels(array[image.index(number)], where)


def _array(folder: Path, image: Image) -> Any:
    # It takes half a second to import.
    import zarr

    return zarr.open_array(folder / image.path, mode="r")


def _plane_shape(folder: Path, image: Image, array: Any) -> tuple[int, int]:
    """Return rows and columns of the planes of an array, which must be as its metadata say."""
    if tuple(array.shape) != image.shape:
        raise FrameError(f"{folder}: its array has changed since its metadata were read")
    rows, columns = array.shape[-2:]
    if not (0 < rows <= _MAX_SIDE_PX and 0 < columns <= _MAX_SIDE_PX):
        raise FrameError(
            f"{folder}: claims {columns} x {rows} pixels; at most {_MAX_SIDE_PX} a side are read"
        )
    if rows * columns * array.dtype.itemsize > _MAX_BYTES:
        raise FrameError(f"{folder}: has planes of more than {_MAX_BYTES // 2**20} MiB")
    return int(rows), int(columns)


@contextmanager
def _in_a_sentence(folder: Path) -> Iterator[None]:
    try:
        yield
    except FrameError:
        raise
    except DAMAGED as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise FrameError(f"{folder}: cannot be read, it is probably damaged ({why})") from None
