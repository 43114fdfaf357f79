"""What of a microscope is there, what is missing, whether a session can run: a sentence for each point.

Looks only: nothing moves, shines or scans. `exercise` moves the stage a little, and nothing else.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from config.model import Config
from drivers.chamber import VacuumState
from drivers.errors import DriverError
from drivers.fluorescence import Cooled
from drivers.microscope import Microscope
from drivers.quanta.joining import PlacedCamera
from drivers.quanta.microscope import QuantaDevices
from drivers.quanta.survey import survey
from service.checks import Check, Level
from service.errors import InputError
from service.layout import safe_area_m, sections_and_fields

_BUILT = datetime(2026, 1, 1, tzinfo=UTC)
"""No session was made before this program: an earlier clock is wrong."""
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
    checks = [*_roles(devices), *_scans(config, devices), _cooling(devices)]
    if quanta is not None and config.quanta is not None:
        offers = survey(quanta.client, config, config.quanta)
        checks += [Check(o.name, Level.OK if o.fits else Level.RED, o.says) for o in offers]
    if config.session.autofocus and devices.focus is None:
        checks.append(
            Check("focus", Level.RED, "session.autofocus is set, this machine has no automatic focus")
        )
    if config.fluorescence.autofocus_um > 0 and devices.light_focus is None:
        checks.append(Check("light focus", Level.RED, "fluorescence.autofocus_um is set, nothing drives it"))
    return [*checks, _layout(config), _calibration(config, now.date()), _disk(config, folder), _clock(now)]


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


def _roles(devices: Microscope) -> Iterator[Check]:
    yield _answers("stage", lambda: f"stands at {_mm(devices.stage.position())}")
    yield _chamber(devices)
    yield from _blanked_and_dark(devices)


def _blanked_and_dark(devices: Microscope) -> Iterator[Check]:
    yield _state("beam", "blanked", "NOT BLANKED", devices.sem.is_blanked)
    yield _state("light", "off", "on; it bleaches", lambda: not devices.light.is_on())


def _chamber(devices: Microscope) -> Check:
    try:
        state, pressure_pa = devices.chamber.state(), devices.chamber.pressure_pa()
    except _LOST as error:
        return Check("chamber", Level.RED, f"missing: {error}")
    level = Level.RED if state is VacuumState.ERROR else Level.OK
    return Check("chamber", level, f"{state.value}, {pressure_pa:.3g} Pa")


def _scans(config: Config, devices: Microscope) -> Iterator[Check]:
    try:
        offered, shift_um = devices.sem.max_scan_px(), devices.sem.max_beam_shift_m() * 1e6
    except _LOST as error:
        yield Check("scan size", Level.RED, f"missing: {error}")
        return
    wanted = config.sem.specimen_px
    fits = wanted[0] <= offered[0] and wanted[1] <= offered[1]
    says = f"up to {offered[0]} x {offered[1]} px; {wanted[0]} x {wanted[1]} wanted"
    yield Check("scan size", Level.OK if fits else Level.RED, says)
    if config.sem.beam_shift_range_um > shift_um + 1e-6:
        says = f"sem.beam_shift_range_um is {config.sem.beam_shift_range_um:g}, {shift_um:g} um are there"
        yield Check("shift of scans", Level.RED, says)


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


def _layout(config: Config) -> Check:
    try:
        sections, fields = sections_and_fields(config)
    except InputError as error:
        return Check("layout", Level.RED, str(error))
    return Check("layout", Level.OK, f"{len(sections)} sections, {len(fields)} fields, all in the safe area")


def _calibration(config: Config, today: date) -> Check:
    c = config.calibration
    if c.measured_on is None:
        # A simulated microscope is made with the calibration that is configured: it has no age.
        alone = config.driver == "simulator" and config.quanta is None
        says = "FM to SEM: never measured, light and beam are taken to agree; see `ilemtrack calibrate`"
        return Check("calibration", Level.OK if alone else Level.WARN, says)
    days = (today - c.measured_on).days
    says = f"FM to SEM: measured on {c.measured_on}, {days} days ago"
    if days < 0:
        return Check("calibration", Level.WARN, f"{says}: that day is still to come")
    if days > c.max_age_days:
        return Check("calibration", Level.WARN, f"{says}, more than {c.max_age_days}; measure it anew")
    return Check("calibration", Level.OK, says)


def _disk(config: Config, folder: Path) -> Check:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check("disk", Level.RED, f"{folder}: cannot be read ({error.strerror})")
    keep_gb = config.session.min_free_disk_gb
    level = Level.OK if free > keep_gb * 1e9 else Level.RED
    return Check("disk", level, f"{free / 1e9:.2f} GB free in {folder}; {keep_gb:g} GB are to stay free")


def _clock(now: datetime) -> Check:
    says = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now < _BUILT:
        return Check("clock", Level.RED, f"{says}, which is past; set it")
    return Check("clock", Level.OK, says)


def _answers(name: str, read: Callable[[], str]) -> Check:
    try:
        return Check(name, Level.OK, read())
    except _LOST as error:
        return Check(name, Level.RED, f"missing: {error}")


def _state(name: str, good: str, bad: str, read: Callable[[], bool]) -> Check:
    try:
        holds = read()
    except _LOST as error:
        return Check(name, Level.RED, f"missing: {error}")
    return Check(name, Level.OK if holds else Level.RED, good if holds else bad)


def _mm(point_m: tuple[float, float]) -> str:
    return f"x {point_m[0] * 1e3:.3f} mm, y {point_m[1] * 1e3:.3f} mm"
