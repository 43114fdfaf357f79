"""The ledger knows the end of every scan, and all ground that the beam may have swept."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.loading import dump
from drivers.errors import DeviceTimeoutError, DisturbedError, DriverError, NotReadyError
from drivers.fluorescence import FmFrame
from drivers.sem import ScanImage
from service.acquisition import saving
from service.image_files.saving import save_em
from service.model.jobs import ExposureState, JobState
from service.model.phases import Phase
from service.session.exposure_map import touched
from service.store.store import Store
from simulators.devices.stage import SimulatedStage
from tests.service.conftest import Start
from tests.service.faults import faulty
from tests.service.saying import Said
from tests.service.sessions import Session, small_config

pytestmark = pytest.mark.usefixtures("frames_once")

OFF_M = 60e-6


class OtherProgram:
    """Another program that holds the database, as a backup tool may."""

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None
        self.session: Session | None = None

    def hold(self) -> None:
        assert self.session is not None
        # Not 10 s: the test would wait for it.
        self.session.store._database._write.execute("PRAGMA busy_timeout = 20")
        self._connection = sqlite3.connect(
            self.session.folder.store, isolation_level=None, check_same_thread=False
        )
        self._connection.execute("BEGIN IMMEDIATE")

    def let_go_once_blocked(self, session: Session) -> None:
        self.session = session
        wait = session.context.interrupts.wait

        def waits(limit_s: float | None = None) -> None:
            if session.runner.blocked and self._connection is not None:
                self._connection.close()
                self._connection = None
            wait(limit_s)

        session.context.interrupts.wait = waits  # type: ignore[method-assign]


def raises(error: Exception) -> Callable[..., ScanImage]:
    def scan(real: Callable[..., ScanImage], *args: Any) -> ScanImage:
        raise error

    return scan


def takes(real: Callable[..., ScanImage], *args: Any) -> ScanImage:
    return real(*args)


@pytest.mark.parametrize(
    ("scan", "row", "becomes"),
    [
        (raises(DeviceTimeoutError("no answer")), ExposureState.UNKNOWN, JobState.NEEDS_REVIEW),
        (raises(NotReadyError("column valve closed")), ExposureState.VOID, JobState.DONE),
        (takes, ExposureState.CLOSED, JobState.DONE),
    ],
    ids=["failed", "refused", "done"],
)
def test_a_session_goes_on_after_another_program_held_the_database_at_the_end_of_a_scan(
    start: Start, scan: Callable[..., ScanImage], row: ExposureState, becomes: JobState
) -> None:
    other = OtherProgram()

    def held(real: Callable[..., ScanImage], *args: Any) -> ScanImage:
        try:
            return scan(real, *args)
        finally:
            other.hold()

    session = start(faulty("sem", "scan", held), other.let_go_once_blocked)
    store = session.store
    assert store.status().phase is Phase.FAULT
    assert store.ledger.open_exposure() is None
    first = store.ledger.exposures(limit=1)[0]
    assert first.state is row
    session.go_on(session.control.acknowledge)
    session.go_on()
    assert store.status().phase is Phase.DONE
    assert store.queue.job(first.job).state is becomes
    others = [job for job in store.queue.jobs() if job.id != first.job]
    assert others
    assert all(job.state is JobState.DONE for job in others)


@pytest.mark.parametrize(
    "wrong", [lambda i: {"pixel_size_m": 1.1 * i.pixel_size_m}, lambda i: {"pixels": i.pixels[1:]}]
)
def test_a_sem_that_is_not_as_configured_costs_two_exposures_and_not_five(
    start: Start, wrong: Callable[[ScanImage], dict[str, Any]]
) -> None:
    def scan(real: Callable[..., ScanImage], *args: Any) -> ScanImage:
        image = real(*args)
        return replace(image, **wrong(image))

    store = start(faulty("sem", "scan", scan, times=99)).store
    assert store.status().phase is Phase.FAULT
    assert "each exposes its ground" in str(store.status().reason)
    assert [row.state for row in store.ledger.exposures()] == [ExposureState.CLOSED] * 2
    assert len(store.queue.jobs(state=JobState.NEEDS_REVIEW)) == 2


@pytest.mark.parametrize(
    ("device", "call"), [("stage", "position"), ("chamber", "pressure_pa"), ("sem", "is_blanked")]
)
def test_an_error_that_no_driver_should_raise_costs_no_image_of_a_scan_that_ended(
    start: Start, device: str, call: str
) -> None:
    scanned: list[ScanImage] = []
    said: list[str] = []

    def scan(real: Callable[..., ScanImage], *args: Any) -> ScanImage:
        scanned.append(real(*args))
        return scanned[-1]

    def fails_after_it(real: Callable[..., Any], *args: Any) -> Any:
        if not scanned or said:
            return real(*args)
        said.append(call)
        raise ValueError("no number")

    then = faulty(device, call, fails_after_it, times=-1)
    session = start(lambda setup: then(faulty("sem", "scan", scan, times=-1)(setup)))
    job = session.store.queue.job(session.store.ledger.exposures(limit=1)[0].job)
    assert job.state is JobState.NEEDS_REVIEW
    assert "unexpected ValueError: no number" in str(job.reason)
    images = list((session.folder.path / "em").rglob(f"{job.id}*.tiff"))
    assert len(images) == 1


def pushed(session: list[Session]) -> SimulatedStage:
    stage = session[0].setup.devices.stage
    assert isinstance(stage, SimulatedStage)
    return stage


@pytest.mark.parametrize("ends", ["with an image", "timed out"])
def test_ground_under_a_scan_during_which_the_stage_moved_is_in_the_ledger(start: Start, ends: str) -> None:
    sessions: list[Session] = []

    def scan(real: Callable[..., ScanImage], *args: Any) -> ScanImage:
        stage = pushed(sessions)
        x_m, y_m = stage.position()
        try:
            image = real(*args)
        finally:
            stage.push_to(x_m + OFF_M, y_m)
        if ends == "timed out":
            raise DeviceTimeoutError("no answer")
        return image

    session = start(faulty("sem", "scan", scan), sessions.append)
    store = session.store
    row = store.ledger.exposures(limit=1)[0]
    job = store.queue.job(row.job)
    assert job.state is JobState.NEEDS_REVIEW
    assert "moved the stage by 60.0 um" in str(job.reason)
    assert "moved the stage by 60.0 um" in str(row.note)
    assert (job.image is None) is (ends == "timed out")
    far = job.rect_m[2] + 0.9 * OFF_M
    assert touched(store, (far, job.rect_m[1], far + 1e-6, job.rect_m[3]))
    assert not touched(store, (far + OFF_M, job.rect_m[1], far + OFF_M + 1e-6, job.rect_m[3]))
    others = [one for one in store.queue.jobs() if one.id != job.id]
    assert all(one.state is JobState.DONE for one in others)


def test_the_image_of_a_disturbed_scan_is_kept_for_a_person_and_every_place_is_in_the_ledger(
    start: Start,
) -> None:
    def scan(real: Callable[..., ScanImage], *args: Any) -> ScanImage:
        image = real(*args)
        x_m, y_m = image.center_m
        # There and back: nothing but the driver's own watch saw it.
        raise DisturbedError("the blanker was closed", [(x_m, y_m + OFF_M)], image)

    session = start(faulty("sem", "scan", scan))
    store = session.store
    row = store.ledger.exposures(limit=1)[0]
    job = store.queue.job(row.job)
    assert job.state is JobState.NEEDS_REVIEW
    assert "the blanker was closed" in str(job.reason)
    assert job.image is not None
    assert row.rect_m[3] - job.rect_m[3] == pytest.approx(OFF_M, abs=1e-6)
    assert touched(store, (job.rect_m[0], job.rect_m[3] + 10e-6, job.rect_m[2], job.rect_m[3] + 11e-6))


def test_a_scan_after_which_the_stage_does_not_answer_needs_review(start: Start) -> None:
    gone: list[bool] = []

    def scan(real: Callable[..., ScanImage], *args: Any) -> ScanImage:
        gone.append(True)
        return real(*args)

    def position(real: Callable[..., object], *args: Any) -> object:
        if gone:
            gone.clear()
            raise DriverError("no answer")
        return real(*args)

    def both(setup: Any) -> Any:
        return faulty("stage", "position", position, times=-1)(faulty("sem", "scan", scan)(setup))

    session = start(both)
    first = session.store.queue.jobs()[0]
    assert first.state is JobState.NEEDS_REVIEW
    assert "position of the stage after the scan is not known: no answer" in str(first.reason)
    assert first.image is not None


def test_a_person_does_not_add_a_frame_on_ground_that_was_swept_by_mistake(start: Start) -> None:
    def scan(real: Callable[..., ScanImage], *args: Any) -> ScanImage:
        image = real(*args)
        raise DisturbedError("the stage moved", [(image.center_m[0] + 300e-6, image.center_m[1])], image)

    session = start(faulty("sem", "scan", scan))
    store = session.store
    swept = store.ledger.exposures(limit=1)[0]
    other = store.specimen.sections()[1]
    taken = store.steering.ground_taken(other.id)
    assert (swept.job, swept.rect_m) in taken
    assert store.queue.job(swept.job).section != other.id


def deleted(store: Path) -> Callable[[], None]:
    """Delete the database; returns what undoes it."""
    kept = store.with_name("kept")
    kept.hardlink_to(store)
    store.unlink()
    return lambda: store.hardlink_to(kept)


def folder_moved(store: Path) -> Callable[[], None]:
    other = store.parent.rename(store.parent.with_name("other"))

    def back() -> None:
        other.rename(store.parent)

    return back


@pytest.mark.parametrize(
    ("harm", "says", "advice"),
    [
        (deleted, "session.sqlite: was deleted", "rescued-"),
        (folder_moved, "was moved to", "Move it back"),
    ],
)
def test_a_database_that_loses_its_name_ends_the_exposures_and_says_what_to_do(
    start: Start, harm: Callable[[Path], Callable[[], None]], says: str, advice: str
) -> None:
    sessions: list[Session] = []
    undo: list[Callable[[], None]] = []
    blocked: list[str] = []

    def scan(real: Callable[..., ScanImage], *args: Any) -> ScanImage:
        image = real(*args)
        undo.append(harm(sessions[0].folder.store))
        return image

    def prepare(session: Session) -> None:
        sessions.append(session)
        wait = session.context.interrupts.wait

        def waits(limit_s: float | None = None) -> None:
            if session.runner.blocked and undo:
                assert session.setup.devices.sem.is_blanked()
                assert not session.folder.path.exists() or not session.folder.store.exists()
                blocked.append(str(session.control.health()["blocked"]))
                undo.pop()()
            wait(limit_s)

        session.context.interrupts.wait = waits  # type: ignore[method-assign]

    session = start(faulty("sem", "scan", scan), prepare)
    assert says in blocked[0]
    assert advice in blocked[0]
    assert "room on the disk" not in blocked[0]
    store = session.store
    assert store.status().phase is Phase.FAULT
    assert len(store.ledger.exposures()) == 1
    session.go_on(session.control.acknowledge)
    session.go_on()
    assert all(job.state is JobState.DONE for job in store.queue.jobs())
    assert len(store.ledger.exposures()) == len(store.queue.jobs())


def test_a_run_whose_database_was_deleted_does_not_end_well(
    tmp_path: Path, say: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = save_em
    taken: list[str] = []

    def save(path: Path, *args: Any) -> Any:
        (tmp_path / "run" / "session.sqlite").unlink(missing_ok=True)
        taken.append(path.name)
        return real(path, *args)

    monkeypatch.setattr(saving, "save_em", save)
    config = tmp_path / "small.yaml"
    config.write_text(dump(small_config()))
    status, _, said = say("dry-run", "--config", config, "--out", tmp_path / "run")
    assert status not in (0, None)
    assert "session.sqlite: was deleted while this program had it open" in said
    assert "the microscope is safe" in said
    assert "rename" in said
    # Its image is saved once more at the end, and no other is taken.
    assert set(taken) == {"J000001.ome.tiff"}
    (copy,) = (tmp_path / "run").glob("*.rescued-*.sqlite")
    with closing(Store.open(copy)) as rescued:
        assert len(rescued.ledger.exposures()) == 1


def test_a_frame_during_which_the_stage_moved_is_taken_again_at_its_place(start: Start) -> None:
    sessions: list[Session] = []
    taken_at_m: list[tuple[float, float]] = []

    def expose(real: Callable[..., FmFrame], *args: Any) -> FmFrame:
        stage = pushed(sessions)
        taken_at_m.append(stage.position())
        if len(taken_at_m) > 1:
            return real(*args)
        stage.push_to(taken_at_m[0][0] + OFF_M, taken_at_m[0][1])
        raise DisturbedError("the stage moved by 60.0 um")

    session = start(faulty("camera", "expose", expose, times=-1), sessions.append)
    assert session.store.status().phase is Phase.DONE
    first, second, *_ = taken_at_m
    assert second == first
    fields = session.store.specimen.fields()
    assert len(taken_at_m) == len(fields) + 1
    assert all(field.image is not None for field in fields)
