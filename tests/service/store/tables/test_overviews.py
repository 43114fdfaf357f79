"""Overviews of stage positions in the store, and frames that are planned again."""

from dataclasses import replace

import pytest

from detection.alignment.reasons import NotProven
from detection.alignment.values import Similarity
from service.errors import IllegalTransitionError, StoreError
from service.model.jobs import JobKind, JobState
from service.model.overviews import FieldPlace, NotUsed, Overview, OverviewState
from service.store.store import Store
from service.store.tables.steering import Word
from tests.service.store.stores import add_specimen, cell, job, record_cells, rect, save_field

FIELD = "S0001/F000"
CELLS = [cell(FIELD, number) for number in (1, 2)]
A, B = (one.id for one in CELLS)


@pytest.fixture
def planned(store: Store) -> Store:
    """Two frames of two cells, both also behind a third."""
    add_specimen(store)
    save_field(store, FIELD)
    record_cells(store, FIELD, CELLS)
    store.queue.add_plan("S0001", [job(1, covers=(A,)), job(2, covers=(A, B)), job(3, covers=(B,))], {})
    return store


def test_an_overview_is_found_by_its_place_and_its_job(planned: Store) -> None:
    scan = replace(job(4), kind=JobKind.OVERVIEW)
    planned.queue.add_plan("S0001", [scan], {})
    waits = Overview("S0001", (1e-3, 2e-4), OverviewState.WAITING, FIELD, scan.id)
    added = planned.overviews.add(waits)
    assert planned.overviews.at("S0001", (1e-3, 2e-4 + 1e-12)) == added
    assert planned.overviews.at("S0001", (1e-3, 3e-4)) is None
    assert planned.overviews.at("S0002", (1e-3, 2e-4)) is None
    place = FieldPlace((1e-3 + 1e-9, 2e-4), Similarity((0.1 + 0.2, -1 / 3), 1e-3, 1 + 1e-9))
    used = replace(added, state=OverviewState.USED, place=place, proven_m=2.1e-7)
    planned.overviews.change(used)
    assert planned.overviews.all() == [planned.overviews.of_job(scan.id)] == [used]
    planned.overviews.add(Overview("S0001", (0.0, 0.0), OverviewState.NOT_PROVEN, reason=NotProven.AMBIGUOUS))
    assert planned.overviews.counts() == {OverviewState.USED: 1, OverviewState.NOT_PROVEN: 1}
    assert [one.state for one in planned.overviews.all(limit=1, after=1)] == [OverviewState.NOT_PROVEN]
    events = planned.events.of("overview")
    assert [event.data["state"] for event in events] == ["waiting", "used", "not_proven"]
    assert events[1].data["offset_m"] == pytest.approx([3e-7, -1e-6 / 3], abs=1e-10)


@pytest.mark.parametrize(
    "wrong",
    [
        Overview("S0009", (0.0, 0.0), OverviewState.WAITING),
        Overview("S0001", (0.0, 0.0), OverviewState.USED),
        Overview("S0001", (0.0, 0.0), OverviewState.NOT_USED),
    ],
)
def test_an_overview_without_what_it_needs_is_refused(planned: Store, wrong: Overview) -> None:
    with pytest.raises(StoreError):
        planned.overviews.add(wrong)
    assert planned.overviews.all() == []


def test_new_frames_take_the_place_of_old_ones(planned: Store) -> None:
    old = planned.queue.jobs()[:2]
    smaller = replace(old[0], rect_m=rect(21, 1, 8), size_px=(500, 300), covers=(A,))
    planned.overviews.plan_again(old, [smaller], {}, "planned again")
    first, second, third = planned.queue.jobs()
    assert (first.rect_m, first.size_px, first.covers) == (rect(21, 1, 8), (500, 300), (A,))
    assert (second.state, second.reason, second.covers) == (JobState.WITHDRAWN, "planned again", ())
    assert third == job(3, covers=(B,))
    left = planned.durations.left()
    assert (left.frames, left.pixels) == (2, 500 * 300 + 600 * 400)
    more = replace(job(9, covers=(A,)), position=-7)
    planned.overviews.plan_again([first], [first, more], {}, "planned again")
    assert [one.id for one in planned.queue.jobs(JobState.QUEUED)] == ["J000009", "J000001", "J000003"]


def test_every_cell_stays_accounted_for(planned: Store) -> None:
    old = planned.queue.jobs()[:1]
    with pytest.raises(StoreError, match="has neither a job nor"):
        planned.overviews.plan_again(planned.queue.jobs()[:2], [], {}, "planned again")
    planned.overviews.plan_again(planned.queue.jobs()[:2], [], {A: "nothing is left of it"}, "planned again")
    skipped = {one.id: one.skipped for one in planned.specimen.cells()}
    assert skipped == {A: "nothing is left of it", B: None}
    with pytest.raises(IllegalTransitionError):
        planned.overviews.plan_again(old, old, {}, "planned again")


def test_a_frame_that_a_person_holds_is_not_replaced(planned: Store) -> None:
    old = planned.queue.jobs()[:2]
    planned.steering.hold([old[1].id], Word("anna", ""))
    before = planned.queue.jobs()
    with pytest.raises(IllegalTransitionError, match="it stays as it is"):
        planned.overviews.plan_again(old, old, {}, "planned again")
    assert planned.queue.jobs() == before


def test_an_overview_that_is_not_used_says_why(planned: Store) -> None:
    left = Overview("S0001", (0.0, 0.0), OverviewState.NOT_USED, reason=NotUsed.STAGE_MOVED)
    assert planned.overviews.add(left).reason is NotUsed.STAGE_MOVED
    (kept,) = planned.overviews.all()
    assert kept.reason is NotUsed.STAGE_MOVED
