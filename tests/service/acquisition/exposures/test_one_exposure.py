"""One exposure at a time, on the simulated microscope: the request to the SEM and each end in the ledger."""

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from detection.alignment.values import Similarity
from drivers.chamber import VacuumState
from drivers.errors import (
    BeamOffError,
    DeviceTimeoutError,
    DisturbedError,
    DriverError,
    InterruptedCallError,
    NotReadyError,
    OutOfRangeError,
    StillBusyError,
    StoppedInTimeError,
)
from drivers.pose import RectM
from drivers.sem import ScanImage, ScanRequest
from planner.geometry.rects import centered, hull
from service import wording
from service.acquisition.exposing import Aim, expose, halo_of, scanned_rect, settle
from service.autofocus.beam import TIMEOUT_S
from service.errors import HungDeviceError, SessionFaultError, StoreError
from service.model.event import STAY
from service.model.jobs import Exposure, ExposureState, Job, JobKind, JobState
from service.model.overviews import FieldPlace
from service.safety.deadlines import timeout_of
from service.session.context import Context, Taken
from service.session.setup import Setup
from tests.service.faults import ALWAYS, faulty, raising
from tests.service.sessions import Session, small_config

UM = 1e-6
Scan = Callable[..., ScanImage]


def takes(real: Scan, request: ScanRequest, timeout_s: float) -> ScanImage:
    return real(request, timeout_s)


@dataclass
class Bench:
    """A microscope in high vacuum, a job in the queue, and what its SEM was asked."""

    session: Session
    scan: Scan = takes
    asked: list[tuple[ScanRequest, float]] = field(default_factory=list)
    during: list[dict[str, Any]] = field(default_factory=list)

    @property
    def context(self) -> Context:
        return self.session.context

    def asks(self, real: Scan, request: ScanRequest, timeout_s: float) -> ScanImage:
        self.asked.append((request, timeout_s))
        row = self.session.store.ledger.open_exposure()
        assert row is not None, "the intent is in the ledger before the SEM is asked"
        state = self.session.store.queue.job(row.job).state
        step = self.context.progress.current()
        self.during.append({"row": row, "job": state, "step": step} | self.context.view.last())
        return self.scan(real, request, timeout_s)

    def job(self, kind: JobKind = JobKind.FRAME) -> Job:
        queue = self.session.store.queue
        number = queue.next_number()
        center_m = self.session.store.specimen.fields()[0].center_m
        size_px = (64, 40)
        rect_m = centered(center_m, (64e-7, 40e-7))
        job = Job(f"J{number:06d}", "S0001", number, rect_m, center_m, size_px, 1e-7, 6e-5, (), kind=kind)
        queue.add_plan("S0001", [job], {})
        return queue.job(job.id)

    def aim(self, job: Job, shift_m: tuple[float, float] = (0.0, 0.0)) -> Aim:
        x_m, y_m = self.context.sem_position_m(job.center_m)
        return Aim(self.context.devices.stage.move_to(x_m - shift_m[0], y_m - shift_m[1], 100), shift_m)

    def expose(
        self, scan: Scan = takes, job: Job | None = None, shift_m: tuple[float, float] = (0.0, 0.0)
    ) -> tuple[Job, Taken | None, str | None, Exposure]:
        """Expose a job; gives it and its row as they are then."""
        self.scan = scan
        job = job or self.job()
        aim = self.aim(job, shift_m)
        rect_m = scanned_rect(self.context, job, aim.center_m)
        taken, vacuum = expose(self.context, job, rect_m, aim)
        return (self.session.store.queue.job(job.id), taken, vacuum, self.row(job))

    def row(self, job: Job) -> Exposure:
        return self.session.store.ledger.exposures(job=job.id)[-1]

    def now(self, job: Job) -> Job:
        return self.session.store.queue.job(job.id)


