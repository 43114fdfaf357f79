"""The fine alignment of Odemis, taken over into a configuration."""

import datetime
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import ValidationError

from config.loading import explain
from config.model import Config
from drivers.errors import CalibrationError, DriverError
from drivers.odemis.client import OdemisClient
from drivers.odemis.described.alignment import Alignment
from drivers.odemis.microscope import describe
from service.errors import InputError


@dataclass(frozen=True, slots=True)
class TakenOver:
    """An alignment, and the settings that use it.

    Attributes
    ----------
    alignment : Alignment
    settings : dict
        For the keys ``calibration`` and ``odemis`` of a profile.
    beam_misfit_um : float
        Longest way by which beam and plan part at a corner of the largest electron image.
    """

    alignment: Alignment
    settings: dict[str, Any]
    beam_misfit_um: float


def ask_odemis(config: Config) -> dict[str, Any]:
    """Return the description of the Odemis that runs here; nothing is switched or moved.

    Raises
    ------
    InputError
        It does not answer.
    """
    client = OdemisClient(config.odemis, only_looks=True)
    try:
        client.start()
        return describe(client)
    except DriverError as error:
        raise InputError(f"Odemis does not answer: {error}; start it, then repeat") from None
    finally:
        client.close()


def take_over(described: dict[str, Any], config: Config, today: datetime.date) -> TakenOver:
    """Turn the alignment in a description of Odemis into settings, within their limits.

    Raises
    ------
    InputError
        Odemis keeps none, or one that cannot be right.
    """
    try:
        found = Alignment.of(described)
    except CalibrationError as error:
        raise InputError(str(error)) from None
    if found is None:
        raise InputError(
            "Odemis keeps no fine alignment: do it there first (Fine alignment, over a region with"
            " cathodoluminescence), or measure pairs of points: `ilemtrack calibrate points.csv`"
        )
    settings = {
        "calibration": {
            "shift_um": [round(v, 4) for v in found.shift_um],
            "rotation_mrad": 0.0,
            "scale": 1.0,
            "shear": 0.0,
            "measured_on": today.isoformat(),
            "rms_um": None,
        },
        "odemis": {
            "camera_rotation_mrad": round(found.rotation_mrad, 4),
            "camera_scale": [round(v, 6) for v in found.scale],
        },
    }
    document = config.model_dump(mode="json")
    for part, values in settings.items():
        document[part] |= values
    _require_in_field(found, config)
    try:
        Config.model_validate(document)
    except ValidationError as error:
        raise InputError(
            f"the fine alignment of Odemis cannot be right ({found.says()}): {explain(error)};"
            " repeat it, or correct the magnification of the lens in Odemis"
        ) from None
    misfit_um, room_um = found.beam_misfit_um(config), _room_um(config)
    if misfit_um > room_um:
        raise InputError(
            f"the fine alignment of Odemis bends electron images by {misfit_um:.2f} um at a corner, more than"
            f" the {room_um:.2f} um of planner.guard_um beyond stage.position_error_um: raise"
            " planner.guard_um, or repeat the alignment"
        )
    return TakenOver(found, settings, misfit_um)


def as_yaml(taken: TakenOver) -> str:
    """Return the lines for a profile."""
    return yaml.safe_dump(taken.settings, sort_keys=False)


def _room_um(config: Config) -> float:
    return config.planner.guard_um - config.stage.position_error_um


def _require_in_field(found: Alignment, config: Config) -> None:
    """Refuse a shift by which light and beam would not even share a field."""
    width_um, height_um = (side * 1e6 for side in config.fluorescence.field_size_m)
    if abs(found.shift_um[0]) > width_um or abs(found.shift_um[1]) > height_um:
        raise InputError(
            f"the fine alignment of Odemis shifts by {found.shift_um[0]:.1f}, {found.shift_um[1]:.1f} um,"
            f" more than a field of {width_um:.0f} x {height_um:.0f} um: it was not measured in one image;"
            " repeat it"
        )
