"""The simulated chamber: it pumps for minutes, and its pressure follows an exponential."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from config.model import Config
from drivers.chamber import VacuumState
from drivers.clock import Clock
from drivers.errors import DeviceTimeoutError, InterruptedCallError, NotReadyError, OutOfRangeError
from drivers.guards.stopping import StopSwitch
from simulators.devices.memory import Memory

ATMOSPHERE_PA = 1.0e5


@dataclass(frozen=True, slots=True)
class _Course:
    """Pressure over time: exponential from one value to another, then constant."""

    state: VacuumState
    start_pa: float
    end_pa: float
    begin_s: float
    duration_s: float

    def over(self, now_s: float) -> bool:
        return now_s >= self.begin_s + self.duration_s

    def pressure_pa(self, now_s: float) -> float:
        if self.over(now_s):
            return self.end_pa
        part = max(0.0, now_s - self.begin_s) / self.duration_s
        return float(self.start_pa * (self.end_pa / self.start_pa) ** part)


class SimulatedChamber:
    """Implements `drivers.chamber.Chamber`. A new one is vented.

    A change goes on after the caller's time has run out; `stop` ends it, and the chamber then holds its
    pressure in the state CHANGING. High vacuum is 0.8 of the configured pressure.

    Parameters
    ----------
    config : Config
    clock : Clock
    is_blanked : callable
        Returns True if the beam is blanked.
    memory : Memory
        Keeps state and pressure; a change under way when a program was killed is back at its beginning.
    """

    def __init__(self, config: Config, clock: Clock, is_blanked: Callable[[], bool], memory: Memory) -> None:
        self._config = config
        self._clock = clock
        self._is_blanked = is_blanked
        self._memory = memory
        self._switch = StopSwitch()
        self._lock = threading.Lock()
        state, pressure_pa = memory.get("chamber") or (VacuumState.VENTED, ATMOSPHERE_PA)
        self._course = _Course(VacuumState(state), pressure_pa, pressure_pa, clock.now_s(), 0.0)

    def go_to(self, state: VacuumState, timeout_s: float) -> None:
        """Pump or let in vapour until `state`; blocks on the clock."""
        end_pa, duration_s = self._target(state)
        if not self._is_blanked():
            raise NotReadyError(f"the chamber does not go to {state} while the beam is not blanked")
        with self._switch.running() as wake:
            if self.state() == state:
                return
            with self._lock:
                now_s = self._clock.now_s()
                start_pa = self._course.pressure_pa(now_s)
                self._memory.set("chamber", [VacuumState.CHANGING, start_pa])
                self._course = _Course(state, start_pa, end_pa, now_s, duration_s)
            if not self._clock.sleep(min(duration_s, timeout_s), wake):
                self._hold()
                raise InterruptedCallError(f"the change of the chamber to {state} was stopped")
            if duration_s > timeout_s:
                raise DeviceTimeoutError(f"the chamber did not reach {state} within {timeout_s:g} s")
            self._clock.sleep(max(0.0, self._course.begin_s + duration_s - self._clock.now_s()))
            self._memory.set("chamber", [state, end_pa])

    def state(self) -> VacuumState:
        """Read the state back."""
        with self._lock:
            course = self._course
            if not course.over(self._clock.now_s()):
                return VacuumState.CHANGING
            # A change whose caller did not wait until its end.
            if self._memory.get("chamber") != [course.state, course.end_pa]:
                self._memory.set("chamber", [course.state, course.end_pa])
            return course.state

    def pressure_pa(self) -> float:
        """Read the pressure back, Pa."""
        with self._lock:
            return self._course.pressure_pa(self._clock.now_s())

    def stop(self) -> None:
        """End `go_to` and hold the pressure reached; harmless when nothing changes."""
        self._switch.stop()
        self._hold()

    def _hold(self) -> None:
        with self._lock:
            now_s = self._clock.now_s()
            if self._course.over(now_s):
                return
            pressure_pa = self._course.pressure_pa(now_s)
            self._course = _Course(VacuumState.CHANGING, pressure_pa, pressure_pa, now_s, 0.0)
            self._memory.set("chamber", [VacuumState.CHANGING, pressure_pa])

    def _target(self, state: VacuumState) -> tuple[float, float]:
        """Return pressure, Pa, and duration, s, of a change."""
        chamber, simulator = self._config.chamber, self._config.simulator
        if state is VacuumState.HIGH:
            return 0.8 * chamber.high_vacuum_pa, simulator.pump_to_high_vacuum_min * 60
        if state is VacuumState.PARTIAL:
            return chamber.fluorescence_pressure_pa, simulator.pump_to_partial_min * 60
        if state is VacuumState.VENTED:
            return ATMOSPHERE_PA, simulator.pump_to_partial_min * 60
        raise OutOfRangeError(f"a chamber cannot be sent to {state}, only to vented, partial or high")
