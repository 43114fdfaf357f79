"""Stage moves inside the safe area, read back."""

import math

from drivers.errors import DriverError
from service.context import Context
from service.errors import StageError
from service.layout import safe_area_m
from service.retry import repeat_harmless


def move_to(context: Context, target_m: tuple[float, float]) -> tuple[float, float]:
    """Move, settle, and return the read-back; harmless, so repeated when it fails.

    Raises
    ------
    StageError
        The target is outside the safe area, or the stage did not get there.
    DriverError
        The stage failed in every try.
    """
    x_m, y_m = target_m
    x0, y0, x1, y1 = safe_area_m(context.config)
    if not (x0 <= x_m <= x1 and y0 <= y_m <= y1):
        raise StageError(f"({x_m * 1e3:.4f}, {y_m * 1e3:.4f}) mm is outside the safe area of the stage")

    def move() -> tuple[float, float]:
        stage = context.config.stage
        with context.step("a move of the stage", stage.move_timeout_s + stage.settle_s):
            found_m = context.devices.stage.move_to(x_m, y_m, stage.move_timeout_s)
            context.clock.sleep(stage.settle_s)
        off_m = math.hypot(found_m[0] - x_m, found_m[1] - y_m)
        # Not `>`: a read-back of NaN is no arrival.
        if not off_m <= stage.arrival_tolerance_um * 1e-6:
            raise StageError(f"the stage ended {off_m * 1e6:.1f} um from its target, more than allowed")
        return found_m

    return repeat_harmless(context, "stage move", move, (DriverError, StageError))
