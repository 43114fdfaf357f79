"""Settings of a Quanta-style server: their ranges, setting and reading back."""

import math
from dataclasses import dataclass

from drivers.errors import DriverError, OutOfRangeError
from drivers.guards.limits import require_within
from drivers.quanta.client import QuantaClient


@dataclass(frozen=True, slots=True)
class Setting:
    """One numeric setting: its name in the calls, a label for people, and its unit."""

    name: str
    label: str
    unit: str
    near: float = 0.0
    """Harmless absolute difference between the value set and read back; a relative one is 0.1 %."""


HT_VOLTAGE = Setting("ht_voltage", "accelerating voltage", "V")
SPOT_SIZE = Setting("ebeam_spotsize", "spot size", "")
WORKING_DISTANCE = Setting("free_working_distance", "working distance", "m")
SCANNING_SIZE = Setting("scanning_size", "horizontal field width", "m")
DWELL_TIME = Setting("dwell_time", "dwell time", "s")
ROTATION = Setting("rotation", "scan rotation", "rad", near=1e-4)


def value_range(client: QuantaClient, setting: Setting) -> tuple[float, float]:
    """Return the lowest and the highest value that the machine has.

    Raises
    ------
    DriverError
    """
    return client.ask(f"{setting.name}_info", lambda info: (float(info["range"][0]), float(info["range"][1])))


def check(client: QuantaClient, setting: Setting, value: float) -> None:
    """Refuse a value that the machine does not have.

    Raises
    ------
    OutOfRangeError
    """
    low, high = value_range(client, setting)
    require_within(setting.label, value, low, high, setting.unit)


def read(client: QuantaClient, setting: Setting) -> float:
    """Read a value back.

    Raises
    ------
    DriverError
        It is no finite number.
    """
    found = client.call(f"get_{setting.name}")
    if not isinstance(found, (int, float)) or not math.isfinite(found):
        raise DriverError(f"get_{setting.name}: {found!r} is not a number")
    return float(found)


def apply(client: QuantaClient, setting: Setting, value: float) -> float:
    """Set a value and read it back: machines clip silently.

    Raises
    ------
    OutOfRangeError
        The value is out of range, or another one is read back.
    """
    check(client, setting, value)
    client.call(f"set_{setting.name}", value=value)
    found = read(client, setting)
    if not math.isclose(found, value, rel_tol=1e-3, abs_tol=setting.near):
        unit = f" {setting.unit}" if setting.unit else ""
        raise OutOfRangeError(f"the SEM set {setting.label} {found:g}{unit} instead of {value:g}{unit}")
    return found
