"""Focus of the fluorescence objective: the sharpest of a stack of frames, without the beam.

Once for each section, at its first field. If earlier sections give a plane, the search starts there and is
short: each height costs an exposure, and light bleaches, too.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from detection.image_quality.sharpness import BestFocus, best_focus, sharpness
from drivers.errors import DriverError, InterruptedCallError
from drivers.fluorescence import FmFrame, LightFocus
from service.autofocus.beam import mark_outliers
from service.autofocus.expected_height import Expected, expected, likely_m, measured
from service.autofocus.search_plan import MOVE_S, SHORT_STEPS, STEPS
from service.logs import get_logger
from service.model.focus import Focus, FocusBeam, FocusState
from service.model.specimen import Field
from service.model.work import Step
from service.session.context import Context

log = get_logger(__name__)

_FURTHER = 2
"""Further searches, where the sharpest height is at the end of the range. Chosen by hand."""
TIMEOUT_S = 30.0
"""Longest move of the objective. Chosen by hand; not measured."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Result of a search.

    Attributes
    ----------
    best : BestFocus
    score : float
        The largest sharpness.
    end_m : float or None
        End of the range, m, if that was the sharpest: the focus may lie beyond it.
    """

    best: BestFocus
    score: float
    end_m: float | None = None


def focus_light(
    focus: LightFocus,
    expose: Callable[[], FmFrame],
    range_m: float,
    start_m: float,
    steps: int = STEPS,
) -> Stack:
    """Search the focus around a height; leave the objective at the best height, or where it started.

    Parameters
    ----------
    focus : LightFocus
    expose : callable
        Takes a frame; the light is off at every exit.
    range_m : float
        Distance of the search up and down, m; less at the end of the drive's range.
    start_m : float
        Middle of the search, m.
    steps : int
        Number of heights, at least five.

    Returns
    -------
    Stack
        If its best is not certain, the objective is where the search started.

    Raises
    ------
    DriverError
        Raised when objective or camera failed; the objective was sent back to its start if it answers.
    """
    low_m, high_m = focus.range_m()
    begin_m = min(max(start_m, low_m), high_m)
    heights = np.linspace(max(low_m, begin_m - range_m), min(high_m, begin_m + range_m), steps)
    target_m = begin_m
    try:
        values = []
        for z_m in heights:
            # From below each time, so that the play of the drive stays on one side.
            focus.move_to(float(z_m), TIMEOUT_S)
            frame = expose()
            values.append(sharpness(frame.pixels, frame.offset_adu))
        best = best_focus(heights.tolist(), values)
        if best.certain:
            target_m = best.z_m
    finally:
        focus.move_to(float(heights[0]), TIMEOUT_S)
        focus.move_to(target_m, TIMEOUT_S)
    sharpest = int(np.argmax(values))
    at_end = sharpest in (0, steps - 1)
    return Stack(best, max(values), float(heights[sharpest]) if at_end else None)


def focus_section(context: Context, field: Field, expose: Callable[[], FmFrame]) -> None:
    """Focus the objective for the section of a field, once; without a clear focus it stays where it is.

    The field is imaged even if that fails: a blurred frame is better than none.

    Parameters
    ----------
    context : Context
    field : Field
        The stage is there.
    expose : callable
        Takes a frame; the light is off at every exit.

    Raises
    ------
    InterruptedCallError
        Raised when the call was stopped.
    """
    range_m = context.config.fluorescence.autofocus_um * 1e-6
    drive, section = context.devices.light_focus, field.section
    if range_m == 0 or drive is None or context.focused.light == section:
        return
    context.focused.light = section
    last = context.store.focus.latest(FocusBeam.LIGHT, section)
    try:
        if last is not None and last.state is not FocusState.BEGUN and last.used_m is not None:
            # By an earlier process.
            drive.move_to(last.used_m, TIMEOUT_S)
        else:
            _search(context, drive, field, expose, range_m)
    except InterruptedCallError:
        context.focused.light = None
        raise
    except DriverError as error:
        log.error("focus of the light failed", field=field.id, error=str(error))


def _search(
    context: Context, drive: LightFocus, field: Field, expose: Callable[[], FmFrame], range_m: float
) -> None:
    """Search, and record its start before and its result after."""
    store = context.store.focus
    begun_s = context.clock.now_s()
    found = measured(store.all(FocusBeam.LIGHT))
    plane = expected(found, field.center_m)
    start_m = likely_m(found, field.center_m)
    before = store.latest(FocusBeam.LIGHT)
    if start_m is None and before is not None and before.state is FocusState.BEGUN:
        # An earlier process ended during the search, at an unknown height.
        start_m = before.start_m
    if start_m is None:
        start_m = drive.position()
    exposures = 0

    def counted() -> FmFrame:
        nonlocal exposures
        exposures += 1
        return expose()

    kept = store.add(
        Focus(
            FocusBeam.LIGHT, field.section, field.center_m, FocusState.BEGUN, start_m=start_m, used_m=start_m
        )
    )
    seen, reason = None, ""
    try:
        with context.step(f"focus of the light at {field.id}", _longest_s(context)):
            if plane is not None and plane.sure:
                seen = focus_light(drive, counted, range_m / 2, start_m, SHORT_STEPS)
            if seen is None or not seen.best.certain:
                # A cell out of focus may be missed, which is worse than more exposure.
                seen = _search_further(drive, counted, range_m, start_m)
    except InterruptedCallError:
        raise
    except DriverError as error:
        reason = str(error)
        raise
    finally:
        light_s = exposures * context.config.fluorescence.exposure_s
        kept = replace(kept, exposures=exposures, exposed_s=light_s)
        if seen is not None or reason:
            kept = _judged(kept, seen, reason, plane)
        store.change(kept)
    context.store.durations.record(Step.LIGHT_FOCUS, context.clock.now_s() - begun_s)
    if kept.state is not FocusState.USED:
        log.warning("focus of the light", section=kept.section, state=kept.state.value, reason=kept.reason)
    mark_outliers(context, kept)


def _search_further(
    drive: LightFocus, expose: Callable[[], FmFrame], range_m: float, start_m: float
) -> Stack:
    """Search, and continue beyond the end if that was sharpest; return to the start without a clear focus."""
    seen = focus_light(drive, expose, range_m, start_m)
    for _ in range(_FURTHER):
        if seen.best.certain or seen.end_m is None:
            break
        seen = focus_light(drive, expose, range_m, seen.end_m)
    if not seen.best.certain:
        drive.move_to(start_m, TIMEOUT_S)
    return seen


def _judged(begun: Focus, seen: Stack | None, reason: str, plane: Expected | None) -> Focus:
    """Return the result of a search; a clear focus is used even off the plane of the other sections."""
    if seen is None or not seen.best.certain:
        score = None
        if seen is not None:
            score, reason = seen.score, seen.best.reason
        return replace(begun, state=FocusState.NOT_FOUND, score=score, reason=reason)
    z_m = seen.best.z_m
    found = replace(begun, state=FocusState.USED, found_m=z_m, used_m=z_m, score=seen.score)
    off_m = None if plane is None else plane.off_m(found)
    if off_m is None:
        return found
    reason = f"{off_m * 1e6:+.1f} um off the plane of the sections around it; clear, so it is used"
    return replace(found, state=FocusState.OUTLIER, reason=reason)


def _longest_s(context: Context) -> float:
    """Return the estimated time of the longest search, s."""
    return ((1 + _FURTHER) * STEPS + SHORT_STEPS) * (context.config.fluorescence.exposure_s + 2 * MOVE_S)
