"""Sessions in which the beam moves and not the stage."""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.model import Config
from drivers.sem import ScanImage, ScanRequest, Sem
from service.model.event import SEAM, STAY
from service.model.jobs import ExposureState, Job, JobState
from service.report.summary import summarise
from service.session.setup import Setup
from tests.service.sessions import Session, small_config

pytestmark = pytest.mark.usefixtures("frames_once")

BEAM: dict[str, Any] = {
    # Scans of 20 x 16 um: most cells are stitched.
    "sem": {"beam_reach_um": [67, 58], "max_scan_px": [200, 160], "overhead_s": 0},
    "simulator": {"specimen": {"cells_per_field": 5, "seed": 5}},
}


class Pausing:
    """An SEM after whose n-th scan somebody pauses."""

    def __init__(self, sem: Sem) -> None:
        self._sem = sem
        self.pause_after = 0
        self.session: Session | None = None

    def scan(self, request: ScanRequest, timeout_s: float) -> ScanImage:
        image = self._sem.scan(request, timeout_s)
        self.pause_after -= 1
        if self.pause_after == 0 and self.session is not None:
            self.session.control.pause()
        return image

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sem, name)


@pytest.fixture
def sessions() -> Iterator[list[Session]]:
    made: list[Session] = []
    yield made
    for session in made:
        session.end()


def session_of(folder: Path, config: Config, pause_after: int = 0) -> Session:
    sems: list[Pausing] = []

    def watch(setup: Setup) -> Setup:
        sems.append(Pausing(setup.devices.sem))
        return dataclasses.replace(setup, devices=dataclasses.replace(setup.devices, sem=sems[0]))

    session = Session(folder, config, watch)
    sems[0].pause_after, sems[0].session = pause_after, session
    return session


def jobs_of(session: Session) -> list[Job]:
    return [job for job in session.store.queue.jobs() if job.state is not JobState.WITHDRAWN]


def recall(session: Session) -> float | None:
    truth = session.setup.truth
    return summarise(session.config, session.store, session.folder, truth).contained_recall


def test_all_frames_of_a_field_are_scanned_from_where_its_fluorescence_was_taken(
    sessions: list[Session], tmp_path: Path
) -> None:
    session = session_of(tmp_path / "run", small_config(**BEAM))
    sessions.append(session)
    session.run()
    jobs, store = jobs_of(session), session.store
    assert {job.state for job in jobs} == {JobState.DONE}
    centers = [field.center_m for field in store.specimen.fields()]
    assert {min(range(2), key=lambda n: math.dist(centers[n], job.stage_m)) for job in jobs} == {0, 1}
    assert all(min(math.dist(center, job.stage_m) for center in centers) < 1e-9 for job in jobs)
    assert any(len(event.data["stitched"]) for event in store.events.of("plan"))
    # One stay for each field, and the ledger has what the beam truly scanned.
    assert len(store.events.of(STAY)) == 2
    for job in jobs:
        (exposure,) = store.ledger.exposures(job=job.id)
        assert exposure.state is ExposureState.CLOSED
        assert exposure.rect_m == pytest.approx(job.rect_m, abs=1e-9)
    assert recall(session) == 1.0


def test_frames_of_a_position_to_which_the_stage_comes_back_are_widened(
    sessions: list[Session], tmp_path: Path
) -> None:
    config = small_config(**BEAM)
    session = session_of(tmp_path / "run", config, pause_after=2)
    session.run()
    planned = {job.id: job for job in session.store.queue.jobs()}
    left = [job.id for job in planned.values() if job.state is JobState.QUEUED]
    first = min(planned.values(), key=lambda job: job.position)
    session.end()
    again = Session.again(session)
    sessions.append(again)
    again.run()
    again.go_on()
    wider = {
        job.id: job for job in again.store.queue.jobs() if job.size_px != planned.get(job.id, job).size_px
    }
    assert wider
    for job in again.store.queue.jobs():
        if job.id in left:
            assert job.state is JobState.DONE
            (exposure,) = again.store.ledger.exposures(job=job.id)
            assert exposure.rect_m == pytest.approx(job.rect_m, abs=1e-9)
    for name, job in wider.items():
        old = planned[name]
        assert name in left
        assert math.dist(job.stage_m, first.stage_m) < 1e-9
        assert job.stage_m == pytest.approx(old.stage_m, abs=1e-12)
        grown = [n - o for n, o in zip(job.rect_m, old.rect_m, strict=True)]
        assert all(-2.1e-6 <= low <= 1e-12 for low in grown[:2])
        assert all(-1e-12 <= high <= 2.1e-6 for high in grown[2:])
        assert job.size_px[0] <= 200
        assert job.size_px[1] <= 160
    # A frame that is as large as a scan may be is not widened, and people hear of it.
    narrow = {event.subject for event in again.store.events.of(SEAM)}
    assert narrow
    stitched = {job for cell in again.store.specimen.cells() if len(cell.jobs) > 1 for job in cell.jobs}
    assert narrow <= stitched & set(left)
    counted = again.store.queue.counts()
    assert sum(counted.values()) == len(again.store.queue.jobs())
    assert len(again.store.events.of(STAY)) == 3
