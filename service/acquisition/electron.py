"""Electron images: one job after the other, each with its intent in the ledger before the beam."""

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
from service.acquisition.holds import WAITS, unless_steered, unsaved_ground
from service.acquisition.scans import scan_of
from service.acquisition.stage_moves import move_to
from service.acquisition.vacuum import VacuumWatch, lost
from service.errors import (
    HungDeviceError,
    ImageError,
    SessionFaultError,
    StageError,
)
from service.image_checks.electron import validate_image
from service.logs import get_logger
from service.model.jobs import Exposure, Job, JobState
from service.safety.deadlines import timeout_of
from service.session.context import Context, Taken
from service.session.exposure_map import waiting
from service.session.images import read_pixels, save_em
from service.session.interrupts import InterruptSession, Wish

log = get_logger(__name__)


_SET_BEAM_S = 40.0
"""Estimate for a column to take its settings."""


def set_beam(context: Context) -> None:
    """Set the column as configured, and check what was read back.

    Raises
    ------
    SessionFaultError
        The machine reads back something else.
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
    # The working distance is the configured one again.
    context.focused.beam = None
    for name in ("accelerating_voltage_v", "spot_size", "aperture_m", "working_distance_m"):
        want, have = getattr(wanted, name), getattr(found, name)
        if not math.isclose(want, have, rel_tol=0.02):
            raise SessionFaultError(f"the SEM reads back {name} {have:g}, not {want:g}")


def verify_saved(context: Context) -> None:
    """Finish the jobs whose image an earlier program wrote but did not check."""
    for job in context.store.queue.jobs(state=JobState.SAVED):
        try:
            read_pixels(context.folder.path / str(job.image), job.sha256)
        except ImageError as error:
            context.store.queue.set_state(
                job.id, JobState.FAILED, reason=f"exposed, but its image is lost: {error}"
            )
        else:
            context.store.queue.set_state(job.id, JobState.DONE)


def take_electron_images(context: Context) -> None:
    """Do every queued job.

    Raises
    ------
    InterruptSession
        Somebody asked for it, or the disk is full.
    SessionFaultError
        The vacuum is gone, or too many jobs failed in a row.
    """
    while (job := context.store.queue.next_job()) is not None:
        context.checkpoint()
        if not scan_of(job).prepare(context, job):
            continue
        lack = shortage(
            context.folder.path, job.size_px[0] * job.size_px[1] * 2, context.config.session.min_free_disk_gb
        )
        if lack is not None:
            raise InterruptSession(Wish.PAUSE, lack)
        unsaved = unsaved_ground(context, job)
        with unless_steered(context, job):
            if unsaved is None:
                _do(context, job)
            else:
                context.store.queue.set_state(job.id, JobState.HELD, reason=WAITS + unsaved)


def _do(context: Context, job: Job) -> None:
    """One job, from the stage move to the checked file."""
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
    # The plan kept off by the guard; the stage may have ended further from its target than that.
    off_m = context.stage_frame.position_error_m + context.stage_frame.halo_m
    pending = waiting(store, grown(rect_m, off_m))
    if pending:
        store.queue.set_state(job.id, JobState.HELD, reason=WAITS + pending[0].id)
        return
    taken, vacuum = _scan(context, job, rect_m, shift_m, lies_m)
    if taken is not None:
        _keep(context, job, taken)
        scan_of(job).record(context, job, context.clock.now_s() - begun_s)
    if vacuum is not None:
        raise SessionFaultError(f"no beam: {vacuum}")


def _beam_shift(context: Context, job: Job, stands_m: tuple[float, float]) -> tuple[float, float]:
    """Beam shift of a job: from where the stage stands to where the SEM sees the middle of the frame.

    What the stage is off by its own read-back is made good as far as there is a beam shift; without one the
    guard has to hold it.
    """
    most_m = context.config.sem.beam_shift_range_um * 1e-6
    x_m, y_m = context.stage_frame.sem_position_m(job.center_m)
    shift_m = (x_m - stands_m[0], y_m - stands_m[1])
    length_m = math.hypot(*shift_m)
    if length_m <= most_m:
        return shift_m
    # A tiny bit less, so that rounding does not carry it over the limit.
    part = most_m / length_m * (1 - 1e-9)
    return shift_m[0] * part, shift_m[1] * part


def _scanned_rect(context: Context, job: Job, lies_m: tuple[float, float]) -> RectM:
    """Ground, as fluorescence sees it, of a scan whose middle the SEM has at `lies_m`."""
    center_m = context.stage_frame.fm_position_m(lies_m)
    return centered(center_m, (job.size_px[0] * job.pixel_size_m, job.size_px[1] * job.pixel_size_m))


def _scan(
    context: Context, job: Job, rect_m: RectM, shift_m: tuple[float, float], lies_m: tuple[float, float]
) -> tuple[Taken | None, str | None]:
    """Intent into the ledger, then the beam, then the result into the ledger.

    Returns
    -------
    taken : Taken or None
        None where the scan gave no image.
    vacuum : str or None
        What went wrong with the vacuum during the scan or was found wrong after it.
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
        kept = "" if failure is not None else _kept_all_the_same(context, job, image)
        store.ledger.failed(exposure.id, stuck + kept)
        raise SessionFaultError(stuck)
    if failure is None:
        # In memory until file and record are on the disk, whatever happens to either.
        doubt = (
            f"taken while the vacuum went: {vacuum}"
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
        failure = DriverError(f"stopped, as the vacuum went: {vacuum}")
    _not_done(context, exposure, failure)
    return None, vacuum


def _elsewhere(context: Context, job: Job, image: ScanImage, exposure: Exposure) -> RectM | None:
    """Ground with that of the intent, where the SEM says that it scanned elsewhere; else None."""
    if not all(map(math.isfinite, image.center_m)):
        return None
    (x0, y0, x1, y1), (u0, v0, u1, v1) = exposure.rect_m, _scanned_rect(context, job, image.center_m)
    tolerance_m = context.config.stage.arrival_tolerance_um * 1e-6
    if max(abs(x0 - u0), abs(y0 - v0)) <= tolerance_m:
        return None
    return min(x0, u0), min(y0, v0), max(x1, u1), max(y1, v1)


def _blank(context: Context) -> str | None:
    """Blank and read back; what is wrong, as a sentence, or None."""
    sem = context.devices.sem
    try:
        sem.blank()
        blanked = sem.is_blanked()
    except (DriverError, HungDeviceError, OSError) as error:
        return f"the beam may not be blanked: {error}"
    context.view.note(beam_blanked=blanked)
    return None if blanked else "the beam does not blank"


def _kept_all_the_same(context: Context, job: Job, image: ScanImage) -> str:
    """Save the image of a scan after which the beam did not blank; says where it is."""
    path = context.folder.em_image(job.section, job.id)
    try:
        save_em(path, image, job.section, job.id, job.covers)
    except (OSError, ImageError, ValueError) as error:
        return f"; its image is lost: {error}"
    return f"; its image is {context.folder.relative(path)}"


def _not_done(context: Context, exposure: Exposure, failure: Exception) -> None:
    """Record a scan that gave no image: refused with the beam blanked, or nobody knows how far it came."""
    store = context.store
    if isinstance(failure, (NotReadyError, OutOfRangeError)):
        # The contract of `scan`: the beam stayed blanked, so nothing was exposed and it may be tried again.
        # A scan of before ends by itself, and a beam that is off is off for all: no failure of this job.
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


def keep_unsaved(context: Context) -> None:
    """Save the images that the disk did not take, or whose record it did not take."""
    for job_id, taken in list(context.unsaved.items()):
        job = context.store.queue.job(job_id)
        if job.state is JobState.ARMED:
            # The scan ended well; only the end of its row could not be written.
            row = context.store.ledger.exposures(job=job_id)[-1]
            context.store.ledger.done(row.id, beam_s=scan_of(job).beam_s(context, job))
        if job.state is JobState.SAVED:
            context.unsaved.pop(job_id)
        else:
            _keep(context, job, taken)
    verify_saved(context)


def _keep(context: Context, job: Job, taken: Taken) -> None:
    """Save an image and read it back; only then the job is done, or needs review where there is a doubt.

    What was exposed is never thrown away: an image that cannot be right is saved for a person all the same.

    Raises
    ------
    InterruptSession
        The disk does not take it: the image is kept in memory, and saved when the session goes on.
    SessionFaultError
        Too many in a row were doubtful or lost: something is wrong with beam or detector.
    """
    store, folder, image, doubt = context.store, context.folder, taken.image, taken.doubt
    try:
        saved = save_em(folder.em_image(job.section, job.id), image, job.section, job.id, job.covers)
        name = folder.relative(saved.path)
        if doubt is None:
            store.queue.set_state(job.id, JobState.SAVED, image=name, sha256=saved.sha256)
            read_pixels(saved.path, saved.sha256)
            store.queue.set_state(job.id, JobState.DONE)
        else:
            store.queue.set_state(
                job.id, JobState.NEEDS_REVIEW, reason=f"exposed, but {doubt}", image=name, sha256=saved.sha256
            )
    except (ImageError, ValueError) as error:
        doubt = f"its image is lost: {doubt or error}"
        store.queue.set_state(job.id, JobState.FAILED, reason=f"exposed, but {doubt}")
    except OSError as error:
        reason = f"the image of {job.id} cannot be saved, it is kept in memory: {error}"
        raise InterruptSession(Wish.PAUSE, reason) from error
    context.unsaved.pop(job.id, None)
    if doubt is not None:
        log.error("image doubtful", job=job.id, doubt=doubt)
        context.streak.failure(f"job {job.id}: {doubt}")
        return
    context.streak.success()
    log.info("done", job=job.id)
