"""Frames that wait are exposed again only once that can help, and never for nothing."""

import pytest

from service.acquisition.retakes.decide import conclude
from service.acquisition.retakes.waiting import give_up_retakes, release_retakes
from service.model.focus import Focus, FocusBeam, FocusState
from service.model.images.checks import CheckKind
from service.model.jobs import ExposureState, Job, JobKind, JobState, ScanEnd
from service.session.context import Context
from service.words.checks import bad_says
from tests.service.acquisition.retakes.images import bad, queued, taken

DARK, BLURRED = CheckKind.DARK, CheckKind.FOCUS
WAITS, AGAIN, ASKS, KEPT = JobState.HELD, JobState.QUEUED, JobState.NEEDS_REVIEW, JobState.DONE


def state(context: Context, job: Job) -> JobState:
    return context.store.queue.job(job.id).state


def waiting(context: Context, *kinds: CheckKind) -> Job:
    """Take a frame that is then held to be taken again."""
    frame = queued(context)
    taken(context, frame, bad(*kinds))
    conclude(context, context.store.queue.job(frame.id))
    assert state(context, frame) is WAITS
    return frame


@pytest.mark.parametrize(
    ("shows", "becomes"),
    [
        # Flagged, but the specimen is there.
        ((CheckKind.DRIFT,), AGAIN),
        ((BLURRED,), AGAIN),
        ((DARK,), WAITS),
        ((CheckKind.SATURATED,), WAITS),
        # Not checked.
        ((), WAITS),
    ],
)
def test_a_frame_without_a_beam_waits_until_a_later_image_of_another_shows_the_specimen(
    context: Context, shows: tuple[CheckKind, ...], becomes: JobState
) -> None:
    before = queued(context)
    taken(context, before, bad(CheckKind.DRIFT))
    frame = waiting(context, DARK)
    release_retakes(context)
    assert state(context, frame) is WAITS, "the beam was there before"
    taken(context, queued(context), bad(*shows))
    release_retakes(context)
    assert state(context, frame) is becomes
    if becomes is AGAIN:
        assert bad_says(bad(DARK)) in str(context.store.queue.job(frame.id).reason)


def test_a_frame_that_nothing_helped_is_left_to_a_person_or_kept_blurred(context: Context) -> None:
    dark = waiting(context, DARK)
    queued(context, JobKind.FOCUS)
    blurred = waiting(context, BLURRED)
    give_up_retakes(context)
    assert (state(context, dark), state(context, blurred)) == (ASKS, KEPT)
    assert bad_says(bad(DARK)) in str(context.store.queue.job(dark.id).reason)


def focused(
    context: Context, focus: Job, used_m: float | None, found: FocusState = FocusState.USED, done: bool = True
) -> None:
    """Focus: its job is exposed, and its height is used."""
    ledger = context.store.ledger
    row = ledger.arm(focus.id, focus.rect_m, 0.0)
    context.store.focus.add(
        Focus(
            FocusBeam.ELECTRON, focus.section, (0.0, 0.0), found, job=focus.id, found_m=used_m, used_m=used_m
        )
    )
    ledger.done(row.id)
    if done:
        context.store.queue.set_state(focus.id, JobState.SAVED, image=f"em/{focus.id}.tiff", sha256="0" * 64)
        context.store.queue.set_state(focus.id, JobState.DONE)


def depth_m(context: Context, job: Job) -> float:
    sem = context.config.sem
    return job.pixel_size_m * sem.working_distance_mm * 1e-3 / (sem.aperture_um * 1e-6)


@pytest.mark.parametrize(
    ("off", "found", "becomes"),
    [
        (1.01, FocusState.USED, AGAIN),
        (-1.01, FocusState.USED, AGAIN),
        (0.99, FocusState.USED, KEPT),
        (0.0, FocusState.USED, KEPT),
        (5.0, FocusState.NOT_FOUND, KEPT),
    ],
)
def test_a_blurred_frame_is_taken_again_only_if_another_focus_changed_anything(
    context: Context, off: float, found: FocusState, becomes: JobState
) -> None:
    first = queued(context, JobKind.FOCUS)
    focused(context, first, 0.01)
    focus = queued(context, JobKind.FOCUS)
    frame = waiting(context, BLURRED)
    release_retakes(context)
    assert state(context, frame) is WAITS, "the focus is to come"
    focused(context, focus, 0.01 + off * depth_m(context, frame), found, done=False)
    release_retakes(context)
    assert state(context, frame) is WAITS, "the focus is not done"
    store = context.store
    store.queue.set_state(focus.id, JobState.SAVED, image="em/focus.tiff", sha256="0" * 64)
    store.queue.set_state(focus.id, JobState.DONE)
    store.focus.add(
        Focus(FocusBeam.LIGHT, focus.section, (0.0, 0.0), FocusState.USED, found_m=1.0, used_m=1.0)
    )
    release_retakes(context)
    assert state(context, frame) is becomes


def test_a_first_focus_of_a_section_changes_everything(context: Context) -> None:
    focus = queued(context, JobKind.FOCUS)
    frame = waiting(context, BLURRED)
    focused(context, focus, 0.01)
    release_retakes(context)
    assert state(context, frame) is AGAIN


@pytest.mark.parametrize("end", [ExposureState.VOID, ExposureState.UNKNOWN])
def test_a_focus_that_was_refused_or_broke_off_helps_no_frame(context: Context, end: ExposureState) -> None:
    focus = queued(context, JobKind.FOCUS)
    frame = waiting(context, BLURRED)
    ledger = context.store.ledger
    row = ledger.arm(focus.id, focus.rect_m, 0.0)
    left = JobState.FAILED if end is ExposureState.VOID else JobState.NEEDS_REVIEW
    ledger.finish(row.id, ScanEnd(end, left, "gone"))
    height_m = 0.01
    context.store.focus.add(
        Focus(
            FocusBeam.ELECTRON,
            focus.section,
            (0.0, 0.0),
            FocusState.USED,
            focus.id,
            found_m=height_m,
            used_m=height_m,
        )
    )
    # What others expose meanwhile is no focus.
    taken(context, queued(context), bad(DARK))
    release_retakes(context)
    assert state(context, frame) is KEPT


def test_a_frame_that_was_held_by_an_earlier_version_is_not_exposed_again(context: Context) -> None:
    focus, frame, store = queued(context, JobKind.FOCUS), queued(context), context.store
    row = store.ledger.arm(frame.id, frame.rect_m, 0.0)
    store.ledger.done(row.id)
    store.queue.set_state(frame.id, JobState.SAVED, image="em/of-then.tiff", sha256="0" * 64)
    store.images.hold_for_retake(frame.id, row.id, "out of focus")
    release_retakes(context)
    assert state(context, frame) is WAITS
    focused(context, focus, 0.01)
    release_retakes(context)
    assert state(context, frame) is KEPT


def test_a_focus_from_before_the_image_does_not_help_it(context: Context) -> None:
    focus = queued(context, JobKind.FOCUS)
    frame = waiting(context, BLURRED)
    elsewhere = queued(context, JobKind.FOCUS)
    context.store.queue.set_state(focus.id, JobState.SKIPPED, reason="a person")
    context.store.queue.set_state(elsewhere.id, JobState.SKIPPED, reason="a person")
    release_retakes(context)
    assert state(context, frame) is KEPT
