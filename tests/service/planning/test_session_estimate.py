from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from config.model import Config
from planner.cost import Work
from service.model.focus import Focus, FocusBeam, FocusState
from service.model.jobs import JobKind
from service.model.overviews import NotUsed, Overview, OverviewState
from service.model.phases import SessionEvent
from service.model.specimen import FieldState
from service.model.work import Step, Way
from service.planning.durations import ENOUGH, session_pace
from service.planning.session_estimate import estimate_fields, estimate_session, raster_of
from service.session.layout import sections_and_fields
from service.store.store import Store
from tests.service.sessions import Session, small_config
from tests.service.store.stores import add_specimen, job, queue_jobs, save_field

pytestmark = pytest.mark.usefixtures("frames_once")

AT = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
CONFIG = Config()


def seconds_to(finish_at: str) -> float:
    return (datetime.fromisoformat(finish_at) - AT).total_seconds()


def test_a_step_is_believed_once_it_was_measured_often_enough(store: Store) -> None:
    profile = session_pace(CONFIG, store)
    assert profile == session_pace(CONFIG)
    assert profile.measured == ()
    assert profile.electron.overhead_s == CONFIG.sem.overhead_s
    for took_s in range(ENOUGH):
        assert session_pace(CONFIG, store).electron.overhead_s == CONFIG.sem.overhead_s
        store.durations.record(Step.FRAME, float(took_s))
    assert session_pace(CONFIG, store).measured == (Step.FRAME,)
    # Pumping happens once or twice in a session.
    store.durations.record(Step.PUMP_TO_HIGH, 111.0)
    assert session_pace(CONFIG, store).to_high_s == 111.0


def test_measured_times_are_their_90th_percentile(store: Store) -> None:
    samples = np.linspace(1.0, 21.0, 101)
    for took_s in np.random.default_rng(1).permutation(samples):
        store.durations.record(Step.FRAME, float(took_s))
        store.durations.record(Step.MOVE, float(took_s) / 10)
        store.durations.record(Step.FLUORESCENCE, float(took_s) / 2)
    pace = session_pace(CONFIG, store)
    assert pace.electron.overhead_s == pytest.approx(19.0)
    assert pace.electron.move_s == pytest.approx(1.9)
    assert pace.fluorescence_s == pytest.approx(9.5 + 1.9)


def test_before_anything_is_seen_it_is_at_most_a_full_raster() -> None:
    config = small_config(planner={"method": "exact"}, layout={"sections": 7})
    sections, fields = sections_and_fields(config)
    found = estimate_fields(config, [[f for f in fields if f.section == s.id] for s in sections], AT)
    assert found.extent == "full raster"
    one = raster_of(config, [[fields[0]]])
    assert found.frames_left == 7 * one.work.frames
    assert found.beam_left_s == pytest.approx(7 * one.work.beam_s)
    assert found.data_left_bytes == 7 * (one.work.pixels + 256 * 256 * 2)
    pace = session_pace(config)
    assert found.pumping_s == pace.to_partial_s + pace.to_high_s
    assert seconds_to(found.finish_at) == pytest.approx(found.left_s, abs=1)
    by_section = config.model_copy(update={"session": config.session.model_copy(update={"order": "section"})})
    again = estimate_fields(by_section, [[f for f in fields if f.section == s.id] for s in sections], AT)
    assert again.pumping_s == 7 * found.pumping_s


def queue_a_plan(store: Store) -> None:
    """Three jobs of the first field, and the ways to image it; of the other fields nothing is left."""
    queue_jobs(store, 3)
    ways = [
        Way("exact", True, Work(3, 3, 43.2, 6e-5, 720_000), 1e-9),
        Way("raster", False, Work(30, 30, 900.0, 1e-3, 15_000_000), 9e-9),
    ]
    store.durations.add_plan("S0001", ways)
    for field in store.specimen.fields()[1:]:
        store.specimen.set_field(field.id, FieldState.FAILED, reason="no light")


def test_what_is_left_shrinks_with_the_queue_and_other_ways_do_not(store: Store) -> None:
    queue_a_plan(store)
    first = estimate_session(CONFIG, store, AT)
    assert first.extent == "planned"
    assert first.frames_left == 3
    assert first.beam_left_s == pytest.approx(43.2)
    assert first.electron_s == pytest.approx(43.2 + 3 * 5 + 6e-5 / 1e-3)
    assert first.fluorescence_s == 0
    assert first.dose_per_nm2 == pytest.approx(137.55, abs=0.01)
    exposure = store.ledger.arm("J000001", job(1).rect_m, 0.0)
    store.ledger.failed(exposure.id, "lost")
    second = estimate_session(CONFIG, store, AT)
    assert second.frames_left == 2
    assert second.left_s < first.left_s
    assert [way.beam_s for way in second.ways] == [43.2, 900.0]


