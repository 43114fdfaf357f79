"""Frames that wait to be taken again: released once that can help, given up once it cannot."""

from service.acquisition.holds import unless_steered
from service.acquisition.retakes.decide import image_of
from service.logs import get_logger
from service.model.focus import Focus, FocusBeam, FocusState
from service.model.images.checks import DOUBTFUL, NO_BEAM, CheckedImage, kinds_of
from service.model.jobs import ExposureState, Job, JobState
from service.session.context import Context
from service.words import checks as words

log = get_logger(__name__)

_TO_COME = (JobState.QUEUED, JobState.HELD, JobState.ARMED, JobState.EXPOSED, JobState.SAVED)


def release_retakes(context: Context) -> None:
    """Queue the frames that can be taken again now, and give up those for which there is no use in it."""
    for job in context.store.images.waiting():
        image = image_of(context.store, job)
        with unless_steered(context, job):
            if image is None or not kinds_of(image.checks) & NO_BEAM:
                _after_focus(context, job, image)
            elif _beam_is_proven(context, image):
                _release(context, job)


def give_up_retakes(context: Context) -> None:
    """Decide on the frames that still wait when no other is left: nothing will prove the beam any more."""
    for job in context.store.images.waiting():
        image = image_of(context.store, job)
        with unless_steered(context, job):
            if image is not None and kinds_of(image.checks) & NO_BEAM:
                reason = words.exposed_but(words.bad_says(image.bad))
                context.store.queue.set_state(job.id, JobState.NEEDS_REVIEW, reason=reason)
            else:
                _keep(context, job)


def _beam_is_proven(context: Context, image: CheckedImage) -> bool:
    """Return True if a later image of another job shows the specimen."""
    return any(
        later.job != image.job and later.checks and not kinds_of(later.checks) & DOUBTFUL
        for later in context.store.images.since(image.exposure)
    )


def _after_focus(context: Context, job: Job, image: CheckedImage | None) -> None:
    """Release a frame that is out of focus after a focus that changed anything; else its image stays."""
    store = context.store
    name = store.focus.job_of(job.section)
    rows = [] if name is None else store.ledger.exposures(job=name)
    done = [row for row in rows if image is not None and row.id > image.exposure]
    if name is None or image is None or not any(row.state is ExposureState.CLOSED for row in done):
        if name is None or store.queue.job(name).state not in _TO_COME:
            _keep(context, job)
        return
    if store.queue.job(name).state in _TO_COME:
        return
    found = [one for one in store.focus.all(FocusBeam.ELECTRON) if one.section == job.section]
    if (
        found
        and found[-1].job == name
        and found[-1].state is not FocusState.NOT_FOUND
        and _changed(context, job, found)
    ):
        _release(context, job)
    else:
        _keep(context, job)


def _changed(context: Context, job: Job, focuses: list[Focus]) -> bool:
    """Return True if the last focus differs by more than the depth of focus, where blur is below a pixel."""
    sem = context.config.sem
    before, now = (focuses[-2].used_m if len(focuses) > 1 else None), focuses[-1].used_m
    if before is None or now is None:
        return True
    depth_m = job.pixel_size_m * sem.working_distance_mm * 1e-3 / (sem.aperture_um * 1e-6)
    return abs(now - before) > depth_m


def _release(context: Context, job: Job) -> None:
    log.info("taken again", job=job.id, retake_of=job.retake_of)
    context.store.queue.set_state(job.id, JobState.QUEUED, reason=words.taken_again(job.reason))


def _keep(context: Context, job: Job) -> None:
    log.info("not taken again", job=job.id)
    context.store.queue.set_state(job.id, JobState.DONE)