Benches = Callable[..., Bench]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Benches]:
    """Make one; changes of the setup come last."""
    made: list[Bench] = []

    def make(*changes: Callable[[Setup], Setup], **config: dict[str, Any]) -> Bench:
        def change(setup: Setup) -> Setup:
            asked = faulty("sem", "scan", lambda *args: made[-1].asks(*args), times=ALWAYS)(setup)
            for one in changes:
                asked = one(asked)
            return asked

        session = Session(tmp_path / f"run{len(made)}", small_config(**config), change)
        made.append(Bench(session))
        session.setup.devices.chamber.go_to(VacuumState.HIGH, 1e4)
        return made[-1]

    yield make
    for one in made:
        one.session.store.close()


def test_the_sem_is_asked_for_the_frame_of_the_job_once_its_intent_is_in_the_ledger(bench: Benches) -> None:
    one = bench(sem={"beam_shift_range_um": 20, "overhead_s": 7})
    shift_m = (3 * UM, -2 * UM)
    job, taken, vacuum, row = one.expose(shift_m=shift_m)
    ((request, timeout_s),) = one.asked
    assert (request.size_px, request.pixel_size_m, request.dwell_s) == (job.size_px, 1e-7, 6e-5)
    assert request.beam_shift_m == shift_m
    assert timeout_s == timeout_of(job.beam_s + 7)
    (during,) = one.during
    assert (during["row"].id, during["row"].state) == (row.id, ExposureState.OPEN)
    assert during["row"].rect_m == pytest.approx(job.rect_m, abs=1e-12)
    assert during["job"] is JobState.ARMED
    assert during["beam_blanked"] is False
    assert during["step"].step == f"the scan of {job.id}"
    # Of a step that may take 1.5 x its estimate and a minute.
    assert during["step"].allowed_s == pytest.approx(1.5 * (job.beam_s + 7) + 60)
    assert one.context.view.last()["beam_blanked"] is True
    assert taken is not None
    assert one.context.unsaved == {job.id: taken}
    assert (taken.exposure, taken.doubt, vacuum) == (row.id, None, None)
    assert taken.center_m == pytest.approx(one.context.sem_position_m(job.center_m))
    assert taken.image.pixels.shape == (40, 64)
    assert taken.pressure_pa is not None
    assert taken.pressure_pa == one.session.setup.devices.chamber.pressure_pa()
    assert (row.state, job.state) == (ExposureState.CLOSED, JobState.EXPOSED)
    assert (row.note, row.rect_m, row.halo_m) == (None, during["row"].rect_m, during["row"].halo_m)
    assert row.beam_s == job.beam_s
    assert one.context.ends == {}
    one.expose()
    first, second = (asked[0].nonce for asked in one.asked)
    assert first != second
    assert min(len(first), len(second)) >= 16, "no two scans have the same by chance"


def test_ground_around_a_frame_counts_by_halo_and_by_how_the_field_lies(bench: Benches) -> None:
    one = bench(calibration={"rotation_mrad": 20})
    frame = one.context.stage_frame
    job = one.job()
    assert halo_of(one.context, job) == frame.halo_m > 0
    wide = replace(job, size_px=(6400, 4000))
    wider_m = frame.wider_m(wide.size_m)
    assert wider_m > 0
    assert halo_of(one.context, wide) == frame.halo_m + wider_m
    place = FieldPlace(job.center_m, Similarity((0.0, 0.0), 0.1))
    one.context.last_move.place = place
    assert place.misfit_m(job.size_m) > 0.1 * UM
    assert halo_of(one.context, wide) == pytest.approx(frame.halo_m + wider_m + place.misfit_m(wide.size_m))
    _, _, _, row = one.expose(job=job)
    assert row.halo_m == halo_of(one.context, job)


