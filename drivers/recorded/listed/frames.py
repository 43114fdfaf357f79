"""Frames that are known without their pixels, so that an archive needs no more memory than a frame."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from drivers.errors import FrameError
from drivers.recorded import png
from drivers.recorded.frame import RecordedFrame, frame_of
from drivers.recorded.grey import kind_of
from drivers.recorded.listed.ngff import list_ngff, read_ngff
from drivers.recorded.ome import SECTION_KEY
from drivers.recorded.pixel_size import chosen_size
from drivers.recorded.planes import Plane, of_channel
from drivers.recorded.tiff import chosen_pages, in_a_sentence, is_png, pixels_of
from drivers.recorded.tiff_pages import check_pages, check_sizes


@dataclass(frozen=True, slots=True)
class ListedFrame:
    """A frame as its file describes it; `read_listed` reads it.

    Attributes
    ----------
    path : Path
        File, or folder of an OME-Zarr image.
    page : int
        As in `RecordedFrame`.
    number : int
        Number of its page, or of its plane, in the file, from 0.
    shape : (int, int)
        Rows and columns.
    kind : str
        Type of its pixels as read: uint8 or uint16.
    plane : Plane
    pixel_size_m : (float, float)
        As in `RecordedFrame`.
    pixel_size_nm : float or None
        Given by a person, in place of the file's.
    notices : tuple of str
        What people must know of how it is read.
    """

    path: Path
    page: int
    number: int
    shape: tuple[int, int]
    kind: str
    plane: Plane
    pixel_size_m: tuple[float, float]
    pixel_size_nm: float | None = None
    notices: tuple[str, ...] = ()

    @property
    def channel(self) -> str | None:
        """Name of its channel, or number from 1, where the file states it."""
        return None if self.plane.channel is None else str(self.plane.channel)

    @property
    def section(self) -> str | None:
        """Identifier of its section, in files of ilemtrack."""
        return self.plane.notes.get(SECTION_KEY)

    @property
    def channels(self) -> int:
        """Number of channels of its series, in this and other files."""
        return self.plane.channels


def list_frames(
    path: Path, pixel_size_nm: float | None = None, channel: str | None = None
) -> tuple[ListedFrame, ...]:
    """List the frames of a TIFF, OME-TIFF or PNG file, or of an OME-Zarr image, without their pixels.

    Parameters and errors are those of `drivers.recorded.tiff.read_frames`, but for what only pixels show.
    """
    found = list_ngff(path, channel) if path.is_dir() else _of_file(path, channel)
    listed = []
    for page, (number, shape, kind, plane) in enumerate(found):
        try:
            size_m, notice = chosen_size(plane.size, pixel_size_nm, f"{path}: page {page}")
        except FrameError:
            # An image that is of no use at all must not ask for its pixel size first.
            _pixels(path, number)
            raise
        notices = () if notice is None else (notice,)
        listed.append(ListedFrame(path, page, number, shape, kind, plane, size_m, pixel_size_nm, notices))
    return tuple(listed)


def read_listed(one: ListedFrame) -> RecordedFrame:
    """Read a listed frame; see `drivers.recorded.tiff.read_frames`.

    Raises
    ------
    FrameError
    """
    return frame_of(one.path, one.page, _pixels(one.path, one.number), one.plane, one.pixel_size_nm)


def _pixels(path: Path, number: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
    where = f"{path}: page {number}"
    if path.is_dir():
        return read_ngff(path, number, where)
    with in_a_sentence(path):
        if is_png(path):
            return png.read_png(path)
        with tifffile.TiffFile(path) as file:
            page = file.pages[number]
            whole = page if isinstance(page, tifffile.TiffPage) else page.aspage()
            check_sizes(file, [(number, whole)], path)
            return pixels_of(whole, where)


def _of_file(path: Path, channel: str | None) -> list[tuple[int, tuple[int, int], str, Plane]]:
    with in_a_sentence(path):
        if is_png(path):
            of_channel([(0, Plane())], channel, str(path))
            return [(0, *png.described(path), Plane())]
        check_pages(path)
        with tifffile.TiffFile(path) as file:
            return [
                (number, (page.imagelength, page.imagewidth), kind_of(np.dtype(page.dtype)), plane)
                for number, page, plane in chosen_pages(file, path, channel)
            ]
