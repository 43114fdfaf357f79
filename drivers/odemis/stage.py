"""The stage of a SECOM."""

import math
import threading

from config.model import Config
from drivers.clock import Clock
from drivers.errors import DeviceTimeoutError, DriverError, InterruptedCallError, OutOfRangeError
from drivers.interlock import Interlock
from drivers.odemis.client import OdemisClient
from drivers.stopping import StopSwitch

_STILL_M = 50e-9
"""Two read-backs this close are of a stage that stands."""
_LOOK_S = 0.1


class OdemisStage:
    """Implements `drivers.stage.Stage`.

    Parameters
    ----------
    config : Config
    client : OdemisClient
    clock : Clock
    interlock : Interlock
    """

    def __init__(self, config: Config, client: OdemisClient, clock: Clock, interlock: Interlock) -> None:
        self._client = client
        self._clock = clock
        self._interlock = interlock
        self._switch = StopSwitch()
        (x0, x1), (y0, y1) = config.stage.safe_x_mm, config.stage.safe_y_mm
        self._range_m = (x0 * 1e-3, x1 * 1e-3), (y0 * 1e-3, y1 * 1e-3)

    def move_to(self, x_m: float, y_m: float, timeout_s: float) -> tuple[float, float]:
        """Go to a position, wait until the read-back stands still, and return it."""
        self._check(x_m, y_m)
        with self._interlock.holding("a move"), self._switch.running() as wake:
            end_s = self._clock.now_s() + timeout_s
            try:
                self._client.long("move", timeout_s, wake, x_m=x_m, y_m=y_m, timeout_s=timeout_s)
                return self._stands(end_s, wake)
            except DriverError as error:
                if wake.is_set():
                    raise InterruptedCallError("the move was stopped") from error
                # A movement whose future was given up goes on by itself.
                self._halt_after(error)
                raise

    def position(self) -> tuple[float, float]:
        """Read the position back, m."""
        found = self._client.quick("position")
        x_m, y_m = found["x_m"], found["y_m"]
        if x_m is None or y_m is None:
            raise DriverError("the stage gives no position")
        return float(x_m), float(y_m)

    def stop(self) -> None:
        """Stop moving; harmless when it stands."""
        self._switch.stop()
        self._client.quick("stop_stage")
        self._client.settle({"move"})

    def _stands(self, end_s: float, wake: threading.Event) -> tuple[float, float]:
        """Some stages say that they have stopped while they still move."""
        last = self.position()
        while self._clock.sleep(_LOOK_S, wake):
            here = self.position()
            if math.dist(here, last) <= _STILL_M:
                return here
            if self._clock.now_s() > end_s:
                raise DeviceTimeoutError("the stage said that it had arrived, and still moves")
            last = here
        raise InterruptedCallError("the move was stopped")

    def _halt_after(self, error: DriverError) -> None:
        try:
            self._client.quick("stop_stage")
        except DriverError as second:
            error.add_note(f"and it does not stop: {second}")

    def _check(self, x_m: float, y_m: float) -> None:
        for axis, value, (low, high) in zip("xy", (x_m, y_m), self._range_m, strict=True):
            if not low <= value <= high:
                raise OutOfRangeError(
                    f"{axis} = {value * 1e3:g} mm is outside the safe area of the stage,"
                    f" {low * 1e3:g} to {high * 1e3:g} mm"
                )