@pytest.mark.parametrize("beam_moves", [True, False])
def test_the_first_exposure_of_a_stay_is_noted_where_the_beam_moves(bench: Benches, beam_moves: bool) -> None:
    one = bench(sem={"beam_reach_um": [60, 60] if beam_moves else [0, 0]})
    _, _, _, first = one.expose()
    one.expose()
    noted = [event.data for event in one.session.store.events.since(0) if event.kind == STAY]
    assert noted == ([{"exposure": first.id}] if beam_moves else [])
    assert one.context.last_move.first_exposure == (first.id if beam_moves else None)


def test_an_image_of_another_scan_is_no_image_of_this_one(bench: Benches) -> None:
    def other(real: Scan, *args: Any) -> ScanImage:
        return replace(real(*args), nonce="of another")

    job, taken, _, row = bench().expose(other)
    assert taken is None
    assert (row.state, job.state) == (ExposureState.UNKNOWN, JobState.NEEDS_REVIEW)
    assert row.note == "the SEM gave the image of another scan"
    assert row.beam_s is None


def test_a_remark_on_an_image_is_noted_and_no_doubt(bench: Benches) -> None:
    job, taken, _, row = bench().expose(
        lambda real, *args: replace(real(*args), remark="the column was warm")
    )
    assert taken is not None
    assert (taken.doubt, row.note, job.state) == (None, "the column was warm", JobState.EXPOSED)


@pytest.mark.parametrize("ends", ["image", "stopped", "timed out"])
def test_a_scan_during_which_the_vacuum_is_lost_is_stopped_and_said_to_be(bench: Benches, ends: str) -> None:
    def stop(real: Callable[[], None]) -> None:
        real()
        stopped.append(True)
        said.set()

    one = bench(faulty("sem", "stop", stop, times=ALWAYS))
    chamber = one.session.setup.devices.chamber
    stopped: list[bool] = []
    said = threading.Event()

    def scan(real: Scan, *args: Any) -> ScanImage:
        image = real(*args)
        chamber.go_to(VacuumState.PARTIAL, 1e4)
        # Until the watch has seen it, and stopped the scan.
        assert said.wait(200)
        if ends == "stopped":
            raise InterruptedCallError("the scan was stopped")
        if ends == "timed out":
            raise DeviceTimeoutError("no answer")
        return image

    job, taken, vacuum, row = one.expose(scan)
    assert stopped == [True]
    assert vacuum is not None
    # State or pressure, whichever the watch has read while both changed.
    assert vacuum.startswith(("the chamber says ", "the pressure is "))
    if ends == "image":
        assert taken is not None
        assert taken.doubt == f"taken while the vacuum was lost: {vacuum}"
        assert (row.state, row.note) == (ExposureState.CLOSED, None)
        return
    assert taken is None
    assert (row.state, job.state) == (ExposureState.UNKNOWN, JobState.NEEDS_REVIEW)
    says = f"stopped, as the vacuum was lost: {vacuum}" if ends == "stopped" else "no answer"
    assert row.note == says


def test_a_scan_that_lost_the_vacuum_before_its_beam_was_on_stays_queued(bench: Benches) -> None:
    one = bench()

    def scan(*_: Any) -> ScanImage:
        one.session.setup.devices.chamber.go_to(VacuumState.PARTIAL, 1e4)
        raise StoppedInTimeError("the scan was stopped before the beam was on")

    job = one.job()
    with pytest.raises(SessionFaultError, match=r"no beam: the (chamber says|pressure is) "):
        one.expose(scan, job)
    row = one.row(job)
    assert (row.state, one.now(job).state) == (ExposureState.VOID, JobState.QUEUED)
    assert row.rect_m == pytest.approx(job.rect_m, abs=1e-9)
    assert one.context.refused[job.id] == 0


