"""The fine alignment that Odemis keeps: corrections of the camera and of the e-beam.

Odemis takes the position and the rotation of a correction off those of an image, and multiplies the pixel
size; all about the centre of that image. Frames that it hands out carry the correction unapplied.
"""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from config.model import Config
from drivers.errors import CalibrationError

_SAME_SHIFT_UM = 0.05
_SAME_ROTATION_MRAD = 0.1
_SAME_SCALE = 1e-3
"""Differences by which an alignment counts as taken over; chosen by hand, below what a session notices."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """Corrections that make a fluorescence frame and an electron image agree.

    Attributes
    ----------
    shift_um : (float, float)
        Of frames, in x and y; the shift from fluorescence to SEM positions.
    rotation_mrad : float
        Of frames about their centres, counter-clockwise.
    scale : (float, float)
        True over reported pixel size of frames.
    beam_shear : float
        Shear of electron images, unitless.
    beam_scale : (float, float)
        True over nominal pixel size of electron images.
    """

    shift_um: tuple[float, float] = (0.0, 0.0)
    rotation_mrad: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    beam_shear: float = 0.0
    beam_scale: tuple[float, float] = (1.0, 1.0)

    @classmethod
    def of(cls, described: dict[str, Any]) -> Self | None:
        """Return the alignment in a description of Odemis; None where nothing is corrected.

        Raises
        ------
        CalibrationError
            A value that is no number, or a correction that only images of Odemis can carry.
        """
        camera, beam = (
            (described["parts"].get(part) or {}).get("corrections", {}) for part in ("camera", "ebeam")
        )
        x_m, y_m = _pair(camera, "POS_COR", 0.0)
        others = {name: value for name, value in beam.items() if name not in ("SHEAR_COR", "PIXEL_SIZE_COR")}
        if any(_numbers(name, value) != _NEUTRAL for name, value in others.items()):
            raise CalibrationError(
                f"Odemis also corrects {', '.join(sorted(others))} of the electron images, which cannot be"
                " taken over: reset its fine alignment and repeat it, or calibrate by pairs of points"
            )
        found = cls(
            (-x_m * 1e6, -y_m * 1e6),
            -math.remainder(_one(camera, "ROTATION_COR", 0.0), 2 * math.pi) * 1e3,
            _pair(camera, "PIXEL_SIZE_COR", 1.0),
            -_one(beam, "SHEAR_COR", 0.0),
            _pair(beam, "PIXEL_SIZE_COR", 1.0),
        )
        return None if found.agrees(cls()) else found

    def agrees(self, other: "Alignment") -> bool:
        """Return True if two alignments of the camera, and of the beam, are the same for a session."""
        return (
            math.dist(self.shift_um, other.shift_um) <= _SAME_SHIFT_UM
            and abs(self.rotation_mrad - other.rotation_mrad) <= _SAME_ROTATION_MRAD
            and max(abs(a - b) for a, b in zip(self.scale, other.scale, strict=True)) <= _SAME_SCALE
            and abs(self.beam_shear - other.beam_shear) <= _SAME_SCALE
            and max(abs(a - b) for a, b in zip(self.beam_scale, other.beam_scale, strict=True)) <= _SAME_SCALE
        )

    def is_used(self, config: Config) -> bool:
        """Return True if the configuration places frames as this alignment does."""
        calibration, odemis = config.calibration, config.odemis
        used = Alignment(
            calibration.shift_um,
            odemis.camera_rotation_mrad,
            odemis.camera_scale,
            self.beam_shear,
            self.beam_scale,
        )
        straight = (calibration.rotation_mrad, calibration.scale, calibration.shear) == (0.0, 1.0, 0.0)
        return straight and self.agrees(used)

    def beam_misfit_um(self, config: Config) -> float:
        """Return the longest way, um, by which beam and plan part at a corner of the largest electron image.

        Electron images are planned as upright rectangles of the nominal size.
        """
        half_um = np.array(config.sem.specimen_px) * config.sem.pixel_size_nm * 1e-3 / 2
        corners = half_um * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
        seen = corners * self.beam_scale @ np.array([[1, 0], [self.beam_shear, 1]])
        return float(np.hypot(*(seen - corners).T).max())

    def says(self) -> str:
        """Return the alignment in numbers, for people."""
        camera = (
            f"shift {self.shift_um[0]:.3g}, {self.shift_um[1]:.3g} um,"
            f" rotation {self.rotation_mrad:.3g} mrad, pixels x {self.scale[0]:.5g}, {self.scale[1]:.5g}"
        )
        if (self.beam_shear, self.beam_scale) == (0.0, (1.0, 1.0)):
            return camera
        x, y = self.beam_scale
        return f"{camera}; electron images shear {self.beam_shear:.3g}, pixels x {x:.5g}, {y:.5g}"


_NEUTRAL = (0.0,)


def _numbers(name: str, value: Any) -> tuple[float, ...]:
    """Return a correction as numbers; `_NEUTRAL` where it corrects nothing."""
    values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if not values or not all(isinstance(v, (int, float)) and math.isfinite(v) for v in values):
        raise CalibrationError(f"Odemis keeps {name} = {value}, which is no number")
    neutral = 1.0 if name == "PIXEL_SIZE_COR" else 0.0
    return _NEUTRAL if all(v == neutral for v in values) else tuple(float(v) for v in values)


def _one(corrections: dict[str, Any], name: str, neutral: float) -> float:
    found = _numbers(name, corrections.get(name, neutral))
    return neutral if found == _NEUTRAL else found[0]


def _pair(corrections: dict[str, Any], name: str, neutral: float) -> tuple[float, float]:
    found = _numbers(name, corrections.get(name, neutral))
    if found == _NEUTRAL:
        return neutral, neutral
    if len(found) < 2:
        raise CalibrationError(f"Odemis keeps {name} = {found[0]:g}, and two numbers are needed")
    return found[0], found[1]