def test_sections_not_yet_planned_count_like_those_that_are(store: Store) -> None:
    queue_jobs(store, 3)
    # S0001 has two fields and is planned, of S0002 nothing is known.
    store.durations.add_plan("S0001", [Way("exact", True, Work(3, 3, 43.2, 6e-5, 720_000), 1e-9)])
    store.specimen.set_field("S0001/F001", FieldState.FAILED, reason="no light")
    found = estimate_session(CONFIG, store, AT)
    assert found.extent == "extrapolated"
    assert found.frames_left == 6
    assert found.beam_left_s == pytest.approx(2 * 43.2)
    pending = 2
    assert found.fluorescence_s == pytest.approx(pending * session_pace(CONFIG, store).fluorescence_s)
    assert [way.frames for way in found.ways] == [6]


def test_nothing_is_left_of_a_session_that_has_ended(store: Store) -> None:
    queue_jobs(store, 3)
    store.apply(SessionEvent.ABORT, "enough")
    found = estimate_session(CONFIG, store, AT)
    assert (found.left_s, found.frames_left, found.data_left_bytes) == (0, 0, 0)
    assert seconds_to(found.finish_at) == 0


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    made = Session(tmp_path / "run", small_config(planner={"method": "exact"}))
    made.run()
    yield made
    made.end()


def test_the_numbers_are_told_before_the_beam_and_are_long_rather_than_short(session: Session) -> None:
    events = session.store.events.since(0)
    (told,) = [event for event in events if event.kind == "estimate"]
    armed = [e for e in events if e.kind == "job" and e.data["to"] == "armed"]
    assert armed
    assert told.seq < armed[0].seq
    assert told.data["extent"] == "planned"
    assert told.data["frames_left"] == len(session.store.queue.jobs())
    assert told.data["beam_left_s"] == pytest.approx(sum(j.beam_s for j in session.store.queue.jobs()))
    took_s = session.store.last_time_s() - told.time_s
    assert took_s <= told.data["left_s"] <= 1.3 * took_s + 60
    assert [way["method"] for way in told.data["ways"]] == ["exact", "per-box", "raster"]
    finish = datetime.fromisoformat(told.data["finish_at"]) - datetime.fromisoformat(told.at)
    assert finish == pytest.approx(timedelta(seconds=told.data["left_s"]), abs=timedelta(seconds=2))


def test_every_step_of_a_session_is_measured(session: Session) -> None:
    focusing = {Step.FOCUS, Step.LIGHT_FOCUS}
    for step in Step:
        assert bool(session.store.durations.latest(step)) == (step not in focusing), step
    (pump_s,) = session.store.durations.latest(Step.PUMP_TO_HIGH)
    assert pump_s == pytest.approx(session.config.simulator.pump_to_high_vacuum_min * 60)
    frames = session.store.durations.latest(Step.FRAME)
    assert len(frames) == len(session.store.queue.jobs())
    assert max(frames) < session.config.sem.overhead_s


def focused(**session: object) -> Config:
    return small_config(session={"autofocus": True} | session, fluorescence={"autofocus_um": 3})


def test_focus_of_light_and_beam_is_in_the_estimate_of_a_session_that_has_not_begun() -> None:
    plain, config = small_config(planner={"method": "exact"}, layout={"sections": 7}), focused()
    config = config.model_copy(update={"layout": plain.layout})
    sections, fields = sections_and_fields(plain)
    by_section = [[f for f in fields if f.section == s.id] for s in sections]
    without, found = estimate_fields(plain, by_section, AT), estimate_fields(config, by_section, AT)
    assert without.focus_s == 0
    # Nine exposures a section, a second between them.
    light_s = 7 * 9 * (config.fluorescence.exposure_s + 1)
    assert found.fluorescence_s == pytest.approx(without.fluorescence_s + light_s)
    # And a frame of 256 px, moved to, with the focus before it.
    pace = session_pace(config).electron
    scan_s = 256 * 256 * config.sem.dwell_s
    beam_s = 7 * (scan_s + config.sem.autofocus_s + pace.overhead_s + pace.move_s)
    assert found.electron_s == pytest.approx(without.electron_s + beam_s)
    assert found.focus_s == pytest.approx(light_s + beam_s)
    assert found.left_s == pytest.approx(without.left_s + found.focus_s)
    assert found.frames_left == without.frames_left + 7
    assert found.beam_left_s == pytest.approx(without.beam_left_s + 7 * (scan_s + config.sem.autofocus_s))
    (raster,), (old,) = found.ways, without.ways
    assert raster.electron_s == pytest.approx(old.electron_s + beam_s)
    # The dose of the focus is on little ground, and much.
    assert raster.mean_dose_per_nm2 > old.mean_dose_per_nm2


