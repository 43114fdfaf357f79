"""Kinds of frames: specimen, scan settings, place, and what column and detector do beside the simulator."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Change = Callable[[Floats, int, np.random.Generator], Floats]
"""From the grey of a frame, of full scale, its number in the section, and random numbers."""


class Where(StrEnum):
    """Middle of a section of frames."""

    CELL = "cell"
    BORDER = "border"
    """Border of the section, which lies across the frames."""
    SUPPORT = "support"
    """Beside all sections."""


@dataclass(frozen=True, slots=True)
class Group:
    """A kind of frames.

    Attributes
    ----------
    sem, specimen, simulator : mapping
        Settings that differ from the usual ones.
    where : Where
    bits : (int, ...)
        Bits of a pixel, frame by frame.
    size_px : (int, int)
        Width and height of a frame.
    change : callable or None
        What happens to the grey after the simulator.
    twice : bool
        Each frame is scanned twice, and the second one judged, as where it is taken again.
    """

    sem: Mapping[str, Any] = field(default_factory=dict)
    specimen: Mapping[str, Any] = field(default_factory=dict)
    simulator: Mapping[str, Any] = field(default_factory=dict)
    where: Where = Where.CELL
    bits: tuple[int, ...] = (8,)
    size_px: tuple[int, int] = (640, 448)
    change: Change | None = None
    twice: bool = False


def _drifting_gain(grey: Floats, number: int, rng: np.random.Generator) -> Floats:  # noqa: ARG001
    """Lose a tenth of the contrast, and of the brightness, with each frame."""
    return grey * np.float32(0.9**number)


def _other_levels(grey: Floats, number: int, rng: np.random.Generator) -> Floats:  # noqa: ARG001
    """Halve the contrast from the fourth frame on, as after a pump."""
    return grey if number < 3 else np.float32(0.4) + np.float32(0.5) * grey


def _faint(grey: Floats, number: int, rng: np.random.Generator) -> Floats:  # noqa: ARG001
    """Use a tenth of the grey levels."""
    return np.float32(0.4) + np.float32(0.1) * grey


def _flicker(grey: Floats, number: int, rng: np.random.Generator) -> Floats:  # noqa: ARG001
    """Change the brightness from row to row, as an unsteady beam does."""
    return grey + np.float32(0.02) * rng.standard_normal((len(grey), 1), dtype=np.float32)


def _hum(grey: Floats, number: int, rng: np.random.Generator) -> Floats:  # noqa: ARG001
    """Move the rows to and fro by up to .7 px, and change their brightness, as the mains do."""
    rows, columns = np.mgrid[: grey.shape[0], : grey.shape[1]].astype(np.float32)
    phase = rows * np.float32(rng.uniform(0.05, 3.0)) + np.float32(rng.uniform(0, 6.3))
    moved = cv2.remap(
        grey,
        columns + np.float32(0.7) * np.sin(phase),
        rows,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(moved + np.float32(0.01) * np.sin(phase), np.float32)


GROUPS: dict[str, Group] = {
    "usual": Group(),
    "dwell 10 us": Group(sem={"dwell_us": 10.0}),
    "dwell 1 us": Group(sem={"dwell_us": 1.0}),
    "dwell 300 us": Group(sem={"dwell_us": 300.0}),
    "dwell 10 ms": Group(sem={"dwell_us": 10_000.0}),
    "4 nm": Group(sem={"pixel_size_nm": 4.0}),
    "8 nm": Group(sem={"pixel_size_nm": 8.0}),
    "33 nm": Group(sem={"pixel_size_nm": 33.0}),
    "100 nm": Group(sem={"pixel_size_nm": 100.0}),
    "200 nm": Group(sem={"pixel_size_nm": 200.0}),
    "heavy stain bright": Group(sem={"invert_contrast": False}),
    "crowded": Group(specimen={"cells_per_field": 60.0}),
    "few cells": Group(specimen={"cells_per_field": 1.0}),
    "empty resin": Group(specimen={"cells_per_field": 0.0}),
    "faint cells": Group(specimen={"resin_stain": 0.35}),
    "cloudy resin": Group(specimen={"resin_texture_percent": 4.0}),
    "dirt and knife marks": Group(specimen={"dirt_per_field": 20.0, "knife_marks_per_field": 8.0}),
    "folds and debris": Group(specimen={"folds_per_section": 4.0, "debris_per_field": 5.0}),
    "slow charging": Group(simulator={"charging_percent": 5.0}),
    "section out of focus": Group(simulator={"plate_height_um": 15.0}),
    "plate at a slope": Group(simulator={"plate_tilt_mrad": (50.0, 20.0)}),
    "border of the section": Group(where=Where.BORDER),
    "border, 4 nm": Group(where=Where.BORDER, sem={"pixel_size_nm": 4.0}),
    "border, 1 us": Group(where=Where.BORDER, sem={"dwell_us": 1.0}),
    "border, heavy stain bright": Group(where=Where.BORDER, sem={"invert_contrast": False}),
    "bare support": Group(where=Where.SUPPORT),
    "bare support, 10 ms": Group(where=Where.SUPPORT, sem={"dwell_us": 10_000.0}),
    "bare support, dark": Group(where=Where.SUPPORT, sem={"invert_contrast": False}),
    "16 bit": Group(bits=(16,)),
    "8 and 16 bit": Group(bits=(8, 16)),
    "small scans": Group(size_px=(256, 192)),
    "large scans": Group(size_px=(1536, 1024)),
    "taken twice": Group(twice=True),
    "gain drifts": Group(change=_drifting_gain),
    "other grey levels from the fourth frame on": Group(change=_other_levels),
    "a tenth of the grey levels": Group(change=_faint),
    "unsteady beam": Group(change=_flicker),
    "mains hum": Group(change=_hum),
}
