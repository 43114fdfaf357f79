"""A frame is not taken again for a reason for which the last ones were taken again in vain."""

import pytest

from service.acquisition.retakes.decide import conclude
from service.model.images.checks import CheckedImage, CheckKind
from service.model.jobs import HoldCause, JobKind, JobState
from service.session.context import Context
from service.words.checks import bad_says
from tests.service.acquisition.retakes.images import bad, queued, taken, taken_again

DARK, CUT, BLANK, BLURRED = CheckKind.DARK, CheckKind.TRUNCATED, CheckKind.BLANK, CheckKind.FOCUS
Kinds = tuple[CheckKind, ...]
WAITS, ASKS, KEPT = JobState.HELD, JobState.NEEDS_REVIEW, JobState.DONE


@pytest.mark.parametrize(
    ("history", "found", "becomes"),
    [
        ([], DARK, WAITS),
        ([((DARK,), (DARK,))], DARK, WAITS),
        ([((DARK,), (DARK,)), ((DARK,), (DARK,))], DARK, ASKS),
        # No beam is one reason, however it shows.
        ([((BLANK,), (DARK,)), ((CUT,), (BLANK,))], DARK, ASKS),
        ([((DARK,), (DARK,)), ((DARK,), ())], DARK, WAITS),
        # The last two count, and all others do not.
        ([((DARK,), (DARK,)), ((DARK,), (DARK,)), ((DARK,), ())], DARK, WAITS),
        ([((DARK,), ()), ((DARK,), (DARK,)), ((DARK,), (DARK,))], DARK, ASKS),
        # Another reason says nothing about this one, and does not come between.
        ([((BLURRED,), (BLURRED,)), ((BLURRED,), (BLURRED,))], DARK, WAITS),
        ([((DARK,), (DARK,)), ((BLURRED,), ()), ((DARK,), (DARK,))], DARK, ASKS),
        # One that shows the specimen, if blurred, is better than none.
        ([((DARK,), (BLURRED,)), ((DARK,), (BLURRED,))], DARK, WAITS),
        ([], BLURRED, WAITS),
        ([((BLURRED,), (BLURRED,)), ((BLURRED,), (BLURRED,))], BLURRED, KEPT),
        ([((BLURRED,), (BLURRED,)), ((BLURRED,), (DARK,))], BLURRED, KEPT),
        ([((BLURRED,), ()), ((BLURRED,), (BLURRED,))], BLURRED, WAITS),
    ],
)
def test_a_frame_is_taken_again_unless_the_last_two_for_that_reason_came_out_no_better(
    context: Context, history: list[tuple[Kinds, Kinds]], found: CheckKind, becomes: JobState
) -> None:
    # A focus to come, which serves every frame of the section.
    queued(context, JobKind.FOCUS)
    for before, after in history:
        taken_again(context, bad(*before), bad(*after))
    frame = queued(context)
    image = taken(context, frame, bad(found))
    says = conclude(context, context.store.queue.job(frame.id))
    job = context.store.queue.job(frame.id)
    assert job.state is becomes
    assert job.hold_cause is (HoldCause.RETAKE if becomes is WAITS else None)
    assert job.retake_of == (image.exposure if becomes is WAITS else None)
    if becomes is not KEPT:
        assert bad_says(bad(found)) in str(job.reason)
    # Only without a beam the session has a failure more.
    assert (says is not None) == (found is DARK)


def test_an_image_that_is_only_flagged_is_done(context: Context) -> None:
    # Even with a focus to come, which a frame out of focus would wait for.
    queued(context, JobKind.FOCUS)
    frame = queued(context)
    taken(context, frame, bad(CheckKind.DRIFT, CheckKind.CHARGING))
    assert conclude(context, context.store.queue.job(frame.id)) is None
    assert context.store.queue.job(frame.id).state is JobState.DONE


@pytest.mark.parametrize("another", [True, False])
def test_a_frame_whose_image_was_saved_by_an_earlier_version_is_done(context: Context, another: bool) -> None:
    frame, store = queued(context), context.store
    row = store.ledger.arm(frame.id, frame.rect_m, 0.0)
    store.ledger.done(row.id)
    store.queue.set_state(frame.id, JobState.SAVED, image="em/of-then.ome.tiff", sha256="0" * 64)
    if another:
        store.images.add(CheckedImage(row.id, frame.id, "em/other.ome.tiff", "0" * 64, bad(DARK)))
    assert conclude(context, store.queue.job(frame.id)) is None
    assert store.queue.job(frame.id).state is JobState.DONE


def again(context: Context, job: str, found: CheckKind) -> JobState:
    """Take a frame once more, conclude, and return its state."""
    taken(context, context.store.queue.job(job), bad(found))
    conclude(context, context.store.queue.job(job))
    return context.store.queue.job(job).state


def test_a_frame_is_taken_again_as_often_as_configured(context: Context) -> None:
    assert context.config.session.retakes == 1
    frame = queued(context)
    assert again(context, frame.id, DARK) is WAITS
    context.store.queue.set_state(frame.id, JobState.QUEUED)
    assert again(context, frame.id, DARK) is ASKS


def test_what_was_refused_before_the_beam_is_no_exposure_of_a_frame(context: Context) -> None:
    frame, ledger = queued(context), context.store.ledger
    ledger.void(ledger.arm(frame.id, frame.rect_m, 0.0).id, JobState.QUEUED, "refused")
    assert again(context, frame.id, DARK) is WAITS


def test_a_frame_one_of_whose_exposures_is_not_known_is_not_taken_again(context: Context) -> None:
    frame, ledger = queued(context), context.store.ledger
    ledger.failed(ledger.arm(frame.id, frame.rect_m, 0.0).id, "no answer")
    context.store.queue.set_state(frame.id, JobState.QUEUED)
    assert again(context, frame.id, DARK) is ASKS


def test_a_focus_without_a_beam_is_left_to_a_person_and_never_taken_again(context: Context) -> None:
    focus = queued(context, JobKind.FOCUS)
    taken(context, focus, bad(DARK))
    assert conclude(context, context.store.queue.job(focus.id)) is not None
    assert context.store.queue.job(focus.id).state is JobState.NEEDS_REVIEW
