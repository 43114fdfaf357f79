"""Settings (vigilant attributes) and components of the simulated back-end."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class NotSettableError(AttributeError):
    """Raised when a read-only setting is written."""


class HwError(OSError):
    """Raised when the hardware refuses."""


@dataclass
class Setting:
    """One vigilant attribute.

    Attributes
    ----------
    read : callable
    write : callable or None
        None for a read-only setting.
    limits : tuple or None
        Smallest and largest value; for tuples, of each element.
    choices : object or None
    unit : str or None
    """

    read: Callable[[], Any]
    write: Callable[[Any], None] | None = None
    limits: tuple[Any, Any] | None = None
    choices: Any = None
    unit: str | None = None

    def set(self, value: Any) -> None:
        """Write, with the exceptions that Odemis raises.

        Raises
        ------
        NotSettableError, TypeError, IndexError
        """
        if self.write is None:
            raise NotSettableError("Value is not settable")
        if self.limits is not None:
            values = value if isinstance(value, (tuple, list)) else (value,)
            low, high = (
                bound if isinstance(bound, (tuple, list)) else (bound,) * len(values) for bound in self.limits
            )
            if not all(isinstance(v, (int, float)) for v in values):
                raise TypeError(f"Value '{value}' is not a number")
            if len(values) != len(low) or not all(
                lo <= v <= hi for lo, v, hi in zip(low, values, high, strict=True)
            ):
                raise IndexError(f"Trying to assign value '{value}' outside of the range {self.limits}")
        if self.choices is not None and value not in self.choices:
            raise IndexError(f"Value {value} is not part of possible choices: {self.choices}")
        self.write(value)

    def described(self) -> dict[str, Any]:
        """Return all but the value."""
        return {
            "unit": self.unit,
            "readonly": self.write is None,
            "range": self.limits,
            "choices": self.choices,
        }


def kept(values: dict[str, Any], name: str, start: Any, **limits: Any) -> Setting:
    """Return a setting whose value is kept in a dictionary."""
    values[name] = start
    return Setting(lambda: values[name], lambda value: values.__setitem__(name, value), **limits)


@dataclass
class Component:
    """One component of the back-end.

    Attributes
    ----------
    role, name : str
    settings : dict
    axes : dict
        Axis: its ``range`` or ``choices``, and ``unit``.
    shape : tuple of int
    move : callable or None
        Takes the positions by axis, and the seconds to wait.
    stop : callable or None
    frame : callable or None
        Takes one frame; returns pixels and metadata.
    metadata : dict
        Written by clients, carried by every frame that begins later.
    """

    role: str
    name: str
    settings: dict[str, Setting]
    axes: dict[str, dict[str, Any]] = field(default_factory=dict)
    shape: tuple[int, ...] = ()
    move: Callable[[dict[str, Any], float], None] | None = None
    stop: Callable[[], None] | None = None
    frame: Callable[[dict[str, Any]], tuple[Any, dict[str, Any]]] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    def check_move(self, position: dict[str, Any]) -> None:
        """Refuse a move to a position that does not exist.

        Raises
        ------
        ValueError
        """
        for axis, value in position.items():
            if axis not in self.axes:
                raise ValueError(f"Unknown axis {axis}")
            limits = self.axes[axis]
            if "choices" in limits and value not in limits["choices"]:
                raise ValueError(f"Unexpected position {value} of axis {axis}")
            if "range" in limits and not (
                math.isfinite(value) and limits["range"][0] <= value <= limits["range"][1]
            ):
                raise ValueError(f"Position {value} for axis {axis} outside of range {limits['range']}")
