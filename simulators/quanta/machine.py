"""The calls of a simulated Quanta-style server, on the simulated microscope.

Every public method is a call; `drivers.quanta.wire` says how it is made. What takes time is begun, and goes
on as the microscope's clock does.
"""

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.model import Config
from drivers.chamber import VacuumState
from drivers.errors import (
    DeviceTimeoutError,
    DriverError,
    FocusNotFoundError,
    NotReadyError,
    OutOfRangeError,
)
from drivers.microscope import Microscope
from drivers.pose import FmToSem
from drivers.quanta.geometry import PRESETS_PX
from drivers.sem import ScanRequest
from simulators.devices.plate import Autofocus
from simulators.followed_clock import FollowedClock
from simulators.quanta.settings import Held

BEAM_SHIFT_RANGE_M = 25e-6
_AUTOMATIC_FRAMES = 5
"""Frames that an automatic focus, or contrast and brightness, scans."""
_AUTOMATIC_DWELL_S = 1e-6
_PUMPED = (VacuumState.HIGH, VacuumState.PARTIAL)

Image = tuple[dict[str, Any], bytes]


@dataclass(slots=True)
class _Scanning:
    """The scan that runs."""

    thread: threading.Thread
    last: threading.Event
    """Set where no other frame follows the one that runs."""
    ended: threading.Event
    error: DriverError | None = None