def test_a_vacuum_that_is_bad_after_the_scan_makes_its_image_doubtful(bench: Benches) -> None:
    one = bench()

    def scan(real: Scan, *args: Any) -> ScanImage:
        image = real(*args)
        one.session.setup.devices.chamber.go_to(VacuumState.PARTIAL, 1e4)
        return image

    # A watch that looks once an hour sees nothing.
    session = one.session
    object.__setattr__(session.context, "limits", replace(session.context.limits, look_s=3600))
    job, taken, vacuum, _ = one.expose(scan)
    assert vacuum is not None
    assert taken is not None
    assert taken.doubt == f"taken while the vacuum was lost: {vacuum}"
    assert job.state is JobState.EXPOSED


@pytest.mark.parametrize(
    "error",
    [DriverError("gone"), HungDeviceError("gone"), OSError("gone"), None],
    ids=lambda e: type(e).__name__,
)
@pytest.mark.parametrize("with_image", [True, False])
def test_a_beam_that_may_not_be_blanked_ends_all_and_keeps_what_there_is(
    bench: Benches, error: Exception | None, with_image: bool
) -> None:
    if error is None:
        one = bench(faulty("sem", "is_blanked", lambda _: False, times=ALWAYS))
        says = "the beam does not blank"
    else:
        one = bench(faulty("sem", "blank", raising(error), times=ALWAYS))
        says = "the beam may not be blanked: gone"
    job = one.job()
    with pytest.raises(SessionFaultError, match=says):
        one.expose(takes if with_image else raising(DeviceTimeoutError("no answer")), job)
    row = one.row(job)
    assert (row.state, one.now(job).state) == (ExposureState.UNKNOWN, JobState.NEEDS_REVIEW)
    assert str(row.note).startswith(says)
    assert ("; its image is em/" in str(row.note)) is with_image
    files = list((one.session.folder.path / "em").rglob("*.tiff"))
    assert len(files) == with_image
    assert one.context.unsaved == {}
    if error is None:
        assert one.context.view.last()["beam_blanked"] is False


def test_all_ground_under_a_beam_that_does_not_blank_is_in_the_ledger(bench: Benches) -> None:
    one = bench(faulty("sem", "is_blanked", lambda _: False, times=ALWAYS))
    job = one.job()
    with pytest.raises(SessionFaultError):
        one.expose(moved(one, 30 * UM), job)
    x0, y0, x1, y1 = job.rect_m
    assert one.row(job).rect_m == pytest.approx((x0, y0, x1 + 30 * UM, y1), abs=1e-9)
    (file,) = (one.session.folder.path / "em").rglob("*.tiff")
    pressure_pa = one.session.setup.devices.chamber.pressure_pa()
    assert f"{pressure_pa:g}".encode() in file.read_bytes(), "whoever looks at it sees the pressure"


def test_a_focus_may_take_longer_than_its_scan(bench: Benches) -> None:
    one = bench(session={"autofocus": True, "min_free_disk_gb": 0})
    job, taken, _, row = one.expose(job=one.job(JobKind.FOCUS))
    assert taken is not None
    estimate_s = job.beam_s + one.context.config.sem.overhead_s + TIMEOUT_S
    assert one.during[0]["step"].allowed_s == pytest.approx(1.5 * estimate_s + 60)
    assert row.beam_s is not None
    assert row.beam_s > job.beam_s
    assert one.session.store.focus.of_job(job.id) is not None


def moved(one: Bench, by_m: float, then: Exception | None = None) -> Scan:
    """Return a scan at whose end another program moves the stage."""

    def scan(real: Scan, *args: Any) -> ScanImage:
        stage = one.session.setup.devices.stage
        x_m, y_m = stage.position()
        if then is None:
            image = real(*args)
        stage.push_to(x_m + by_m, y_m)  # type: ignore[attr-defined]
        if then is not None:
            raise then
        return image

    return scan


def test_a_stage_that_stands_within_its_tolerance_has_not_moved(bench: Benches) -> None:
    one = bench(stage={"arrival_tolerance_um": 2})
    _, taken, _, row = one.expose(moved(one, 1.9 * UM))
    assert taken is not None
    assert (taken.doubt, row.note) == (None, None)
    assert row.rect_m == one.during[0]["row"].rect_m


