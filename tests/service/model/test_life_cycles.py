"""Life cycles of jobs and fields."""

from itertools import product

import pytest

from service.errors import IllegalTransitionError
from service.model import field_states as fields
from service.model import job_states as jobs
from service.model.jobs import JobState
from service.model.specimen import FieldState

J = JobState

LIFE_OF_A_JOB = """
queued: armed, failed, held, needs_review, skipped, withdrawn
held: queued, skipped, withdrawn
armed: exposed, failed, needs_review, queued
exposed: failed, needs_review, saved
saved: done, failed, needs_review
needs_review: queued, skipped
done:
skipped:
withdrawn:
failed:
"""
"""Each state, and those that may follow it."""


def test_a_job_has_no_other_way_than_these() -> None:
    rows = (line.split(":") for line in LIFE_OF_A_JOB.split("\n") if line)
    expected = {J(old): {J(new) for new in following.replace(",", " ").split()} for old, following in rows}
    assert expected == jobs.TRANSITIONS


@pytest.mark.parametrize(
    ("old", "words"),
    [(J.SAVED, "possible: done, failed, needs_review"), (J.DONE, "possible: nothing: it is an end state")],
)
def test_a_refusal_says_what_is_possible(old: JobState, words: str) -> None:
    with pytest.raises(IllegalTransitionError, match=f"{words}$"):
        jobs.check(old, J.QUEUED)


@pytest.mark.parametrize(("old", "new"), list(product(JobState, JobState)))
def test_job_check_is_the_table(old: JobState, new: JobState) -> None:
    if new in jobs.TRANSITIONS[old]:
        jobs.check(old, new)
    else:
        with pytest.raises(IllegalTransitionError, match=f"'{old}' to '{new}'"):
            jobs.check(old, new)


@pytest.mark.parametrize(("old", "new"), list(product(FieldState, FieldState)))
def test_field_check_is_the_table(old: FieldState, new: FieldState) -> None:
    if new in fields.TRANSITIONS[old]:
        fields.check(old, new)
    else:
        with pytest.raises(IllegalTransitionError, match=f"'{old}' to '{new}'"):
            fields.check(old, new)


def reached_from(start: JobState, without: set[JobState]) -> set[JobState]:
    found, todo = {start}, [start]
    while todo:
        for state in jobs.TRANSITIONS[todo.pop()] - without - found:
            found.add(state)
            todo.append(state)
    return found


@pytest.mark.parametrize("step", [J.ARMED, J.EXPOSED, J.SAVED])
def test_no_job_is_done_without_every_step(step: JobState) -> None:
    assert J.DONE in reached_from(J.QUEUED, set())
    assert J.DONE not in reached_from(J.QUEUED, {step})


def test_what_was_exposed_is_queued_again_only_after_review() -> None:
    assert J.QUEUED in reached_from(J.EXPOSED, set())
    assert J.QUEUED not in reached_from(J.EXPOSED, {J.NEEDS_REVIEW})


@pytest.mark.parametrize(("old", "new"), list(product(JobState, JobState)))
def test_only_a_saved_frame_waits_to_be_taken_again_and_only_then_is_a_held_one_done(
    old: JobState, new: JobState
) -> None:
    allowed = {(J.SAVED, J.HELD), *((J.HELD, one) for one in (J.QUEUED, J.DONE, J.NEEDS_REVIEW, J.SKIPPED))}
    if (old, new) in allowed:
        jobs.check(old, new, for_retake=True)
    else:
        with pytest.raises(IllegalTransitionError):
            jobs.check(old, new, for_retake=True)


def test_end_states() -> None:
    assert {J.DONE, J.SKIPPED, J.WITHDRAWN, J.FAILED} == {
        one for one, following in jobs.TRANSITIONS.items() if not following
    }
