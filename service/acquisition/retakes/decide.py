"""Decision by the checks of an electron image: done, flagged, taken again, or left to a person.

A frame is taken again without a person only where all of this holds (docs/decisions/0022): its scan ended
well and its exposures are all known; another scan can help; it was not taken again more often than
`session.retakes`; and the last ones that were taken again for the same reason came out better. Two reasons
count:

- the beam did not reach it, or not to the end: once another image proves the beam;
- it is out of focus: once the beam is focused again, and that changed anything.
"""

from service.autofocus.beam import refocus
from service.logs import get_logger
from service.model.images.checks import NO_BEAM, TAKEN_AGAIN, CheckedImage, CheckKind, kinds_of
from service.model.jobs import ExposureState, Job, JobKind, JobState
from service.session.context import Context
from service.store.store import Store
from service.words import checks as words

log = get_logger(__name__)

_FOCUS = frozenset({CheckKind.FOCUS})
_IN_VAIN = 2
"""Frames taken again in a row that came out no better: no more are, for that reason. Chosen by hand."""


def conclude(context: Context, job: Job) -> str | None:
    """Decide on a job whose image is saved and was read back; return what its beam was found bad by.

    Everything it needs is in the store, so that a restart decides in the same way.
    """
    store = context.store
    image = image_of(store, job)
    cause = _cause(image)
    if image is None or not cause:
        store.queue.set_state(job.id, JobState.DONE)
        return None
    says = words.bad_says(image.bad)
    again = _may_be_taken_again(context, job, cause)
    if cause == NO_BEAM:
        if again:
            store.images.hold_for_retake(job.id, image.exposure, words.waits_for_beam(says))
        else:
            store.queue.set_state(job.id, JobState.NEEDS_REVIEW, reason=words.exposed_but(says))
        return says
    with store.transaction():
        if again and refocus(context, job):
            store.images.hold_for_retake(job.id, image.exposure, words.waits_for_focus(says))
        else:
            store.queue.set_state(job.id, JobState.DONE)
    return None


def image_of(store: Store, job: Job) -> CheckedImage | None:
    """Return the image that a job has now; None if it has none, or one of an earlier version."""
    return next(
        (one for one in store.images.of_jobs([job.id]).get(job.id, ()) if one.file == job.image), None
    )


def _cause(image: CheckedImage | None) -> frozenset[CheckKind]:
    """Return for what a frame may be taken again; empty if for nothing."""
    found = frozenset() if image is None else kinds_of(image.checks) & TAKEN_AGAIN
    # Without a beam there is nothing in focus.
    return NO_BEAM if found & NO_BEAM else found


def _may_be_taken_again(context: Context, job: Job, cause: frozenset[CheckKind]) -> bool:
    store = context.store
    rows = [row for row in store.ledger.exposures(job=job.id) if row.state is not ExposureState.VOID]
    retaken = sum(row.retake_of is not None for row in rows)
    if job.kind is not JobKind.FRAME or retaken >= context.config.session.retakes:
        return False
    if any(row.state is not ExposureState.CLOSED for row in rows):
        return False
    for_it = [after for before, after in store.images.retakes() if kinds_of(before.checks) & cause]
    # One that shows the specimen, if blurred, is better than none.
    in_vain = [bool(kinds_of(after.checks) & (cause | NO_BEAM)) for after in for_it[-_IN_VAIN:]]
    if len(in_vain) == _IN_VAIN and all(in_vain):
        log.warning("not taken again: the last ones came out no better", job=job.id, cause=sorted(cause))
        return False
    return True
