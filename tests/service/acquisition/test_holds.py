"""Frames wait for the fluorescence around them, unless a person has steered meanwhile."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.pose import RectM
from service.acquisition.holds import (
    give_up_waiting,
    hold_for_fluorescence,
    release_waiting,
    unless_steered,
    unsaved_ground,
)
from service.errors import IllegalTransitionError
from service.model.jobs import HoldCause, Job, JobState
from service.session.stage_frame import StageFrame
from service.store.store import Store
from service.store.tables.steering import Word
from tests.service.sessions import small_config
from tests.service.store.stores import UM, add_specimen, job, rect, save_field

BY_HAND = Word("anna", "to look at it")
FRAMES = {
    # Fields of S0001: F000 at x 1000 to 1091 um, y 0 to 91 um, saved; F001 at y 100 to 191 um, pending.
    1: rect(1030, 140),
    2: rect(1040, 150),
    3: rect(1030, 30),
}


@pytest.fixture
def context(store: Store) -> Any:
    add_specimen(store)
    save_field(store, "S0001/F000")
    jobs = [replace(job(n), rect_m=place) for n, place in FRAMES.items()]
    store.queue.add_plan("S0001", jobs, {})
    return SimpleNamespace(store=store, stage_frame=StageFrame.of(small_config()))


def states(store: Store) -> list[tuple[JobState, HoldCause | None, str | None]]:
    return [(one.state, one.hold_cause, one.reason) for one in store.queue.jobs()]


def waiting_and_held(context: Any) -> list[Job]:
    """Hold the first frame for its fluorescence, the second by hand."""
    one, two, _ = context.store.queue.jobs()
    hold_for_fluorescence(context, one, "S0001/F001")
    context.store.steering.hold([two.id], BY_HAND)
    return list(context.store.queue.jobs())


HELD_BY_HAND = (JobState.HELD, HoldCause.PERSON, "held by anna: to look at it")
QUEUED = (JobState.QUEUED, None, None)


def test_a_frame_is_released_once_its_fluorescence_is_saved_and_no_other_is(context: Any) -> None:
    store = context.store
    waiting_and_held(context)
    waits = (JobState.HELD, HoldCause.FLUORESCENCE, "waits for the fluorescence of S0001/F001")
    release_waiting(context)
    assert states(store) == [waits, HELD_BY_HAND, QUEUED]
    save_field(store, "S0001/F001")
    release_waiting(context)
    released = (JobState.QUEUED, None, "the fluorescence around it is saved")
    assert states(store) == [released, HELD_BY_HAND, QUEUED]


def test_a_frame_whose_fluorescence_never_comes_is_skipped_and_no_other_is(context: Any) -> None:
    waiting_and_held(context)
    give_up_waiting(context)
    skipped = (
        JobState.SKIPPED,
        None,
        "waits for the fluorescence of S0001/F001, which was never saved",
    )
    assert states(context.store) == [skipped, HELD_BY_HAND, QUEUED]


@pytest.mark.parametrize("new", [JobState.HELD, JobState.SKIPPED, JobState.WITHDRAWN])
def test_a_person_may_take_a_frame_away_that_is_next(context: Any, new: JobState) -> None:
    store = context.store
    read = store.queue.jobs()[0]
    with unless_steered(context, read):
        if new is JobState.HELD:
            store.steering.hold([read.id], BY_HAND)
        else:
            store.queue.set_state(read.id, new, reason="another choice of cells")
        store.ledger.arm(read.id, read.rect_m, 0.0)
    assert store.queue.job(read.id).state is new
    assert store.ledger.exposures() == []


def test_a_person_may_put_back_or_give_up_a_frame_that_waits(context: Any) -> None:
    store = context.store
    read = waiting_and_held(context)[0]
    store.steering.release([read.id], BY_HAND)
    with unless_steered(context, read):
        store.queue.set_state(read.id, JobState.QUEUED)
    store.steering.skip([read.id], BY_HAND)
    with unless_steered(context, read):
        store.queue.set_state(read.id, JobState.QUEUED)
    assert store.queue.job(read.id).state is JobState.SKIPPED


def test_an_illegal_step_of_our_own_is_not_taken_for_steering(context: Any) -> None:
    store = context.store
    read = store.queue.jobs()[0]
    with pytest.raises(IllegalTransitionError), unless_steered(context, read):
        store.queue.set_state(read.id, JobState.DONE)
    store.ledger.arm(read.id, read.rect_m, 0.0)
    with pytest.raises(IllegalTransitionError), unless_steered(context, read):
        store.queue.set_state(read.id, JobState.HELD, hold_cause=HoldCause.PERSON)


def moved(frame_m: RectM, up_m: float) -> RectM:
    x0, y0, x1, y1 = frame_m
    return x0, y0 + up_m, x1, y1 + up_m


def test_a_frame_waits_for_all_ground_that_it_may_bleach_wherever_it_lands(context: Any) -> None:
    one = context.store.queue.jobs()[2]
    reach_m = context.stage_frame.reach_m
    assert 1 * UM < reach_m < 5 * UM
    assert unsaved_ground(context, one) is None
    # F001 begins at y 100 um, between are 9 um that no field has.
    up_m = 91 * UM - one.rect_m[3] - reach_m
    assert unsaved_ground(context, replace(one, rect_m=moved(one.rect_m, up_m - 0.01 * UM))) is None
    assert unsaved_ground(context, replace(one, rect_m=moved(one.rect_m, up_m + 0.01 * UM))) == (
        "the ground around it"
    )
    assert unsaved_ground(context, context.store.queue.jobs()[0]) == "S0001/F001"
    # Fluorescence of another section counts as well, wherever a plan belongs.
    assert unsaved_ground(context, replace(one, rect_m=rect(2030, 30))) == "S0002/F000"


def test_a_scan_larger_than_a_frame_lands_less_exactly_where_the_calibration_turns(store: Store) -> None:
    add_specimen(store)
    save_field(store, "S0001/F000")
    turned = StageFrame.of(small_config(calibration={"rotation_mrad": 20}))
    context: Any = SimpleNamespace(store=store, stage_frame=turned)
    one = replace(job(1), pixel_size_m=100e-9)
    wider_m = turned.wider_m(one.size_m)
    assert wider_m > 0.1 * UM
    top_m = 91 * UM - turned.reach_m - wider_m
    x0, x1 = 1030 * UM, 1040 * UM
    near = replace(one, rect_m=(x0, top_m - 10 * UM, x1, top_m + 0.01 * UM))
    far = replace(one, rect_m=(x0, top_m - 10 * UM, x1, top_m - 0.01 * UM))
    assert unsaved_ground(context, near) == "the ground around it"
    assert unsaved_ground(context, far) is None
