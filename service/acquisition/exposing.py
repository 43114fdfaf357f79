"""One exposure to the beam: its intent in the ledger, the scan, and its end in the ledger.

The end of a scan stays in memory until it is on the disk. Whoever finds the row of a scan still open, once
that scan has ended, closes it with `settle`.
"""

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from drivers.chamber import VacuumState
from drivers.errors import (
    BeamOffError,
    DisturbedError,
    DriverError,
    InterruptedCallError,
    NotReadyError,
    OutOfRangeError,
    StillBusyError,
    StoppedInTimeError,
)
from drivers.pose import RectM
from drivers.sem import ScanImage, ScanRequest
from planner.geometry.rects import centered, hull
from service import wording
from service.acquisition.saving import save_evidence
from service.acquisition.scans import scan_of
from service.acquisition.stays import note_stay
from service.acquisition.vacuum import VacuumWatch, look
from service.errors import HungDeviceError, SessionFaultError
from service.logs import get_logger
from service.model.jobs import Exposure, ExposureState, Job, JobState, ScanEnd
from service.safety.deadlines import timeout_of
from service.session.context import Context, Taken

log = get_logger(__name__)


_UNEXPOSED = (NotReadyError, OutOfRangeError, StoppedInTimeError)
"""By the contract of `scan` the beam stayed blanked."""


@dataclass(frozen=True, slots=True)
class Aim:
    """Place of a scan, as the SEM has it.

    Attributes
    ----------
    stands_m : (float, float)
        Position of the stage, read back before the scan.
    shift_m : (float, float)
        Beam shift.
    """

    stands_m: tuple[float, float]
    shift_m: tuple[float, float]

    @property
    def center_m(self) -> tuple[float, float]:
        """Centre of the scan."""
        return self.at(self.stands_m)

    def at(self, stage_m: tuple[float, float]) -> tuple[float, float]:
        """Return the centre of the scan with the stage elsewhere."""
        return stage_m[0] + self.shift_m[0], stage_m[1] + self.shift_m[1]


def scanned_rect(context: Context, job: Job, center_m: tuple[float, float]) -> RectM:
    """Return the ground, as fluorescence sees it, of a scan whose centre the SEM has at `center_m`."""
    return centered(context.fm_position_m(center_m), job.size_m)


def halo_of(context: Context, job: Job) -> float:
    """Return the distance beyond the upright frame of a job within which its scan may bleach, m."""
    place = context.last_move.place
    turned_m = 0.0 if place is None else place.misfit_m(job.size_m)
    return context.stage_frame.halo_m + context.stage_frame.wider_m(job.size_m) + turned_m


