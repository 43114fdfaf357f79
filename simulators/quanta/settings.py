"""Numeric settings of a simulated Quanta-style server, and its faults."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from config.instrument import SemConfig
from drivers.errors import OutOfRangeError

RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "ht_voltage": (200.0, 30e3),
        "ebeam_spotsize": (1.0, 8.0),
        "free_working_distance": (1e-3, 60e-3),
        "scanning_size": (0.5e-6, 2.5e-3),
        "dwell_time": (25e-9, 10e-3),
        "rotation": (-math.pi, math.pi),
    }
)
"""Lowest and highest value, SI."""

FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "hang": "calls of this method are never answered",
        "drop": "a call of this method breaks the connection",
        "stale_frame": "the image shown is that of the previous scan",
        "orphan_frame": "the image shown is of a scan started by another program",
        "stale_position": "an image carries the position before the last move",
        "stage_says_stopped": "the stage reports a stop while it moves",
        "tiny_moves": "moves shorter than this, m, do not happen",
        "pump_lies": "the chamber reports itself pumped and is not",
        "vacuum_error": "pumping ends in an error",
        "clip": "settings, by name, are clipped silently at this value",
        "blanker_stuck": "the blanker does not blank",
        "scan_without_end": "the scan never stops by itself",
        "autofocus_off": "error of the automatic focus, m",
        "databar": "number of rows without specimen added to an image",
    }
)
"""Faults by name, for `fault`; null switches one off."""


@dataclass(slots=True)
class Held:
    """Values of the settings, and faults that are switched on."""

    values: dict[str, float]
    faults: dict[str, Any]

    @classmethod
    def of(cls, sem: SemConfig) -> "Held":
        """Return the settings as configured."""
        values = {
            "ht_voltage": sem.accelerating_voltage_kv * 1e3,
            "ebeam_spotsize": sem.spot_size,
            "free_working_distance": sem.working_distance_mm * 1e-3,
            "scanning_size": 100e-6,
            "dwell_time": 1e-6,
            "rotation": 0.0,
        }
        return cls(values, {})

    def set(self, name: str, value: float) -> None:
        """Set a value; clipped where that fault is on.

        Raises
        ------
        OutOfRangeError
        """
        low, high = RANGES[name]
        if not low <= value <= high:
            raise OutOfRangeError(f"{name} {value:g} is not from {low:g} to {high:g}")
        clip = self.faults.get("clip") or {}
        self.values[name] = min(value, clip.get(name, value))

    def fault(self, name: str, value: Any) -> None:
        """Switch a fault on, or off with None.

        Raises
        ------
        OutOfRangeError
            There is no such fault.
        """
        if name not in FAULTS:
            raise OutOfRangeError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
        self.faults[name] = value
        if value is None or value is False:
            del self.faults[name]
