"""Recorded frames from OME-TIFF and TIFF files."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from drivers.errors import FrameError
from drivers.pose import Pose
from drivers.recorded.ome import (
    FIELD_KEY,
    FLIP_X_KEY,
    FLIP_Y_KEY,
    OFFSET_KEY,
    ROTATION_KEY,
    SECTION_KEY,
    OmePlane,
    ome_planes,
)
from drivers.recorded.tiff_pages import check_pages

# Warnings of tifffile on damaged files go to the log; the user gets one sentence from here.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

PIXEL_SIZE_NM = (10.0, 5000.0)
"""Smallest and largest plausible pixel size of a fluorescence frame, nm; as in the configuration."""
_MAX_SIDE_PX = 32768
_MAX_BYTES = 512 * 2**20
"""Largest page, bytes."""
_MAX_COMPRESSION = 1500
"""Above the ratio that deflate can achieve (1032:1): a header that claims more is wrong."""
_MAX_ANISOTROPY = 0.01


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """One page of a TIFF file as a fluorescence frame.

    Attributes
    ----------
    path : Path
    page : int
        Number of the page in the file, from 0.
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

    def pose_at(self, center_m: tuple[float, float]) -> Pose:
        """Return the pose of the frame with its centre at a stage position, m."""
        return Pose(center_m, self.pixel_size_m, self.rotation_rad, self.flip_x, self.flip_y)


def read_frames(path: Path, pixel_size_nm: float | None = None) -> tuple[RecordedFrame, ...]:
    """Read every page of a TIFF or OME-TIFF file as one frame.

    Parameters
    ----------
    path : Path
    pixel_size_nm : float, optional
        Used where the file has no OME metadata that gives it, 10 to 5000 nm.

    Raises
    ------
    FrameError
        The file is missing, truncated or not a TIFF, or it has colour, several channels, values other than
        uint8 or uint16, pixels that are not square within 1 %, or no pixel size. One sentence.
    """
    if not path.is_file():
        reason = "is a folder, not a file" if path.is_dir() else "no such file"
        raise FrameError(f"{path}: {reason}")
    try:
        check_pages(path)
        with tifffile.TiffFile(path) as file:
            return _frames(file, path, pixel_size_nm)
    except FrameError:
        raise
    except tifffile.TiffFileError as error:
        raise FrameError(f"{path}: is not a TIFF file, or a damaged one ({_sentence(error)})") from None
    except (OSError, ValueError, KeyError, IndexError, TypeError, RuntimeError, ArithmeticError) as error:
        # tifffile and its decoders raise all of these on damaged files.
        raise FrameError(f"{path}: cannot be read, it is probably damaged ({_sentence(error)})") from None


def _frames(file: tifffile.TiffFile, path: Path, pixel_size_nm: float | None) -> tuple[RecordedFrame, ...]:
    pages = [_page(file, n) for n in range(len(file.pages))]
    channels = (file.imagej_metadata or {}).get("channels", 1)
    if isinstance(channels, int) and channels > 1:
        raise FrameError(f"{path}: has {channels} channels; save the one with the cells as a file of its own")
    claimed = (file.imagej_metadata or {}).get("images", 1)
    if isinstance(claimed, int) and claimed > len(pages):
        raise FrameError(f"{path}: holds {claimed} images under {len(pages)} page; save one page per image")
    planes = ome_planes(file.ome_metadata, len(pages), str(path)) if file.ome_metadata else {}
    return tuple(
        _frame(page, number, path, planes.get(number), pixel_size_nm) for number, page in enumerate(pages)
    )


def _page(file: tifffile.TiffFile, number: int) -> tifffile.TiffPage:
    page = file.pages[number]
    return page if isinstance(page, tifffile.TiffPage) else page.aspage()