def expose(context: Context, job: Job, rect_m: RectM, aim: Aim) -> tuple[Taken | None, str | None]:
    """Record the intent in the ledger, scan, and record the result.

    Returns
    -------
    taken : Taken or None
        None if the scan gave no image.
    vacuum : str or None
        Trouble with the vacuum during or after the scan.

    Raises
    ------
    SessionFaultError
        The beam does not blank, or is switched off, or too many scans failed in a row.
    """
    sem, chamber = context.devices.sem, context.devices.chamber
    scan = scan_of(job)
    request = ScanRequest(job.size_px, job.pixel_size_m, job.dwell_s, secrets.token_hex(8), aim.shift_m)
    estimate_s = request.beam_s + context.config.sem.overhead_s
    exposure = context.store.ledger.arm(job.id, rect_m, halo_of(context, job))
    note_stay(context, exposure)
    context.view.note(beam_blanked=False)
    image: ScanImage | None = None
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
    after = look(chamber, VacuumState.HIGH, context.config.chamber)
    vacuum = watch.found() or after.problem
    if isinstance(failure, DisturbedError) and isinstance(failure.image, ScanImage):
        image = failure.image
    moved, seen_m = _stage_after(context, aim, failure, image)
    field_m = failure.field_m if isinstance(failure, DisturbedError) else None
    ground_m = _swept(context, job, exposure, aim, seen_m, field_m)
    if stuck is not None:
        kept = "" if image is None else save_evidence(context, job, image, after.pressure_pa)
        end = ScanEnd(ExposureState.UNKNOWN, JobState.NEEDS_REVIEW, stuck + kept, ground_m)
        _record(context, exposure, end)
        raise SessionFaultError(stuck)
    disturbed = str(failure) if isinstance(failure, DisturbedError) else moved
    if image is not None and (failure is None or isinstance(failure, DisturbedError)):
        # Kept in memory until file and record are on the disk.
        doubt = disturbed if disturbed is not None else _doubt(vacuum)
        taken = context.unsaved[job.id] = Taken(
            image, exposure.id, aim.center_m, doubt, pressure_pa=after.pressure_pa
        )
        note = "; ".join(said for said in (disturbed, image.remark) if said) or None
        # Known before anything else is read from a database that may refuse.
        end = context.ends[exposure.id] = ScanEnd(ExposureState.CLOSED, JobState.EXPOSED, note, ground_m)
        _record(context, exposure, replace(end, beam_s=scan.beam_s(context, job)))
        return taken, vacuum
    assert failure is not None
    if vacuum is not None and isinstance(failure, StoppedInTimeError):
        # The vacuum is lost for all jobs; this one, which exposed nothing, waits for it.
        failure = BeamOffError(vacuum)
    elif vacuum is not None and isinstance(failure, InterruptedCallError):
        failure = DriverError(f"stopped, as the vacuum was lost: {vacuum}")
    _not_done(context, exposure, failure, moved, ground_m)
    return None, vacuum


def settle(context: Context) -> None:
    """Close the row of a scan whose end could not be recorded when it ended; for the thread of the runner.

    The runner is between two scans: the end is known from memory, or the scan counts as broken off.

    Raises
    ------
    StoreError
        The database still refuses it.
    """
    left_open = context.store.ledger.open_exposure()
    if left_open is not None:
        unknown = ScanEnd(ExposureState.UNKNOWN, JobState.NEEDS_REVIEW, wording.end_of_scan_unknown())
        end = context.ends.get(left_open.id, unknown)
        context.store.ledger.finish(left_open.id, end, now=False)
        log.warning("row of the ledger closed late", exposure=left_open.id, job=left_open.job)
    context.ends.clear()


def _record(context: Context, exposure: Exposure, end: ScanEnd) -> None:
    """Close the row of a scan; if the disk refuses, its end stays in memory for `settle`."""
    context.ends[exposure.id] = end
    context.store.ledger.finish(exposure.id, end)
    del context.ends[exposure.id]


def _doubt(vacuum: str | None) -> str | None:
    return f"taken while the vacuum was lost: {vacuum}" if vacuum else None


def _stage_after(
    context: Context, aim: Aim, failure: Exception | None, image: ScanImage | None
) -> tuple[str | None, list[tuple[float, float]]]:
    """Return a sentence if the stage did not stand still, and all centres of the scan that are known, m.

    A scan that was refused blanked says nothing about where the beam was.
    """
    if isinstance(failure, _UNEXPOSED):
        return None, []
    seen_m = (
        [aim.at(place_m) for place_m in failure.positions_m] if isinstance(failure, DisturbedError) else []
    )
    if image is not None:
        seen_m.append(image.center_m)
    try:
        now_m = context.devices.stage.position()
    except (DriverError, HungDeviceError) as error:
        return f"the position of the stage after the scan is not known: {error}", seen_m
    except Exception as error:
        log.exception("unexpected")
        said = f"unexpected {type(error).__name__}: {error}"
        return f"the position of the stage after the scan is not known: {said}", seen_m
    seen_m.append(aim.at(now_m))
    off_m = math.dist(now_m, aim.stands_m)
    # Not `>`: a read-back of NaN is no proof.
    if off_m <= context.config.stage.arrival_tolerance_um * 1e-6:
        return None, seen_m
    return wording.stage_moved(off_m), seen_m


