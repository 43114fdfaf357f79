"""Sessions that image some of their cells: chosen by the configuration, or by a person in the review."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from config.model import Config
from config.work import TargetsConfig
from service.errors import IllegalTransitionError, RefusedChoiceError
from service.model.jobs import JobState
from service.model.phases import Phase
from service.model.specimen import Cell
from service.model.targets import LeftOut
from service.model.work import ALL_CELLS
from service.report.summary import summarise
from service.store.store import Store
from service.store.tables.steering import Word
from tests.service.sessions import Session, small_config

pytestmark = pytest.mark.usefixtures("frames_once")

TWO = TargetsConfig(choose="brightest", count=2)


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[Any]:
    made: list[Session] = []

    def begin(**changes: Any) -> Session:
        made.append(Session(tmp_path / f"run{len(made)}", config(**changes)))
        made[-1].run()
        return made[-1]

    yield begin
    for session in made:
        session.end()


def config(review: bool = False, **changes: Any) -> Config:
    return small_config(
        session={"review": review},
        simulator={"specimen": {"cells_per_field": 6, "seed": 5}},
        **changes,
    )


def kept(store: Store) -> list[Cell]:
    return [cell for cell in store.specimen.cells() if cell.image_rect_m is not None]


def chosen_tracks(store: Store) -> set[str]:
    return {name for cell in kept(store) if cell.left_out is None for name in cell.tracks}


def recall_of_chosen(session: Session) -> float | None:
    """Return the recall of the true cells of which most lies in a chosen one."""
    known = session.setup.truth
    assert known is not None
    chosen = [(c.section, c.rect_m) for c in kept(session.store) if c.left_out is None]

    def truth(section: str) -> list[NDArray[np.float64]]:
        boxes = [shapely.box(*rect_m) for own, rect_m in chosen if own == section]
        ground = shapely.union_all(boxes)
        return [one for one in known(section) if shapely.contains_xy(ground, one).mean() > 0.5]

    return summarise(session.config, session.store, session.folder, truth).contained_recall


def planned_again(session: Session) -> None:
    """Wait until the sections are planned again, as the electron phase does."""
    session.analysis.wait(lambda: None)


def test_the_brightest_cells_of_the_array_are_imaged_in_all_their_sections(sessions: Any) -> None:
    session = sessions(targets={"choose": "brightest", "count": 2})
    store = session.store
    assert store.status().phase is Phase.DONE
    cells = kept(store)
    brightness = {c.id: c.brightness_adu for c in cells}
    assert None not in brightness.values()
    chosen = chosen_tracks(store)
    assert len(chosen) == 2
    assert len(chosen) < len({name for cell in cells for name in cell.tracks})
    for cell in cells:
        if chosen.isdisjoint(cell.tracks):
            assert (cell.left_out, cell.jobs) == (LeftOut.NOT_AMONG_BRIGHTEST, ())
            assert "not among the brightest" in str(cell.skipped)
            assert cell.beside is not None
        else:
            assert cell.jobs
            assert {store.queue.job(name).state for name in cell.jobs} == {JobState.DONE}
    summary = summarise(session.config, store, session.folder, session.setup.truth)
    assert summary.left_out_cells == {"not_among_brightest": sum(c.left_out is not None for c in cells)}
    assert recall_of_chosen(session) == 1
    ways = {way.method: way for way in store.durations.ways()}
    assert ways[session.config.planner.method].work.beam_s < ways[ALL_CELLS].work.beam_s


def test_a_person_chooses_in_the_review_and_takes_it_back(sessions: Any) -> None:
    session = sessions(review=True)
    store, control = session.store, session.control
    before = {job.rect_m for job in store.queue.jobs(JobState.QUEUED)}
    seen = control.preview(TWO)
    said = control.choose(TWO, "kim", "as agreed")
    assert said.startswith("2 of ")
    planned_again(session)
    assert len(chosen_tracks(store)) == seen.chosen == 2
    listed = control.targets()
    assert (listed.choice.by, listed.choice.reason, listed.rule) == ("kim", "as agreed", TWO)
    assert {one.target.id for one in listed.cells if one.left_out is None} == chosen_tracks(store)
    assert listed.electron_s <= seen.most_s
    assert listed.electron_s < listed.all_s == pytest.approx(seen.electron_s, rel=0.01)
    assert "2 of" not in control.choose(TWO, "kim", "")
    control.choose(TargetsConfig(), "kim", "all after all")
    planned_again(session)
    assert {cell.left_out for cell in kept(store)} == {None}
    assert {job.rect_m for job in store.queue.jobs(JobState.QUEUED)} == before
    session.go_on(control.confirm_review)
    assert store.status().phase is Phase.DONE
    assert all(cell.jobs for cell in kept(store) if cell.skipped is None)
    with pytest.raises(IllegalTransitionError, match="cells are chosen in the review"):
        control.choose(TWO, "kim", "too late")


def test_the_choice_survives_a_restart_before_anything_is_planned_again(sessions: Any) -> None:
    session = sessions(review=True)
    # The program ends before the sections are planned again.
    session.runner.plan_again = lambda: None
    session.control.choose(TWO, "kim", "")
    assert session.store.queue.next_job() is None
    session.end()
    again = Session.again(session)
    again.run()
    assert again.store.status().phase is Phase.PAUSED
    again.go_on()
    assert again.store.status().phase is Phase.REVIEW
    again.go_on(again.control.confirm_review)
    assert again.store.status().phase is Phase.DONE
    assert len(chosen_tracks(again.store)) == 2
    done = {cell for job in again.store.queue.jobs(JobState.DONE) for cell in job.covers}
    assert done == {cell.id for cell in kept(again.store) if cell.left_out is None}
    # The fixture ends the first session, whose store is closed.
    again.end()
    session.end = lambda: None


def test_frames_skipped_by_hand_stay_skipped_and_frames_held_by_hand_refuse_a_choice(sessions: Any) -> None:
    session = sessions(review=True)
    store, control = session.store, session.control
    first = store.queue.jobs(JobState.QUEUED)[0]
    store.steering.hold([first.id], Word("kim", "look first"))
    with pytest.raises(RefusedChoiceError, match=f"1 frames are held by hand \\({first.id}\\)"):
        control.choose(TargetsConfig(choose="sample", count=100), "kim", "")
    store.steering.skip([first.id], Word("kim", "a tear"))
    control.choose(TargetsConfig(choose="sample", count=100), "kim", "")
    planned_again(session)
    alone = [cell for cell in kept(store) if cell.id in first.covers]
    assert alone
    assert all(cell.left_out is LeftOut.SKIPPED_BY_HAND and cell.skipped is None for cell in alone)
    assert store.queue.job(first.id).reason == "skipped by kim: a tear"
    assert {cell.left_out for cell in kept(store) if cell not in alone} == {None}


def test_a_choice_that_no_session_can_follow_is_refused_and_changes_nothing(sessions: Any) -> None:
    session = sessions(review=True)
    rev = session.store.events.last_seq()
    for rule, says in (
        (TargetsConfig(choose="tracks", tracks=("T9999",)), "there is no track T9999"),
        (TargetsConfig(min_size_um=500), "no cell is chosen by this rule"),
    ):
        with pytest.raises(RefusedChoiceError, match=says):
            session.control.choose(rule, "kim", "")
        with pytest.raises(RefusedChoiceError, match=says):
            session.control.preview(rule)
    assert session.store.events.last_seq() == rev


def test_a_configuration_that_chooses_nothing_asks_a_person_before_the_beam(sessions: Any) -> None:
    session = sessions(targets={"choose": "tracks", "tracks": ["T9999"]})
    store = session.store
    assert store.status().phase is Phase.REVIEW
    assert store.queue.next_job() is None
    assert {cell.left_out for cell in kept(store)} == {LeftOut.NOT_NAMED}
    said = store.events.last_of("targets")
    assert said is not None
    assert (said.data["chosen"], said.data["unknown"]) == (0, ["T9999"])
    session.control.choose(TWO, "kim", "")
    session.go_on(session.control.confirm_review)
    assert store.status().phase is Phase.DONE
    assert len(chosen_tracks(store)) == 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"session": {"order": "section"}}, "session.order must be array"),
        ({"planner": {"method": "raster"}}, "images every cell"),
    ],
)
def test_a_configuration_that_cannot_choose_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        small_config(targets={"choose": "brightest", "count": 2}, **changes)
