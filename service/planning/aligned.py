"""Places of a field and its cells after an alignment, from what ``ilemtrack align --json`` prints."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from detection.alignment.settings import SETTINGS
from detection.alignment.values import Similarity
from drivers.pose import Pose, RectM
from service.errors import InputError
from service.input_files import read_json

MAX_FILE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Aligned:
    """Measured place of a field.

    Attributes
    ----------
    motion : Similarity
        From the plane of the fluorescence to that of the overview, about the middle of the field.
    proven_um : float
        Largest error at its cells.
    """

    motion: Similarity
    proven_um: float

    def around(self, rect_m: RectM, pose: Pose) -> RectM:
        """Return the upright rectangle around a moved one."""
        (left, bottom), (right, top) = self._corners_m(rect_m, pose)
        return min(left), min(bottom), max(right), max(top)

    def within(self, rect_m: RectM, pose: Pose) -> RectM:
        """Return the upright rectangle within a moved one."""
        (left, bottom), (right, top) = self._corners_m(rect_m, pose)
        return max(left), max(bottom), min(right), min(top)

    def _corners_m(self, rect_m: RectM, pose: Pose) -> tuple[Any, Any]:
        """Return the two x of the left and y of the lower side, and those of the others."""
        x0, y0, x1, y1 = rect_m
        corners = np.array([[x0, y0], [x0, y1], [x1, y0], [x1, y1]])
        moved = self.motion.apply((corners - pose.center_m) * 1e6) * 1e-6 + pose.center_m
        x, y = moved.T.tolist()
        return ((x[0], x[1]), (y[0], y[2])), ((x[2], x[3]), (y[1], y[3]))


def read_aligned(path: Path, largest_offset_um: float) -> Aligned | None:
    """Read an alignment; None if it proves nothing.

    Parameters
    ----------
    path : Path
    largest_offset_um : float
        Largest shift that the machine can cause.

    Raises
    ------
    InputError
        Raised when the file is not what ``ilemtrack align --json`` prints, or claims what no alignment does.
    """
    document = read_json(path, MAX_FILE_BYTES)
    try:
        proven_um = document["proven_um"]
        if proven_um is None:
            return None
        found = Aligned(_motion(document["motion"]), _finite(proven_um))
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{path}: is not what `ilemtrack align --json` prints") from None
    _refuse_jump(path, found.motion, largest_offset_um)
    return found


def _refuse_jump(path: Path, motion: Similarity, largest_offset_um: float) -> None:
    """Refuse a motion that no machine causes, as in a file edited by hand."""
    shift_um, turn_deg = math.hypot(*motion.shift_um), math.degrees(motion.rotation_rad)
    if shift_um > largest_offset_um:
        raise InputError(
            f"{path}: a shift of {shift_um:.2f} um is more than the {largest_offset_um:g} um of"
            " sem.overview.largest_offset_um"
        )
    if (
        abs(motion.rotation_rad) > SETTINGS.largest_rotation_rad
        or abs(motion.scale - 1) > SETTINGS.largest_scale
    ):
        raise InputError(
            f"{path}: a rotation of {turn_deg:.2f} degrees and a scale of {motion.scale:.4f} are more than an"
            f" alignment finds: {math.degrees(SETTINGS.largest_rotation_rad):g} degrees and"
            f" {SETTINGS.largest_scale:.0%}"
        )


def _motion(values: Mapping[str, Any]) -> Similarity:
    x_um, y_um = (_finite(value) for value in values["shift_um"])
    return Similarity((x_um, y_um), math.radians(_finite(values["rotation_deg"])), _finite(values["scale"]))


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number
