"""A recorded frame: its pixels, and what its file says of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drivers.errors import FrameError
from drivers.pose import Pose
from drivers.recorded.ome import FIELD_KEY, FLIP_X_KEY, FLIP_Y_KEY, OFFSET_KEY, ROTATION_KEY, SECTION_KEY
from drivers.recorded.pixel_size import chosen_size
from drivers.recorded.planes import Plane


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


def frame_of(
    path: Path,
    number: int,
    pixels: NDArray[np.uint8] | NDArray[np.uint16],
    plane: Plane,
    pixel_size_nm: float | None,
) -> RecordedFrame:
    """Return a frame with what its file says of it, and the pixel size that counts.

    Raises
    ------
    FrameError
        It has no pixel size that counts, or a number in its metadata is none.
    """
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
