"""Sessions that take an electron overview of each stage position, and place its frames by it."""

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.model import Config
from detection.alignment.reasons import NotProven
from detection.alignment.values import Alignment, Evidence, Similarity
from drivers.errors import DriverError, NotReadyError
from planner.geometry.rects import cut, grown, holds
from service.acquisition.overviews import follow, measure, scan
from service.errors import ImageError
from service.model.event import STAY
from service.model.jobs import ExposureState, Job, JobKind, JobState
from service.model.overviews import NotUsed, Overview, OverviewState
from service.model.phases import Phase
from service.report.summary import summarise
from service.session.context import Context
from service.session.exposure_map import imaged, touched
from service.session.setup import Setup
from service.store.tables.steering import Word
from simulators.devices.stage import SimulatedStage
from tests.service.faults import faulty, raising
from tests.service.killed import Killed
from tests.service.sessions import Session, small_config

pytestmark = pytest.mark.usefixtures("frames_once")

OFF_UM, PROVEN_UM = (0.7, -0.4), 0.2
SETTINGS: dict[str, Any] = {
    "layout": {"sections": 1, "fields": [1, 1]},
    "sem": {
        "beam_reach_um": [67, 58],
        "max_scan_px": [200, 160],
        "overview": {"take": True, "pixel_size_nm": 400},
    },
    "simulator": {"specimen": {"cells_per_field": 2, "seed": 5}, "stage_error_um": 0},
}


def configured(**changes: Any) -> Config:
    values = {name: dict(part) for name, part in SETTINGS.items()}
    for name, part in changes.items():
        values[name] = values.get(name, {}) | part
    return small_config(**values)


def found(shift_um: tuple[float, float] = OFF_UM, proven_um: float | None = PROVEN_UM) -> Alignment:
    reason = NotProven.AMBIGUOUS if proven_um is None else None
    return Alignment(Similarity(shift_um), proven_um, reason, Evidence())


Shows = Callable[[Alignment | Exception], None]


@pytest.fixture
def shows(monkeypatch: pytest.MonkeyPatch) -> Shows:
    """Set what every overview shows."""

    def set_to(result: Alignment | Exception) -> None:
        def aligned(*_: object) -> Alignment:
            if isinstance(result, Exception):
                raise result
            return result

        monkeypatch.setattr(measure, "align", aligned)

    set_to(found())
    return set_to


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Session]]:
    made: list[Session] = []

    def begin(config: Config, change: Callable[[Setup], Setup] = lambda setup: setup) -> Session:
        session = Session(tmp_path / f"run{len(made)}", config, change)
        made.append(session)
        session.run()
        return session

    yield begin
    for session in made:
        session.end()


def jobs_of(session: Session, kind: JobKind = JobKind.FRAME) -> list[Job]:
    return [
        job for job in session.store.queue.jobs() if job.kind is kind and job.state is not JobState.WITHDRAWN
    ]


def the_overview(session: Session) -> tuple[Overview, Job]:
    (overview,) = session.store.overviews.all()
    return overview, session.store.queue.job(str(overview.job))


def recall(session: Session) -> float | None:
    return summarise(session.config, session.store, session.folder, session.setup.truth).contained_recall


def nothing_twice(session: Session) -> None:
    """Check that no job was exposed twice, and no position has seen a second overview."""
    store = session.store
    for job in store.queue.jobs():
        rows = [one for one in store.ledger.exposures(job=job.id) if one.state is not ExposureState.VOID]
        assert len(rows) <= 1, job
    places = Counter((one.section, one.stage_m) for one in store.overviews.all())
    assert set(places.values()) <= {1}
    of_section = Counter(job.section for job in jobs_of(session, JobKind.OVERVIEW))
    assert set(of_section.values()) <= {1}


def test_an_overview_is_taken_once_directly_before_the_frames_of_its_position(
    start: Callable[..., Session], shows: Shows
) -> None:
    session = start(configured(layout={"sections": 2}))
    store = session.store
    exposures = store.ledger.exposures()
    kinds = [store.queue.job(row.job).kind for row in exposures]
    firsts = [n for n, kind in enumerate(kinds) if kind is JobKind.OVERVIEW]
    assert len(firsts) == 2
    assert firsts[0] == 0
    for n in firsts:
        overview, frame = (store.queue.job(exposures[n + k].job) for k in (0, 1))
        assert frame.kind is JobKind.FRAME
        assert math.dist(frame.stage_m, overview.center_m) < 1e-9
        (field,) = store.specimen.fields(section=overview.section)
        # Fluorescence first: of all that the beam reaches, wherever the stage stops.
        reach_m = session.context.stage_frame.reach_m + session.config.stage.arrival_tolerance_um * 1e-6
        assert holds(field.rect_m, grown(overview.rect_m, reach_m))
        assert exposures[n].rect_m == pytest.approx(overview.rect_m, abs=1e-9)
        assert overview.covers == ()
    # The stage has not moved between an overview and its frames.
    assert [event.data["exposure"] for event in store.events.of(STAY)] == [exposures[n].id for n in firsts]
    assert {one.state for one in store.overviews.all()} == {OverviewState.USED}
    assert {job.state for job in jobs_of(session)} == {JobState.DONE}
    assert recall(session) == 1.0
    nothing_twice(session)


