import itertools
from dataclasses import replace

import pytest

from planner.cost import Work
from service.model.jobs import HoldCause, JobState
from service.model.work import Step, Way
from service.store.store import Store
from service.store.tables.durations import LATEST
from tests.service.store.stores import UM, add_specimen, job, queue_jobs

FINE = Work(frames=3, stage_moves=2, beam_s=40.0, travel_m=3e-4, pixels=720_000)
COARSE = Work(frames=9, stage_moves=9, beam_s=160.0, travel_m=9e-4, pixels=2_600_000)


def test_durations_are_kept_by_step_and_the_newest_come_first(store: Store) -> None:
    for number in range(LATEST + 5):
        store.durations.record(Step.FRAME, float(number))
    store.durations.record(Step.MOVE, -1e-9)
    latest = store.durations.latest(Step.FRAME)
    assert len(latest) == LATEST
    assert latest[:2] == (LATEST + 4.0, LATEST + 3.0)
    assert store.durations.latest(Step.MOVE) == (0.0,)
    assert store.durations.latest(Step.PUMP_TO_HIGH) == ()


def test_ways_add_up_over_sections_with_the_chosen_one_first(store: Store) -> None:
    add_specimen(store)
    assert store.durations.ways() == ()
    assert store.durations.planned_fields() == 0
    for section in ("S0001", "S0002"):
        ways = [Way("raster", False, COARSE, 4e-9), Way("exact", True, FINE, 1e-9)]
        store.durations.add_plan(section, ways)
    found = store.durations.ways()
    assert [(way.method, way.chosen) for way in found] == [("exact", True), ("raster", False)]
    assert found[0].work == Work(6, 4, 80.0, pytest.approx(6e-4), 1_440_000)  # type: ignore[arg-type]
    assert found[1].exposed_m2 == pytest.approx(8e-9)
    assert store.durations.planned_fields() == 4


def test_what_is_left_are_the_jobs_that_may_still_be_done(store: Store) -> None:
    queue_jobs(store, 3)
    store.durations.add_plan("S0001", [Way("exact", True, FINE, 1e-9)])
    one_s = 600 * 400 * 60e-6
    assert store.durations.left() == Work(3, 2, pytest.approx(3 * one_s), pytest.approx(3e-4), 720_000)  # type: ignore[arg-type]
    store.queue.set_state("J000001", JobState.SKIPPED, reason="a person said so")
    store.queue.set_state("J000002", JobState.HELD, reason="a person said so", hold_cause=HoldCause.PERSON)
    left = store.durations.left()
    assert (left.frames, left.pixels) == (2, 480_000)
    store.ledger.arm("J000003", job(3).rect_m, 0.0)
    assert store.durations.left().frames == 2


def test_moves_and_way_of_what_is_left_are_those_of_the_plans(store: Store) -> None:
    queue_jobs(store, 3)
    assert store.durations.left().stage_moves == 3
    store.durations.add_plan("S0001", [Way("exact", True, FINE, 1e-9)])
    assert store.durations.left().stage_moves == 2
    store.queue.set_state("J000001", JobState.SKIPPED, reason="a person said so")
    left = store.durations.left()
    assert (left.frames, left.stage_moves) == (2, 2)
    assert left.travel_m == pytest.approx(2e-4)


def test_the_sections_to_focus_are_counted_without_a_look_at_each_frame(store: Store) -> None:
    queue_jobs(store, 3)
    few = steps(store)
    store.queue.add_plan("S0002", [job(number, "S0002") for number in range(10, 310)], {})
    assert store.durations.to_focus() == (2, 0)
    assert steps(store) < 1.5 * few


def steps(store: Store) -> int:
    """Return the steps of SQLite that the count takes."""
    connection, _ = store.durations._database._reader()
    taken = itertools.count()
    connection.set_progress_handler(lambda: next(taken) and None, 1)
    store.durations.to_focus()
    connection.set_progress_handler(None, 0)
    return next(taken)


def test_a_job_keeps_its_beam_shift(store: Store) -> None:
    queue_jobs(store, 1)
    shifted = [
        replace(
            job(number, "S0002"),
            position=100 + number,
            center_m=(1e-3 + shift * UM, 2e-3),
            beam_shift_m=(shift * UM, 0.0),
        )
        for number, shift in ((11, -4.0), (12, 0.0), (13, 3.3))
    ]
    store.queue.add_plan("S0002", shifted, {})
    again = store.queue.jobs(section="S0002")
    assert [j.beam_shift_m for j in again] == [j.beam_shift_m for j in shifted]
    assert all(j.stage_m == pytest.approx((1e-3, 2e-3)) for j in again)
