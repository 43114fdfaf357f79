"""A frame is not taken again for a reason for which the last ones were taken again in vain."""

import pytest

from service.acquisition.retakes.decide import conclude
from service.model.images.checks import CheckKind
from service.model.jobs import HoldCause, JobKind, JobState
from service.session.context import Context
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
    taken(context, frame, bad(found))
    says = conclude(context, context.store.queue.job(frame.id))
    job = context.store.queue.job(frame.id)
    assert job.state is becomes
    assert job.hold_cause is (HoldCause.RETAKE if becomes is WAITS else None)
    # Only without a beam the session has a failure more.
    assert (says is not None) == (found is DARK)


def test_an_image_that_is_only_flagged_is_done(context: Context) -> None:
    frame = queued(context)
    taken(context, frame, bad(CheckKind.DRIFT, CheckKind.CHARGING))
    assert conclude(context, context.store.queue.job(frame.id)) is None
    assert context.store.queue.job(frame.id).state is JobState.DONE


def test_a_focus_without_a_beam_is_left_to_a_person_and_never_taken_again(context: Context) -> None:
    focus = queued(context, JobKind.FOCUS)
    taken(context, focus, bad(DARK))
    assert conclude(context, context.store.queue.job(focus.id)) is not None
    assert context.store.queue.job(focus.id).state is JobState.NEEDS_REVIEW