def test_frames_land_where_the_field_lies_with_the_guard_that_is_proven(
    start: Callable[..., Session], shows: Shows
) -> None:
    plain = start(configured(sem={"overview": {"take": False}}))
    session = start(configured())
    assert session.store.events.of("plan")[0].data["frames"] == len(jobs_of(plain))
    before, after = jobs_of(plain), jobs_of(session)
    assert sum(job.beam_s for job in after) < 0.95 * sum(job.beam_s for job in before)
    for job in after:
        (row,) = session.store.ledger.exposures(job=job.id)
        # The ledger has the ground of the fluorescence; the SEM has scanned elsewhere.
        assert row.rect_m == pytest.approx(job.rect_m, abs=1e-9)
    # proven + overview + frame + margin
    guard_m = (PROVEN_UM + 2 * 0.1 + 0.5) * 1e-6
    cells = {cell.id: cell for cell in session.store.specimen.cells()}
    whole = [job for job in after if len(job.covers) == 1]
    (field,) = session.store.specimen.fields()
    # The pixels of a frame may end within the last one.
    allowed = grown(field.rect_m, -session.context.stage_frame.reach_m - session.config.sem.pixel_size_m)
    for job in whole:
        cell = cells[job.covers[0]]
        needed = cut(grown(cell.rect_m, guard_m), allowed)
        assert len(cell.jobs) > 1 or holds(grown(job.rect_m, 1e-9), needed)
    assert recall(session) == 1.0


def test_the_beam_is_sent_to_where_the_overview_shows_the_field(
    start: Callable[..., Session], shows: Shows
) -> None:
    asked: dict[str, tuple[float, float]] = {}

    def noting(setup: Setup) -> Setup:
        class Noting:
            def scan(self, request: Any, timeout_s: float) -> Any:
                image = setup.devices.sem.scan(request, timeout_s)
                asked[request.nonce] = image.center_m
                return image

            def __getattr__(self, name: str) -> Any:
                return getattr(setup.devices.sem, name)

        return dataclasses.replace(setup, devices=dataclasses.replace(setup.devices, sem=Noting()))

    session = start(configured(), noting)
    overview, *frames = asked.values()
    done = [session.store.queue.job(row.job) for row in session.store.ledger.exposures()]
    assert overview == pytest.approx(done[0].center_m, abs=1e-9)
    for (x, y), job in zip(frames, done[1:], strict=True):
        off_um = ((x - job.center_m[0]) * 1e6, (y - job.center_m[1]) * 1e6)
        assert off_um == pytest.approx(OFF_UM, abs=1e-3)


@pytest.mark.parametrize(
    ("result", "state", "reason"),
    [
        (found(proven_um=None), OverviewState.NOT_PROVEN, NotProven.AMBIGUOUS),
        (ImageError("a damaged file"), OverviewState.NOT_USED, NotUsed.UNREADABLE),
        (ValueError("a bug"), OverviewState.NOT_USED, NotUsed.UNREADABLE),
        (found((9.0, 0.0)), OverviewState.NOT_USED, NotUsed.BEYOND_REACH),
    ],
)
def test_frames_are_taken_as_planned_where_nothing_is_proven(
    start: Callable[..., Session],
    shows: Shows,
    result: Alignment | Exception,
    state: OverviewState,
    reason: NotProven | NotUsed,
) -> None:
    shows(result)
    # The reach leaves no room for 9 um.
    session = start(configured(sem={"beam_reach_um": [48, 48]}))
    overview, _ = the_overview(session)
    assert (overview.state, overview.reason) == (state, reason)
    assert all("resized_px" not in event.data for event in session.store.events.of("job"))
    assert {job.state for job in session.store.queue.jobs()} == {JobState.DONE}
    for job in jobs_of(session):
        (row,) = session.store.ledger.exposures(job=job.id)
        assert row.rect_m == pytest.approx(job.rect_m, abs=1e-9)
    assert recall(session) == 1.0


