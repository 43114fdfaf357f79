"""A program killed at any step of a focus of the beam, also while the beam is on its spot."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from config.model import Config
from drivers.pose import RectM
from planner.geometry.rects import touch
from service.model.focus import FocusBeam, FocusState
from service.model.jobs import ExposureState, Job, JobKind, JobState
from service.model.phases import Phase
from simulators.devices.memory import Memory
from tests.service.killed import Killed
from tests.service.sessions import Session, small_config

pytestmark = pytest.mark.usefixtures("frames_once", "unpictured")


def config(**session: bool) -> Config:
    """One section with one cell and ground beside it."""
    return small_config(
        layout={"sections": 1},
        fluorescence={"frame_px": [208, 208]},
        sem={"pixel_size_nm": 40},
        session={"autofocus": True, **session},
        planner={"context_um": 0.5},
        simulator={"specimen": {"cells_per_field": 1, "cell_radius_um": 4, "seed": 5}},
    )


class Watched:
    """A session that is copied at every commit of its focus, and while the beam is on its spot.

    Attributes
    ----------
    queued : list of Killed
        Before the intent of the focus was in the ledger.
    exposing : list of Killed
        From then on until the end of its exposure was.
    beam_on : list of Killed
        Those of them in which the beam was on: in the first scan of the automatic focus and in the one kept.
    ended : list of Killed
        After its exposure, before the first frame.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.queued: list[Killed] = []
        self.exposing: list[Killed] = []
        self.beam_on: list[Killed] = []
        self.ended: list[Killed] = []
        self.session = Session(folder / "run", config(review=True))
        self._store = self.session.store

    def run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Run it to its end."""
        real, scans = Memory.set, []

        def noting(memory: Memory, key: str, value: Any) -> None:
            real(memory, key, value)
            if key == "unblanked" and value:
                scans.append(1)
                if len(scans) in (1, 6):
                    self._copy()
                    self.beam_on.append(self.exposing[-1])

        self.session.run()
        self._store.listen(self._copy)
        with monkeypatch.context() as patch:
            patch.setattr(Memory, "set", noting)
            self.session.go_on(self.session.control.confirm_review)

    def _copy(self) -> None:
        rows = self._store.ledger.exposures()
        focus = next((one for one in self._store.queue.jobs() if one.kind is JobKind.FOCUS), None)
        if focus is None or {row.job for row in rows} - {focus.id}:
            return
        kept = self.queued
        if rows:
            kept = self.exposing if rows[-1].state is ExposureState.OPEN else self.ended
        number = len(self.queued) + len(self.exposing) + len(self.ended)
        kept.append(Killed(self.session, self._folder / f"killed{number:03d}"))


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    made = Watched(tmp_path)
    made.run(monkeypatch)
    yield made
    made.session.end()


@contextmanager
def taken_up(killed: Killed) -> Iterator[tuple[Session, list[RectM]]]:
    """Take a killed run up to its end; also give the ground that the beam reaches from then on."""
    journal = killed.folder.path / "simulator.json"
    session = killed.again()
    try:
        before = len(Memory(journal).exposures())
        session.run()
        session.go_on()
        assert session.store.status().phase is Phase.DONE, session.store.status()
        yield session, [one["rect_m"] for one in Memory(journal).exposures()[before:]]
    finally:
        session.end()


def focuses(session: Session) -> list[Job]:
    found = [one for one in session.store.queue.jobs() if one.kind is JobKind.FOCUS]
    return sorted(found, key=lambda one: one.id)


def check_nothing_lost_or_twice(session: Session) -> None:
    store = session.store
    assert {job.state for job in store.queue.jobs() if job.kind is JobKind.FRAME} == {JobState.DONE}
    assert not store.queue.jobs(state=JobState.NEEDS_REVIEW), "nobody is asked about a focus"
    jobs = [row.job for row in store.ledger.exposures() if row.state is not ExposureState.VOID]
    assert len(jobs) == len(set(jobs))
    assert session.setup.devices.sem.is_blanked()


def test_a_program_killed_at_any_step_of_a_focus_exposes_its_spot_once_and_loses_no_frame(
    watched: Watched,
) -> None:
    assert watched.queued
    assert watched.ended
    assert len(watched.beam_on) == 2
    assert all(Memory(one.folder.path / "simulator.json").get("unblanked") for one in watched.beam_on)
    for killed in watched.queued:
        with taken_up(killed) as (session, _):
            (focus,) = focuses(session)
            assert focus.state is JobState.DONE
            check_nothing_lost_or_twice(session)
    for killed in watched.exposing:
        with taken_up(killed) as (session, exposed):
            # Its spot may have been exposed: it is left, and another takes its place.
            first, second = focuses(session)
            assert (first.state, second.state) == (JobState.SKIPPED, JobState.DONE)
            (row,) = session.store.ledger.exposures(job=first.id)
            assert row.state is ExposureState.UNKNOWN
            assert exposed
            assert not any(touch(rect_m, first.rect_m) for rect_m in exposed)
            known = session.store.focus.latest(FocusBeam.ELECTRON, first.section)
            assert known is not None
            assert (known.state, known.job) == (FocusState.USED, second.id)
            check_nothing_lost_or_twice(session)
    for killed in watched.ended:
        with taken_up(killed) as (session, exposed):
            spot_m = focuses(session)[0].rect_m
            assert not any(touch(rect_m, spot_m) for rect_m in exposed)
            check_nothing_lost_or_twice(session)
