"""Device exercise of `ilemtrack doctor --exercise`, which costs no ground."""

from collections.abc import Callable, Iterator

from config.instrument import StageConfig
from drivers.errors import DriverError
from drivers.microscope import Microscope
from service.diagnostics.checks import Check, Level

_MOVE_M = 20e-6
"""Length of the test move. Chosen by hand: far above the error of a stage, and less than a field."""
_LOST = (DriverError, OSError)


def exercise(stage: StageConfig, devices: Microscope) -> list[Check]:
    """Move the stage 20 um and back, inside the safe area; blank, switch the light off, and read both back.

    The beam is never unblanked and the light never switched on: it is not known yet which ground may be
    exposed. The chamber is left as it is.
    """
    x0, y0, x1, y1 = stage.safe_area_m
    try:
        start = devices.stage.position()
        if not (x0 <= start[0] <= x1 and y0 <= start[1] <= y1):
            says = f"not exercised: it stands outside the safe area, at {_mm(start)}"
            return [Check("stage moves", Level.RED, says)]
        away = tuple(
            v - _MOVE_M if v > (low + high) / 2 else v + _MOVE_M
            for v, low, high in zip(start, (x0, y0), (x1, y1), strict=True)
        )
        devices.stage.move_to(away[0], away[1], stage.move_timeout_s)
        back = devices.stage.move_to(start[0], start[1], stage.move_timeout_s)
    except _LOST as error:
        return [Check("stage moves", Level.RED, f"it does not move as it should: {error}")]
    off_um = max(abs(b - a) for a, b in zip(start, back, strict=True)) * 1e6
    fits = off_um <= stage.arrival_tolerance_um
    moved = f"20 um away and back, {off_um:.2f} um off by its read-back"
    checks = [Check("stage moves", Level.OK if fits else Level.RED, moved)]
    for name, do in (("blanking", devices.sem.blank), ("light off", devices.light.off)):
        try:
            do()
        except _LOST as error:
            checks.append(Check(name, Level.RED, str(error)))
        else:
            checks.append(Check(name, Level.OK, "the command was taken"))
    return [*checks, *_blanked_and_dark(devices)]


def _blanked_and_dark(devices: Microscope) -> Iterator[Check]:
    yield _state("beam", "blanked", "NOT BLANKED", devices.sem.is_blanked)
    yield _state("light", "off", "on; it bleaches", lambda: not devices.light.is_on())


def _state(name: str, good: str, bad: str, read: Callable[[], bool]) -> Check:
    try:
        holds = read()
    except _LOST as error:
        return Check(name, Level.RED, f"missing: {error}")
    return Check(name, Level.OK if holds else Level.RED, good if holds else bad)


def _mm(point_m: tuple[float, float]) -> str:
    return f"x {point_m[0] * 1e3:.3f} mm, y {point_m[1] * 1e3:.3f} mm"
