"""Sessions on the simulated microscope, whole and with every kind of failure that a device may show."""

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.model import Config
from drivers.errors import (
    DeviceLostError,
    DeviceTimeoutError,
    DriverError,
    InterruptedCallError,
    MisconfiguredError,
    NotReadyError,
    OutOfRangeError,
    StillBusyError,
    StoppedInTimeError,
)
from drivers.fluorescence import FmFrame, FmSettings
from drivers.sem import ScanImage, ScanRequest
from planner.geometry.rects import centered, grown, overlap
from service.analysis import worker as analysis
from service.errors import IllegalTransitionError
from service.image_files.images import read_fm, read_pixels
from service.model.jobs import ExposureState, Job, JobState
from service.model.phases import Phase
from service.model.specimen import FieldState
from service.report.summary import summarise
from service.session.interrupts import Interrupt
from service.session.setup import Setup
from service.watch.alarms import alarm_of
from tests.service.annotations import annotations_of
from tests.service.conftest import Start
from tests.service.faults import ALWAYS, faulty, raising
from tests.service.linked import BAD_ADU, Picky
from tests.service.sessions import Session, small_config

pytestmark = pytest.mark.usefixtures("frames_once")


@pytest.mark.parametrize("order", ["array", "section"])
def test_a_whole_session(start: Start, order: str) -> None:
    work = {"min_free_disk_gb": 0, "order": order, "compress_images": order == "section"}
    session = start(planner={"method": "exact"}, session=work)
    store = session.store
    assert store.status().phase is Phase.DONE
    assert {f.state for f in store.specimen.fields()} == {FieldState.PLANNED}
    jobs = store.queue.jobs()
    assert jobs
    assert {job.state for job in jobs} == {JobState.DONE}
    for cell in store.specimen.cells():
        assert cell.jobs or cell.skipped
    for job in jobs:
        pixels = read_pixels(session.folder.path / str(job.image), job.sha256)
        assert pixels.shape == job.size_px[::-1]
        notes = annotations_of(session.folder.path / str(job.image))
        assert (notes["ilemtrack.run"], notes["ilemtrack.run_kind"]) == (session.info.run, "dry-run")
        assert notes["ilemtrack.microscope"] == "a simulated microscope"
        assert notes["ilemtrack.covers"].split() == list(job.covers)
        assert 0 < float(notes["ilemtrack.pressure_pa"]) <= session.config.chamber.beam_max_pressure_pa
    for field in store.specimen.fields():
        pixels, pose, offset_adu = read_fm(session.folder.path / str(field.image), field.sha256)
        assert pixels.shape == (256, 256)
        assert pose.center_m == pytest.approx(field.center_m, abs=1e-12)
        assert offset_adu == 200
        notes = annotations_of(session.folder.path / str(field.image))
        assert float(notes["ilemtrack.pressure_pa"]) == pytest.approx(200, rel=0.2)
    rows = store.ledger.exposures()
    assert [row.state for row in rows] == [ExposureState.CLOSED] * len(jobs)
    summary = summarise(session.config, store, session.folder, session.setup.truth)
    assert summary.end_state == "done"
    assert summary.jobs == {"done": len(jobs), "skipped": 0, "failed": 0, "needs_review": 0}
    assert summary.beam_s == pytest.approx(sum(job.beam_s for job in jobs))
    assert summary.session_s > summary.beam_s
    assert summary.contained_recall is not None


def test_cells_beyond_the_outline_of_a_section_are_not_missed(tmp_path: Path) -> None:
    left_half = [(-60, -60), (-4, -60), (-4, 60), (-60, 60)]
    section = {"id": "S0001", "center_um": (0, 0), "outline_um": left_half}
    base = small_config(planner={"outline_margin_um": 0}).model_dump()
    config = Config.model_validate(base | {"layout": {"kind": "list", "sections": [section]}})
    session = Session(tmp_path / "run", config)
    session.run()
    summary = summarise(session.config, session.store, session.folder, session.setup.truth)
    beyond = [cell for cell in session.store.specimen.cells() if "outline" in (cell.skipped or "")]
    assert beyond
    assert session.store.queue.jobs()
    assert summary.contained_recall == 1.0
    session.end()


