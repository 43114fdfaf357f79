"""Electron images: one job after another, each with its intent in the ledger before the beam."""

import math
import secrets

from drivers.chamber import VacuumState
from drivers.errors import (
    BeamOffError,
    DriverError,
    InterruptedCallError,
    NotReadyError,
    OutOfRangeError,
    StillBusyError,
)
from drivers.pose import RectM
from drivers.sem import BeamSettings, ScanImage, ScanRequest
from planner.geometry.rects import centered, grown
from service.acquisition.disk_space import shortage
from service.acquisition.holds import hold_for_fluorescence, unless_steered, unsaved_ground
from service.acquisition.saving import keep, save_evidence
from service.acquisition.scans import scan_of
from service.acquisition.stage_moves import move_to
from service.acquisition.vacuum import VacuumWatch, lost
from service.errors import HungDeviceError, SessionFaultError, StageError
from service.image_checks.electron import validate_image
from service.logs import get_logger
from service.model.jobs import Exposure, Job, JobState
from service.model.phases import PauseCause
from service.safety.deadlines import timeout_of
from service.session.context import Context, Taken
from service.session.exposure_map import waiting
from service.session.interrupts import Interrupt, InterruptSession

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
    while (job := context.store.queue.next_job()) is not None:
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
    shift_m = _beam_shift(context, job, stands_m)
    lies_m = stands_m[0] + shift_m[0], stands_m[1] + shift_m[1]
    rect_m = _scanned_rect(context, job, lies_m)
    # The plan keeps a guard, but the stage may have stopped further from its target.
    off_m = context.stage_frame.position_error_m + context.stage_frame.halo_m
    pending = waiting(store, grown(rect_m, off_m))
    if pending:
        hold_for_fluorescence(context, job, pending[0].id)
        return
    taken, vacuum = _scan(context, job, rect_m, shift_m, lies_m)
    if taken is not None:
        keep(context, job, taken)
        scan_of(job).record(context, job, context.clock.now_s() - begun_s)
    if vacuum is not None:
        raise SessionFaultError(f"no beam: {vacuum}")


def _beam_shift(context: Context, job: Job, stands_m: tuple[float, float]) -> tuple[float, float]:
    """Return the beam shift from the read-back of the stage to the centre of the frame for the SEM, m.

    It corrects the error of the stage within the range of the beam shift; the guard covers the rest.
    """
    most_m = context.config.sem.beam_shift_range_um * 1e-6
    x_m, y_m = context.stage_frame.sem_position_m(job.center_m)
    shift_m = (x_m - stands_m[0], y_m - stands_m[1])
    length_m = math.hypot(*shift_m)
    if length_m <= most_m:
        return shift_m
    # Slightly less, so that rounding does not exceed the limit.
    part = most_m / length_m * (1 - 1e-9)
    return shift_m[0] * part, shift_m[1] * part


def _scanned_rect(context: Context, job: Job, lies_m: tuple[float, float]) -> RectM:
    """Return the ground, as fluorescence sees it, of a scan whose centre the SEM has at `lies_m`."""
    center_m = context.stage_frame.fm_position_m(lies_m)
    return centered(center_m, (job.size_px[0] * job.pixel_size_m, job.size_px[1] * job.pixel_size_m))