def test_all_ground_between_the_places_of_a_disturbed_scan_is_in_the_ledger(bench: Benches) -> None:
    one = bench(stage={"arrival_tolerance_um": 2}, sem={"beam_shift_range_um": 20})
    job, taken, _, row = one.expose(moved(one, 30 * UM), shift_m=(4 * UM, 3 * UM))
    says = wording.stage_moved(30 * UM)
    assert taken is not None
    assert (taken.doubt, row.note, row.state) == (says, says, ExposureState.CLOSED)
    x0, y0, x1, y1 = job.rect_m
    assert row.rect_m == pytest.approx((x0, y0, x1 + 30 * UM, y1), abs=1e-9)
    # As well where no image came.
    job, taken, _, row = one.expose(moved(one, -20 * UM, DeviceTimeoutError("no answer")))
    assert taken is None
    assert row.note == f"no answer; {wording.stage_moved(20 * UM)}"
    x0, y0, x1, y1 = job.rect_m
    assert row.rect_m == pytest.approx((x0 - 20 * UM, y0, x1, y1), abs=1e-9)


def test_a_driver_that_saw_a_disturbance_is_believed(bench: Benches) -> None:
    one = bench(stage={"arrival_tolerance_um": 2}, sem={"beam_shift_range_um": 20})
    shift_m = (4 * UM, 3 * UM)

    def scan(real: Scan, *args: Any) -> ScanImage:
        image = real(*args)
        x_m, y_m = one.session.setup.devices.stage.position()
        # There and back, once beyond all reason, and once less than the tolerance.
        seen = [(math.nan, y_m), (x_m, y_m + 40 * UM), (x_m - 1.9 * UM, y_m)]
        raise DisturbedError("the blanker was closed", seen, image)

    job, taken, _, row = one.expose(scan, shift_m=shift_m)
    assert taken is not None
    assert (taken.doubt, row.note, job.state) == (*["the blanker was closed"] * 2, JobState.EXPOSED)
    x0, y0, x1, y1 = job.rect_m
    assert row.rect_m == pytest.approx((x0, y0, x1, y1 + 40 * UM), abs=1e-9)


@pytest.mark.parametrize("image", [None, "no image of a scan"])
def test_a_disturbed_scan_without_an_image_is_left_to_a_person(bench: Benches, image: object) -> None:
    job, taken, _, row = bench().expose(raising(DisturbedError("the stage moved", (), image)))
    assert taken is None
    assert (row.state, row.note) == (ExposureState.UNKNOWN, "the stage moved")
    assert job.state is JobState.NEEDS_REVIEW


@pytest.mark.parametrize(
    ("part", "wider"),
    [
        ((1.009, 1.0), False),
        ((1.5, 1.0), True),
        ((1.0, 2.0), True),
        ((math.nan, 2.0), False),
        ((0.5, 2.0), True),
    ],
)
def test_a_field_larger_than_planned_was_all_exposed(
    bench: Benches, part: tuple[float, float], wider: bool
) -> None:
    one = bench()
    job = one.job()
    field_m = job.size_m[0] * part[0], job.size_m[1] * part[1]

    def scan(real: Scan, *args: Any) -> ScanImage:
        raise DisturbedError("another magnification", (), real(*args), field_m)

    _, _, _, row = one.expose(scan, job)
    size_m = tuple(max(a, b) for a, b in zip(job.size_m, field_m, strict=True)) if wider else job.size_m
    assert row.rect_m == pytest.approx(centered(job.center_m, (size_m[0], size_m[1])), abs=1e-9)