def test_every_field_is_saved_before_the_first_intent_to_expose(start: Start) -> None:
    events = start().store.events.since(0)
    saved = [e.seq for e in events if e.kind == "field" and e.data.get("to") == "saved"]
    armed = [e.seq for e in events if e.kind == "job" and e.data.get("to") == "armed"]
    assert len(saved) == 2
    assert armed
    assert max(saved) < min(armed)


def test_the_intent_is_on_the_disk_before_the_beam(start: Start, tmp_path: Path) -> None:
    seen: list[str] = []

    def scan(real: Callable[..., ScanImage], request: ScanRequest, timeout_s: float) -> ScanImage:
        # A reader of its own sees only what was committed.
        with closing(sqlite3.connect(tmp_path / "run0" / "session.sqlite")) as other:
            seen.extend(other.execute("SELECT state FROM exposure ORDER BY id DESC LIMIT 1").fetchone())
        return real(request, timeout_s)

    session = start(faulty("sem", "scan", scan, times=ALWAYS))
    assert seen == ["open"] * len(session.store.queue.jobs())


@pytest.mark.parametrize("error", [DeviceTimeoutError("no answer"), DriverError("the beam tripped")])
def test_a_scan_that_fails_is_never_repeated_and_the_rest_goes_on(start: Start, error: Exception) -> None:
    session = start(faulty("sem", "scan", raising(error)))
    store = session.store
    assert store.status().phase is Phase.DONE
    (first, *others) = store.queue.jobs()
    assert first.state is JobState.NEEDS_REVIEW
    assert {job.state for job in others} == {JobState.DONE}
    assert [row.state for row in store.ledger.exposures(job=first.id)] == [ExposureState.UNKNOWN]
    summary = summarise(session.config, store, session.folder, None)
    assert summary.end_state == "done_with_failures"
    assert summary.jobs["needs_review"] == 1


def test_a_scan_that_the_sem_was_not_ready_for_is_tried_again(start: Start) -> None:
    session = start(faulty("sem", "scan", raising(NotReadyError("an earlier scan still runs")), times=2))
    store = session.store
    assert store.status().phase is Phase.DONE
    assert {job.state for job in store.queue.jobs()} == {JobState.DONE}
    states = [row.state for row in store.ledger.exposures(job=store.queue.jobs()[0].id)]
    assert states == [ExposureState.VOID, ExposureState.VOID, ExposureState.CLOSED]


def test_waiting_for_a_scan_of_before_is_no_failure(start: Start) -> None:
    """More often than a job may be tried again, and than failures in a row are borne."""
    busy = raising(StillBusyError("an earlier scan is still running"))
    session = start(faulty("sem", "scan", busy, times=8))
    store = session.store
    assert store.status().phase is Phase.DONE
    assert {job.state for job in store.queue.jobs()} == {JobState.DONE}
    assert sum(row.state is ExposureState.VOID for row in store.ledger.exposures()) == 8


def test_an_image_with_a_remark_is_done_and_the_ledger_says_it(start: Start) -> None:
    def remarked(scan: Callable[..., ScanImage], *arguments: Any, **named: Any) -> ScanImage:
        return replace(scan(*arguments, **named), remark="its position is stale")

    session = start(faulty("sem", "scan", remarked))
    store = session.store
    assert {job.state for job in store.queue.jobs()} == {JobState.DONE}
    first = store.queue.jobs()[0].id
    assert [row.note for row in store.ledger.exposures(job=first)] == ["its position is stale"]
    summary = summarise(session.config, store, session.folder, None)
    assert summary.remarks == {first: "its position is stale"}
    assert summary.end_state == "done"


