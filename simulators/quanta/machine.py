"""The calls of a simulated Quanta-style server, on the simulated microscope.

`drivers.quanta.wire` says how a call is made. What takes time is begun, and goes on as the microscope's clock
does.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from config.model import Config
from drivers.errors import DisturbedError, FocusNotFoundError, OutOfRangeError
from drivers.microscope import Microscope
from drivers.pose import FmToSem
from drivers.sem import ScanImage, ScanRequest
from simulators.devices.plate import Autofocus
from simulators.followed_clock import FollowedClock
from simulators.quanta.background import Background, Work
from simulators.quanta.chamber import ChamberCalls
from simulators.quanta.scan_area import ScanAreaCalls
from simulators.quanta.settings import Held
from simulators.quanta.stage import StageCalls

_AUTOMATIC_FRAMES = 5
"""Frames scanned by an automatic focus, or by automatic contrast and brightness; chosen by hand."""
_AUTOMATIC_DWELL_S = 1e-6
_NO_CALLS = frozenset({"held", "close", "function", "reported_m", "request", "require_full_frame"})

Image = tuple[dict[str, Any], bytes]


class QuantaMachine:
    """SEM, stage and chamber of a simulated microscope, as the server offers them.

    Calls on beam, image and automatic functions are methods here, the others those of its parts.

    Parameters
    ----------
    config : Config
    devices : Microscope
        Those of `simulators.quanta.server.quanta_microscope`.
    clock : FollowedClock
    stop_late_s : float
        Pause after a frame in which a request to stop still makes it the last one, s. On a busy computer
        requests come late, and a machine in real time would expose once more.
    """

    def __init__(
        self, config: Config, devices: Microscope, clock: FollowedClock, stop_late_s: float = 0.0
    ) -> None:
        self._config = config
        self._devices = devices
        self._clock = clock
        self.held = Held.of(config.sem)
        self._stage = StageCalls(config, devices.stage, clock, self.held)
        self._area = ScanAreaCalls()
        self._chamber = ChamberCalls(config.chamber, devices.chamber, self.held)
        self._background = Background(clock)
        self._autofocus = Autofocus(config)
        self._blanked, self._power = devices.sem.is_blanked(), True
        self._automatic: str | None = None
        self._images: list[Image] = []
        self._stop_late_s = stop_late_s

    def function(self, name: str) -> Callable[..., Any] | None:
        """Return the call of that name; None where there is none."""
        if name.startswith("_") or name in _NO_CALLS:
            return None
        parts = (self, self._stage, self._area, self._chamber)
        found = (getattr(part, name, None) for part in parts)
        return next((call for call in found if callable(call)), None)

    def fault(self, name: str, value: Any = None) -> None:
        """Switch a fault of `simulators.quanta.settings.FAULTS` on, or off with null."""
        self.held.fault(name, value)
        if name == "scan_without_end" and not value:
            self._background.finish()

    def set_beam_power(self, value: bool) -> None:
        """Switch the beam on or off as a whole."""
        self._power = value
        if not value:
            self._devices.sem.blank()

    def get_beam_power(self) -> bool:
        """Return true if the beam is switched on."""
        return self._power

    def blank_beam(self) -> None:
        """Blank the beam; a running scan is abandoned."""
        if not self.held.faults.get("blanker_stuck"):
            self._blanked = True
            self._devices.sem.blank()

    def unblank_beam(self) -> None:
        """Unblank the beam."""
        self._blanked = False

    def beam_is_blanked(self) -> bool:
        """Return true if the beam is blanked."""
        return self._blanked

    def set_channel_state(self, channel: str, state: str) -> None:  # noqa: ARG002 - there is one channel
        """Scan: run, frame after frame; stop, after the current frame; cancel, now."""
        if state == "run":
            self._begin(self._frames)
        elif state == "stop":
            if not self.held.faults.get("scan_without_end"):
                self._background.finish()
        elif state == "cancel":
            self._cancel()
        else:
            raise OutOfRangeError(f"no state {state!r} of a channel; there are run, stop, cancel")

    def get_channel_state(self, channel: str) -> str:  # noqa: ARG002
        """Return running or stopped."""
        return "running" if self._background.runs() else "stopped"

    def get_latest_image(self, channel: str) -> Image | None:  # noqa: ARG002
        """Return the last whole frame; null before the first."""
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
        """Begin or end an automatic focus on the scan that is set; the beam exposes it."""
        self._automatically("focus", state, self._focus)

    def is_autofocusing(self, channel: str) -> bool:  # noqa: ARG002
        """Return true while the automatic focus runs."""
        return self._automatic == "focus" and self._background.runs()

    def set_auto_contrast_brightness(self, channel: str, state: bool) -> None:  # noqa: ARG002
        """Begin or end automatic contrast and brightness on the scan that is set; the beam exposes it."""
        self._automatically("contrast", state, self._expose_often)

    def is_auto_contrast_brightness(self, channel: str) -> bool:  # noqa: ARG002
        """Return true while automatic contrast and brightness runs."""
        return self._automatic == "contrast" and self._background.runs()

    def close(self) -> None:
        """End what is running."""
        self._cancel()

    def _cancel(self) -> None:
        self._background.end(self._devices.sem.stop)

    def _begin(self, work: Work) -> None:
        self._area.require_full_frame()
        self._background.begin(work)

    def _automatically(self, what: str, state: bool, work: Work) -> None:
        if state:
            self._automatic = what
            self._begin(work)
        elif self._automatic == what:
            self._cancel()

    def _frames(self, last: threading.Event) -> None:
        while True:
            image = self._frame(self.held.values["dwell_time"])
            self._images = [*self._images[-1:], image]
            if last.is_set() or not self._clock.sleep(self._stop_late_s, last):
                return

    def _expose_often(self, last: threading.Event) -> None:
        for _ in range(_AUTOMATIC_FRAMES):
            self._frame(_AUTOMATIC_DWELL_S)
            if last.is_set():
                return

    def _focus(self, last: threading.Event) -> None:
        self._expose_often(last)
        x, y = self._devices.stage.position()
        shift = self._area.get_beam_shift()
        at_m = np.array([(x + shift["x"], y + shift["y"])])
        fm_x, fm_y = FmToSem.of(self._config.calibration).to_fm(at_m)[0].tolist()
        # Such machines do not report that they found nothing: the working distance stays.
        with suppress(FocusNotFoundError):
            found_m = self._autofocus.found_m((fm_x, fm_y))
            off_m = float(self.held.faults.get("autofocus_off") or 0.0)
            self.held.values["free_working_distance"] = found_m + off_m

    def _frame(self, dwell_s: float) -> Image:
        request = self._area.request(self.held.values["scanning_size"], dwell_s)
        shift = self._area.get_beam_shift()
        x, y = self._stage.reported_m()
        about = {
            "shape": [request.size_px[1], request.size_px[0]],
            "dtype": "uint8",
            "resolution": self._area.get_resolution(),
            "scanning_size": self.held.values["scanning_size"],
            "dwell_time": dwell_s,
            "beam_shift": [shift["x"], shift["y"]],
            "stage_position": {"x": x, "y": y},
        }
        return about, self._pixels(request).tobytes()

    def _pixels(self, request: ScanRequest) -> NDArray[Any]:
        if self._blanked or not self._power:
            self._clock.sleep(request.beam_s)
            return np.zeros((request.size_px[1], request.size_px[0]), np.uint8)
        if self._devices.focus is not None:
            self._devices.focus.set_focus(self.held.values["free_working_distance"])
        try:
            return self._devices.sem.scan(request, 2 * request.beam_s + 60).pixels
        except DisturbedError as error:
            # Such a machine notices nothing, and gives the image.
            return cast(ScanImage, error.image).pixels
