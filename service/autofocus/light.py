"""Focus of the fluorescence objective: the sharpest of a stack of frames, without the beam.

Once for each section, at its first field. Where the sections before it tell a plane, the search begins there
and is short: each height costs an exposure, and light bleaches, too.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from detection.image_quality.sharpness import BestFocus, best_focus, sharpness
from drivers.errors import DriverError, InterruptedCallError
from drivers.fluorescence import FmFrame, LightFocus
from service.autofocus.beam import name_strangers
from service.autofocus.expected_height import Expected, expected, likely_m, measured
from service.autofocus.search_plan import MOVE_S, SHORT_STEPS, STEPS
from service.logs import get_logger
from service.model.focus import Focus, FocusBeam, FocusState
from service.model.specimen import Field
from service.model.work import Step
from service.session.context import Context

log = get_logger(__name__)

_FURTHER = 2
"""Searches beyond the range that was asked for, where it is sharpest at its end."""
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Stack:
    """What a search saw.

    Attributes
    ----------
    best : BestFocus
    score : float
        The largest sharpness.
    end_m : float or None
        End of the range, m, where that was the sharpest: the focus may lie beyond.
    """

    best: BestFocus
    score: float
    end_m: float | None = None


def focus_light(
    focus: LightFocus,
    expose: Callable[[], FmFrame],
    reach_m: float,
    start_m: float,
    steps: int = STEPS,
) -> Stack:
    """Search the focus about a height, and leave the objective at the best, or at that height.

    Parameters
    ----------
    focus : LightFocus
    expose : callable
        Takes a frame; light off in every exit.
    reach_m : float
        How far up and down to look, m; less where the range of the drive ends.
    start_m : float
        Where to look, m.
    steps : int
        Heights to look at, at least five.

    Returns
    -------
    Stack
        Where its best is not certain, the objective is at the height where the search began.

    Raises
    ------
    DriverError
        Objective or camera failed; the objective was sent where it began, as far as it answers.
    """
    low_m, high_m = focus.range_m()
    begin_m = min(max(start_m, low_m), high_m)
    heights = np.linspace(max(low_m, begin_m - reach_m), min(high_m, begin_m + reach_m), steps)
    target_m = begin_m
    try:
        values = []
        for z_m in heights:
            # From below each time: the play of the drive stays on one side.
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


def focus_section(context: "Context", field: Field, expose: Callable[[], FmFrame]) -> None:
    """Focus the objective for the section of a field, once; without a clear focus it stays.

    Whatever fails, the field is taken all the same: somewhat blurred is better than not at all.

    Parameters
    ----------
    context : Context
    field : Field
        The stage stands there.
    expose : callable
        Takes a frame; light off in every exit.

    Raises
    ------
    InterruptedCallError
    """
    reach_m = context.config.fluorescence.autofocus_um * 1e-6
    drive, section = context.devices.light_focus, field.section
    if reach_m == 0 or drive is None or context.focused.light == section:
        return
    context.focused.light = section
    last = context.store.focus.latest(FocusBeam.LIGHT, section)
    try:
        if last is not None and last.state is not FocusState.BEGUN and last.used_m is not None:
            # By an earlier process.
            drive.move_to(last.used_m, TIMEOUT_S)
        else:
            _search(context, drive, field, expose, reach_m)
    except InterruptedCallError:
        context.focused.light = None
        raise
    except DriverError as error:
        log.error("focus of the light failed", field=field.id, error=str(error))


def _search(
    context: "Context", drive: LightFocus, field: Field, expose: Callable[[], FmFrame], reach_m: float
) -> None:
    """Search, with all of it in the store: before, where it begins, and after, what was found."""
    store = context.store.focus
    begun_s = context.clock.now_s()
    found = measured(store.all(FocusBeam.LIGHT))
    told = expected(found, field.center_m)
    start_m = likely_m(found, field.center_m)
    before = store.latest(FocusBeam.LIGHT)
    if start_m is None and before is not None and before.state is FocusState.BEGUN:
        # An earlier program ended on the way, anywhere.
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
            if told is not None and told.sure:
                seen = focus_light(drive, counted, reach_m / 2, start_m, SHORT_STEPS)
            if seen is None or not seen.best.certain:
                # A cell out of focus may be missed: that is worse than some light.
                seen = _search_further(drive, counted, reach_m, start_m)
    except InterruptedCallError:
        raise
    except DriverError as error:
        reason = str(error)
        raise
    finally:
        light_s = exposures * context.config.fluorescence.exposure_s
        kept = replace(kept, exposures=exposures, exposed_s=light_s)
        if seen is not None or reason:
            kept = _judged(kept, seen, reason, told)
        store.change(kept)
    context.store.durations.record(Step.LIGHT_FOCUS, context.clock.now_s() - begun_s)
    if kept.state is not FocusState.USED:
        log.warning("focus of the light", section=kept.section, state=kept.state.value, reason=kept.reason)
    name_strangers(context, kept)


def _search_further(
    drive: LightFocus, expose: Callable[[], FmFrame], reach_m: float, start_m: float
) -> Stack:
    """Search, and go on where the sharpest was at an end; without a clear focus back to the start."""
    seen = focus_light(drive, expose, reach_m, start_m)
    for _ in range(_FURTHER):
        if seen.best.certain or seen.end_m is None:
            break
        seen = focus_light(drive, expose, reach_m, seen.end_m)
    if not seen.best.certain:
        drive.move_to(start_m, TIMEOUT_S)
    return seen


def _judged(begun: Focus, seen: Stack | None, reason: str, told: Expected | None) -> Focus:
    """Say what became of a search; what is clear is used, also off the plane of the other sections."""
    if seen is None or not seen.best.certain:
        why = reason if seen is None else seen.best.reason
        score = None if seen is None else seen.score
        return replace(begun, state=FocusState.NOT_FOUND, score=score, reason=why)
    z_m = seen.best.z_m
    found = replace(begun, state=FocusState.USED, found_m=z_m, used_m=z_m, score=seen.score)
    off_m = None if told is None else told.off_m(found)
    if off_m is None:
        return found
    reason = f"{off_m * 1e6:+.1f} um off the plane of the sections about it; clear, so it is used"
    return replace(found, state=FocusState.OUTLIER, reason=reason)


def _longest_s(context: "Context") -> float:
    """Estimate for all searches that there may be."""
    return ((1 + _FURTHER) * STEPS + SHORT_STEPS) * (context.config.fluorescence.exposure_s + 2 * MOVE_S)
