"""Electron images by their checks alone, in the store of a session that has not begun."""

from dataclasses import replace

from service.model.images.checks import Check, CheckedImage, CheckKind
from service.model.jobs import Job, JobKind, JobState
from service.session.context import Context
from tests.service.store.stores import job as a_job


def bad(*kinds: CheckKind) -> tuple[Check, ...]:
    return tuple(Check(kind, 1.0, 0.5, bad=True) for kind in kinds)


def queued(context: Context, kind: JobKind = JobKind.FRAME) -> Job:
    """Put another job of the first section in the queue."""
    queue = context.store.queue
    job = replace(a_job(queue.next_number()), kind=kind)
    queue.add_plan(job.section, [job], {})
    return queue.job(job.id)


def taken(context: Context, job: Job, checks: tuple[Check, ...], noise: float | None = None) -> CheckedImage:
    """Expose a job, and save an image of it that has these checks."""
    store = context.store
    row = store.ledger.arm(job.id, job.rect_m, 0.0)
    store.ledger.done(row.id, beam_s=1.0)
    file = f"em/{job.section}/{job.id}-{row.id}.ome.tiff"
    image = CheckedImage(row.id, job.id, file, "0" * 64, checks, noise=noise)
    with store.transaction():
        store.images.add(image)
        store.queue.set_state(job.id, JobState.SAVED, image=file, sha256=image.sha256)
    return image


def taken_again(context: Context, before: tuple[Check, ...], after: tuple[Check, ...]) -> None:
    """Take a frame, and take it again for its checks."""
    job, store = queued(context), context.store
    image = taken(context, job, before)
    store.images.hold_for_retake(job.id, image.exposure, "as the session does")
    store.queue.set_state(job.id, JobState.QUEUED)
    taken(context, job, after)
    store.queue.set_state(job.id, JobState.DONE)
