"""The simulated stage: it moves at finite speed, stops slightly off its read-back, and waits for scans."""

import math
import threading
from dataclasses import dataclass

import numpy as np

from config.model import Config
from drivers.clock import Clock
from drivers.errors import DeviceTimeoutError, InterruptedCallError
from drivers.guards.interlock import Interlock
from drivers.guards.limits import require_in_stage_range
from drivers.guards.stopping import StopSwitch
from simulators.devices.memory import Memory

_FURTHEST_ERROR = 3.0
"""Limit of the Gaussian error, in standard deviations: the play of a bearing has no tails."""


_Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Move:
    """A straight move at constant speed, beginning at `begin_s`."""

    start_m: tuple[float, float]
    target_m: tuple[float, float]
    begin_s: float
    travel_s: float

    def at(self, now_s: float) -> tuple[float, float]:
        if now_s >= self.begin_s + self.travel_s:
            return self.target_m
        part = max(0.0, now_s - self.begin_s) / self.travel_s
        (x0, y0), (x1, y1) = self.start_m, self.target_m
        return x0 + (x1 - x0) * part, y0 + (y1 - y0) * part


class SimulatedStage:
    """Implements `drivers.stage.Stage`.

    Each move misses its target by a Gaussian error that the read-back does not show. With backlash, a move
    towards -x or -y also ends short on that axis.

    Parameters
    ----------
    config : Config
        `stage` gives the range, `simulator` speed, settling and error.
    clock : Clock
    interlock : Interlock
    memory : Memory
        Keeps the position.
    """

    def __init__(self, config: Config, clock: Clock, interlock: Interlock, memory: Memory) -> None:
        self._config = config
        self._clock = clock
        self._interlock = interlock
        self._memory = memory
        self._switch = StopSwitch()
        self._lock = threading.Lock()
        self._rng = np.random.default_rng([config.simulator.specimen.seed, 4])
        (x0, x1), (y0, y1) = config.stage.safe_x_mm, config.stage.safe_y_mm
        self._range_m = (x0 * 1e-3, x1 * 1e-3), (y0 * 1e-3, y1 * 1e-3)
        kept = memory.get("stage") or {"position_m": [(x0 + x1) * 5e-4, (y0 + y1) * 5e-4], "error_m": [0, 0]}
        x, y = kept["position_m"]
        self._error_m = (float(kept["error_m"][0]), float(kept["error_m"][1]))
        self._play_m: tuple[float, ...] = (0.0, 0.0)
        self._move = _Move((x, y), (x, y), clock.now_s(), 0.0)

    def move_to(self, x_m: float, y_m: float, timeout_s: float) -> tuple[float, float]:
        """Move to a position, settle, and return the read-back, m."""
        require_in_stage_range((x_m, y_m), self._range_m)
        with self._interlock.holding("a move"), self._switch.running() as wake:
            start = self.position()
            simulator = self._config.simulator
            distance = math.hypot(x_m - start[0], y_m - start[1])
            travel_s = distance / (simulator.stage_speed_mm_per_s * 1e-3)
            with self._lock:
                self._move = _Move(start, (x_m, y_m), self._clock.now_s(), travel_s)
                self._error_m = self._draw_error(start, (x_m, y_m))
                # The target: hardware completes the move if the program is killed.
                self._memory.set("stage", {"position_m": [x_m, y_m], "error_m": self._error_m})
            whole_s = travel_s + simulator.stage_settle_s
            if not self._clock.sleep(min(whole_s, timeout_s), wake):
                self._halt()
                raise InterruptedCallError("the move was stopped")
            if whole_s > timeout_s:
                raise DeviceTimeoutError(f"the stage did not arrive within {timeout_s:g} s")
        return self.position()

    def push_to(self, x_m: float, y_m: float) -> None:
        """Move at once, as another program or a person at the joystick does: no interlock is asked."""
        with self._lock:
            self._move = _Move((x_m, y_m), (x_m, y_m), self._clock.now_s(), 0.0)
            self._memory.set("stage", {"position_m": [x_m, y_m], "error_m": self._error_m})

    def position(self) -> tuple[float, float]:
        """Read the position back, m."""
        with self._lock:
            return self._move.at(self._clock.now_s())

    def true_position(self) -> tuple[float, float]:
        """Return the true position of the stage, m, which no hardware reports."""
        x, y = self.position()
        return x + self._error_m[0], y + self._error_m[1]

    def stop(self) -> None:
        """Stop moving; harmless when the stage stands still."""
        self._switch.stop()
        self._halt()

    def _halt(self) -> None:
        with self._lock:
            here = self._move.at(self._clock.now_s())
            if here != self._move.target_m:
                self._move = _Move(here, here, self._clock.now_s(), 0.0)
                self._memory.set("stage", {"position_m": here, "error_m": self._error_m})

    def _draw_error(self, start_m: _Point, target_m: _Point) -> _Point:
        scatter_m = self._config.simulator.stage_error_um * 1e-6
        while True:
            x, y = self._rng.standard_normal(2)
            if math.hypot(x, y) <= _FURTHEST_ERROR:
                break
        short_m = self._short(start_m, target_m)
        return float(x) * scatter_m + short_m[0], float(y) * scatter_m + short_m[1]

    def _short(self, start_m: _Point, target_m: _Point) -> _Point:
        """Return the shortfall by backlash, m; an axis that does not move keeps its own."""
        backlash_m = self._config.simulator.stage_backlash_um * 1e-6
        self._play_m = tuple(
            play if to == start else backlash_m if to < start else 0.0
            for play, start, to in zip(self._play_m, start_m, target_m, strict=True)
        )
        return self._play_m[0], self._play_m[1]
