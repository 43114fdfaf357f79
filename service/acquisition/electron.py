"""Electron images: one job after another, each with its intent in the ledger before the beam."""

import math

from drivers.chamber import VacuumState
from drivers.errors import DriverError, InterruptedCallError
from drivers.sem import BeamSettings
from planner.geometry.rects import grown, hull
from service.acquisition.disk_space import shortage
from service.acquisition.exposing import Aim, expose, halo_of, scanned_rect
from service.acquisition.holds import hold_for_fluorescence, unless_steered, unsaved_ground
from service.acquisition.overviews.follow import ready_to_scan
from service.acquisition.retakes.helping import give_up_helping
from service.acquisition.retakes.waiting import release_retakes
from service.acquisition.saving import keep, verify_saved
from service.acquisition.scans import scan_of
from service.acquisition.stage_moves import move_to
from service.acquisition.stays import widened_on_return
from service.acquisition.vacuum import lost
from service.errors import SessionFaultError, StageError
from service.logs import get_logger
from service.model.jobs import Job, JobKind
from service.model.phases import PauseCause
from service.safety.deadlines import timeout_of
from service.session.context import Context
from service.session.exposure_map import waiting
from service.session.interrupts import Interrupt, InterruptSession
from service.trends.noting import note_electron

log = get_logger(__name__)

_SET_BEAM_S = 40.0
"""Estimate of the time that a column needs to take its settings; chosen by hand, not measured."""


def set_beam(context: Context) -> None:
    """Set the column as configured, and check its read-back.

    Raises
    ------
    SessionFaultError
        The column reads back other values.
    DriverError
    """
    sem = context.config.sem
    wanted = BeamSettings(
        accelerating_voltage_v=sem.accelerating_voltage_kv * 1e3,
        spot_size=sem.spot_size,
        aperture_m=sem.aperture_um * 1e-6,
        working_distance_m=sem.working_distance_mm * 1e-3,
        detector=sem.detector,
    )
    with context.step("setting the beam", _SET_BEAM_S):
        found = context.devices.sem.set_beam(wanted, timeout_s=timeout_of(_SET_BEAM_S))
    # This resets the working distance to the configured one.
    context.focused.beam = None
    for name in ("accelerating_voltage_v", "spot_size", "aperture_m", "working_distance_m"):
        want, have = getattr(wanted, name), getattr(found, name)
        if not math.isclose(want, have, rel_tol=0.02):
            raise SessionFaultError(f"the SEM reads back {name} {have:g}, not {want:g}")


def take_electron_images(context: Context) -> None:
    """Do every queued job.

    Raises
    ------
    InterruptSession
        A person asked for it, or the disk is full.
    SessionFaultError
        The vacuum is lost, or too many jobs failed in a row.
    """
    section: str | None = None
    while (job := _next(context)) is not None:
        _note_levels(context, section, job.section)
        section = job.section
        context.checkpoint()
        if not scan_of(job).prepare(context, job):
            continue
        lack = shortage(
            context.folder.path, job.size_px[0] * job.size_px[1] * 2, context.config.session.min_free_disk_gb
        )
        if lack is not None:
            raise InterruptSession(Interrupt.PAUSE, lack, PauseCause.DISK)
        unsaved = unsaved_ground(context, job)
        with unless_steered(context, job):
            if unsaved is None:
                _do(context, job)
            else:
                hold_for_fluorescence(context, job, unsaved)
    _note_levels(context, section, None)


def _note_levels(context: Context, before: str | None, now: str | None) -> None:
    """Note what may change slowly, once a section is left; an error in that costs only the numbers."""
    if before is None or before == now:
        return
    try:
        sem = context.config.sem
        note_electron(context.store, before, sem.pixel_size_nm * 1e-9, sem.dwell_us * 1e-6)
    except Exception:
        log.exception("levels not noted", section=before)


def _next(context: Context) -> Job | None:
    """Return the next job, once frames that can be taken again, and what these need, are queued."""
    verify_saved(context)
    give_up_helping(context)
    release_retakes(context)
    return context.store.queue.next_job()


def _do(context: Context, job: Job) -> None:
    """Do one job, from the stage move to the checked file."""
    store = context.store
    try:
        stands_m = move_to(context, context.stage_frame.sem_position_m(job.stage_m))
    except InterruptedCallError:
        raise
    except (DriverError, StageError) as error:
        log.error("job failed before the beam", job=job.id, error=str(error))
        reason = f"nothing was exposed: the stage did not get there: {error}"
        store.queue.set_state(job.id, scan_of(job).unexposed, reason=reason)
        context.streak.failure(f"job {job.id}: {error}")
        return
    context.checkpoint()
    wrong = lost(context.devices.chamber, VacuumState.HIGH, context.config.chamber)
    if wrong is not None:
        raise SessionFaultError(f"no beam: {wrong}")
    begun_s = context.clock.now_s()
    if not ready_to_scan(context, job):
        # An overview comes first, or the frames of this position were planned again.
        return
    job = widened_on_return(context, job)
    aim = Aim(stands_m, _beam_shift(context, job, stands_m))
    rect_m = scanned_rect(context, job, aim.center_m)
    # The plan keeps a guard, but the stage may have stopped further from its target.
    off_m = context.stage_frame.position_error_m + halo_of(context, job)
    pending = waiting(store, grown(hull(rect_m, job.rect_m), off_m))
    if pending:
        hold_for_fluorescence(context, job, pending[0].id)
        return
    taken, vacuum = expose(context, job, rect_m, aim)
    if taken is not None:
        keep(context, job, taken)
        # In one commit, as a session takes thousands of images.
        with store.transaction():
            scan_of(job).record(context, job, context.clock.now_s() - begun_s)
            context.note_busy()
    if vacuum is not None:
        raise SessionFaultError(f"no beam: {vacuum}")


def _beam_shift(context: Context, job: Job, stands_m: tuple[float, float]) -> tuple[float, float]:
    """Return the beam shift from the read-back of the stage to the centre of the frame for the SEM, m.

    It corrects the error of the stage within the range of the beam shift; the guard covers the rest. Where
    the beam moves, all of the error is corrected: a scan out of reach is refused by the SEM, never moved.
    """
    if job.kind is JobKind.OVERVIEW:
        # Larger than the reach of the beam, and placed where the stage stands.
        return 0.0, 0.0
    most_m = context.config.sem.beam_shift_range_um * 1e-6
    x_m, y_m = context.sem_position_m(job.center_m)
    shift_m = (x_m - stands_m[0], y_m - stands_m[1])
    length_m = math.hypot(*shift_m)
    if length_m <= most_m or context.config.sem.beam_moves:
        return shift_m
    # Slightly less, so that rounding does not exceed the limit.
    part = most_m / length_m * (1 - 1e-9)
    return shift_m[0] * part, shift_m[1] * part
