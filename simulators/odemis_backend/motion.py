"""Stage, objective and chamber."""

import math
from typing import Any

from config.model import Config
from drivers.chamber import VacuumState
from drivers.errors import DeviceTimeoutError, DriverError, InterruptedCallError
from simulators.microscope import SimulatedMicroscope
from simulators.odemis_backend.faults import Faults
from simulators.odemis_backend.settings import Component, HwError, Setting

VENTED_PA = 1e5


class CancelledError(Exception):
    """Raised by the result of a movement that was cancelled."""


class Motion:
    """Stage, chamber and objective. A move begins once its result is waited for, and goes on after that.

    Parameters
    ----------
    config : Config
    microscope : SimulatedMicroscope
    faults : Faults
    """

    def __init__(self, config: Config, microscope: SimulatedMicroscope, faults: Faults) -> None:
        self._config = config
        self._stage = microscope.devices.stage
        self._chamber = microscope.devices.chamber
        self._focus = microscope.devices.light_focus
        self._faults = faults
        self._roles = config.odemis.roles
        self._lag: list[tuple[float, float]] = []
        limits = config.chamber
        self._states = {
            VENTED_PA: VacuumState.VENTED,
            limits.fluorescence_pressure_pa: VacuumState.PARTIAL,
            limits.high_vacuum_pa: VacuumState.HIGH,
        }
        self._names = dict(zip(self._states, ("vented", "low-vacuum", "vacuum"), strict=True))
        self._stands = VENTED_PA

    def components(self) -> list[Component]:
        """Return stage, chamber and, if there is one, the drive of the objective."""
        stage = self._config.stage
        ranges = {"x": stage.safe_x_mm, "y": stage.safe_y_mm}
        axes = {
            # Slightly more than the safe area, which the hardware does not know.
            name: {"range": (low * 1e-3 - 1e-3, high * 1e-3 + 1e-3), "unit": "m"}
            for name, (low, high) in ranges.items()
        }
        found = [
            Component(
                self._roles.stage,
                "Sample Stage",
                {"position": Setting(self._position, unit="m")},
                axes,
                move=self._move,
                stop=lambda: self._halt(self._roles.stage, self._stage.stop),
            ),
            Component(
                self._roles.chamber,
                "Chamber",
                {
                    "position": Setting(self._chamber_position, unit="Pa"),
                    "pressure": Setting(self._chamber.pressure_pa, unit="Pa"),
                },
                {"vacuum": {"choices": self._names, "unit": "Pa"}},
                move=self._pump,
                stop=lambda: self._halt(self._roles.chamber, self._chamber.stop),
            ),
        ]
        focus = self._focus
        if focus is not None:

            def focus_to(position: dict[str, Any], timeout_s: float) -> None:
                if abs(position["z"] - focus.position()) < (self._faults.of("tiny_moves") or 0.0):
                    return
                _raised(lambda: focus.move_to(position["z"], timeout_s))

            height = Setting(lambda: {"z": focus.position()}, unit="m")
            height_axis = {"z": {"range": focus.range_m(), "unit": "m"}}
            found.append(
                Component(
                    self._roles.focus, "Objective Drive", {"position": height}, height_axis, move=focus_to
                )
            )
        return found

    def _position(self) -> dict[str, float]:
        x_m, y_m = self._lag.pop(0) if self._lag else self._stage.position()
        return {"x": x_m, "y": y_m}

    def _move(self, position: dict[str, Any], timeout_s: float) -> None:
        start = self._stage.position()
        target = float(position.get("x", start[0])), float(position.get("y", start[1]))
        if math.dist(start, target) < (self._faults.of("tiny_moves") or 0.0):
            return
        _raised(lambda: self._stage.move_to(*target, timeout_s))
        early = self._faults.of("arrives_early") or 0
        parts = [(n + 1) / (early + 1) for n in range(early)]
        self._lag = [tuple(s + (t - s) * p for s, t in zip(start, target, strict=True)) for p in parts]  # type: ignore[misc]

    def _chamber_position(self) -> dict[str, float]:
        """Return the position, updated only at the end of a change; an unknown one reads as vented."""
        state = self._chamber.state()
        if state is not VacuumState.CHANGING:
            self._stands = next(key for key, known in self._states.items() if known is state)
        return {"vacuum": self._stands}

    def _pump(self, position: dict[str, Any], timeout_s: float) -> None:
        if self._faults.of("pump_lies"):
            self._stands = VENTED_PA
            return
        _raised(lambda: self._chamber.go_to(self._states[position["vacuum"]], timeout_s))

    def _halt(self, role: str, stop: Any) -> None:
        if not self._faults.strikes("runs_on", role):
            stop()


def _raised(call: Any) -> None:
    try:
        call()
    except DeviceTimeoutError as error:
        raise TimeoutError(str(error)) from None
    except InterruptedCallError as error:
        raise CancelledError(str(error)) from None
    except DriverError as error:
        raise HwError(str(error)) from None
