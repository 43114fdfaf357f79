"""The stage of a SECOM."""

import math
import threading

from config.model import Config
from drivers.clock import Clock
from drivers.errors import DeviceTimeoutError, DriverError, InterruptedCallError
from drivers.guards.interlock import Interlock
from drivers.guards.limits import require_in_stage_range
from drivers.guards.stopping import StopSwitch, interrupted
from drivers.odemis.client import OdemisClient

_STILL_M = 50e-9
"""Largest distance between two read-backs of a stage that stands still, m; chosen by hand, not measured."""
_LOOK_S = 0.1
"""Time between two read-backs, s."""


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
        """Move to a position, wait until the read-back stands still, and return it, m."""
        require_in_stage_range((x_m, y_m), self._range_m)
        with self._interlock.holding("a move"), self._switch.running() as wake:
            end_s = self._clock.now_s() + timeout_s
            try:
                with interrupted(wake, "the move was stopped"):
                    self._client.long("move", timeout_s, wake, x_m=x_m, y_m=y_m, timeout_s=timeout_s)
                    return self._stands(end_s, wake)
            except DriverError as error:
                if not wake.is_set():
                    # A movement goes on by itself after its future was abandoned.
                    self._client.also("stop_stage", error)
                raise

    def position(self) -> tuple[float, float]:
        """Read the position back, m."""
        found = self._client.quick("position")
        x_m, y_m = found["x_m"], found["y_m"]
        if x_m is None or y_m is None:
            raise DriverError("the stage reports no position")
        return float(x_m), float(y_m)

    def stop(self) -> None:
        """Stop moving; harmless when the stage stands still."""
        self._switch.stop()
        self._client.quick("stop_stage")
        self._client.settle({"move"})

    def _stands(self, end_s: float, wake: threading.Event) -> tuple[float, float]:
        """Wait until two read-backs agree: some stages report a stop while they still move."""
        last = self.position()
        while self._clock.sleep(_LOOK_S, wake):
            here = self.position()
            if math.dist(here, last) <= _STILL_M:
                return here
            if self._clock.now_s() > end_s:
                raise DeviceTimeoutError("the stage reported its arrival and still moves")
            last = here
        raise InterruptedCallError("the move was stopped")
