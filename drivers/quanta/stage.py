"""The stage of a Quanta-style server."""

import math
from typing import Any

from config.instrument import StageConfig
from config.quanta import QuantaConfig
from drivers.clock import Clock
from drivers.errors import DeviceTimeoutError, DriverError, InterruptedCallError
from drivers.guards.interlock import Interlock
from drivers.guards.limits import require_in_stage_range
from drivers.guards.stopping import StopSwitch
from drivers.quanta.client import QuantaClient

_DETOUR = 5.0
"""Length of the step away before a move that is too short, over the shortest move; chosen by hand."""
_STILL_M = 2e-8
"""Largest distance between two read-backs of a stage that stands still, m; chosen by hand, not measured."""

_Point = tuple[float, float]


def axis_ranges_m(info: Any) -> tuple[_Point, _Point]:
    """Return the lowest and highest x, and y, of an answer to ``stage_info``, m."""
    (x0, x1), (y0, y1) = ((float(info[axis][0]), float(info[axis][1])) for axis in "xy")
    return (x0, x1), (y0, y1)


class QuantaStage:
    """Implements `drivers.stage.Stage`.

    Such a stage reports a stop while it still moves, and skips tiny moves. So a move is over only once the
    server reports a stop, two read-backs agree, and both lie at the target; and a move shorter than
    ``quanta.least_move_um`` begins with a step away, inside the safe area.

    Parameters
    ----------
    client : QuantaClient
    stage : StageConfig
    quanta : QuantaConfig
    clock : Clock
    interlock : Interlock
    """

    def __init__(
        self,
        client: QuantaClient,
        stage: StageConfig,
        quanta: QuantaConfig,
        clock: Clock,
        interlock: Interlock,
    ) -> None:
        self._client = client
        self._stage = stage
        self._quanta = quanta
        self._clock = clock
        self._interlock = interlock
        self._switch = StopSwitch()

    def move_to(self, x_m: float, y_m: float, timeout_s: float) -> tuple[float, float]:
        """Move to a position, and return the read-back once the stage stands still there, m."""
        target = x_m, y_m
        require_in_stage_range(target, self.range_m())
        with self._interlock.holding("a move"):
            end_s = self._clock.now_s() + timeout_s
            here = self.position()
            least_m = self._quanta.least_move_um * 1e-6
            if _STILL_M < math.dist(here, target) < least_m:
                self._go(here, self._away(target, _DETOUR * least_m), end_s)
                here = self.position()
            return self._go(here, target, end_s)

    def position(self) -> tuple[float, float]:
        """Read the position back, m."""
        x, y = self._client.ask("get_stage_position", lambda found: (float(found["x"]), float(found["y"])))
        if not (math.isfinite(x) and math.isfinite(y)):
            raise DriverError(f"the stage reads back ({x}, {y}) m")
        return x, y

    def stop(self) -> None:
        """Stop moving; harmless when the stage stands still."""
        self._switch.stop()
        self._client.urgent(("stop_stage_movement", {}))

    def range_m(self) -> tuple[_Point, _Point]:
        """Return the lowest and highest x, and y, that both machine and safe area allow, m."""
        offered = self._client.ask("stage_info", axis_ranges_m)
        safe = self._stage.safe_x_mm, self._stage.safe_y_mm
        (x0, x1), (y0, y1) = (
            (max(low * 1e-3, there[0]), min(high * 1e-3, there[1]))
            for there, (low, high) in zip(offered, safe, strict=True)
        )
        return (x0, x1), (y0, y1)

    def _away(self, target: _Point, by_m: float) -> _Point:
        """Return a point `by_m` from the target on each axis, towards the centre of the range."""
        x, y = (
            value - by_m if value > (low + high) / 2 else value + by_m
            for value, (low, high) in zip(target, self.range_m(), strict=True)
        )
        return x, y

    def _go(self, here: _Point, target: _Point, end_s: float) -> _Point:
        with self._switch.running() as wake:
            self._client.call("move_stage", x=target[0], y=target[1])
            travel_s = math.dist(here, target) / (self._stage.speed_mm_per_s * 1e-3)
            wait_s, before = travel_s, (math.nan, math.nan)
            while True:
                left_s = end_s - self._clock.now_s()
                if not self._clock.sleep(max(0.0, min(wait_s, left_s)), wake):
                    self._client.urgent(("stop_stage_movement", {}))
                    raise InterruptedCallError("the move was stopped")
                moving, found = self._client.call("stage_is_moving"), self.position()
                still = math.dist(found, before) <= _STILL_M
                there = math.dist(found, target) <= self._stage.arrival_tolerance_um * 1e-6
                if still and there and not moving:
                    return found
                if self._clock.now_s() >= end_s:
                    off_um = math.dist(found, target) * 1e6
                    raise DeviceTimeoutError(f"the stage did not arrive in time: it is {off_um:.1f} um off")
                wait_s, before = self._quanta.poll_s, found
