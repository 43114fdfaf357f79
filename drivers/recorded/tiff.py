"""Recorded frames from OME-TIFF, TIFF and PNG files."""

import logging
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import tifffile
from numpy.typing import NDArray

from drivers.errors import FrameError
from drivers.recorded import png
from drivers.recorded.frame import RecordedFrame, frame_of
from drivers.recorded.grey import grey_levels, is_ramp
from drivers.recorded.imagej import imagej_planes
from drivers.recorded.micromanager import METADATA_TAG, micromanager_planes
from drivers.recorded.ome import ome_planes
from drivers.recorded.planes import Plane, of_channel
from drivers.recorded.tiff_pages import check_pages, check_sizes, full_pages, refuse_small_copies

# Warnings of these on damaged files go to the log; the user gets one sentence from here.
for _name in ("tifffile", "imagecodecs"):
    logging.getLogger(_name).addHandler(logging.NullHandler())

DAMAGED = (
    OSError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    AssertionError,
    RuntimeError,
    ArithmeticError,
    MemoryError,
    struct.error,
)
"""Errors of tifffile and its decoders on damaged files."""
_MAX_COMPANION_BYTES = 64 * 2**20


def read_frames(
    path: Path, pixel_size_nm: float | None = None, channel: str | None = None
) -> tuple[RecordedFrame, ...]:
    """Read every page of a TIFF, OME-TIFF or PNG file as one frame.

    Thumbnails and reduced copies are left out.

    Parameters
    ----------
    path : Path
    pixel_size_nm : float, optional
        Given by a person, 10 to 5000 nm; it replaces what the file states.
    channel : str, optional
        Name or number, from 1, of the channel to read, where the file has several.

    Returns
    -------
    tuple of RecordedFrame
        Empty only if the file holds other channels than that of its series.

    Raises
    ------
    FrameError
        The file is missing, truncated or none of these; it has several channels and none is chosen; it is in
        colour, or its values cannot be read as grey levels without loss; its pixels are not square within
        1 %, or it has no pixel size. One sentence.
    """
    with in_a_sentence(path):
        if is_png(path):
            of_channel([(0, Plane())], channel, str(path))
            return (frame_of(path, 0, png.read_png(path), Plane(), pixel_size_nm),)
        check_pages(path)
        with tifffile.TiffFile(path) as file:
            return tuple(
                frame_of(path, n, pixels_of(page, f"{path}: page {number}"), plane, pixel_size_nm)
                for n, (number, page, plane) in enumerate(chosen_pages(file, path, channel))
            )


@contextmanager
def in_a_sentence(path: Path) -> Iterator[None]:
    """Turn the errors of a missing or damaged file into one sentence, as `FrameError`."""
    if not path.is_file():
        raise FrameError(f"{path}: {_no_file(path)}")
    try:
        yield
    except FrameError:
        raise
    except tifffile.TiffFileError as error:
        raise FrameError(f"{path}: is not a TIFF file, or a damaged one ({_sentence(error)})") from None
    except DAMAGED as error:
        raise FrameError(f"{path}: cannot be read, it is probably damaged ({_sentence(error)})") from None


def is_png(path: Path) -> bool:
    """Return True if a file begins as a PNG does."""
    with path.open("rb") as start:
        return start.read(8) == png.SIGNATURE


def _no_file(path: Path) -> str:
    if not path.exists():
        return "no such file"
    return "is a folder, not a file" if path.is_dir() else "is a pipe or a device, not a file"


def chosen_pages(
    file: tifffile.TiffFile, path: Path, channel: str | None
) -> list[tuple[int, tifffile.TiffPage, Plane]]:
    """Return the pages that are frames of a channel, with their numbers and what the file says of them.

    Raises
    ------
    FrameError
        As `read_frames`, but for what their pixels show.
    """
    pages = full_pages(file, path)
    planes = _planes(file, path, pages)
    refuse_small_copies(pages, planes if file.ome_metadata else (), path)
    chosen = of_channel(((number, planes.get(number, Plane())) for number, _ in pages), channel, str(path))
    by_number = dict(pages)
    check_sizes(file, [(number, by_number[number]) for number, _ in chosen], path)
    return [(number, by_number[number], plane) for number, plane in chosen]


def _planes(
    file: tifffile.TiffFile, path: Path, pages: list[tuple[int, tifffile.TiffPage]]
) -> Mapping[int, Plane]:
    """Return what the file says of its pages, by their numbers."""
    numbers = [number for number, _ in pages]
    first = pages[0][1]
    if file.ome_metadata:
        return ome_planes(_ome_xml(file.ome_metadata, path), len(file.pages), str(path))
    if file.is_imagej:
        return dict(zip(numbers, imagej_planes(file, first, len(pages), str(path)), strict=True))
    if METADATA_TAG in first.tags:
        return dict(zip(numbers, micromanager_planes(path, [page for _, page in pages]), strict=True))
    return {}


def _ome_xml(xml: str, path: Path) -> str:
    """Return the metadata of a file, which may be in another file beside it."""
    if "BinaryOnly" not in xml:
        return xml
    try:
        root = ElementTree.fromstring(xml)
    except (ElementTree.ParseError, RecursionError):
        return xml
    only = root.find("{*}BinaryOnly")
    if only is None:
        return xml
    companion = path.with_name(Path(only.get("MetadataFile", "")).name)
    if companion == path or not companion.is_file() or companion.stat().st_size > _MAX_COMPANION_BYTES:
        raise FrameError(
            f"{path}: its OME metadata is in {companion.name}, which is not beside it; copy it there"
        )
    if companion.suffix.lower() in (".tif", ".tiff"):
        with tifffile.TiffFile(companion) as other:
            return other.ome_metadata or xml
    return companion.read_text(encoding="utf-8")


def pixels_of(page: tifffile.TiffPage, where: str) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return the grey levels of a page, (rows, columns); `where` names it in errors.

    Raises
    ------
    FrameError
        It is in colour, inverted, or its values cannot be read as grey levels without loss.
    """
    photometric = tifffile.PHOTOMETRIC(page.photometric)
    if photometric is tifffile.PHOTOMETRIC.MINISWHITE:
        raise FrameError(f"{where} is stored inverted (white is zero); save it with black as zero")
    if photometric is tifffile.PHOTOMETRIC.PALETTE and not is_ramp(page.colormap):
        raise FrameError(
            f"{where} is stored in colours from a table (PALETTE) that are no measure of brightness; save it"
            " as grey levels (in Fiji: Image > Lookup Tables > Grays)"
        )
    kinds = tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.PALETTE
    if photometric not in kinds:
        raise FrameError(f"{where} is stored as {photometric.name}; save it as grey levels")
    if page.samplesperpixel > 1 and (photometric is not tifffile.PHOTOMETRIC.RGB or page.planarconfig != 1):
        raise FrameError(
            f"{where} has {page.samplesperpixel} samples per pixel (colours or channels); save the one with"
            " the cells as grey levels"
        )
    return grey_levels(page.asarray(), where)


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