def _scan(
    context: Context, job: Job, rect_m: RectM, shift_m: tuple[float, float], lies_m: tuple[float, float]
) -> tuple[Taken | None, str | None]:
    """Record the intent in the ledger, scan, and record the result.

    Returns
    -------
    taken : Taken or None
        None if the scan gave no image.
    vacuum : str or None
        Trouble with the vacuum during or after the scan.
    """
    store, sem, chamber = context.store, context.devices.sem, context.devices.chamber
    scan = scan_of(job)
    request = ScanRequest(job.size_px, job.pixel_size_m, job.dwell_s, secrets.token_hex(8), shift_m)
    estimate_s = request.beam_s + context.config.sem.overhead_s
    exposure = store.ledger.arm(job.id, rect_m, context.stage_frame.halo_m)
    context.view.note(beam_blanked=False)
    failure: Exception | None = None
    watch = VacuumWatch(chamber, context.config.chamber, sem.stop, context.limits.look_s)
    try:
        with context.step(f"the scan of {job.id}", estimate_s + scan.extra_s), watch:
            image = scan.execute(context, job, request, timeout_of(estimate_s))
        if image.nonce != request.nonce:
            failure = DriverError("the SEM gave the image of another scan")
    except Exception as error:  # noqa: BLE001 - raised again by _not_done, once the ledger knows
        failure = error
    stuck = _blank(context)
    vacuum = watch.found() or lost(chamber, VacuumState.HIGH, context.config.chamber)
    if stuck is not None:
        kept = "" if failure is not None else save_evidence(context, job, image)
        store.ledger.failed(exposure.id, stuck + kept)
        raise SessionFaultError(stuck)
    if failure is None:
        # Kept in memory until file and record are on the disk.
        doubt = (
            f"taken while the vacuum was lost: {vacuum}"
            if vacuum
            else validate_image(
                image,
                job.size_px,
                job.pixel_size_m,
                lies_m,
                context.config.stage.arrival_tolerance_um * 1e-6,
            )
        )
        taken = context.unsaved[job.id] = Taken(image, doubt)
        elsewhere = _elsewhere(context, job, image, exposure)
        store.ledger.done(exposure.id, elsewhere, scan.beam_s(context, job), image.remark)
        return taken, vacuum
    if vacuum is not None and isinstance(failure, InterruptedCallError):
        failure = DriverError(f"stopped, as the vacuum was lost: {vacuum}")
    _not_done(context, exposure, failure)
    return None, vacuum


def _elsewhere(context: Context, job: Job, image: ScanImage, exposure: Exposure) -> RectM | None:
    """Return the ground of scan and intent together if the SEM reports another position; else None."""
    if not all(map(math.isfinite, image.center_m)):
        return None
    (x0, y0, x1, y1), (u0, v0, u1, v1) = exposure.rect_m, _scanned_rect(context, job, image.center_m)
    tolerance_m = context.config.stage.arrival_tolerance_um * 1e-6
    if max(abs(x0 - u0), abs(y0 - v0)) <= tolerance_m:
        return None
    return min(x0, u0), min(y0, v0), max(x1, u1), max(y1, v1)


def _blank(context: Context) -> str | None:
    """Blank and read back; return a sentence if the beam is not blanked, else None."""
    sem = context.devices.sem
    try:
        sem.blank()
        blanked = sem.is_blanked()
    except (DriverError, HungDeviceError, OSError) as error:
        return f"the beam may not be blanked: {error}"
    context.view.note(beam_blanked=blanked)
    return None if blanked else "the beam does not blank"


def _not_done(context: Context, exposure: Exposure, failure: Exception) -> None:
    """Record a scan without an image: refused with the beam blanked, or broken off somewhere."""
    store = context.store
    if isinstance(failure, (NotReadyError, OutOfRangeError)):
        # By the contract of `scan` the beam stayed blanked: nothing was exposed, it may be tried again.
        # An earlier scan ends by itself, and a beam that is off is off for all jobs: no failure of this one.
        waits = isinstance(failure, (StillBusyError, BeamOffError))
        context.refused[exposure.job] += not waits
        again = context.refused[exposure.job] <= context.config.session.retries
        again = again and isinstance(failure, NotReadyError)
        state = JobState.QUEUED if again else scan_of(store.queue.job(exposure.job)).unexposed
        store.ledger.void(exposure.id, state, f"nothing was exposed: refused before the beam: {failure}")
    else:
        store.ledger.failed(exposure.id, str(failure) or type(failure).__name__)
    if isinstance(failure, BeamOffError):
        raise SessionFaultError(f"no beam: {failure}") from failure
    if isinstance(failure, InterruptedCallError) or not isinstance(failure, DriverError):
        raise failure
    if isinstance(failure, StillBusyError):
        log.warning("scan waits", job=exposure.job, error=str(failure))
        return
    log.error("scan failed", job=exposure.job, error=str(failure))
    context.streak.failure(f"job {exposure.job}: {failure}")
