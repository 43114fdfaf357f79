"""The chamber of a Quanta-style server."""

import math
from collections.abc import Callable

from config.instrument import ChamberConfig
from drivers.chamber import VacuumState
from drivers.clock import Clock
from drivers.errors import (
    DeviceTimeoutError,
    DriverError,
    InterruptedCallError,
    NotReadyError,
    OutOfRangeError,
)
from drivers.guards.stopping import StopSwitch
from drivers.quanta.client import QuantaClient

ATMOSPHERE_PA = 1.0e5
_LOOK_S = 1.0
"""Time between two read-backs of a changing chamber, s."""
_CHANGING = ("pumping", "venting", "prevac")


class QuantaChamber:
    """Implements `drivers.chamber.Chamber`.

    The server's state counts only where the gauge agrees: 'vacuum' is HIGH at a pressure allowed for the
    beam, PARTIAL at that of fluorescence, and CHANGING at any other.

    Parameters
    ----------
    client : QuantaClient
    config : ChamberConfig
    clock : Clock
    is_blanked : callable
        Returns True if the beam is blanked.
    """

    def __init__(
        self, client: QuantaClient, config: ChamberConfig, clock: Clock, is_blanked: Callable[[], bool]
    ) -> None:
        self._client = client
        self._config = config
        self._clock = clock
        self._is_blanked = is_blanked
        self._switch = StopSwitch()

    def go_to(self, state: VacuumState, timeout_s: float) -> None:
        """Pump, let in vapour or vent until both state and pressure agree."""
        if state not in (VacuumState.VENTED, VacuumState.PARTIAL, VacuumState.HIGH):
            raise OutOfRangeError(f"a chamber cannot be sent to {state}, only to vented, partial or high")
        if not self._is_blanked():
            raise NotReadyError(f"the chamber does not go to {state} while the beam is not blanked")
        with self._switch.running() as wake:
            if self.state() is state:
                return
            end_s = self._clock.now_s() + timeout_s
            self._begin(state)
            while (found := self.state()) is not state:
                if found is VacuumState.ERROR:
                    raise DriverError(f"the chamber reports an error on its way to {state}")
                left_s = end_s - self._clock.now_s()
                if left_s <= 0:
                    raise DeviceTimeoutError(
                        f"the chamber did not reach {state} within {timeout_s:g} s: it reads "
                        f"'{self._reported()}' at {self.pressure_pa():.3g} Pa"
                    )
                if not self._clock.sleep(min(_LOOK_S, left_s), wake):
                    raise InterruptedCallError(f"the change of the chamber to {state} was stopped")

    def state(self) -> VacuumState:
        """Read the state back, and check it against the pressure."""
        reported = self._reported()
        if reported == "vented":
            return VacuumState.VENTED
        if reported in _CHANGING:
            return VacuumState.CHANGING
        if reported != "vacuum":
            return VacuumState.ERROR
        pressure_pa = self.pressure_pa()
        if 0 < pressure_pa <= self._config.beam_max_pressure_pa:
            return VacuumState.HIGH
        wanted_pa, part = (
            self._config.fluorescence_pressure_pa,
            self._config.fluorescence_tolerance_percent / 100,
        )
        if wanted_pa * (1 - part) <= pressure_pa <= wanted_pa * (1 + part):
            return VacuumState.PARTIAL
        return VacuumState.CHANGING

    def pressure_pa(self) -> float:
        """Read the pressure back, Pa; atmospheric where the gauge reports a vented chamber (-1)."""
        found = self._client.call("get_pressure")
        if found == -1:
            return ATMOSPHERE_PA
        if not isinstance(found, (int, float)) or not math.isfinite(found) or found < 0:
            raise DriverError(f"the gauge reads {found!r}")
        return float(found)

    def stop(self) -> None:
        """End `go_to` and hold the pressure reached; harmless when nothing changes."""
        self._switch.stop()
        self._client.urgent(("stop_vacuum_change", {}))

    def _reported(self) -> str:
        return str(self._client.call("get_vacuum_state"))

    def _begin(self, state: VacuumState) -> None:
        if state is VacuumState.VENTED:
            self._client.call("vent")
        elif state is VacuumState.HIGH:
            self._client.call("pump")
        elif self._client.call("pressure_info") is None:
            raise OutOfRangeError("this machine has no low vacuum: its chamber does not go to partial")
        else:
            self._client.call("pump", pressure=self._config.fluorescence_pressure_pa)