def test_what_is_left_to_focus_shrinks_as_it_is_done(store: Store) -> None:
    config = focused()
    queue_a_plan(store)
    pace = session_pace(config).electron
    scan_s, focus_s = 256 * 256 * config.sem.dwell_s, config.sem.autofocus_s
    assert store.durations.to_focus() == (1, 0)
    first = estimate_session(config, store, AT)
    assert first.frames_left == 4
    assert first.beam_left_s == pytest.approx(43.2 + scan_s + focus_s)
    assert first.focus_s == pytest.approx(scan_s + focus_s + pace.overhead_s + pace.move_s)
    # Chosen way and full raster alike.
    assert [way.frames for way in first.ways] == [4, 31]
    spot = replace(job(9), position=0, size_px=(256, 256), kind=JobKind.FOCUS)
    store.queue.add_plan("S0001", [spot], {})
    # Its scan is in the queue now, and counted there; its focus is still to come.
    assert store.durations.to_focus() == (1, 1)
    second = estimate_session(config, store, AT)
    assert second.frames_left == 4
    assert second.beam_left_s == pytest.approx(first.beam_left_s, abs=0.1)
    store.focus.add(
        Focus(
            FocusBeam.ELECTRON, "S0001", (0.0, 0.0), FocusState.USED, job=spot.id, found_m=5e-3, used_m=5e-3
        )
    )
    assert store.durations.to_focus() == (0, 0)
    third = estimate_session(config, store, AT)
    assert third.focus_s == 0
    assert third.beam_left_s == pytest.approx(second.beam_left_s - focus_s)


def test_the_light_is_to_be_focused_once_for_each_section_that_waits(store: Store) -> None:
    add_specimen(store, sections=3)
    assert store.durations.to_focus_light() == 3
    begun = store.focus.add(
        Focus(FocusBeam.LIGHT, "S0001", (0.0, 0.0), FocusState.BEGUN, start_m=0.0, used_m=0.0)
    )
    assert store.durations.to_focus_light() == 3
    store.focus.change(replace(begun, state=FocusState.NOT_FOUND, reason="nothing"))
    assert store.durations.to_focus_light() == 2
    for field in store.specimen.fields(section="S0002"):
        save_field(store, field.id)
    assert store.durations.to_focus_light() == 1


def test_a_session_takes_as_long_to_focus_as_it_says_once_measured(tmp_path: Path, unpictured: None) -> None:
    few = {"cells_per_field": 1, "cell_radius_um": 4, "seed": 5}
    config = small_config(
        session={"autofocus": True},
        fluorescence={"autofocus_um": 3},
        sem={"pixel_size_nm": 40},
        simulator={"specimen": few},
    )
    session = Session(tmp_path / "run", config)
    session.run()
    pace = session_pace(session.config, session.store)
    # Two sections are not enough to believe them; what they took is kept.
    assert pace.focus_s == session.config.sem.autofocus_s
    (first, second) = session.store.durations.latest(Step.FOCUS)
    taken_s = [one.exposed_s for one in session.store.focus.all(FocusBeam.ELECTRON) if one.found_m]
    assert sorted(taken_s) == pytest.approx(sorted((first, second)))
    assert len(session.store.durations.latest(Step.LIGHT_FOCUS)) == 2
    frames = [job for job in session.store.queue.jobs() if job.kind is JobKind.FRAME]
    # The focus is no overhead of a frame.
    assert len(session.store.durations.latest(Step.FRAME)) == len(frames)
    session.end()


def test_overviews_still_to_be_taken_are_part_of_what_is_left(store: Store) -> None:
    config = Config.model_validate({"sem": {"beam_reach_um": [67, 58], "overview": {"take": True}}})
    queue_a_plan(store)
    moves = store.durations.ways()[0].work.stage_moves
    assert moves > 1
    without = estimate_session(CONFIG, store, AT)
    found = estimate_session(config, store, AT)
    side_px = round(512 * 178 / 100)
    once_s = side_px**2 * 1e-6
    assert found.frames_left == without.frames_left + moves
    assert found.beam_left_s == pytest.approx(without.beam_left_s + moves * once_s)
    assert found.left_s == pytest.approx(without.left_s + moves * (once_s + config.sem.overhead_s))
    store.overviews.add(Overview("S0001", (0.0, 0.0), OverviewState.NOT_USED, reason=NotUsed.NO_GROUND))
    assert estimate_session(config, store, AT).frames_left == found.frames_left - 1
