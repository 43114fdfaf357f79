"""Electron images to the disk: saved, read back, recorded; only then a job is done (invariant 6)."""

from datetime import datetime
from pathlib import Path

from drivers.sem import ScanImage
from service import wording
from service.acquisition.retakes.decide import conclude
from service.acquisition.retakes.look import judge_earlier, look_at
from service.errors import ImageError, SessionFaultError, StoreError, UnreadableImageError
from service.image_files.facts import Acquisition
from service.image_files.images import SavedImage, require_unchanged
from service.image_files.saving import save_em
from service.logs import get_logger
from service.model.event import MISSING
from service.model.images.checks import CONTRADICTORY, DOUBTFUL, NO_BEAM, CheckedImage, kinds_of
from service.model.jobs import Job, JobKind, JobState
from service.model.phases import PauseCause
from service.session.context import Context, Taken
from service.session.interrupts import Interrupt, InterruptSession
from service.session.missing_images import missing_images
from service.session.provenance import provenance_of
from service.store.database import utc_now
from service.words import checks as words

log = get_logger(__name__)

_MOST_LISTED = 20
"""Missing images that an event lists by name."""


def verify_saved(context: Context, *, last: bool = False) -> None:
    """Finish the jobs whose image was written but not checked.

    One that cannot be read now is tried again at the next call; at the `last` it needs review.
    """
    for job in context.store.queue.jobs(state=JobState.SAVED):
        _verify(context, job, last=last)


def _verify(context: Context, job: Job, *, last: bool) -> str | None:
    """Read an image back; its job is then done, taken again or in review, or failed where the image is lost.

    Return a loss, or what a bad image shows of the beam.
    """
    queue = context.store.queue
    try:
        # It was decoded and compared with the pixels before it got its name.
        require_unchanged(context.folder.path / str(job.image), str(job.sha256))
    except UnreadableImageError as error:
        log.warning("image not read back", job=job.id, error=str(error), last=last)
        if last:
            queue.set_state(job.id, JobState.NEEDS_REVIEW, reason=wording.image_not_read_back(error))
    except ImageError as error:
        queue.set_state(job.id, JobState.FAILED, reason=f"exposed, but its image is lost: {error}")
        return f"its image is lost: {error}"
    else:
        return conclude(context, job)
    return None


def note_missing(context: Context) -> None:
    """Record images that somebody has removed from the run, once for each set of them."""
    missing = missing_images(context.store, context.folder)
    said = context.store.events.last_of(MISSING)
    data = {"images": list(missing[:_MOST_LISTED]), "number": len(missing)}
    if data != ({"images": [], "number": 0} if said is None else said.data):
        context.store.events.note(MISSING, "images", data)


def keep_unsaved(context: Context) -> None:
    """Save the images in memory, whose file or record the disk refused before."""
    for job_id, taken in list(context.unsaved.items()):
        job = context.store.queue.job(job_id)
        if job.state is JobState.EXPOSED:
            keep(context, job, taken)
        else:
            context.unsaved.pop(job_id)
    verify_saved(context)


def keep_at_the_end(context: Context) -> None:
    """Save the images in memory once more before the program ends, as files at least."""
    held = dict(context.unsaved)
    if not held:
        return
    try:
        keep_unsaved(context)
    except Exception as error:  # noqa: BLE001 - the program ends, whatever the database says
        log.error("images not recorded", error=str(error) or type(error).__name__)
    for job_id, taken in held.items():
        try:
            job = context.store.queue.job(job_id)
            if image_path(context, job).exists():
                continue
            note = save_evidence(context, job, taken.image, taken.pressure_pa)
        except StoreError as error:
            note = f"; its image is lost: {error}"
        log.critical("image not recorded", job=job_id, note=note.removeprefix("; "))


def image_path(context: Context, job: Job) -> Path:
    """Return the path of the image of the last exposure of a job; those of earlier ones are kept."""
    return context.folder.em_image(job.section, job.id, context.store.ledger.taken(job.id))


def keep(context: Context, job: Job, taken: Taken) -> None:
    """Save an image, check it and read it back; the job is then done, or what else follows of the checks.

    An image of an exposure is never thrown away: a bad one is saved, too, for a person to look at.

    Raises
    ------
    InterruptSession
        The disk refuses it: the image stays in memory, and is saved when the session goes on.
    SessionFaultError
        Too many in a row were doubtful or lost: something is wrong with beam or detector. If the image
        contradicts the request, two are too many: the SEM is not as configured.
    """
    store, folder, doubt = context.store, context.folder, taken.doubt
    contradicts = False
    try:
        saved = _save(context, job, taken.image, taken.taken_at, taken.pressure_pa)
        checked = look_at(context, job, taken)
        image = CheckedImage(
            taken.exposure,
            job.id,
            folder.relative(saved.path),
            saved.sha256,
            checked.checks,
            checked.noise,
            checked.sharpness,
        )
        found = kinds_of(image.checks)
        contradicts = bool(found & CONTRADICTORY)
        if doubt is None and found & DOUBTFUL - NO_BEAM:
            doubt = words.bad_says(image.bad)
        if doubt is None:
            written = _record(context, job, image, JobState.SAVED, None)
            if job.kind is JobKind.FRAME:
                judge_earlier(store, job)
            doubt = _verify(context, written, last=False)
        else:
            _record(context, job, image, JobState.NEEDS_REVIEW, words.exposed_but(doubt))
    except ValueError as error:
        # No file holds such pixels, however often it is tried.
        doubt = f"its image is lost: {doubt or error}"
        store.queue.set_state(job.id, JobState.FAILED, reason=words.exposed_but(doubt))
    except (OSError, ImageError) as error:
        reason = wording.image_not_saved(job.id, error)
        raise InterruptSession(Interrupt.PAUSE, reason, PauseCause.IMAGE_NOT_SAVED) from error
    context.unsaved.pop(job.id, None)
    if doubt is not None:
        log.error("image doubtful", job=job.id, doubt=doubt)
        if contradicts and context.streak.lasts():
            raise SessionFaultError(wording.sem_not_as_configured(doubt))
        context.streak.failure(f"job {job.id}: {doubt}")
        return
    context.streak.success()
    log.info("saved", job=job.id, flags=sorted(found))


def _record(context: Context, job: Job, image: CheckedImage, state: JobState, reason: str | None) -> Job:
    """Record an image with its checks, and the new state of its job, at once."""
    store = context.store
    with store.transaction():
        store.images.add(image)
        return store.queue.set_state(job.id, state, reason=reason, image=image.file, sha256=image.sha256)


def save_evidence(context: Context, job: Job, image: ScanImage, pressure_pa: float | None) -> str:
    """Save the image of a scan after which the beam did not blank; return a note of where it is."""
    path = image_path(context, job)
    try:
        _save(context, job, image, utc_now(), pressure_pa)
    except (OSError, ImageError, ValueError) as error:
        return f"; its image is lost: {error}"
    return f"; its image is {context.folder.relative(path)}"


def _save(
    context: Context, job: Job, image: ScanImage, taken_at: datetime, pressure_pa: float | None
) -> SavedImage:
    return save_em(
        image_path(context, job),
        image,
        job.section,
        job.id,
        job.covers,
        Acquisition(taken_at, provenance_of(context.config, context.store), pressure_pa),
        context.config.session.compress_images,
    )