def _frame(
    page: tifffile.TiffPage, number: int, path: Path, plane: OmePlane | None, pixel_size_nm: float | None
) -> RecordedFrame:
    where = f"{path}: page {number}"
    _check_kind(page, where)
    _check_size(page, where)
    size_m = _pixel_size(plane, pixel_size_nm, where)
    pixels = page.asarray()
    if pixels.shape != (page.imagelength, page.imagewidth):
        raise FrameError(f"{where} has the shape {pixels.shape}; a frame has two dimensions")
    notes = plane.notes if plane is not None else {}
    return RecordedFrame(
        path=path,
        page=number,
        pixels=pixels.astype(pixels.dtype.newbyteorder("="), copy=False),
        pixel_size_m=size_m,
        section=notes.get(SECTION_KEY),
        field=notes.get(FIELD_KEY),
        center_m=plane.center_m if plane is not None else None,
        offset_adu=_number(notes, OFFSET_KEY, where),
        exposure_s=plane.exposure_s if plane is not None else None,
        rotation_rad=_number(notes, ROTATION_KEY, where) or 0.0,
        flip_x=notes.get(FLIP_X_KEY) == "True",
        flip_y=notes.get(FLIP_Y_KEY) == "True",
    )


def _check_kind(page: tifffile.TiffPage, where: str) -> None:
    if page.samplesperpixel != 1:
        raise FrameError(
            f"{where} has {page.samplesperpixel} samples per pixel (colour); a fluorescence frame has one"
        )
    photometric = tifffile.PHOTOMETRIC(page.photometric)
    if photometric is tifffile.PHOTOMETRIC.MINISWHITE:
        raise FrameError(f"{where} is stored inverted (white is zero); save it with black as zero")
    if photometric is not tifffile.PHOTOMETRIC.MINISBLACK:
        raise FrameError(f"{where} is stored as {photometric.name}; a fluorescence frame is greyscale")
    if page.imagedepth > 1:
        raise FrameError(f"{where} is a volume of {page.imagedepth} planes; save one page per plane")
    if page.dtype is None or page.dtype.newbyteorder("=") not in (np.dtype("u1"), np.dtype("u2")):
        raise FrameError(f"{where} holds {page.dtype} values; a raw frame has uint8 or uint16")


def _check_size(page: tifffile.TiffPage, where: str) -> None:
    """Compare the size in the header with the bytes in the file, before memory is allocated."""
    rows, columns = page.imagelength, page.imagewidth
    if not (0 < rows <= _MAX_SIDE_PX and 0 < columns <= _MAX_SIDE_PX):
        raise FrameError(f"{where} claims {columns} x {rows} pixels; at most {_MAX_SIDE_PX} a side are read")
    claimed = rows * columns * page.bitspersample // 8
    end = max((o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)), default=0)
    held = page.parent.filehandle.size
    stored = sum(page.databytecounts)
    if end > held:
        raise FrameError(f"{where} is truncated: its pixels end at byte {end}, the file at byte {held}")
    plain = page.compression == tifffile.COMPRESSION.NONE
    if claimed > _MAX_BYTES or claimed > stored * (1 if plain else _MAX_COMPRESSION):
        raise FrameError(f"{where} claims {columns} x {rows} pixels but holds {stored} bytes of them")


def _pixel_size(plane: OmePlane | None, pixel_size_nm: float | None, where: str) -> tuple[float, float]:
    if plane is not None and plane.pixel_size_m is not None:
        x, y = plane.pixel_size_m
        source = "in its OME metadata"
    elif pixel_size_nm is not None:
        x = y = pixel_size_nm * 1e-9
        source = "given"
    else:
        raise FrameError(f"{where} has no pixel size in OME metadata; give it with --pixel-size-nm")
    low, high = PIXEL_SIZE_NM
    for value in (x, y):
        # Slightly wider than the limits: converting metres to nanometres costs a rounding error.
        if not (math.isfinite(value) and low * 0.999999 <= value * 1e9 <= high * 1.000001):
            raise FrameError(
                f"{where}: the pixel size {source} is {value * 1e9:g} nm; "
                f"it must be from {low:g} to {high:g} nm"
            )
    if abs(x - y) > _MAX_ANISOTROPY * max(x, y):
        raise FrameError(
            f"{where}: its pixels are {x * 1e9:g} nm wide and {y * 1e9:g} nm high; they must be square"
        )
    return x, y


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