def test_a_larger_field_counts_where_nothing_says_where_the_stage_was(bench: Benches) -> None:
    one = bench(faulty("stage", "position", raising(DriverError("no answer")), times=ALWAYS, after="never"))
    job = one.job()

    def scan(real: Scan, *args: Any) -> ScanImage:
        one.session.setup.devices.stage._after = None  # type: ignore[attr-defined]
        raise DisturbedError("another magnification", (), None, (3 * job.size_m[0], job.size_m[1]))

    _, taken, _, row = one.expose(scan, job)
    assert taken is None
    assert row.rect_m == pytest.approx(centered(job.center_m, (3 * job.size_m[0], job.size_m[1])), abs=1e-9)


def test_an_image_that_lies_elsewhere_was_exposed_there(bench: Benches) -> None:
    one = bench(stage={"arrival_tolerance_um": 2})

    def scan(real: Scan, *args: Any) -> ScanImage:
        image = real(*args)
        return replace(image, center_m=(image.center_m[0] + 25 * UM, image.center_m[1]))

    job, _, _, row = one.expose(scan)
    assert row.rect_m == pytest.approx(hull(job.rect_m, shifted(job.rect_m, 25 * UM)), abs=1e-9)


def shifted(rect: RectM, by_m: float) -> RectM:
    return rect[0] + by_m, rect[1], rect[2] + by_m, rect[3]


@pytest.mark.parametrize("error", [DriverError("no answer"), HungDeviceError("no answer")])
def test_a_stage_that_does_not_answer_after_the_scan_leaves_a_doubt(bench: Benches, error: Exception) -> None:
    one = bench(faulty("stage", "position", raising(error), times=ALWAYS, after="never"))
    stage = one.session.setup.devices.stage

    def scan(real: Scan, *args: Any) -> ScanImage:
        image = real(*args)
        stage._after = None  # type: ignore[attr-defined]
        return image

    job, taken, _, row = one.expose(scan)
    says = "the position of the stage after the scan is not known: no answer"
    assert taken is not None
    assert (taken.doubt, row.note, job.state) == (says, says, JobState.EXPOSED)


def test_a_position_that_is_no_number_is_no_proof_that_the_stage_stands(bench: Benches) -> None:
    one = bench(faulty("stage", "position", lambda _: (math.nan, 0.0), times=ALWAYS, after="never"))

    def scan(real: Scan, *args: Any) -> ScanImage:
        image = real(*args)
        one.session.setup.devices.stage._after = None  # type: ignore[attr-defined]
        return image

    _, taken, _, row = one.expose(scan)
    assert taken is not None
    assert str(taken.doubt).startswith("another program moved the stage by nan um")
    assert row.rect_m == one.during[0]["row"].rect_m


def test_a_scan_that_was_refused_exposed_nothing_and_is_tried_again_as_often_as_configured(
    bench: Benches,
) -> None:
    one = bench(session={"retries": 2, "max_failures_in_a_row": 9, "min_free_disk_gb": 0})
    job = one.job()
    for left in (JobState.QUEUED, JobState.QUEUED, JobState.NEEDS_REVIEW):
        _, taken, _, row = one.expose(raising(NotReadyError("column valve closed")), job)
        assert taken is None
        assert (row.state, one.now(job).state) == (ExposureState.VOID, left)
        assert row.note == "nothing was exposed: refused before the beam: column valve closed"
        assert row.beam_s is None


@pytest.mark.parametrize(
    ("kind", "left"), [(JobKind.FRAME, JobState.NEEDS_REVIEW), (JobKind.OVERVIEW, JobState.FAILED)]
)
def test_a_frame_that_the_sem_does_not_have_is_not_tried_again(
    bench: Benches, kind: JobKind, left: JobState
) -> None:
    one = bench()
    # A scan that was refused says nothing about where the beam was.
    job, taken, _, row = one.expose(moved(one, 30 * UM, OutOfRangeError("too large")), one.job(kind))
    assert taken is None
    assert (row.state, job.state) == (ExposureState.VOID, left)
    assert row.note == "nothing was exposed: refused before the beam: too large"
    assert row.rect_m == one.during[0]["row"].rect_m