def _swept(
    context: Context,
    job: Job,
    exposure: Exposure,
    aim: Aim,
    seen_m: Sequence[tuple[float, float]],
    field_m: tuple[float, float] | None,
) -> RectM | None:
    """Return the ground from the intent through all places where the scan was seen; None if it is the intent.

    The stage may have taken any way between them: all of their hull counts, with the largest field.
    """
    tolerance_m = context.config.stage.arrival_tolerance_um * 1e-6
    width_m, height_m = job.size_m
    if field_m is not None and all(map(math.isfinite, field_m)):
        # Slightly more is the rounding of a read-back.
        width_m, height_m = (
            found if found > 1.01 * planned else planned
            for found, planned in zip(field_m, (width_m, height_m), strict=True)
        )
    wider = (width_m, height_m) != job.size_m
    ground = exposure.rect_m
    for center_m in (aim.center_m, *seen_m) if wider else seen_m:
        if not all(map(math.isfinite, center_m)):
            continue
        if wider or math.dist(center_m, aim.center_m) > tolerance_m:
            ground = hull(ground, centered(context.fm_position_m(center_m), (width_m, height_m)))
    return None if ground == exposure.rect_m else ground


def _blank(context: Context) -> str | None:
    """Blank and read back; return a sentence if the beam is not blanked, else None."""
    sem = context.devices.sem
    try:
        sem.blank()
        blanked = sem.is_blanked()
    except (DriverError, HungDeviceError, OSError) as error:
        return f"the beam may not be blanked: {error}"
    except Exception as error:
        # The image of the scan is kept all the same.
        log.exception("unexpected")
        return f"the beam may not be blanked: unexpected {type(error).__name__}: {error}"
    context.view.note(beam_blanked=blanked)
    return None if blanked else "the beam does not blank"


def _not_done(
    context: Context, exposure: Exposure, failure: Exception, moved: str | None, ground_m: RectM | None
) -> None:
    """Record a scan without an image: refused with the beam blanked, or broken off somewhere."""
    if isinstance(failure, StoppedInTimeError):
        end = ScanEnd(ExposureState.VOID, JobState.QUEUED, f"nothing was exposed: {failure}")
    elif isinstance(failure, (NotReadyError, OutOfRangeError)):
        # By the contract of `scan` the beam stayed blanked: nothing was exposed, it may be tried again.
        # An earlier scan ends by itself, and a beam that is off is off for all jobs: no failure of this one.
        waits = isinstance(failure, (StillBusyError, BeamOffError))
        context.refused[exposure.job] += not waits
        again = context.refused[exposure.job] <= context.config.session.retries
        again = again and isinstance(failure, NotReadyError)
        job = context.store.queue.job(exposure.job)
        state = JobState.QUEUED if again else scan_of(job).unexposed
        note = f"nothing was exposed: refused before the beam: {failure}"
        end = ScanEnd(ExposureState.VOID, state, note)
    else:
        said = [str(failure) or type(failure).__name__]
        if moved is not None and not isinstance(failure, DisturbedError):
            said.append(moved)
        end = ScanEnd(ExposureState.UNKNOWN, JobState.NEEDS_REVIEW, "; ".join(said), ground_m)
    _record(context, exposure, end)
    if isinstance(failure, BeamOffError):
        raise SessionFaultError(f"no beam: {failure}") from failure
    if isinstance(failure, InterruptedCallError) or not isinstance(failure, DriverError):
        raise failure
    if isinstance(failure, StillBusyError):
        log.warning("scan waits", job=exposure.job, error=str(failure))
        return
    log.error("scan failed", job=exposure.job, error=str(failure))
    context.streak.failure(f"job {exposure.job}: {failure}")
