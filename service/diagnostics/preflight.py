"""Checks before anything moves or shines, each with one plain sentence.

A red check prevents a session; a warning is shown and recorded.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from config.instrument import CalibrationConfig
from config.model import Config
from config.work import DetectionConfig
from detection.detectors import WithoutNetwork
from drivers.chamber import VacuumState
from drivers.errors import DriverError
from drivers.microscope import Microscope
from drivers.sem import BeamSettings, SelfBlanking
from service.analysis.detectors import open_detector
from service.diagnostics.checks import Check, Level
from service.errors import HungDeviceError, InputError
from service.model.specimen import Field
from service.session.setup import check_planner
from service.session.stage_frame import StageFrame
from service.watch.notifier import Notifier, notification_urls


def red_ones(checks: Sequence[Check]) -> list[str]:
    """Return the sentences of the red checks."""
    return [check.says for check in checks if check.level is Level.RED]


def device_checks(devices: Microscope, config: Config, driven: bool = False) -> Iterator[Check]:
    """Check that devices answer, the beam is blanked, the light is off, and the SEM offers the scan size.

    While another program drives the microscope (`driven`), beam and light may be on.
    """
    unsafe = Level.WARN if driven else Level.RED

    def answers(name: str, read: Callable[[], object]) -> Check:
        try:
            return Check(name, Level.OK, f"the {name} answers: {read()}")
        except (DriverError, HungDeviceError, OSError) as error:
            return Check(name, Level.RED, f"the {name} does not answer: {error}")

    def place() -> str:
        x_m, y_m = devices.stage.position()
        return f"it stands at x {x_m * 1e3:.3f} mm, y {y_m * 1e3:.3f} mm"

    yield answers("stage", place)
    yield _chamber(devices)
    yield _beam(devices, unsafe)
    light = devices.light.is_on
    yield _state("light", "the light is off", "the light is on", lambda: not light(), unsafe)
    for caution in devices.cautions:
        yield Check("before you start", Level.WARN, caution)
    yield answers("column", lambda: column_says(devices.sem.beam()))
    try:
        offered, shift_m = devices.sem.max_scan_px(), devices.sem.max_beam_shift_m()
        reach_m = devices.sem.beam_reach_m()
    except (DriverError, HungDeviceError, OSError) as error:
        yield Check("scan size", Level.RED, f"the SEM does not answer: {error}")
        return
    wanted = config.sem.specimen_px
    asking = "frame_px" if config.sem.max_scan_px is None else "max_scan_px"
    fits = wanted[0] <= offered[0] and wanted[1] <= offered[1]
    yield Check(
        "scan size",
        Level.OK if fits else Level.RED,
        f"sem.{asking} asks for scans of {wanted[0]} x {wanted[1]} px, the SEM offers"
        f" {offered[0]} x {offered[1]}",
    )
    wanted_um, offered_um = config.sem.beam_shift_range_um, shift_m * 1e6
    yield Check(
        "beam shift",
        Level.OK if wanted_um <= offered_um + 1e-6 else Level.RED,
        f"sem.beam_shift_range_um asks for {wanted_um:g} um, the SEM offers {offered_um:g} um",
    )
    if config.sem.beam_moves:
        width_um, height_um = config.sem.beam_reach_um
        has_um = reach_m[0] * 1e6, reach_m[1] * 1e6
        enough = width_um <= has_um[0] + 1e-3 and height_um <= has_um[1] + 1e-3
        yield Check(
            "reach of the beam",
            Level.OK if enough else Level.RED,
            f"sem.beam_reach_um asks for {width_um:g} x {height_um:g} um, the SEM offers"
            f" {has_um[0]:.4g} x {has_um[1]:.4g} um",
        )
    if config.fluorescence.autofocus_um > 0 and devices.light_focus is None:
        says = "fluorescence.autofocus_um: the objective of this microscope is not driven"
        yield Check("focus of the light", Level.RED, says)
    if config.session.autofocus and devices.focus is None:
        says = "session.autofocus: this microscope has no automatic focus"
        yield Check("focus of the beam", Level.RED, says)


def column_says(beam: BeamSettings) -> str:
    """Return a sentence on the beam and column: the values read back, and those only as configured."""
    parts = {
        "accelerating_voltage_v": f"{beam.accelerating_voltage_v / 1e3:g} kV",
        "spot_size": f"spot size {beam.spot_size:g}",
        "aperture_m": f"aperture {beam.aperture_m * 1e6:g} um",
        "working_distance_m": f"working distance {beam.working_distance_m * 1e3:.4g} mm",
        "detector": f"detector {beam.detector}",
    }
    read = [text for name, text in parts.items() if name not in beam.as_configured]
    if beam.probe_current_a is not None:
        read.append(f"probe current {beam.probe_current_a * 1e12:.4g} pA")
    taken = [parts[name] for name in beam.as_configured]
    says = f"{', '.join(read) or 'nothing'} read back"
    return f"{says}; as configured, not reported by any device: {', '.join(taken)}" if taken else says


def _chamber(devices: Microscope) -> Check:
    try:
        state, pressure_pa = devices.chamber.state(), devices.chamber.pressure_pa()
    except (DriverError, HungDeviceError, OSError) as error:
        return Check("chamber", Level.RED, f"the chamber does not answer: {error}")
    if devices.chamber_by_hand is not None and state is VacuumState.CHANGING:
        says = "a person operates the chamber: the session asks for each pressure, and waits"
        return Check("chamber", Level.OK, says)
    level = Level.RED if state is VacuumState.ERROR else Level.OK
    return Check("chamber", level, f"the chamber answers: {state.value}, {pressure_pa:.3g} Pa")


def _beam(devices: Microscope, otherwise: Level) -> Check:
    """Check that the beam is blanked, or left to the scan generator, as Odemis does when it starts."""
    sem = devices.sem
    if isinstance(sem, SelfBlanking):
        try:
            if sem.is_automatic():
                says = "the blanker is automatic: it opens only while something scans; a session closes it"
                return Check("beam", Level.OK, f"{says} and puts it back at its end")
        except (DriverError, HungDeviceError, OSError):
            # Reading the blanker fails as well, and is reported.
            pass
    return _state("beam", "the beam is blanked", "the beam is not blanked", sem.is_blanked, otherwise)


def _state(name: str, good: str, bad: str, read: Callable[[], bool], otherwise: Level) -> Check:
    try:
        holds = read()
    except (DriverError, HungDeviceError, OSError) as error:
        return Check(name, Level.RED, f"the {name} does not answer: {error}")
    return Check(name, Level.OK, good) if holds else Check(name, otherwise, bad)


def plan_checks(config: Config, fields: Sequence[Field], today: date) -> Iterator[Check]:
    """Check that the safe area holds all fields, and that a calibration is set."""
    frame = StageFrame.of(config)
    beyond = [f.id for f in fields if not frame.is_safe(f.center_m)]
    partly = [
        f.id
        for f in fields
        if not all(
            frame.is_safe(frame.sem_position_m((x, y)))
            for x in (f.rect_m[0], f.rect_m[2])
            for y in (f.rect_m[1], f.rect_m[3])
        )
    ]
    if beyond:
        yield Check("safe area", Level.RED, f"{len(beyond)} fields lie outside it, the first is {beyond[0]}")
    elif partly:
        says = f"the SEM does not reach all of {len(partly)} fields, the first is {partly[0]}"
        yield Check("safe area", Level.WARN, says)
    else:
        yield Check("safe area", Level.OK, f"it holds all {len(fields)} fields")
    yield calibration_check(config, today)


def settings_checks(config: Config) -> Iterator[Check]:
    """Check what `ilemtrack run` checks before it connects: planner, detector, and notifications."""
    yield _usable("plan", lambda: check_planner(config), "frames can be planned with these settings")
    yield _detector(config.detection)
    says = "the notification addresses are readable"
    yield _usable("who is told", lambda: notification_urls(config.notify), says)


def _detector(settings: DetectionConfig) -> Check:
    try:
        found = open_detector(settings)
    except InputError as error:
        return Check("detector", Level.RED, str(error))
    if isinstance(found, WithoutNetwork):
        return Check("detector", Level.WARN, found.warning)
    return Check("detector", Level.OK, f"{settings.detector} is there")


def _usable(name: str, use: Callable[[], object], says: str) -> Check:
    try:
        use()
    except InputError as error:
        return Check(name, Level.RED, str(error))
    return Check(name, Level.OK, says)


def calibration_check(config: Config, today: date) -> Check:
    """Check that FM to SEM was measured recently enough."""
    c = config.calibration
    if c.measured_on is None:
        # A simulated microscope has the configured calibration, which has no age.
        level = Level.OK if config.driver == "simulator" and config.quanta is None else Level.WARN
        unset = (c.shift_um, c.rotation_mrad, c.scale, c.shear) == ((0.0, 0.0), 0.0, 1.0, 0.0)
        known = (
            "none is set, so light and beam are assumed to agree"
            if unset
            else f"{_amount(c)}; the date of measurement is unknown"
        )
        return Check("calibration", level, f"FM to SEM: {known}; see `ilemtrack calibrate`")
    days = (today - c.measured_on).days
    says = f"FM to SEM: {_amount(c)}; measured on {c.measured_on}, {days} days ago"
    if c.rms_um is not None:
        says += f", residuals {c.rms_um:.2g} um rms"
    guard_um = config.planner.guard_um
    if c.rms_um is not None and c.rms_um > guard_um:
        says += (
            f", more than planner.guard_um, {guard_um:g} um: the beam may miss cells, and bleach unsaved ones"
        )
        return Check("calibration", Level.WARN, says)
    if days < 0:
        return Check("calibration", Level.WARN, f"{says}: that date is in the future")
    if days > c.max_age_days:
        return Check("calibration", Level.WARN, f"{says}, more than {c.max_age_days}; measure it again")
    return Check("calibration", Level.OK, says)


def _amount(c: CalibrationConfig) -> str:
    """Return a calibration in numbers, for people."""
    return (
        f"shift {c.shift_um[0]:g}, {c.shift_um[1]:g} um, rotation {c.rotation_mrad:g} mrad,"
        f" scale {c.scale:g}, shear {c.shear:g}"
    )


def notification_check(notifier: Notifier) -> Check:
    """Check that alarms reach people: every channel must accept a test message."""
    if not notifier.channels:
        says = "nobody is notified of alarms; set notify.urls_file or ILEMTRACK_NOTIFY_URLS"
        return Check("notifications", Level.WARN, says)
    failed = notifier.test()
    if failed:
        return Check("notifications", Level.RED, f"the test message was not delivered: {'; '.join(failed)}")
    return Check("notifications", Level.OK, f"a test message was delivered by {notifier.channels} channels")