def test_a_sem_that_is_still_busy_costs_the_job_nothing(bench: Benches) -> None:
    one = bench(session={"retries": 0, "max_failures_in_a_row": 2, "min_free_disk_gb": 0})
    job = one.job()
    for _ in range(4):
        *_, row = one.expose(raising(StillBusyError("an earlier scan runs")), job)
        assert (row.state, one.now(job).state) == (ExposureState.VOID, JobState.QUEUED)
    assert not one.context.streak.lasts()
    assert one.context.refused[job.id] == 0


def test_a_beam_that_is_off_is_off_for_all_jobs(bench: Benches) -> None:
    one = bench(session={"retries": 0, "min_free_disk_gb": 0})
    job = one.job()
    with pytest.raises(SessionFaultError, match="no beam: the filament is off"):
        one.expose(raising(BeamOffError("the filament is off")), job)
    assert (one.row(job).state, one.now(job).state) == (ExposureState.VOID, JobState.QUEUED)


@pytest.mark.parametrize(
    "error", [InterruptedCallError("stopped"), HungDeviceError("hangs"), KeyError("a bug")]
)
def test_what_is_no_failure_of_the_job_reaches_the_session(bench: Benches, error: Exception) -> None:
    one = bench()
    job = one.job()
    with pytest.raises(type(error)):
        one.expose(raising(error), job)
    row = one.row(job)
    assert (row.state, one.now(job).state) == (ExposureState.UNKNOWN, JobState.NEEDS_REVIEW)
    assert row.note == str(error)
    assert not one.context.streak.lasts()


def test_an_error_without_a_sentence_is_named(bench: Benches) -> None:
    one = bench()
    *_, row = one.expose(raising(DriverError()))
    assert row.note == "DriverError"


def test_failures_in_a_row_end_the_session(bench: Benches) -> None:
    one = bench(session={"max_failures_in_a_row": 2, "min_free_disk_gb": 0})
    one.expose(raising(DriverError("no answer")))
    assert one.context.streak.lasts()
    job = one.job()
    with pytest.raises(SessionFaultError, match=f"2 failures in a row, the last: job {job.id}: no answer"):
        one.expose(raising(DriverError("no answer")), job)
    assert one.row(job).state is ExposureState.UNKNOWN


@pytest.mark.parametrize("known", [True, False])
def test_a_row_that_could_not_be_closed_is_closed_later_by_what_is_known(
    bench: Benches, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    one = bench()
    ledger = one.session.store.ledger
    job = one.job()

    def refuses(*_: object, **__: object) -> None:
        raise StoreError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(type(ledger), "finish", refuses)
        with pytest.raises(StoreError):
            one.expose(takes, job)
    row = one.row(job)
    assert row.state is ExposureState.OPEN
    assert set(one.context.ends) == {row.id}
    assert set(one.context.unsaved) == {job.id}
    if not known:
        one.context.ends.clear()
    settle(one.context)
    row = one.row(job)
    assert row.closed_s is None
    expected = (
        (ExposureState.CLOSED, JobState.EXPOSED) if known else (ExposureState.UNKNOWN, JobState.NEEDS_REVIEW)
    )
    assert (row.state, one.now(job).state) == expected
    assert row.note == (None if known else wording.end_of_scan_unknown())
    assert one.context.ends == {}
    # With nothing open, nothing is done.
    one.context.ends[99] = one.context.ends.get(99)  # type: ignore[assignment]
    settle(one.context)
    assert one.context.ends == {}


def test_the_centre_of_a_scan_lies_off_the_stage_by_the_beam_shift() -> None:
    aim = Aim((1.0, 2.0), (0.25, -0.5))
    assert aim.center_m == (1.25, 1.5)
    assert aim.at((10.0, 20.0)) == (10.25, 19.5)
