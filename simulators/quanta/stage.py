"""Calls of a simulated Quanta-style server on its stage."""

from contextlib import suppress

import numpy as np

from config.model import Config
from drivers.clock import Clock
from drivers.errors import DeviceTimeoutError
from drivers.stage import Stage
from simulators.quanta.settings import Held


class StageCalls:
    """Every public method is a call, except `reported_m`.

    Parameters
    ----------
    config : Config
    stage : Stage
    clock : Clock
    held : Held
    """

    def __init__(self, config: Config, stage: Stage, clock: Clock, held: Held) -> None:
        self._config = config
        self._stage = stage
        self._clock = clock
        self._held = held
        self._arrives_s = 0.0
        self._before_m = stage.position()

    def stage_info(self) -> dict[str, list[float]]:
        """Return the range of each axis, m."""
        limits = self._config.stage
        return {"x": [v * 1e-3 for v in limits.safe_x_mm], "y": [v * 1e-3 for v in limits.safe_y_mm]}

    def get_stage_position(self) -> dict[str, float]:
        """Return the position read back, m."""
        x, y = self._stage.position()
        return {"x": x, "y": y}

    def move_stage(self, x: float, y: float) -> None:
        """Begin to move, m."""
        here = self._stage.position()
        distance_m = float(np.hypot(x - here[0], y - here[1]))
        if distance_m < float(self._held.faults.get("tiny_moves") or 0):
            return
        # The movement goes on after the caller's time has run out.
        with suppress(DeviceTimeoutError):
            self._stage.move_to(x, y, 0.0)
        simulator = self._config.simulator
        self._before_m = here
        travel_s = distance_m / (simulator.stage_speed_mm_per_s * 1e-3)
        self._arrives_s = self._clock.now_s() + travel_s + simulator.stage_settle_s

    def stage_is_moving(self) -> bool:
        """Return true while the stage moves."""
        return self._clock.now_s() < self._arrives_s and not self._held.faults.get("stage_says_stopped")

    def stop_stage_movement(self) -> None:
        """Stop moving."""
        self._stage.stop()
        self._arrives_s = self._clock.now_s()

    def reported_m(self) -> tuple[float, float]:
        """Return the position that an image carries, m."""
        return self._before_m if self._held.faults.get("stale_position") else self._stage.position()
