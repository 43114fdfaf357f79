"""Recorded frames from OME-TIFF, TIFF and PNG files."""

import logging
import math
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import tifffile
from numpy.typing import NDArray

from drivers.errors import FrameError
from drivers.pose import Pose
from drivers.recorded import png
from drivers.recorded.grey import grey_levels, is_ramp
from drivers.recorded.imagej import imagej_planes
from drivers.recorded.micromanager import METADATA_TAG, micromanager_planes
from drivers.recorded.ome import (
    FIELD_KEY,
    FLIP_X_KEY,
    FLIP_Y_KEY,
    OFFSET_KEY,
    ROTATION_KEY,
    SECTION_KEY,
    ome_planes,
)
from drivers.recorded.pixel_size import chosen_size
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


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """One page of a file as a fluorescence frame.

    Attributes
    ----------
    path : Path
    page : int
        Number of the page in the file, from 0, counted within its channel and without thumbnails.
    pixels : (rows, columns) array of uint8 or uint16
    pixel_size_m : (float, float)
        Width and height of a pixel, m; equal within 1 %.
    section, field : str or None
        Identifiers, in files of ilemtrack.
    center_m : (float, float) or None
        Stage position of the centre, m.
    offset_adu : float or None
        Grey level without light.
    exposure_s : float or None
    rotation_rad : float
        Of the frame on the stage, counter-clockwise.
    flip_x, flip_y : bool
        True if the camera shows the specimen mirrored along this axis.
    channel : str or None
        Name, or number from 1, where the file states it.
    channels : int
        Number of channels of its series, in this and other files.
    z, t : int or None
        Slice and time point, from 0, where the file is a stack and states them.
    notices : tuple of str
        What people must know of how it was read.
    """

    path: Path
    page: int
    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    pixel_size_m: tuple[float, float]
    section: str | None = None
    field: str | None = None
    center_m: tuple[float, float] | None = None
    offset_adu: float | None = None
    exposure_s: float | None = None
    rotation_rad: float = 0.0
    flip_x: bool = False
    flip_y: bool = False
    channel: str | None = None
    channels: int = 1
    z: int | None = None
    t: int | None = None
    notices: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def kind(self) -> str:
        """Type of its pixels: uint8 or uint16."""
        return self.pixels.dtype.name

    def pose_at(self, center_m: tuple[float, float]) -> Pose:
        """Return the pose of the frame with its centre at a stage position, m."""
        return Pose(center_m, self.pixel_size_m, self.rotation_rad, self.flip_x, self.flip_y)


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


def frame_of(
    path: Path,
    number: int,
    pixels: NDArray[np.uint8] | NDArray[np.uint16],
    plane: Plane,
    pixel_size_nm: float | None,
) -> RecordedFrame:
    """Return a frame with what its file says of it, and the pixel size that counts; see `read_frames`."""
    where = f"{path}: page {number}"
    size_m, notice = chosen_size(plane.size, pixel_size_nm, where)
    notes = plane.notes
    return RecordedFrame(
        path=path,
        page=number,
        pixels=pixels,
        pixel_size_m=size_m,
        section=notes.get(SECTION_KEY),
        field=notes.get(FIELD_KEY),
        center_m=plane.center_m,
        offset_adu=_number(notes, OFFSET_KEY, where),
        exposure_s=plane.exposure_s,
        rotation_rad=_number(notes, ROTATION_KEY, where) or 0.0,
        flip_x=notes.get(FLIP_X_KEY) == "True",
        flip_y=notes.get(FLIP_Y_KEY) == "True",
        channel=None if plane.channel is None else str(plane.channel),
        channels=plane.channels,
        z=plane.z,
        t=plane.t,
        notices=() if notice is None else (notice,),
    )


def _number(notes: Mapping[str, str], key: str, where: str) -> float | None:
    text = notes.get(key)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise FrameError(f"{where}: {key} is {text!r}, which is not a number")
    return value


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