def test_many_failures_in_a_row_are_a_fault_that_only_a_person_leaves(start: Start) -> None:
    session = start(
        faulty("sem", "scan", raising(DriverError("the beam tripped")), times=ALWAYS),
        session={"min_free_disk_gb": 0, "max_failures_in_a_row": 3},
    )
    status = session.store.status()
    assert status.phase is Phase.FAULT
    assert "3 failures in a row" in str(status.reason)
    session.control.acknowledge()
    assert session.store.status().phase is Phase.PAUSED
    assert session.store.status().reason == f"a fault was acknowledged; it was: {status.reason}"
    review = session.store.queue.jobs(state=JobState.NEEDS_REVIEW)
    summary = summarise(session.config, session.store, session.folder, None)
    assert summary.undone_jobs == {job.id: "the beam tripped" for job in review}
    assert len(review) == 3


def test_an_exposure_to_light_that_fails_is_repeated(start: Start) -> None:
    session = start(faulty("camera", "expose", raising(DeviceTimeoutError("no frame")), times=2))
    assert session.store.status().phase is Phase.DONE
    assert {f.state for f in session.store.specimen.fields()} == {FieldState.PLANNED}


@pytest.mark.parametrize(
    "error",
    [OutOfRangeError("EM gain 400 is not from 1 to 300"), MisconfiguredError("pixels of 89 nm")],
    ids=str,
)
def test_hardware_that_is_not_as_configured_is_a_fault_after_a_single_exposure_to_light(
    start: Start, error: Exception
) -> None:
    lit: list[float] = []

    def counted(real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        lit.append(args[0])
        return real(*args, **kwargs)

    def change(setup: Setup) -> Setup:
        setup = faulty("light", "on", counted, times=-1)(setup)
        return faulty("camera", "expose", raising(error), times=-1)(setup)

    session = start(change, layout={"sections": 5})
    assert session.store.status().phase is Phase.FAULT
    assert str(error) in (session.store.status().reason or "")
    assert len(lit) == 1
    assert {field.state for field in session.store.specimen.fields()} == {FieldState.PENDING}


def test_a_frame_of_another_size_than_configured_is_not_taken_again(start: Start) -> None:
    def cropped(real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        frame = real(*args, **kwargs)
        return replace(frame, pixels=frame.pixels[:100])

    camera = faulty("camera", "expose", cropped, times=-1)
    session = start(camera, layout={"sections": 5})
    assert session.store.status().phase is Phase.FAULT
    assert "the height of the frame is" in (session.store.status().reason or "")


@pytest.mark.parametrize(("odd", "phase"), [({1}, Phase.DONE), ({1, 2}, Phase.FAULT)], ids=str)
def test_one_odd_frame_after_good_ones_is_no_fault_but_a_second_in_a_row_is(
    start: Start, odd: set[int], phase: Phase
) -> None:
    taken: list[FmFrame] = []

    def cropped(real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        frame = real(*args, **kwargs)
        taken.append(frame)
        return replace(frame, pixels=frame.pixels[:100]) if len(taken) - 1 in odd else frame

    session = start(faulty("camera", "expose", cropped, times=-1), layout={"sections": 4})
    assert session.store.status().phase is phase
    # Each field was lit once, the odd one a second time after the next section.
    assert len(taken) == (5 if phase is Phase.DONE else 3)
    assert not session.store.specimen.fields(state=FieldState.FAILED)


def test_a_field_without_fluorescence_ends_neither_the_run_nor_its_neighbours(start: Start) -> None:
    session = start(faulty("camera", "expose", raising(DeviceTimeoutError("no frame")), times=9))
    fields = session.store.specimen.fields()
    assert [f.state for f in fields] == [FieldState.FAILED, FieldState.PLANNED]
    assert "no frame" in str(fields[0].reason)
    assert session.store.status().phase is Phase.DONE
    assert summarise(session.config, session.store, session.folder, None).end_state == "done_with_failures"


def test_a_field_that_failed_has_a_second_turn_after_the_next_section(start: Start) -> None:
    # Three tries of each of both fields.
    session = start(faulty("camera", "expose", raising(DeviceTimeoutError("no frame")), times=6))
    assert {field.state for field in session.store.specimen.fields()} == {FieldState.PLANNED}
    assert {job.section for job in session.store.queue.jobs()} == {"S0001", "S0002"}
    summary = summarise(session.config, session.store, session.folder, None)
    assert summary.end_state == "done"


def test_a_run_without_any_fluorescence_waits_for_a_person(start: Start) -> None:
    # Three tries, two turns, two fields.
    session = start(faulty("camera", "expose", raising(DeviceTimeoutError("no frame")), times=12))
    status = session.store.status()
    assert status.phase is Phase.FAULT
    assert "none of the fields could be taken" in str(status.reason)
    assert "no frame" in str(status.reason)
    session.go_on(session.control.acknowledge)
    session.go_on()
    assert session.store.status().phase is Phase.DONE
    assert {field.state for field in session.store.specimen.fields()} == {FieldState.PLANNED}


def test_the_light_is_off_after_an_exposure_that_failed(start: Start) -> None:
    lit: list[bool] = []

    def fail(_: object, settings: FmSettings, timeout_s: float) -> FmFrame:
        raise DeviceLostError("camera unplugged")

    def look(setup: Setup) -> Setup:
        light = setup.devices.light

        def move(real: Callable[..., Any], *args: float) -> Any:
            lit.append(light.is_on())
            return real(*args)

        changed = faulty("camera", "expose", fail, times=ALWAYS)(setup)
        return faulty("stage", "move_to", move, times=ALWAYS)(changed)

    start(look)
    assert lit
    assert not any(lit)


def test_a_frame_that_breaks_the_detector_costs_that_field_only(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(real: Callable[..., FmFrame], settings: FmSettings, timeout_s: float) -> FmFrame:
        frame = real(settings, timeout_s)
        frame.pixels[9, 9] = BAD_ADU
        return frame

    monkeypatch.setattr(analysis, "open_detector", lambda _: Picky())
    session = start(faulty("camera", "expose", spoil))
    assert session.store.status().phase is Phase.DONE
    first, second = session.store.specimen.fields()
    assert (first.state, second.state) == (FieldState.FAILED, FieldState.PLANNED)
    assert "a bug in the detector" in str(first.reason)
    assert first.image is not None
    summary = summarise(session.config, session.store, session.folder, None)
    assert summary.end_state == "done_with_failures"
    assert list(summary.failed_fields) == [first.id]


def test_pause_lands_between_frames_and_continue_proves_the_vacuum_again(start: Start) -> None:
    sessions: list[Session] = []

    def scan(real: Callable[..., ScanImage], request: ScanRequest, timeout_s: float) -> ScanImage:
        sessions[0].control.pause()
        return real(request, timeout_s)

    session = start(faulty("sem", "scan", scan), prepare=sessions.append)
    store = session.store
    assert (store.status().phase, store.status().resume_to) == (Phase.PAUSED, Phase.TO_HIGH_VACUUM)
    assert [job.state for job in store.queue.jobs()[:2]] == [JobState.DONE, JobState.QUEUED]
    session.go_on()
    assert store.status().phase is Phase.DONE
    phases = [e.data["phase"] for e in store.events.since(0) if e.kind == "session"]
    assert phases[phases.index("paused") :] == ["paused", "to_high_vacuum", "electron", "done"]


def test_continue_takes_back_a_pause_that_has_not_been_reached(start: Start) -> None:
    sessions: list[Session] = []
    said: list[str] = []

    def scan(real: Callable[..., ScanImage], request: ScanRequest, timeout_s: float) -> ScanImage:
        sessions[0].control.pause()
        said.append(sessions[0].control.resume())
        with pytest.raises(IllegalTransitionError, match=r"nothing to continue: .*no pause is pending"):
            sessions[0].control.resume()
        return real(request, timeout_s)

    session = start(faulty("sem", "scan", scan), prepare=sessions.append)
    assert said == ["the pause is taken back, goes on: taking electron images"]
    assert session.store.status().phase is Phase.DONE


def test_abort_says_how_much_is_done_and_how_much_is_left(start: Start) -> None:
    sessions: list[Session] = []
    said: list[tuple[int, str]] = []

    def scan(real: Callable[..., ScanImage], request: ScanRequest, timeout_s: float) -> ScanImage:
        session = sessions[0]
        counts = session.store.queue.counts_in_use()
        if counts.get(JobState.DONE, 0) == 1:
            said.append((counts[JobState.QUEUED], session.control.abort()))
        return real(request, timeout_s)

    session = start(faulty("sem", "scan", scan, times=2), prepare=sessions.append)
    ((left, answer),) = said
    assert left > 1
    assert f"1 job done, {left} queued or held not taken, J000002, in mid-scan, is left" in answer
    end = session.store.events.of("session")[-1]
    alarm = alarm_of(end, session.store)
    assert alarm is not None
    # The frame in mid-scan may have ended before the abort reached it, or not have begun.
    second = session.store.queue.job("J000002").state
    assert second in {JobState.DONE, JobState.NEEDS_REVIEW, JobState.QUEUED}
    assert f"Not done: {left + (second is not JobState.DONE)} jobs" in alarm.to_do


@pytest.mark.parametrize("device", ["sem", "camera"])
def test_abort_lands_from_within_an_exposure(start: Start, device: str) -> None:
    sessions: list[Session] = []
    call = {"sem": "scan", "camera": "expose"}[device]

    def interrupted(_: object, *args: object, **kwargs: object) -> None:
        sessions[0].control.abort()
        raise InterruptedCallError("stopped")

    session = start(faulty(device, call, interrupted), prepare=sessions.append)
    assert session.store.status().phase is Phase.ABORTED
    states = [job.state for job in session.store.queue.jobs()]
    assert (JobState.NEEDS_REVIEW in states) is (device == "sem")
    with pytest.raises(IllegalTransitionError):
        session.control.resume()


@pytest.mark.parametrize(
    ("error", "row", "becomes"),
    [
        (InterruptedCallError("stopped"), ExposureState.UNKNOWN, JobState.NEEDS_REVIEW),
        (StoppedInTimeError("stopped in time"), ExposureState.VOID, JobState.QUEUED),
    ],
    ids=["in mid-scan", "before the beam was on"],
)
def test_shutdown_leaves_the_session_where_it_stands(
    start: Start, error: InterruptedCallError, row: ExposureState, becomes: JobState
) -> None:
    sessions: list[Session] = []

    def stopped(_: object, *args: object, **kwargs: object) -> None:
        sessions[0].control.stop(Interrupt.SHUTDOWN, "SIGTERM")
        raise error

    session = start(faulty("sem", "scan", stopped), prepare=sessions.append)
    assert session.store.status().phase is Phase.ELECTRON
    assert session.store.queue.jobs()[0].state is becomes
    assert session.store.ledger.exposures(limit=1)[0].state is row


def test_review_waits_for_a_person_before_any_beam(start: Start) -> None:
    session = start(session={"min_free_disk_gb": 0, "review": True})
    assert session.store.status().phase is Phase.REVIEW
    assert session.store.queue.jobs(state=JobState.QUEUED)
    assert not session.store.ledger.exposures()
    session.go_on(session.control.confirm_review)
    assert session.store.status().phase is Phase.DONE


def test_low_disk_pauses_before_the_next_exposure(start: Start) -> None:
    session = start(session={"min_free_disk_gb": 100_000})
    assert session.store.status().phase is Phase.FAULT
    assert "low disk" in str(session.store.status().reason)


def test_fluorescence_is_refused_where_the_beam_was(start: Start) -> None:
    def burn(session: Session) -> None:
        field = session.store.specimen.fields()[0]
        job = Job(
            "J000001",
            field.section,
            0,
            field.rect_m,
            field.center_m,
            (10, 10),
            1e-7,
            6e-5,
            (),
            JobState.QUEUED,
        )
        session.store.queue.add_plan(field.section, [job], {})
        exposure = session.store.ledger.arm(job.id, field.rect_m, 0.0)
        session.store.ledger.failed(exposure.id, "a person scanned there by hand")

    session = start(prepare=burn)
    first, second = session.store.specimen.fields()
    assert (first.state, second.state) == (FieldState.FAILED, FieldState.PLANNED)
    assert "beam was there" in str(first.reason)
    assert first.image is None


def test_a_job_waits_while_fluorescence_in_its_reach_is_unsaved(start: Start) -> None:
    # Section by section, and a job of the first section lies on the second.
    armed_while_pending: list[str] = []
    sessions: list[Session] = []

    def scan(real: Callable[..., ScanImage], request: ScanRequest, timeout_s: float) -> ScanImage:
        session = sessions[0]
        reach_m = (session.config.planner.guard_um + session.config.sem.beam_halo_um) * 1e-6
        ground = grown(session.store.ledger.exposures()[-1].rect_m, reach_m)
        pending = session.store.specimen.fields(state=FieldState.PENDING)
        armed_while_pending.extend(f.id for f in pending if overlap(ground, f.rect_m))
        return real(request, timeout_s)

    def plan_on_the_second(session: Session) -> None:
        sessions.append(session)
        x0, y0, x1, y1 = session.store.specimen.fields()[1].rect_m
        center = ((x0 + x1) / 2, (y0 + y1) / 2)
        job = Job(
            "J000001", "S0001", 999_999, centered(center, (1e-5, 1e-5)), center, (100, 100), 1e-7, 6e-5, ()
        )
        session.store.queue.add_plan("S0001", [job], {})

    session = start(
        faulty("sem", "scan", scan, times=ALWAYS),
        prepare=plan_on_the_second,
        session={"min_free_disk_gb": 0, "order": "section"},
    )
    assert not armed_while_pending
    moves = [(e.subject, e.data["to"]) for e in session.store.events.since(0) if e.kind == "job"]
    assert [job for job, state in moves if state == "held"] == ["J000001"]
    assert {job.state for job in session.store.queue.jobs()} == {JobState.DONE}
    assert session.store.status().phase is Phase.DONE


def test_a_neighbour_that_failed_does_not_cost_the_cells_whose_fluorescence_is_saved(start: Start) -> None:
    session = start(
        # Three tries of each field, and of the first once more.
        faulty("camera", "expose", raising(DeviceTimeoutError("no frame")), times=9),
        layout={"sections": 1, "fields": [2, 1], "field_overlap_percent": 30},
        simulator={"specimen": {"cells_per_field": 12, "seed": 5}},
    )
    failed, saved = session.store.specimen.fields()
    assert (failed.state, saved.state) == (FieldState.FAILED, FieldState.PLANNED)
    shared = [job for job in session.store.queue.jobs() if overlap(job.rect_m, failed.rect_m)]
    assert shared
    assert {job.state for job in session.store.queue.jobs()} == {JobState.DONE}
    for row in session.store.ledger.exposures():
        x0, y0, x1, y1 = grown(row.rect_m, row.halo_m)
        assert saved.rect_m[0] <= x0
        assert saved.rect_m[1] <= y0
        assert x1 <= saved.rect_m[2]
        assert y1 <= saved.rect_m[3]


def test_what_no_fluorescence_was_saved_for_is_never_exposed(start: Start) -> None:
    def plan_beyond(session: Session) -> None:
        _, y0, x1, y1 = session.store.specimen.fields()[0].rect_m
        rect = (x1 - 1e-6, y0, x1 + 9e-6, y1)
        center = (x1 + 4e-6, (y0 + y1) / 2)
        job = Job("J000001", "S0001", 999_999, rect, center, (100, 400), 1e-7, 6e-5, ())
        session.store.queue.add_plan("S0001", [job], {})

    session = start(prepare=plan_beyond)
    job = session.store.queue.job("J000001")
    assert job.state is JobState.SKIPPED
    assert "never saved" in str(job.reason)
    assert not session.store.ledger.exposures(job="J000001")


def test_cells_where_the_stage_may_not_go_are_skipped_with_that_reason(start: Start) -> None:
    # The safe area ends at the centre of the field: half of its cells are out of reach.
    session = start(
        layout={"sections": 1},
        stage={"safe_x_mm": [-1, 0]},
        simulator={"specimen": {"cells_per_field": 12, "seed": 5}},
    )
    cells = session.store.specimen.cells()
    out_of_reach = [cell for cell in cells if "safe area" in str(cell.skipped)]
    assert out_of_reach
    assert [cell for cell in cells if cell.jobs]
    assert all(job.center_m[0] <= 0 for job in session.store.queue.jobs())
    assert {job.state for job in session.store.queue.jobs()} == {JobState.DONE}


def test_a_safe_state_that_is_not_reached_is_tried_again_until_it_is(start: Start) -> None:
    """In a fault nobody has to be there for the beam to be blanked, once the blanker answers again."""
    stuck: list[bool] = []

    def scan(real: Callable[..., ScanImage], request: ScanRequest, timeout_s: float) -> ScanImage:
        stuck.extend([True] * 3)
        return real(request, timeout_s)

    def is_blanked(real: Callable[[], bool]) -> bool:
        # Wrong at the look after the scan, at the fault, and at the first try after it.
        return real() and not (stuck and stuck.pop())

    def change(setup: Setup) -> Setup:
        once = faulty("sem", "scan", scan)(setup)
        return faulty("sem", "is_blanked", is_blanked, times=ALWAYS)(once)

    session = start(change)
    store = session.store
    assert store.status().phase is Phase.FAULT
    for _ in range(20_000):
        kinds = [event.kind for event in store.events.since(0)]
        if "safe" in kinds:
            break
        time.sleep(0.01)
    assert [kind for kind in kinds if kind in ("safe", "unsafe")] == ["unsafe", "safe"]
    assert store.status().phase is Phase.FAULT
    reason = store.status().reason or ""
    assert "NOT SAFE" not in reason
    assert reason.startswith("the beam does not blank")
    assert reason.endswith("the microscope is safe again")
    session.go_on(session.control.acknowledge)
    session.go_on()
    assert store.status().phase is Phase.DONE


def test_a_fault_acknowledged_before_it_was_safe_is_not_said_to_be_unsafe_in_the_pause(start: Start) -> None:
    stuck: list[bool] = []

    def scan(real: Callable[..., ScanImage], request: ScanRequest, timeout_s: float) -> ScanImage:
        stuck.append(True)
        return real(request, timeout_s)

    def change(setup: Setup) -> Setup:
        once = faulty("sem", "scan", scan)(setup)
        return faulty("sem", "is_blanked", lambda real: real() and not stuck, times=ALWAYS)(once)

    session = start(change)
    assert "NOT SAFE" in (session.store.status().reason or "")
    stuck.clear()
    session.go_on(session.control.acknowledge)
    status = session.store.status()
    assert status.phase is Phase.PAUSED
    assert status.reason == "a fault was acknowledged; it was: the beam does not blank"


def test_the_status_says_where_a_pause_will_land(start: Start) -> None:
    sessions: list[Session] = []
    seen: list[dict[str, object]] = []

    def scan(real: Callable[..., ScanImage], request: ScanRequest, timeout_s: float) -> ScanImage:
        seen.append(sessions[0].control.health())
        sessions[0].control.pause()
        seen.append(sessions[0].control.health())
        return real(request, timeout_s)

    session = start(faulty("sem", "scan", scan), prepare=sessions.append)
    assert seen[0]["landing"] is None
    assert "pauses after frame J000001" in str(seen[1]["landing"])
    assert session.control.health()["landing"] is None


def test_a_stop_after_the_end_of_a_session_leaves_no_thread_that_stops_its_devices(start: Start) -> None:
    session = start()
    session.thread.join(200)
    session.control.stop(Interrupt.SHUTDOWN, "too late")
    assert session.runner.landed.is_set()
    # Without the check it went on for half a minute.
    end_s = time.monotonic() + 25
    while any(thread.name == "stop" for thread in threading.enumerate()):
        assert time.monotonic() < end_s
        time.sleep(0.05)
