"""Safe state: beam blanked, light off (invariant 4)."""

import time
from collections.abc import Callable, Mapping
from functools import partial

from drivers.errors import DriverError
from drivers.microscope import Microscope
from service.errors import HungDeviceError, UnsafeError
from service.logs import get_logger
from service.safety.timed_call import TimedCall

log = get_logger(__name__)

_WITHIN_S = 4.0
"""For all steps together; by the contract of the drivers each takes at most 1 s."""


def make_safe(devices: Microscope) -> None:
    """Stop all devices, blank the beam, switch the light off, and read both back.

    Every step has its own thread: a device that hangs does not hold up the others.

    Raises
    ------
    UnsafeError
        The beam may not be blanked, or the light may be on; names what failed.
    """
    stopping = _stop(devices)
    reading = _all_at_once(
        {
            "reading the blanker": lambda: _require(devices.sem.is_blanked(), "the beam is on"),
            "reading the light": lambda: _require(not devices.light.is_on(), "the light is on"),
        }
    )
    problems = _sentences(stopping | reading)
    causes = {*stopping.values(), *reading.values()}
    # Neither could be read, for the reason for which all else failed: that matters, not the list of steps.
    if len(reading) == 2 and len(causes) == 1:
        problems = [f"beam and light are not known to be off: {causes.pop()}"]
    if problems:
        log.critical("microscope not safe", problems=problems)
        raise UnsafeError("; ".join(problems))


def stop_devices(devices: Microscope) -> list[str]:
    """Stop the running calls, also those of other threads, blank, switch off; return what failed."""
    return _sentences(_stop(devices))


def _stop(devices: Microscope) -> dict[str, str]:
    return _all_at_once(
        {
            "blanking the beam": devices.sem.blank,
            "stopping the scan": devices.sem.stop,
            "switching the light off": devices.light.off,
            "stopping the camera": devices.camera.stop,
            "stopping the stage": devices.stage.stop,
            "stopping the pumps": devices.chamber.stop,
        }
    )


def _all_at_once(steps: Mapping[str, Callable[[], None]]) -> dict[str, str]:
    """Do all steps at once; return the reason of each that failed or was late, in the order of `steps`."""
    failed: dict[str, str] = {}
    ended: set[str] = set()

    def attempt(what: str, step: Callable[[], None]) -> None:
        try:
            step()
        except (DriverError, OSError, UnsafeError, HungDeviceError) as error:
            failed[what] = str(error) or type(error).__name__
        except Exception as error:
            log.exception("unexpected", step=what)
            failed[what] = f"unexpected {type(error).__name__}: {error}"
        ended.add(what)

    calls = [TimedCall(what, partial(attempt, what, step)) for what, step in steps.items()]
    without_thread = []
    for call in calls:
        try:
            call.start()
        except RuntimeError:
            without_thread.append(call)
    end_s = time.monotonic() + _WITHIN_S
    # One after another, the beam first: a step that hangs then holds up the others, but all have been tried.
    for call in without_thread:
        call.make_here()
    for call in calls:
        call.join(max(0.0, end_s - time.monotonic()))
    late = {what: f"no answer within {_WITHIN_S:g} s" for what in steps if what not in ended}
    found = dict(failed) | late
    # In a fixed order: the same trouble gives the same text and is reported once.
    return {what: found[what] for what in steps if what in found}


def _sentences(problems: Mapping[str, str]) -> list[str]:
    """Return one sentence for each cause, with all steps that failed by it."""
    failed_by: dict[str, list[str]] = {}
    for what, why in problems.items():
        failed_by.setdefault(why, []).append(what)
    return [f"{', '.join(steps)}: {why}" for why, steps in failed_by.items()]


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise UnsafeError(otherwise)
