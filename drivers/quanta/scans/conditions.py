"""Conditions of a scan of a Quanta-style server, read over a connection of their own."""

import math
from typing import Any

from drivers.errors import DriverError
from drivers.guards.conditions import BLANKER, Conditions
from drivers.quanta.client import Call, QuantaClient
from drivers.quanta.stage import QuantaStage
from drivers.stage import Stage

_SETTINGS = {
    "accelerating voltage": "get_ht_voltage",
    "beam power": "get_beam_power",
    "dwell time": "get_dwell_time",
    "scan mode": "get_scan_mode",
    "scan rotation": "get_rotation",
    "spot size": "get_ebeam_spotsize",
    "working distance": "get_free_working_distance",
}
"""Calls that read what stays the same in the course of a scan, by the names that people use."""


def read_conditions(client: QuantaClient, stage: Stage, *, focusing: bool = False) -> Conditions:
    """Read the conditions of a scan; the caller knows what the blanker should be.

    Parameters
    ----------
    client : QuantaClient
    stage : Stage
        The stage under the specimen.
    focusing : bool
        The machine changes working distance and dwell time by itself.

    Raises
    ------
    DriverError
        The server or the stage does not answer, or not with numbers.
    """
    names = [name for name in _SETTINGS if not (focusing and name in ("working distance", "dwell time"))]
    calls: list[Call] = [(_SETTINGS[name], {}) for name in names]
    calls += [(f"get_{what}", {}) for what in ("resolution", "selected_area", "scanning_size", "beam_shift")]
    calls += [("get_stage_position", {}), ("beam_is_blanked", {})]
    *values, preset, area, width_m, shift, place, blanked = client.apart(*calls)
    try:
        columns, rows = (preset[0], preset[1]) if area is None else (area[2], area[3])
        pixel_m = float(width_m) / preset[0]
        at_m = _point(place) if isinstance(stage, QuantaStage) else stage.position()
        return Conditions(
            at_m,
            (columns * pixel_m, rows * pixel_m),
            _center(_point(shift), preset, area, pixel_m),
            dict(zip(names, values, strict=True)) | {BLANKER: "closed" if blanked is True else "open"},
        )
    except (TypeError, KeyError, IndexError, ValueError) as error:
        raise DriverError(f"the settings of the scan: unexpected answer: {error}") from error


def _center(shift_m: tuple[float, float], preset: Any, area: Any, pixel_m: float) -> tuple[float, float]:
    """Return the centre of a scan from the stage position, m: the beam shift, and the place of its area."""
    if area is None:
        return shift_m
    left, top, columns, rows = area
    right_px, down_px = left + (columns - preset[0]) / 2, top + (rows - preset[1]) / 2
    return shift_m[0] + right_px * pixel_m, shift_m[1] - down_px * pixel_m


def _point(found: Any) -> tuple[float, float]:
    x, y = float(found["x"]), float(found["y"])
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ValueError(f"({x}, {y}) m")
    return x, y