class QuantaMachine:
    """SEM, stage and chamber of a simulated microscope, in the words of the server.

    Parameters
    ----------
    config : Config
    devices : Microscope
        Those of `simulators.quanta.server.quanta_microscope`.
    clock : FollowedClock
    """

    def __init__(self, config: Config, devices: Microscope, clock: FollowedClock) -> None:
        self._config = config
        self._devices = devices
        self._clock = clock
        self.held = Held.of(config.sem)
        self._autofocus = Autofocus(config)
        self._lock = threading.Lock()
        self._resolution = PRESETS_PX[0]
        self._area: tuple[int, int, int, int] | None = None
        self._mode = "full_frame"
        self._shift_m = (0.0, 0.0)
        self._blanked, self._power = devices.sem.is_blanked(), True
        self._scanning: _Scanning | None = None
        self._automatic: str | None = None
        self._images: list[Image] = []
        self._arrives_s = 0.0
        self._stood_m = devices.stage.position()
        self._venting = False

    def fault(self, name: str, value: Any = None) -> None:
        """Switch a fault of `quanta_settings.FAULTS` on, or off with null."""
        self.held.fault(name, value)
        if name == "scan_without_end" and not value and self._scanning is not None:
            self._scanning.last.set()

    # Stage

    def stage_info(self) -> dict[str, list[float]]:
        """Range of each axis, m."""
        stage = self._config.stage
        return {"x": [v * 1e-3 for v in stage.safe_x_mm], "y": [v * 1e-3 for v in stage.safe_y_mm]}

    def get_stage_position(self) -> dict[str, float]:
        """Where the stage says that it is, m."""
        x, y = self._devices.stage.position()
        return {"x": x, "y": y}

    def move_stage(self, x: float, y: float) -> None:
        """Begin to move, m."""
        here = self._devices.stage.position()
        distance_m = float(np.hypot(x - here[0], y - here[1]))
        if distance_m < float(self.held.faults.get("tiny_moves") or 0):
            return
        # The movement goes on when its caller's time is over.
        with suppress(DeviceTimeoutError):
            self._devices.stage.move_to(x, y, 0.0)
        simulator = self._config.simulator
        self._stood_m = here
        travel_s = distance_m / (simulator.stage_speed_mm_per_s * 1e-3)
        self._arrives_s = self._clock.now_s() + travel_s + simulator.stage_settle_s

    def stage_is_moving(self) -> bool:
        """Whether the stage moves."""
        return self._clock.now_s() < self._arrives_s and not self.held.faults.get("stage_says_stopped")

    def stop_stage_movement(self) -> None:
        """Stop."""
        self._devices.stage.stop()
        self._arrives_s = self._clock.now_s()

    # Scan

    def resolution_info(self) -> dict[str, Any]:
        """Sizes of a scan, px."""
        return {"choices": [list(size) for size in PRESETS_PX]}

    def set_resolution(self, width: int, height: int) -> None:
        """Choose a preset; the whole of it is scanned."""
        if (width, height) not in PRESETS_PX:
            raise OutOfRangeError(f"no scan of {width} x {height} px")
        self._resolution, self._area = (width, height), None

    def get_resolution(self) -> list[int]:
        """Preset that is chosen, px."""
        return list(self._resolution)

    def set_selected_area(self, left: int, top: int, width: int, height: int) -> None:
        """Scan a part of the preset only, px."""
        if left < 0 or top < 0 or width < 1 or height < 1:
            raise OutOfRangeError("an area has a size, inside the scan")
        if left + width > self._resolution[0] or top + height > self._resolution[1]:
            raise OutOfRangeError(f"the area is not inside {self._resolution} px")
        self._area = left, top, width, height

    def reset_selected_area(self) -> None:
        """Scan the whole preset."""
        self._area = None

    def get_selected_area(self) -> list[int] | None:
        """Part of the preset that is scanned; null for the whole."""
        return None if self._area is None else list(self._area)

    def set_scan_mode(self, mode: str) -> None:
        """external, full_frame, spot or line."""
        if mode not in ("external", "full_frame", "spot", "line"):
            raise OutOfRangeError(f"no scan mode {mode!r}")
        self._mode = mode

    def get_scan_mode(self) -> str:
        """Scan mode."""
        return self._mode

    # Beam

    def beam_shift_info(self) -> dict[str, float]:
        """Radius of the beam shift, m."""
        return {"range": BEAM_SHIFT_RANGE_M}

    def set_beam_shift(self, x: float, y: float) -> None:
        """Shift the scan on the specimen, m."""
        if not np.hypot(x, y) <= BEAM_SHIFT_RANGE_M:
            raise OutOfRangeError(f"a beam shift of ({x:g}, {y:g}) m is too much")
        self._shift_m = x, y

    def get_beam_shift(self) -> dict[str, float]:
        """Beam shift, m."""
        return {"x": self._shift_m[0], "y": self._shift_m[1]}

    def set_beam_power(self, value: bool) -> None:
        """Switch the beam on or off as a whole."""
        self._power = value
        if not value:
            self._devices.sem.blank()

    def get_beam_power(self) -> bool:
        """Whether the beam is switched on."""
        return self._power

    def blank_beam(self) -> None:
        """Blank; a scan that runs is given up."""
        if not self.held.faults.get("blanker_stuck"):
            self._blanked = True
            self._devices.sem.blank()

    def unblank_beam(self) -> None:
        """Unblank."""
        self._blanked = False

    def beam_is_blanked(self) -> bool:
        """Whether the beam is blanked."""
        return self._blanked

    # Image

    def set_channel_state(self, channel: str, state: str) -> None:  # noqa: ARG002 - there is one channel
        """run: frame after frame; stop: after the frame that runs; cancel: now."""
        if state == "run":
            self._begin(self._frames)
        elif state == "stop":
            if self._scanning is not None and not self.held.faults.get("scan_without_end"):
                self._scanning.last.set()
        elif state == "cancel":
            self._cancel()
        else:
            raise OutOfRangeError(f"no state {state!r} of a channel; there are run, stop, cancel")

    def get_channel_state(self, channel: str) -> str:  # noqa: ARG002
        """Either running or stopped."""
        return "running" if self._runs() else "stopped"

    def get_latest_image(self, channel: str) -> Image | None:  # noqa: ARG002
        """Last whole frame; null before the first."""
        if not self._images:
            return None
        about, data = self._images[0 if self.held.faults.get("stale_frame") else -1]
        about = dict(about)
        if self.held.faults.get("orphan_frame"):
            about["beam_shift"] = [0.0, 3e-6]
        if rows := self.held.faults.get("databar"):
            data += bytes(rows * about["shape"][1])
            about["shape"] = [about["shape"][0] + rows, about["shape"][1]]
        return about | {"bytes": len(data)}, data

    def set_autofocusing(self, channel: str, state: bool) -> None:  # noqa: ARG002
        """Focus on what is scanned now, with the beam, and set the working distance; or give it up."""
        self._automatically("focus", state, self._focus)

    def is_autofocusing(self, channel: str) -> bool:  # noqa: ARG002
        """Whether the automatic focus runs."""
        return self._automatic == "focus" and self._runs()

    def set_auto_contrast_brightness(self, channel: str, state: bool) -> None:  # noqa: ARG002
        """Set contrast and brightness on what is scanned now, with the beam; or give it up."""
        self._automatically("contrast", state, self._expose_often)

    def is_auto_contrast_brightness(self, channel: str) -> bool:  # noqa: ARG002
        """Whether that runs."""
        return self._automatic == "contrast" and self._runs()

    # Chamber

    def pressure_info(self) -> dict[str, list[float]] | None:
        """Range of the low vacuum, Pa."""
        return {"range": [10.0, 4000.0]}

    def pump(self, pressure: float | None = None) -> None:
        """Begin to pump to high vacuum, or to a partial pressure of water vapour, Pa."""
        wanted_pa = self._config.chamber.fluorescence_pressure_pa
        if pressure is not None and abs(pressure / wanted_pa - 1) > 1e-6:
            raise OutOfRangeError(f"this simulated chamber holds {wanted_pa:g} Pa only, not {pressure:g} Pa")
        self._venting = False
        faults = self.held.faults
        if not (faults.get("pump_lies") or faults.get("vacuum_error")):
            self._change(VacuumState.HIGH if pressure is None else VacuumState.PARTIAL)

    def vent(self) -> None:
        """Begin to vent."""
        self._venting = True
        self._change(VacuumState.VENTED)

    def stop_vacuum_change(self) -> None:
        """Hold the pressure that there is."""
        self._devices.chamber.stop()

    def get_vacuum_state(self) -> str:
        """vacuum, vented, prevac, pumping, venting or vacuum_error."""
        if self.held.faults.get("vacuum_error"):
            return "vacuum_error"
        state = self._devices.chamber.state()
        if self.held.faults.get("pump_lies") or state in _PUMPED:
            return "vacuum"
        if state is VacuumState.VENTED:
            return "vented"
        return "venting" if self._venting else "pumping"

    def get_pressure(self) -> float:
        """Pressure, Pa; -1 where it is vented."""
        if self._devices.chamber.state() is VacuumState.VENTED:
            return -1.0
        return self._devices.chamber.pressure_pa()

    # How it works

    def close(self) -> None:
        """End what runs."""
        self._cancel()

    def _change(self, state: VacuumState) -> None:
        with suppress(DeviceTimeoutError):
            self._devices.chamber.go_to(state, 0.0)

    def _runs(self) -> bool:
        return self._scanning is not None and not self._scanning.ended.is_set()

    def _cancel(self) -> None:
        if self._scanning is not None:
            self._scanning.last.set()
            self._devices.sem.stop()
            self._scanning.thread.join(30)

    def _automatically(self, what: str, state: bool, work: Any) -> None:
        if state:
            self._automatic = what
            self._begin(work)
        elif self._automatic == what:
            self._cancel()

    def _begin(self, work: Any) -> None:
        """Run `work` in a thread; what it refuses before any time has passed is raised here."""
        with self._lock:
            if self._runs():
                raise NotReadyError("a scan runs")
            if self._mode != "full_frame":
                raise NotReadyError(f"no scan in the mode {self._mode}")
            last, ready = threading.Event(), threading.Event()

            def run() -> None:
                with self._clock.following():
                    ready.set()
                    try:
                        work(last)
                    except DriverError as error:
                        scanning.error = error
                    finally:
                        scanning.ended.set()

            scanning = _Scanning(threading.Thread(target=run, daemon=True), last, threading.Event())
            self._scanning = scanning
            scanning.thread.start()
            ready.wait()
        self._clock.settle()
        if isinstance(scanning.error, (NotReadyError, OutOfRangeError)):
            raise scanning.error

    def _frames(self, last: threading.Event) -> None:
        while True:
            image = self._frame(self.held.values["dwell_time"])
            self._images = [*self._images[-1:], image]
            if last.is_set():
                return

    def _expose_often(self, last: threading.Event) -> None:
        for _ in range(_AUTOMATIC_FRAMES):
            self._frame(_AUTOMATIC_DWELL_S)
            if last.is_set():
                return

    def _focus(self, last: threading.Event) -> None:
        self._expose_often(last)
        x, y = self._devices.stage.position()
        lies_m = np.array([(x + self._shift_m[0], y + self._shift_m[1])])
        ground_x, ground_y = FmToSem.of(self._config.calibration).to_fm(lies_m)[0].tolist()
        # Such machines do not say that they found nothing: the working distance stays.
        with suppress(FocusNotFoundError):
            found_m = self._autofocus.found_m((ground_x, ground_y))
            off_m = float(self.held.faults.get("autofocus_off") or 0.0)
            self.held.values["free_working_distance"] = found_m + off_m

    def _frame(self, dwell_s: float) -> Image:
        width, height = self._resolution
        left, top, columns, rows = self._area or (0, 0, width, height)
        pixel_m = self.held.values["scanning_size"] / width
        shift = self._shift_m
        lies = (
            shift[0] + (left + columns / 2 - width / 2) * pixel_m,
            shift[1] - (top + rows / 2 - height / 2) * pixel_m,
        )
        x, y = self._stood_m if self.held.faults.get("stale_position") else self._devices.stage.position()
        about = {
            "shape": [rows, columns],
            "dtype": "uint8",
            "resolution": [width, height],
            "scanning_size": self.held.values["scanning_size"],
            "dwell_time": dwell_s,
            "beam_shift": list(shift),
            "stage_position": {"x": x, "y": y},
        }
        request = ScanRequest((columns, rows), pixel_m, dwell_s, "", lies)
        return about, self._pixels(request).tobytes()

    def _pixels(self, request: ScanRequest) -> NDArray[Any]:
        if self._blanked or not self._power:
            self._clock.sleep(request.beam_s)
            return np.zeros((request.size_px[1], request.size_px[0]), np.uint8)
        if self._devices.focus is not None:
            self._devices.focus.set_focus(self.held.values["free_working_distance"])
        return self._devices.sem.scan(request, 2 * request.beam_s + 60).pixels
