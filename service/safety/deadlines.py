"""Devices whose every call has a deadline of its own, kept by this program and not by the driver.

A call runs on a thread of its own. One that overruns is given up: its device counts as hung, what it returns
later is thrown away, and nothing but stopping, blanking, switching off and reading reaches the device until
it has returned. The threads are daemons: a call that never returns does not keep the program alive.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from drivers.chamber import Chamber, VacuumState
from drivers.errors import NotReadyError
from drivers.fluorescence import FluorescenceCamera, FmFrame, FmSettings, Light, LightFocus
from drivers.microscope import FoundSettings, Microscope, PutBack
from drivers.sem import BeamSettings, ElectronFocus, ScanImage, ScanRequest, Sem
from drivers.stage import Stage
from service.errors import HungDeviceError
from service.logs import get_logger
from service.safety.timed_call import NO_THREAD, TimedCall

log = get_logger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """Longest waits for a device.

    Attributes
    ----------
    grace_s : float
        Added to the `timeout_s` of a driver, so that the driver times out first, s.
    per_second : float
        Real time per second of the microscope's clock, s; a simulated clock runs faster.
    quick_s : float
        For calls that by contract do not block, s.
    stopped_s : float
        For a call to return after its device was stopped, s; the contract allows 1.
    safe_again_s, safe_again_most_s : float
        First and longest pause between two tries of the safe state, s.
    look_s : float
        Time between two reads of the vacuum during a scan, s.
    """

    grace_s: float = 10.0
    per_second: float = 1.0
    quick_s: float = 10.0
    stopped_s: float = 2.0
    safe_again_s: float = 10.0
    safe_again_most_s: float = 300.0
    look_s: float = 1.0


DEFAULT_LIMITS = Limits()


def timeout_of(estimate_s: float) -> float:
    """Return the time-out of a driver for a call, s; with `Limits.grace_s` it is 1.2 x estimate + 20 s."""
    return 1.2 * estimate_s + 10


class Guard:
    """Deadlines of the calls of one device.

    Parameters
    ----------
    device : str
        Name for people: "the camera".
    limits : Limits
    """

    def __init__(self, device: str, limits: Limits) -> None:
        self._device = device
        self._limits = limits
        self._lock = threading.Lock()
        self._running: tuple[str, TimedCall[object]] | None = None

    def long(self, what: str, function: Callable[[], T], timeout_s: float) -> T:
        """Make a call that blocks; refused while an earlier one hangs.

        Raises
        ------
        HungDeviceError
            It did not return in time, or an earlier one has not returned yet.
        NotReadyError
            The computer starts no more threads: nothing was called.
        """
        call = TimedCall(f"{self._device}: {what}", function)
        with self._lock:
            if self._running is not None and not self._running[1].ended():
                raise HungDeviceError(
                    f"{self._device} hangs: {self._running[0]} has not returned yet; mend the device, or end"
                    " and resume the program"
                )
            try:
                call.start()
            except RuntimeError as error:
                raise NotReadyError(NO_THREAD) from error
            self._running = what, call  # type: ignore[assignment]
        return self._within(what, call, timeout_s * self._limits.per_second + self._limits.grace_s)

    def quick(self, what: str, function: Callable[[], T]) -> T:
        """Make a call that does not block, at any time.

        Raises
        ------
        HungDeviceError
            It did not return in time.
        """
        return self._within(what, TimedCall(f"{self._device}: {what}", function), self._limits.quick_s)

    def hurry(self) -> None:
        """Shorten the deadline of the long call, as its device is being stopped."""
        with self._lock:
            if self._running is not None:
                self._running[1].hurry(self._limits.stopped_s)

    def _within(self, what: str, call: TimedCall[T], budget_s: float) -> T:
        if not call.wait(budget_s):
            log.critical("device hangs", device=self._device, call=what, budget_s=budget_s)
            raise HungDeviceError(f"{self._device} hangs: {what} did not return in time")
        return call.outcome()


def guarded(devices: Microscope, limits: Limits = DEFAULT_LIMITS) -> Microscope:
    """Return the same devices with a deadline on every call."""
    return Microscope(
        _GuardedCamera(devices.camera, limits),
        _GuardedLight(devices.light, limits),
        _GuardedStage(devices.stage, limits),
        _GuardedSem(devices.sem, limits),
        _GuardedChamber(devices.chamber, limits),
        None if devices.focus is None else _GuardedFocus(devices.focus, limits),
        None if devices.light_focus is None else _GuardedLightFocus(devices.light_focus, limits),
        None if devices.found is None else _GuardedFound(devices.found, limits),
        devices.chamber_by_hand,
        devices.cautions,
    )


class _GuardedCamera:
    def __init__(self, camera: FluorescenceCamera, limits: Limits) -> None:
        self._camera, self._guard = camera, Guard("the camera", limits)

    def expose(self, settings: FmSettings, timeout_s: float) -> FmFrame:
        return self._guard.long("the exposure", lambda: self._camera.expose(settings, timeout_s), timeout_s)

    def stop(self) -> None:
        self._guard.hurry()
        self._guard.quick("stopping", self._camera.stop)


class _GuardedLight:
    def __init__(self, light: Light, limits: Limits) -> None:
        self._light, self._guard = light, Guard("the light", limits)

    def on(self, excitation_nm: float, power_density_w_per_cm2: float, timeout_s: float) -> None:
        self._guard.long(
            "switching on",
            lambda: self._light.on(excitation_nm, power_density_w_per_cm2, timeout_s),
            timeout_s,
        )

    def off(self) -> None:
        self._guard.hurry()
        self._guard.quick("switching off", self._light.off)

    def is_on(self) -> bool:
        return self._guard.quick("reading it", self._light.is_on)


class _GuardedStage:
    def __init__(self, stage: Stage, limits: Limits) -> None:
        self._stage, self._guard = stage, Guard("the stage", limits)

    def move_to(self, x_m: float, y_m: float, timeout_s: float) -> tuple[float, float]:
        return self._guard.long("the move", lambda: self._stage.move_to(x_m, y_m, timeout_s), timeout_s)

    def position(self) -> tuple[float, float]:
        return self._guard.quick("reading the position", self._stage.position)

    def stop(self) -> None:
        self._guard.hurry()
        self._guard.quick("stopping", self._stage.stop)


class _GuardedSem:
    def __init__(self, sem: Sem, limits: Limits) -> None:
        self._sem, self._guard = sem, Guard("the SEM", limits)

    def set_beam(self, settings: BeamSettings, timeout_s: float) -> BeamSettings:
        return self._guard.long(
            "setting the beam", lambda: self._sem.set_beam(settings, timeout_s), timeout_s
        )

    def beam(self) -> BeamSettings:
        return self._guard.quick("reading the beam", self._sem.beam)

    def max_scan_px(self) -> tuple[int, int]:
        return self._guard.quick("reading the largest scan", self._sem.max_scan_px)

    def max_beam_shift_m(self) -> float:
        return self._guard.quick("reading the largest beam shift", self._sem.max_beam_shift_m)

    def beam_reach_m(self) -> tuple[float, float]:
        return self._guard.quick("reading the reach of the beam", self._sem.beam_reach_m)

    def scan(self, request: ScanRequest, timeout_s: float) -> ScanImage:
        return self._guard.long("the scan", lambda: self._sem.scan(request, timeout_s), timeout_s)

    def stop(self) -> None:
        self._guard.hurry()
        self._guard.quick("stopping", self._sem.stop)

    def blank(self) -> None:
        self._guard.quick("blanking", self._sem.blank)

    def is_blanked(self) -> bool:
        return self._guard.quick("reading the blanker", self._sem.is_blanked)


class _GuardedFocus:
    def __init__(self, focus: ElectronFocus, limits: Limits) -> None:
        self._focus, self._guard = focus, Guard("the focus of the beam", limits)

    def autofocus(self, request: ScanRequest, timeout_s: float) -> float:
        return self._guard.long("focusing", lambda: self._focus.autofocus(request, timeout_s), timeout_s)

    def set_focus(self, working_distance_m: float) -> None:
        self._guard.quick("setting the focus", lambda: self._focus.set_focus(working_distance_m))


class _GuardedLightFocus:
    def __init__(self, focus: LightFocus, limits: Limits) -> None:
        self._focus, self._guard = focus, Guard("the focus of the objective", limits)

    def move_to(self, z_m: float, timeout_s: float) -> float:
        return self._guard.long("the move", lambda: self._focus.move_to(z_m, timeout_s), timeout_s)

    def position(self) -> float:
        return self._guard.quick("reading the position", self._focus.position)

    def range_m(self) -> tuple[float, float]:
        return self._guard.quick("reading the range", self._focus.range_m)


class _GuardedFound:
    def __init__(self, found: FoundSettings, limits: Limits) -> None:
        self._found, self._guard = found, Guard("the microscope", limits)

    def values(self) -> dict[str, Any]:
        return self._found.values()

    def recall(self, values: dict[str, Any]) -> None:
        self._found.recall(values)

    def put_back(self, timeout_s: float) -> PutBack:
        return self._guard.long(
            "putting the settings back", lambda: self._found.put_back(timeout_s), timeout_s
        )


class _GuardedChamber:
    def __init__(self, chamber: Chamber, limits: Limits) -> None:
        self._chamber, self._guard = chamber, Guard("the chamber", limits)

    def go_to(self, state: VacuumState, timeout_s: float) -> None:
        self._guard.long(f"going to {state}", lambda: self._chamber.go_to(state, timeout_s), timeout_s)

    def state(self) -> VacuumState:
        return self._guard.quick("reading the state", self._chamber.state)

    def pressure_pa(self) -> float:
        return self._guard.quick("reading the pressure", self._chamber.pressure_pa)

    def stop(self) -> None:
        self._guard.hurry()
        self._guard.quick("stopping", self._chamber.stop)
