"""Edits of the cells by a person: any sequence of edits and undos gives the plan of the boxes that remain."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import planner.plan
from config.work import TargetsConfig
from drivers.pose import box_to_rect
from service.errors import IllegalTransitionError, RefusedChoiceError, UnknownIdError
from service.model.phases import SessionEvent
from service.model.review import EditKind, PolicyChange, Verdict
from service.model.specimen import Cell
from service.planning.review.asked import Asked
from service.planning.review.edit import edit, set_policy, undo
from service.planning.section import plan_section
from service.planning.targets.choose import decide_by_rule, set_choice
from service.store.store import Store
from service.store.tables.steering import Word
from tests.examples import examples
from tests.service.planning.review.review_store import (
    CONFIG,
    SECTIONS,
    cells_of,
    place,
    plan_all,
    planned,
    review_store,
)

FIRST = "S0001/F000"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = review_store(tmp_path / "run")
    yield made
    made.close()


def cell_of(store: Store, name: str) -> Cell:
    return next(cell for cell in store.specimen.cells() if cell.id == name)


def reject(name: str, whole_track: bool = False) -> Asked:
    return Asked(EditKind.REJECT, cell=name, whole_track=whole_track)


def accept(name: str, whole_track: bool = False) -> Asked:
    return Asked(EditKind.ACCEPT, cell=name, whole_track=whole_track)


def draw(box: tuple[int, int, int, int], field: str = FIRST) -> Asked:
    return Asked(EditKind.DRAW, field=field, box_px=box)


def resize(name: str, box: tuple[int, int, int, int]) -> Asked:
    return Asked(EditKind.RESIZE, cell=name, box_px=box)


def by_kim(store: Store, *asked: Asked, reason: str = "") -> str:
    said = edit(CONFIG, store, asked, "kim", reason)
    plan_all(store)
    return said


def test_a_rejected_cell_has_no_frame_and_says_who_rejected_it_and_why(store: Store) -> None:
    name = f"{FIRST}/c0001"
    before = planned(store)
    assert by_kim(store, reject(name), reason="debris") == "1 cell rejected; S0001 planned again now"
    cell = cell_of(store, name)
    assert (cell.verdict, cell.image_rect_m, cell.jobs) == (Verdict.REJECTED, None, ())
    assert cell.reason == cell.skipped == "not imaged: rejected by kim: debris"
    assert not any(name in covers for *_, covers in planned(store))
    said = store.events.last_of("review")
    assert said is not None
    assert said.data == {
        "step": 1, "edits": {"reject": 1}, "by": "kim", "cells": 1, "sections": ["S0001"], "reason": "debris"
    }  # fmt: skip
    undo(CONFIG, store, "ben", mine=False)
    plan_all(store)
    assert planned(store) == before
    assert replace(cell_of(store, name), jobs=()) == cells_of("S0001")[0]


def test_an_edit_counts_in_its_section_unless_it_says_the_track(store: Store) -> None:
    by_kim(store, reject(f"{FIRST}/c0001"))
    assert [c.id for c in store.specimen.cells() if c.verdict is not None] == [f"{FIRST}/c0001"]
    by_kim(store, reject(f"{FIRST}/c0001", whole_track=True))
    assert {c.section for c in store.specimen.cells() if c.verdict is Verdict.REJECTED} == set(SECTIONS)
    by_kim(store, accept(f"{FIRST}/c0001", whole_track=True))
    assert {c.verdict for c in store.specimen.cells() if c.tracks == ("T0001",)} == {Verdict.ACCEPTED}


@pytest.mark.parametrize("number", [4, 5])
def test_a_cell_that_the_policy_leaves_out_is_imaged_once_it_is_accepted(store: Store, number: int) -> None:
    name = f"{FIRST}/c{number:04d}"
    assert cell_of(store, name).jobs == ()
    by_kim(store, accept(name))
    cell = cell_of(store, name)
    assert cell.jobs
    assert cell.skipped is None
    assert cell.verdict is Verdict.ACCEPTED
    assert cell.image_box_px is not None
    assert cell.image_box_px[0] < cell.box_px[0]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_drawn_box_is_imaged_where_it_was_drawn(store: Store, section: str) -> None:
    field, box = f"{section}/F000", (240, 20, 270, 45)
    by_kim(store, draw(box, field))
    cell = cell_of(store, f"{field}/p0001")
    where = place(section)
    assert (cell.box_px, cell.rect_m) == (box, box_to_rect(where.pose, where.shape, box))
    assert (cell.verdict, cell.confidence, len(cell.jobs)) == (Verdict.DRAWN, 1.0, 1)
    job = store.queue.job(cell.jobs[0])
    assert cell.image_rect_m is not None
    for low, high in ((0, 2), (1, 3)):
        assert job.rect_m[low] <= cell.image_rect_m[low] < cell.rect_m[low]
        assert job.rect_m[high] >= cell.image_rect_m[high] > cell.rect_m[high]
    undo(CONFIG, store, "kim", mine=True)
    plan_all(store)
    assert cell.id not in {one.id for one in store.specimen.cells()}
    by_kim(store, draw(box, field))
    assert cell_of(store, f"{field}/p0002").box_px == box


def test_a_resized_cell_is_imaged_with_its_new_box(store: Store) -> None:
    name, box = f"{FIRST}/c0002", (140, 30, 200, 90)
    by_kim(store, resize(name, box))
    cell = cell_of(store, name)
    assert (cell.box_px, cell.verdict) == (box, Verdict.RESIZED)
    # The margin of the configuration: .5 um, 3 px; what the detector was unsure of does not count any more.
    assert cell.image_box_px == (137, 27, 203, 93)
    by_kim(store, reject(name))
    by_kim(store, accept(name))
    assert cell_of(store, name).image_box_px == (137, 27, 203, 93)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (draw((10, 10, 10, 20)), "must lie inside the saved fluorescence"),
        (draw((290, 10, 301, 20)), "300 x 200 px"),
        (draw((10, 10, 12, 40)), "at least 0.5 um wide and high, and this one is 0.4 x 6 um"),
        (resize(f"{FIRST}/c0001", (0, 0, 30, 201)), "must lie inside the saved fluorescence"),
    ],
)
def test_a_box_that_cannot_be_a_cell_is_refused(store: Store, asked: Asked, says: str) -> None:
    seq = store.events.last_seq()
    with pytest.raises(RefusedChoiceError, match=says):
        by_kim(store, reject(f"{FIRST}/c0001"), asked)
    assert store.events.last_seq() == seq
    assert store.review.number() == 0
    assert cell_of(store, f"{FIRST}/c0001").verdict is None


def test_edits_that_mean_nothing_are_refused(store: Store) -> None:
    with pytest.raises(UnknownIdError, match="there is no cell S0009/F000/c0001"):
        by_kim(store, reject("S0009/F000/c0001"))
    with pytest.raises(UnknownIdError, match="there is no field"):
        by_kim(store, draw((10, 10, 40, 40), "S0009/F000"))
    with pytest.raises(RefusedChoiceError, match="comes twice"):
        by_kim(store, reject(f"{FIRST}/c0001"), accept(f"{FIRST}/c0001"))
    with pytest.raises(RefusedChoiceError, match="there is no edit to undo"):
        undo(CONFIG, store, "kim", mine=False)
    by_kim(store, reject(f"{FIRST}/c0001"))
    with pytest.raises(RefusedChoiceError, match="is rejected already"):
        by_kim(store, reject(f"{FIRST}/c0001"))
    with pytest.raises(RefusedChoiceError, match="ben has made no edit"):
        undo(CONFIG, store, "ben", mine=True)
    by_kim(store, draw((240, 20, 270, 45)))
    undo(CONFIG, store, "kim", mine=True)
    with pytest.raises(UnknownIdError, match="there is no cell S0001/F000/p0001"):
        by_kim(store, reject(f"{FIRST}/p0001"))


def test_nobody_undoes_beneath_the_edit_of_somebody_else(store: Store) -> None:
    by_kim(store, draw((240, 20, 270, 45)))
    edit(CONFIG, store, [resize(f"{FIRST}/p0001", (235, 20, 270, 45))], "ben", "")
    edit(CONFIG, store, [reject("S0002/F000/c0001")], "ben", "")
    with pytest.raises(RefusedChoiceError, match="ben has edited the same cells since"):
        undo(CONFIG, store, "kim", mine=True)
    undo(CONFIG, store, "ben", mine=True)
    undo(CONFIG, store, "ben", mine=True)
    assert undo(CONFIG, store, "kim", mine=True).startswith("undone: step 1 of kim; S0001 planned again")


def test_frames_held_by_hand_refuse_an_edit_of_their_section_only(store: Store) -> None:
    job = store.queue.jobs(section="S0001")[0]
    store.steering.hold([job.id], Word("kim", "look first"))
    with pytest.raises(RefusedChoiceError, match=f"1 frames are held by hand \\({job.id}\\)"):
        by_kim(store, reject(f"{FIRST}/c0001"))
    assert cell_of(store, f"{FIRST}/c0001").verdict is None
    by_kim(store, reject("S0002/F000/c0001"))


def test_after_the_review_nothing_is_edited_or_undone(store: Store) -> None:
    by_kim(store, reject(f"{FIRST}/c0001"))
    store.apply(SessionEvent.REVIEW_CONFIRMED)
    changes: list[Callable[[], str]] = [
        lambda: by_kim(store, accept(f"{FIRST}/c0001")),
        lambda: undo(CONFIG, store, "kim", mine=True),
        lambda: set_policy(CONFIG, store, PolicyChange(dilate_um=2.0), "kim", ""),
    ]
    for change in changes:
        with pytest.raises(IllegalTransitionError, match="cells are edited in the review"):
            change()
    assert cell_of(store, f"{FIRST}/c0001").verdict is Verdict.REJECTED


def test_a_plan_that_was_made_meanwhile_is_dropped(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    by_kim(store, reject(f"{FIRST}/c0001"))
    edit(CONFIG, store, [accept(f"{FIRST}/c0001")], "kim", "")
    plans = planner.plan.plans

    def slow(*args: Any, **options: Any) -> Any:
        monkeypatch.setattr("service.planning.section.plans", plans)
        edit(CONFIG, store, [reject(f"{FIRST}/c0002")], "ben", "")
        return plans(*args, **options)

    monkeypatch.setattr("service.planning.section.plans", slow)
    plan_section(CONFIG, store, "S0001")
    assert [job for job in planned(store) if job[0] == "S0001"] == []
    plan_all(store)
    covered = {name for *_, covers in planned(store) for name in covers}
    assert f"{FIRST}/c0001" in covered
    assert f"{FIRST}/c0002" not in covered


def test_what_a_person_wants_is_imaged_whatever_the_choice_of_cells(store: Store) -> None:
    by_kim(store, draw((240, 20, 270, 45)), accept(f"{FIRST}/c0003"))
    set_choice(CONFIG, store, TargetsConfig(choose="tracks", tracks=("T0002",)), "kim", "")
    decide_by_rule(CONFIG, store)
    plan_all(store)
    chosen = {c.id for c in store.specimen.cells() if c.jobs}
    assert chosen == {f"{FIRST}/p0001", f"{FIRST}/c0003", f"{FIRST}/c0002", "S0002/F000/c0002"}


def test_margins_and_threshold_apply_to_all_cells_and_are_undone_exactly(store: Store) -> None:
    before, cells = planned(store), store.specimen.cells()
    said = set_policy(CONFIG, store, PolicyChange(2.0, 0.99, 0.25), "kim", "dim stain")
    assert said == "the margins of 6 cells change; 2 sections planned again now"
    plan_all(store)
    doubtful = cell_of(store, f"{FIRST}/c0003")
    assert (doubtful.image_rect_m, doubtful.decision.value) == (None, "below_floor")
    assert doubtful.skipped == "not imaged: confidence 0.2 below 0.25, as set by kim"
    first = cell_of(store, f"{FIRST}/c0001")
    assert first.image_box_px == (20, 20, 70, 70)
    assert set_policy(CONFIG, store, PolicyChange(2.0, 0.99, 0.25), "ben", "") == (
        "these margins are in force already"
    )
    by_kim(store, accept(doubtful.id))
    assert cell_of(store, doubtful.id).jobs
    undo(CONFIG, store, "kim", mine=True)
    undo(CONFIG, store, "kim", mine=True)
    plan_all(store)
    assert planned(store) == before
    assert [replace(c, jobs=()) for c in store.specimen.cells()] == [replace(c, jobs=()) for c in cells]


BOXES = st.tuples(st.integers(0, 260), st.integers(0, 160), st.integers(5, 40), st.integers(5, 40)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
NAMES = [cell.id for section in SECTIONS for cell in cells_of(section)]
STEPS = st.one_of(
    st.builds(reject, st.sampled_from(NAMES), st.booleans()),
    st.builds(accept, st.sampled_from(NAMES), st.booleans()),
    st.builds(resize, st.sampled_from(NAMES), BOXES),
    st.builds(draw, BOXES, st.sampled_from([f"{name}/F000" for name in SECTIONS])),
    st.builds(
        PolicyChange,
        st.sampled_from([None, 0.0, 1.0]),
        st.sampled_from([None, 0.9]),
        st.sampled_from([None, 0.005, 0.25]),
    ),
    st.just("undo"),
)


def carried_out(store: Store, step: Any) -> bool:
    try:
        if step == "undo":
            undo(CONFIG, store, "kim", mine=True)
        elif isinstance(step, PolicyChange):
            return "already" not in set_policy(CONFIG, store, step, "kim", "")
        else:
            edit(CONFIG, store, [step], "kim", "")
    except RefusedChoiceError:
        return False
    return True


def content(store: Store) -> list[Cell]:
    """Return the cells by their boxes: numbers of drawn cells differ, and so do jobs."""
    cells = [
        replace(c, jobs=(), id=c.id if "/p" not in c.id else f"{c.field}/p") for c in store.specimen.cells()
    ]
    return sorted(cells, key=lambda c: (c.id, c.box_px))


@examples(12)
@given(st.lists(STEPS, max_size=9))
def test_any_sequence_of_edits_and_undos_gives_the_plan_of_the_boxes_that_remain(steps: list[Any]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        store = review_store(folder / "edited")
        standing: list[Any] = []
        for step in steps:
            if carried_out(store, step):
                standing = standing[:-1] if step == "undo" else [*standing, step]
        plan_all(store)
        other = review_store(folder / "never-undone", plan=False)
        assert all(carried_out(other, step) for step in standing)
        plan_all(other)
        assert content(store) == content(other)
        # As if the boxes that remain had been found.
        remaining = review_store(
            folder / "found", [replace(cell, jobs=(), skipped=None) for cell in store.specimen.cells()]
        )
        assert sorted(planned(store)) == sorted(planned(other))
        assert sorted(planned(store)) == sorted(planned(remaining))
        assert all((c.skipped is None) == bool(c.jobs) for c in store.specimen.cells())
        for one in (store, other, remaining):
            one.close()
    finally:
        shutil.rmtree(folder)