@pytest.mark.parametrize(
    ("error", "state"),
    [(DriverError("broken off"), JobState.SKIPPED), (NotReadyError("column valve"), JobState.FAILED)],
)
def test_an_overview_that_fails_costs_no_frame_and_is_not_repeated(
    start: Callable[..., Session], shows: Shows, error: Exception, state: JobState
) -> None:
    times = 1 if state is JobState.SKIPPED else 3
    config = configured(session={"retries": 2})
    session = start(config, faulty("sem", "scan", raising(error), times=times))
    overview, job = the_overview(session)
    assert job.state is state
    assert (overview.state, overview.reason) == (OverviewState.NOT_USED, NotUsed.NOT_DONE)
    assert {one.state for one in jobs_of(session)} == {JobState.DONE}
    assert recall(session) == 1.0
    nothing_twice(session)


def test_an_overview_held_until_the_end_is_not_used_and_says_why(
    start: Callable[..., Session], shows: Shows, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued = scan.queue_overview

    def held(context: Context, frame: Job) -> bool:
        done = queued(context, frame)
        (overview,) = context.store.overviews.all()
        context.store.steering.hold([str(overview.job)], Word("anna", "not here"))
        return done

    monkeypatch.setattr(follow, "queue_overview", held)
    session = start(configured())
    overview, job = the_overview(session)
    assert job.state is JobState.HELD
    assert (overview.state, overview.reason) == (OverviewState.NOT_USED, NotUsed.TOO_LATE)
    assert session.store.status().phase is Phase.DONE
    assert {one.state for one in jobs_of(session)} == {JobState.DONE}


def test_an_overview_that_waits_when_the_session_is_aborted_is_not_used(
    tmp_path: Path, shows: Shows, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(tmp_path / "run", configured())
    queued = scan.queue_overview

    def then_aborted(context: Context, frame: Job) -> bool:
        done = queued(context, frame)
        session.control.abort()
        return done

    monkeypatch.setattr(follow, "queue_overview", then_aborted)
    try:
        session.run()
        assert session.store.status().phase is Phase.ABORTED
        overview, job = the_overview(session)
        assert job.state in (JobState.QUEUED, JobState.NEEDS_REVIEW)
        assert (overview.state, overview.reason) == (OverviewState.NOT_USED, NotUsed.ABORTED)
    finally:
        session.end()


def test_ground_of_an_overview_is_touched_but_not_imaged_and_frames_may_be_added_there(
    start: Callable[..., Session], shows: Shows
) -> None:
    session = start(configured(simulator={"specimen": {"cells_per_field": 1, "seed": 5}}))
    _, overview = the_overview(session)
    store = session.store
    assert overview.state is JobState.DONE
    assert touched(store, overview.rect_m)
    assert overview.rect_m not in imaged(store, overview.section)
    assert overview.id not in {name for name, _ in store.steering.ground_taken(overview.section)}
    (row,) = store.ledger.exposures(job=overview.id)
    frame = next(one for one in store.ledger.exposures() if one.kind is JobKind.FRAME)
    assert row.kind is JobKind.OVERVIEW
    assert row.s_per_m2 is not None
    assert frame.s_per_m2 is not None
    assert row.s_per_m2 == pytest.approx(frame.s_per_m2 * session.config.sem.overview_dose)


def test_frames_that_a_person_has_steered_stay_as_they_are(
    start: Callable[..., Session], shows: Shows
) -> None:
    session = start(configured(session={"review": True}))
    kept = jobs_of(session)[-1]
    session.store.steering.move(kept.id, None, True, Word("anna", "first"))
    session.go_on(session.control.confirm_review)
    session.thread.join(200)
    after = session.store.queue.job(kept.id)
    assert (after.size_px, after.rect_m, after.state) == (kept.size_px, kept.rect_m, JobState.DONE)
    assert recall(session) == 1.0
    nothing_twice(session)


def test_frames_have_the_guard_of_the_plan_again_once_the_stage_has_moved(
    start: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    devices: list[SimulatedStage] = []

    def noting(setup: Setup) -> Setup:
        assert isinstance(setup.devices.stage, SimulatedStage)
        devices.append(setup.devices.stage)
        return setup

    def pushed(*_: object) -> Alignment:
        devices[0].push_to(5e-5, 0.0)
        return found()

    plain = start(configured(sem={"overview": {"take": False}}))
    monkeypatch.setattr(measure, "align", pushed)
    session = start(configured(), noting)
    overview, _ = the_overview(session)
    assert (overview.state, overview.reason) == (OverviewState.LEFT, NotUsed.STAGE_MOVED)
    assert {one.state for one in jobs_of(session)} == {JobState.DONE}
    assert sum(job.beam_s for job in jobs_of(session)) > 0.98 * sum(job.beam_s for job in jobs_of(plain))
    assert recall(session) == 1.0
    nothing_twice(session)


class Truth:
    """Notes how far the stage truly stands off its read-back, at the camera and at the SEM."""

    def __init__(self) -> None:
        self.light_m: list[tuple[float, float]] = []
        self.beam_m: list[tuple[float, float]] = []

    def into(self, setup: Setup) -> Setup:
        stage = setup.devices.stage
        assert isinstance(stage, SimulatedStage)
        places = stage

        def noting(device: Any, call: str, found: list[tuple[float, float]]) -> Any:
            class Noting:
                def __getattr__(self, name: str) -> Any:
                    if name == call:
                        (x, y), (u, v) = places.true_position(), places.position()
                        found.append((x - u, y - v))
                    return getattr(device, name)

            return Noting()

        devices = dataclasses.replace(
            setup.devices,
            camera=noting(setup.devices.camera, "expose", self.light_m),
            sem=noting(setup.devices.sem, "scan", self.beam_m),
        )
        return dataclasses.replace(setup, devices=devices)


def test_the_measured_place_is_the_true_one(start: Callable[..., Session]) -> None:
    """With nothing replaced: cells are found, registered by their outlines, and imaged where they are."""
    specimen = {"cells_per_field": 20, "seed": 4, "resin_texture_percent": 3}
    config = configured(
        fluorescence={"frame_px": [512, 512]},
        sem={"beam_reach_um": [101, 101], "max_scan_px": [900, 900], "overview": {"take": True}},
        stage={"position_error_um": 1},
        simulator={"specimen": specimen, "stage_error_um": 1.0, "beam_error_um": 0},
        calibration={"shift_um": [3, -2], "rotation_mrad": 3},
    )
    truth = Truth()
    session = start(config, truth.into)
    overview, _ = the_overview(session)
    assert overview.state is OverviewState.USED
    assert overview.proven_m is not None
    assert overview.offset_m is not None
    # Off at the camera, the fluorescence is seen too far to the other side; so is the section by the beam.
    (light, *_), (beam, *_) = truth.light_m, truth.beam_m
    true_m = light[0] - beam[0], light[1] - beam[1]
    assert math.hypot(*true_m) > 0.5e-6
    assert math.dist(overview.offset_m, true_m) < overview.proven_m


def killed_at_every_commit(
    start: Callable[..., Session], config: Config, folder: Path, frames: int
) -> list[Killed]:
    """Run a session; give a copy of its folder after each commit from the first overview on."""
    found: list[Killed] = []

    def watch(setup: Setup) -> Setup:
        return setup

    session = start(configured_with_review(config), watch)

    def copy() -> None:
        counts, done = session.store.overviews.counts(), session.store.queue.counts()[JobState.DONE]
        if counts and done <= frames and session.store.status().phase is Phase.ELECTRON:
            found.append(Killed(session, folder / f"killed{len(found):03d}"))

    session.store.listen(copy)
    session.go_on(session.control.confirm_review)
    return found


def configured_with_review(config: Config) -> Config:
    return config.model_copy(update={"session": config.session.model_copy(update={"review": True})})


def test_a_program_killed_at_any_step_of_an_overview_exposes_nothing_twice_and_loses_no_frame(
    start: Callable[..., Session], shows: Shows, tmp_path: Path
) -> None:
    killed = killed_at_every_commit(start, configured(), tmp_path, 1)
    assert len(killed) > 10
    seen = set()
    for one in killed:
        again = one.again()
        try:
            before = {job.id: job.state for job in again.store.queue.jobs()}
            again.run()
            again.go_on()
            store = again.store
            nothing_twice(again)
            overview, job = the_overview(again)
            seen.add((overview.state, overview.reason, job.state))
            review = [name for name, state in before.items() if state is JobState.NEEDS_REVIEW]
            left = {one.id for one in jobs_of(again) if one.state is not JobState.DONE}
            assert left <= set(review), store.queue.jobs()
            assert store.status().phase is Phase.DONE
            for cell in store.specimen.cells():
                assert (cell.skipped is None) == bool(cell.jobs)
            if not left:
                assert recall(again) == 1.0
        finally:
            again.end()
    assert (OverviewState.LEFT, NotUsed.STAGE_MOVED, JobState.DONE) in seen
    assert (OverviewState.NOT_USED, NotUsed.STAGE_MOVED, JobState.DONE) in seen
    assert (OverviewState.NOT_USED, NotUsed.NOT_DONE, JobState.SKIPPED) in seen
    assert (OverviewState.USED, None, JobState.DONE) in seen
