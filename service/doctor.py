"""What of a microscope is there, what is missing, whether a session can run: a sentence for each point.

Looks only: nothing moves, shines or scans. `exercise` moves the stage a little, and nothing else.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from config.model import Config
from drivers.errors import DriverError
from drivers.fluorescence import Cooled
from drivers.microscope import Microscope
from drivers.quanta.joining import PlacedCamera
from drivers.quanta.microscope import QuantaDevices
from drivers.quanta.survey import survey
from service.checks import Check, Level
from service.errors import InputError
from service.layout import safe_area_m, sections_and_fields
from service.preflight import clock_check, device_checks, disk_checks, plan_checks

_EXERCISE_M = 20e-6
_WARM_C = 5.0
"""A sensor that is warmer than it is set to be, by more, is not ready."""
_LOST = (DriverError, OSError)


def look(
    config: Config, devices: Microscope, quanta: QuantaDevices | None, folder: Path, now: datetime
) -> list[Check]:
    """Look at everything that a session needs.

    Parameters
    ----------
    config : Config
    devices : Microscope
    quanta : QuantaDevices or None
        What of it a server drives.
    folder : Path
        Where runs will lie.
    now : datetime
        Wall clock, UTC.
    """
    checks = [*device_checks(devices, config), _cooling(devices)]
    if quanta is not None and config.quanta is not None:
        offers = survey(quanta.client, config, config.quanta)
        checks += [Check(o.name, Level.OK if o.fits else Level.RED, o.says) for o in offers]
    try:
        sections, fields = sections_and_fields(config)
    except InputError as error:
        layout, fields = Check("layout", Level.RED, str(error)), ()
    else:
        layout = Check("layout", Level.OK, f"{len(sections)} sections with {len(fields)} fields")
    rest = (*plan_checks(config, fields, now.date()), *disk_checks(config, folder, fields))
    return [*checks, layout, *rest, clock_check(now, None)]


def able(checks: Sequence[Check]) -> bool:
    """Whether a session can run."""
    return all(check.level is not Level.RED for check in checks)


def exercise(config: Config, devices: Microscope) -> list[Check]:
    """Move the stage a little and back, inside the safe area; then blank, switch off, and read both back.

    The beam is never unblanked and the light never switched on: nobody knows yet which ground may be spent.
    The chamber is left as it is.
    """
    x0, y0, x1, y1 = safe_area_m(config)
    try:
        start = devices.stage.position()
        if not (x0 <= start[0] <= x1 and y0 <= start[1] <= y1):
            says = f"not exercised: it stands outside the safe area, at {_mm(start)}"
            return [Check("stage moves", Level.RED, says)]
        away = tuple(
            v - _EXERCISE_M if v > (low + high) / 2 else v + _EXERCISE_M
            for v, low, high in zip(start, (x0, y0), (x1, y1), strict=True)
        )
        devices.stage.move_to(away[0], away[1], config.stage.move_timeout_s)
        back = devices.stage.move_to(start[0], start[1], config.stage.move_timeout_s)
    except _LOST as error:
        return [Check("stage moves", Level.RED, f"it does not move as it should: {error}")]
    off_um = max(abs(b - a) for a, b in zip(start, back, strict=True)) * 1e6
    fits = off_um <= config.stage.arrival_tolerance_um
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


def _cooling(devices: Microscope) -> Check:
    camera = devices.camera.behind if isinstance(devices.camera, PlacedCamera) else devices.camera
    if not isinstance(camera, Cooled):
        return Check("cooling", Level.WARN, "the camera does not tell its temperature; look yourself")
    try:
        found_c, wanted_c = camera.temperature_c(), camera.target_temperature_c()
    except _LOST as error:
        return Check("cooling", Level.RED, f"the camera does not answer: {error}")
    warm = found_c > wanted_c + _WARM_C
    says = f"the sensor is at {found_c:g} C, set to {wanted_c:g} C" + (
        "; wait until it is cold" if warm else ""
    )
    return Check("cooling", Level.WARN if warm else Level.OK, says)


def _state(name: str, good: str, bad: str, read: Callable[[], bool]) -> Check:
    try:
        holds = read()
    except _LOST as error:
        return Check(name, Level.RED, f"missing: {error}")
    return Check(name, Level.OK if holds else Level.RED, good if holds else bad)


def _mm(point_m: tuple[float, float]) -> str:
    return f"x {point_m[0] * 1e3:.3f} mm, y {point_m[1] * 1e3:.3f} mm"
