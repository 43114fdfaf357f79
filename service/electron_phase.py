"""Electron images: one job after the other, each with its intent in the ledger before the beam."""

import math
import secrets

import numpy as np

from drivers.chamber import VacuumState
from drivers.errors import DriverError, InterruptedCallError, NotReadyError, OutOfRangeError
from drivers.pose import RectM
from drivers.sem import BeamSettings, ScanImage, ScanRequest
from planner.rects import grown
from service import focusing
from service.context import Context
from service.disk import shortage
from service.errors import FrameRefusedError, ImageError, SessionFaultError, StageError
from service.exposure_map import unsaved, waiting
from service.images import read_pixels, save_em
from service.layout import fm_to_sem, sem_position_m
from service.logs import get_logger
from service.moving import move_to
from service.records import Exposure, Job, JobState, Step
from service.rectangles import about
from service.requests import InterruptSession, Wish
from service.vacuum import problem

log = get_logger(__name__)

WAITS = "waits for the fluorescence of "
"""How the reason of a job begins that is held because of invariant 1, fluorescence first."""


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
    with context.busy.device():
        found = context.devices.sem.set_beam(wanted, timeout_s=60)
    # The working distance is the configured one again.
    context.focus.sections.clear()
    for name in ("accelerating_voltage_v", "spot_size", "aperture_m", "working_distance_m"):
        want, have = getattr(wanted, name), getattr(found, name)
        if not math.isclose(want, have, rel_tol=0.02):
            raise SessionFaultError(f"the SEM reads back {name} {have:g}, not {want:g}")


def release_waiting(context: Context) -> None:
    """Queue what was held for fluorescence that has been saved since."""
    for job in context.store.jobs(state=JobState.HELD):
        if (job.reason or "").startswith(WAITS) and unsaved_ground(context, job) is None:
            context.store.set_job(job.id, JobState.QUEUED, reason="the fluorescence around it is saved")


def give_up_waiting(context: Context) -> None:
    """Skip what still waits for fluorescence when no more will be taken."""
    for job in context.store.jobs(state=JobState.HELD):
        if (job.reason or "").startswith(WAITS):
            reason = f"{job.reason}, which was never saved"
            context.store.set_job(job.id, JobState.SKIPPED, reason=reason)


def verify_saved(context: Context) -> None:
    """Finish the jobs whose image an earlier program wrote but did not check."""
    for job in context.store.jobs(state=JobState.SAVED):
        try:
            read_pixels(context.folder.path / str(job.image), job.sha256)
        except ImageError as error:
            context.store.set_job(job.id, JobState.FAILED, reason=f"exposed, but its image is lost: {error}")
        else:
            context.store.set_job(job.id, JobState.DONE)


def take_electron_images(context: Context) -> None:
    """Do every queued job.

    Raises
    ------
    InterruptSession
        Somebody asked for it, or the disk is full.
    SessionFaultError
        The vacuum is gone, or too many jobs failed in a row.
    """
    while (job := context.store.next_job()) is not None:
        context.checkpoint()
        if focusing.wants_focus(context, job):
            focusing.queue_focus(context, job.section)
            continue
        lack = shortage(
            context.folder.path, job.size_px[0] * job.size_px[1] * 2, context.config.session.min_free_disk_gb
        )
        if lack is not None:
            raise InterruptSession(Wish.PAUSE, lack)
        unsaved = unsaved_ground(context, job)
        if unsaved is not None:
            context.store.set_job(job.id, JobState.HELD, reason=WAITS + unsaved)
            continue
        _do(context, job)


def unsaved_ground(context: Context, job: Job) -> str | None:
    """Say what fluorescence the job would destroy unsaved, wherever it lands; None if there is none."""
    reach_m = (context.config.planner.guard_um + context.config.sem.beam_halo_um) * 1e-6
    return unsaved(context.store, job.section, job.rect_m, reach_m)


def _do(context: Context, job: Job) -> None:
    """One job, from the stage move to the checked file."""
    store = context.store
    try:
        stands_m = move_to(context, sem_position_m(context.config, job.stage_m))
    except InterruptedCallError:
        raise
    except (DriverError, StageError) as error:
        log.error("job failed before the beam", job=job.id, error=str(error))
        store.set_job(job.id, JobState.FAILED, reason=f"the stage did not get there: {error}")
        context.streak.failure(f"job {job.id}: {error}")
        return
    context.checkpoint()
    wrong = problem(context.devices.chamber, VacuumState.HIGH, context.config.chamber)
    if wrong is not None:
        raise SessionFaultError(f"no beam: {wrong}")
    begun_s = context.clock.now_s()
    shift_m = _beam_shift(context, job, stands_m)
    rect_m = _scanned_rect(context, job, (stands_m[0] + shift_m[0], stands_m[1] + shift_m[1]))
    # The plan kept off by the guard; the stage may have ended further from its target than that.
    off_m = (context.config.stage.position_error_um + context.config.sem.beam_halo_um) * 1e-6
    pending = waiting(store, grown(rect_m, off_m))
    if pending:
        store.set_job(job.id, JobState.HELD, reason=WAITS + pending[0].id)
        return
    image = _scan(context, job, rect_m, shift_m)
    if image is not None:
        _keep(context, job, image)
        store.accounts.took(Step.FRAME, context.clock.now_s() - begun_s - job.beam_s)


