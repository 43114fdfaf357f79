"""Stage moves inside the safe area, approached from one side against backlash, and read back."""

import math

from drivers.errors import DriverError
from service.acquisition.retry import repeat_harmless
from service.errors import StageError
from service.model.work import Step
from service.session.context import Context

_STILL_M = 1e-7
"""A stage that reads back this close to its last position has not moved."""
_SAME_M = 1e-9
"""Targets closer than this are one: those of a plan differ by rounding."""


def move_to(context: Context, target_m: tuple[float, float]) -> tuple[float, float]:
    """Move, settle, and return the read-back, m; harmless, so repeated when it fails.

    A stage that is there already does not move: every move adds an error of its own.

    Raises
    ------
    StageError
        The target is outside the safe area, or the stage did not reach it.
    DriverError
        The stage failed in every try.
    """
    x_m, y_m = target_m
    if not context.stage_frame.is_safe(target_m):
        raise StageError(f"({x_m * 1e3:.4f}, {y_m * 1e3:.4f}) mm is outside the safe area of the stage")
    if (here_m := _still_at(context, target_m)) is not None:
        return here_m

    def move() -> tuple[float, float]:
        stage = context.config.stage
        begun_s = context.clock.now_s()
        travels_s = stage.settle_s + stage.move_timeout_s * (2 if stage.approach_um != (0.0, 0.0) else 1)
        with context.step("a move of the stage", travels_s):
            if stage.approach_um != (0.0, 0.0):
                context.devices.stage.move_to(*_approach(context, target_m), stage.move_timeout_s)
            found_m = context.devices.stage.move_to(x_m, y_m, stage.move_timeout_s)
            context.clock.sleep(stage.settle_s)
        off_m = math.dist(found_m, target_m)
        # Not `>`: a read-back of NaN is no arrival.
        if not off_m <= stage.arrival_tolerance_um * 1e-6:
            raise StageError(f"the stage ended {off_m * 1e6:.1f} um from its target, more than allowed")
        # In one commit, as a session makes thousands of moves.
        with context.store.transaction():
            context.store.durations.record(Step.MOVE, context.clock.now_s() - begun_s)
            context.note_busy()
        return found_m

    context.last_move.reset()
    found_m = repeat_harmless(context, "stage move", move, (DriverError, StageError))
    context.last_move.target_m, context.last_move.found_m = target_m, found_m
    return found_m


def _still_at(context: Context, target_m: tuple[float, float]) -> tuple[float, float] | None:
    """Return the read-back of a stage that is still at its last target, m; None if it has to move."""
    last_m, found_m = context.last_move.target_m, context.last_move.found_m
    if last_m is None or found_m is None or math.dist(last_m, target_m) > _SAME_M:
        return None
    try:
        here_m = context.devices.stage.position()
    except DriverError:
        return None
    return here_m if math.dist(here_m, found_m) <= _STILL_M else None


def _approach(context: Context, target_m: tuple[float, float]) -> tuple[float, float]:
    """Return the point from which the stage approaches, inside the safe area, m."""
    x0, y0, x1, y1 = context.stage_frame.safe_area_m
    dx_um, dy_um = context.config.stage.approach_um
    x_m, y_m = target_m[0] + dx_um * 1e-6, target_m[1] + dy_um * 1e-6
    return min(max(x_m, x0), x1), min(max(y_m, y0), y1)
