"""Calls of a simulated Quanta-style server on its chamber."""

from contextlib import suppress

from config.instrument import ChamberConfig
from drivers.chamber import Chamber, VacuumState
from drivers.errors import DeviceTimeoutError, OutOfRangeError
from simulators.quanta.settings import Held

_PUMPED = (VacuumState.HIGH, VacuumState.PARTIAL)


class ChamberCalls:
    """Every public method is a call.

    Parameters
    ----------
    config : ChamberConfig
    chamber : Chamber
    held : Held
    """

    def __init__(self, config: ChamberConfig, chamber: Chamber, held: Held) -> None:
        self._config = config
        self._chamber = chamber
        self._held = held
        self._venting = False

    def pressure_info(self) -> dict[str, list[float]] | None:
        """Return the range of the low vacuum, Pa."""
        return {"range": [10.0, 4000.0]}

    def pump(self, pressure: float | None = None) -> None:
        """Begin to pump to high vacuum, or to a partial pressure of water vapour, Pa."""
        wanted_pa = self._config.fluorescence_pressure_pa
        if pressure is not None and abs(pressure / wanted_pa - 1) > 1e-6:
            raise OutOfRangeError(f"this simulated chamber holds {wanted_pa:g} Pa only, not {pressure:g} Pa")
        self._venting = False
        faults = self._held.faults
        if not (faults.get("pump_lies") or faults.get("vacuum_error")):
            self._change(VacuumState.HIGH if pressure is None else VacuumState.PARTIAL)

    def vent(self) -> None:
        """Begin to vent."""
        self._venting = True
        self._change(VacuumState.VENTED)

    def stop_vacuum_change(self) -> None:
        """Hold the pressure reached."""
        self._chamber.stop()

    def get_vacuum_state(self) -> str:
        """Return vacuum, vented, prevac, pumping, venting or vacuum_error."""
        if self._held.faults.get("vacuum_error"):
            return "vacuum_error"
        state = self._chamber.state()
        if self._held.faults.get("pump_lies") or state in _PUMPED:
            return "vacuum"
        if state is VacuumState.VENTED:
            return "vented"
        return "venting" if self._venting else "pumping"

    def get_pressure(self) -> float:
        """Return the pressure, Pa; -1 when vented."""
        if self._chamber.state() is VacuumState.VENTED:
            return -1.0
        return self._chamber.pressure_pa()

    def _change(self, state: VacuumState) -> None:
        # The change goes on after the caller's time has run out.
        with suppress(DeviceTimeoutError):
            self._chamber.go_to(state, 0.0)
