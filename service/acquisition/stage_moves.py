"""Stage moves inside the safe area, from the side that backlash asks for, read back."""

import math

from drivers.errors import DriverError
from service.acquisition.retry import repeat_harmless
from service.errors import StageError
from service.model.work import Step
from service.session.context import Context

_STILL_M = 1e-7
"""A stage that reads back so close to where it stood has not been moved by anybody."""


def move_to(context: Context, target_m: tuple[float, float]) -> tuple[float, float]:
    """Move, settle, and return the read-back; harmless, so repeated when it fails.

    A stage that stands there already stays: every move adds an error of its own.

    Raises
    ------
    StageError
        The target is outside the safe area, or the stage did not get there.
    DriverError
        The stage failed in every try.
    """
    x_m, y_m = target_m
    if not context.stage_frame.is_safe(target_m):
        raise StageError(f"({x_m * 1e3:.4f}, {y_m * 1e3:.4f}) mm is outside the safe area of the stage")
    if (here_m := _stands_at(context, target_m)) is not None:
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
        context.store.durations.record(Step.MOVE, context.clock.now_s() - begun_s)
        return found_m

    context.standing.target_m = None
    found_m = repeat_harmless(context, "stage move", move, (DriverError, StageError))
    context.standing.target_m, context.standing.found_m = target_m, found_m
    return found_m


def _stands_at(context: Context, target_m: tuple[float, float]) -> tuple[float, float] | None:
    """Read-back of a stage that was sent there last and has not moved since; None where it has to go."""
    found_m = context.standing.found_m
    if context.standing.target_m != target_m or found_m is None:
        return None
    try:
        here_m = context.devices.stage.position()
    except DriverError:
        return None
    return here_m if math.dist(here_m, found_m) <= _STILL_M else None


def _approach(context: Context, target_m: tuple[float, float]) -> tuple[float, float]:
    """Return where the stage comes from, kept inside the safe area."""
    x0, y0, x1, y1 = context.stage_frame.safe_area_m
    dx_um, dy_um = context.config.stage.approach_um
    x_m, y_m = target_m[0] + dx_um * 1e-6, target_m[1] + dy_um * 1e-6
    return min(max(x_m, x0), x1), min(max(y_m, y0), y1)
