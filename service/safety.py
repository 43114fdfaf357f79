"""Beam blanked, light off: the state in which everything is left, whatever happened before."""

from collections.abc import Callable

from drivers.errors import DriverError
from drivers.microscope import Microscope
from service.errors import UnsafeError
from service.logs import get_logger

log = get_logger(__name__)


def make_safe(devices: Microscope) -> None:
    """Stop what runs, blank the beam, switch the light off, and read both back.

    Every step is tried, whatever became of the others.

    Raises
    ------
    UnsafeError
        The beam is not known to be blanked or the light not known to be off; names what failed.
    """
    problems: list[str] = []
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        ("stopping the scan", devices.sem.stop),
        ("blanking the beam", devices.sem.blank),
        ("stopping the camera", devices.camera.stop),
        ("switching the light off", devices.light.off),
        ("stopping the stage", devices.stage.stop),
        ("stopping the pumps", devices.chamber.stop),
    )
    for what, step in steps:
        _attempt(what, step, problems)
    _attempt("reading the blanker", lambda: _demand(devices.sem.is_blanked(), "the beam is on"), problems)
    _attempt("reading the light", lambda: _demand(not devices.light.is_on(), "the light is on"), problems)
    if problems:
        log.critical("microscope not safe", problems=problems)
        raise UnsafeError("; ".join(problems))


def stop_devices(devices: Microscope) -> None:
    """End whatever call runs, from another thread, and blank; problems are logged, the caller looks after."""
    problems: list[str] = []
    _attempt("stopping the scan", devices.sem.stop, problems)
    _attempt("blanking the beam", devices.sem.blank, problems)
    _attempt("stopping the camera", devices.camera.stop, problems)
    _attempt("stopping the stage", devices.stage.stop, problems)
    _attempt("stopping the pumps", devices.chamber.stop, problems)
    if problems:
        log.error("stop failed", problems=problems)


def _attempt(what: str, step: Callable[[], None], problems: list[str]) -> None:
    try:
        step()
    except (DriverError, OSError, UnsafeError) as error:
        problems.append(f"{what}: {error}")


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise UnsafeError(otherwise)