def _beam_shift(context: Context, job: Job, stands_m: tuple[float, float]) -> tuple[float, float]:
    """Beam shift of a job: from where the stage stands to where the SEM sees the middle of the frame.

    What the stage is off by its own read-back is made good as far as there is a beam shift; without one the
    guard has to hold it.
    """
    most_m = context.config.sem.beam_shift_range_um * 1e-6
    x_m, y_m = sem_position_m(context.config, job.center_m)
    shift_m = (x_m - stands_m[0], y_m - stands_m[1])
    length_m = math.hypot(*shift_m)
    if length_m <= most_m:
        return shift_m
    # A tiny bit less, so that rounding does not carry it over the limit.
    part = most_m / length_m * (1 - 1e-9)
    return shift_m[0] * part, shift_m[1] * part


def _scanned_rect(context: Context, job: Job, lies_m: tuple[float, float]) -> RectM:
    """Ground, as fluorescence sees it, of a scan whose middle the SEM has at `lies_m`."""
    x_m, y_m = fm_to_sem(context.config).to_fm(np.array([lies_m]))[0].tolist()
    return about((x_m, y_m), (job.size_px[0] * job.pixel_size_m, job.size_px[1] * job.pixel_size_m))


def _scan(context: Context, job: Job, rect_m: RectM, shift_m: tuple[float, float]) -> ScanImage | None:
    """Intent into the ledger, then the beam, then the result into the ledger; None if there is no image."""
    store = context.store
    request = ScanRequest(job.size_px, job.pixel_size_m, job.dwell_s, secrets.token_hex(8), shift_m)
    exposure = store.arm(job.id, rect_m, context.config.sem.beam_halo_um * 1e-6)
    context.view.note(beam_blanked=False)
    failure: Exception | None = None
    try:
        with context.busy.device():
            image = focusing.scan(context, job, request, timeout_s=1.2 * request.beam_s + 20)
        if image.nonce != request.nonce:
            failure = DriverError("the SEM gave the image of another scan")
    except Exception as error:  # noqa: BLE001 - raised again by _not_done, once the ledger knows
        failure = error
    stuck = _blank(context)
    if stuck is not None:
        store.expose_failed(exposure.id, stuck)
        raise SessionFaultError(stuck)
    if failure is None:
        store.expose_done(exposure.id)
        return image
    _not_done(context, exposure, failure)
    return None


def _blank(context: Context) -> str | None:
    """Blank and read back; what is wrong, as a sentence, or None."""
    sem = context.devices.sem
    try:
        sem.blank()
        blanked = sem.is_blanked()
    except DriverError as error:
        return f"the beam may not be blanked: {error}"
    context.view.note(beam_blanked=blanked)
    return None if blanked else "the beam does not blank"


def _not_done(context: Context, exposure: Exposure, failure: Exception) -> None:
    """Record a scan that gave no image: refused with the beam blanked, or nobody knows how far it came."""
    store = context.store
    if isinstance(failure, (NotReadyError, OutOfRangeError)):
        # The contract of `scan`: the beam stayed blanked, so nothing was exposed.
        store.expose_void(exposure.id, JobState.FAILED, f"refused before the beam: {failure}")
    else:
        store.expose_failed(exposure.id, str(failure) or type(failure).__name__)
    if isinstance(failure, InterruptedCallError) or not isinstance(failure, DriverError):
        raise failure
    log.error("scan failed", job=exposure.job, error=str(failure))
    context.streak.failure(f"job {exposure.job}: {failure}")


def keep_unsaved(context: Context) -> None:
    """Save the images that did not fit on the disk before the pause."""
    for job_id in list(context.unsaved):
        _keep(context, context.store.job(job_id), context.unsaved[job_id])


def _keep(context: Context, job: Job, image: ScanImage) -> None:
    """Check the image, save it, read it back; only then the job is done.

    Raises
    ------
    InterruptSession
        The disk does not take it: the image is kept in memory, and saved when the session goes on.
    """
    store, folder = context.store, context.folder
    try:
        _check(job, image)
        saved = save_em(folder.em_image(job.section, job.id), image, job.section, job.id, job.covers)
        store.set_job(job.id, JobState.SAVED, image=folder.relative(saved.path), sha256=saved.sha256)
        read_pixels(saved.path, saved.sha256)
    except (FrameRefusedError, ImageError) as error:
        log.error("image lost", job=job.id, error=str(error))
        store.set_job(job.id, JobState.FAILED, reason=f"exposed, but its image is lost: {error}")
        context.unsaved.pop(job.id, None)
        context.streak.failure(f"job {job.id}: {error}")
    except OSError as error:
        context.unsaved[job.id] = image
        reason = f"the image of {job.id} cannot be saved, it is kept in memory: {error}"
        raise InterruptSession(Wish.PAUSE, reason) from error
    else:
        store.set_job(job.id, JobState.DONE)
        context.unsaved.pop(job.id, None)
        context.streak.success()
        log.info("done", job=job.id)


def _check(job: Job, image: ScanImage) -> None:
    """Refuse an image that cannot be the one that was asked for.

    Raises
    ------
    FrameRefusedError
        Wrong shape or pixel size.
    """
    if image.pixels.shape != (job.size_px[1], job.size_px[0]):
        raise FrameRefusedError(
            f"the SEM gave an image of shape {image.pixels.shape}, not {job.size_px[::-1]}"
        )
    if not math.isclose(image.pixel_size_m, job.pixel_size_m, rel_tol=1e-3):
        raise FrameRefusedError(f"the SEM gave a pixel size of {image.pixel_size_m:g} m")
