"""The column of a SECOM's SEM, as far as Odemis reads it back."""

from dataclasses import replace
from typing import Any

from drivers.guards.read_back import without_rounding
from drivers.sem import BeamSettings

_SET_BY_HAND = ("aperture_m", "working_distance_m", "detector")
"""Settings that Odemis does not read back for an SEM."""


def read_column(found: dict[str, Any], configured: BeamSettings) -> BeamSettings:
    """Return the column as read back, and as configured where nothing was read.

    Parameters
    ----------
    found : dict
        Answer of a worker to ``column``; None for what this microscope does not read back.
    configured : BeamSettings
    """
    known = {"accelerating_voltage_v": found["voltage_v"], "spot_size": found["spot_size"]}
    read: dict[str, Any] = {
        name: without_rounding(value, getattr(configured, name))
        for name, value in known.items()
        if value is not None
    }
    silent = (name for name, value in known.items() if value is None)
    return replace(
        configured, **read, probe_current_a=found["current_a"], as_configured=(*silent, *_SET_BY_HAND)
    )
