"""A bad frame is kept, flagged, and taken again where that helps, as often as allowed, never in doubt."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from drivers.errors import DeviceTimeoutError, NotReadyError
from drivers.sem import ScanImage
from service.acquisition.retakes import look
from service.model.focus import FocusBeam
from service.model.images.checks import CheckKind, kinds_of
from service.model.jobs import ExposureState, HoldCause, JobKind, JobState
from service.model.phases import Phase
from service.session.setup import Setup
from service.store.tables.steering import Word
from simulators.devices.plate import defocus_m
from tests.service.conftest import Start
from tests.service.faults import Spoiled, blank, cut_off
from tests.service.sessions import Session

pytestmark = pytest.mark.usefixtures("frames_once", "unpictured")


def images(session: Session, job: str) -> list[tuple[str, list[str]]]:
    """Return the images of a job: file and what it was found bad by."""
    found = session.store.images.of_jobs([job]).get(job, ())
    return [(one.file.rsplit("/", 1)[1], sorted(kinds_of(one.checks))) for one in found]


def states(session: Session) -> set[JobState]:
    return {job.state for job in session.store.queue.jobs()}


def test_a_frame_that_was_cut_off_is_taken_again_once_another_proves_the_beam(start: Start) -> None:
    spoiled = Spoiled(lambda image: cut_off(image, 150), {1})
    session = start(spoiled.into)
    store = session.store
    assert (store.status().phase, states(session)) == (Phase.DONE, {JobState.DONE})
    first = store.queue.jobs()[0]
    rows = store.ledger.exposures(job=first.id)
    assert [(row.state, row.retake_of) for row in rows] == [
        (ExposureState.CLOSED, None),
        (ExposureState.CLOSED, rows[0].id),
    ]
    # Another frame came between.
    assert rows[1].id > rows[0].id + 1
    assert images(session, first.id) == [
        (f"{first.id}.ome.tiff", ["truncated"]),
        (f"{first.id}-2.ome.tiff", []),
    ]
    assert all(
        (session.folder.path / one.file).is_file() for one in store.images.of_jobs([first.id])[first.id]
    )
    assert first.image is not None
    assert first.image.endswith("-2.ome.tiff")
    assert store.images.counts().taken_again == 1
    others = {job.id for job in store.queue.jobs()} - {first.id}
    assert all(len(store.ledger.exposures(job=name)) == 1 for name in others)


def test_without_retakes_a_bad_frame_needs_review_as_before(start: Start) -> None:
    spoiled = Spoiled(blank, {2})
    session = start(spoiled.into, session={"min_free_disk_gb": 0, "retakes": 0})
    (bad,) = [job for job in session.store.queue.jobs() if job.state is not JobState.DONE]
    assert bad.state is JobState.NEEDS_REVIEW
    assert "exposed, but its image is" in str(bad.reason)
    assert len(session.store.ledger.exposures(job=bad.id)) == 1


@pytest.mark.parametrize("retakes", [1, 2])
def test_a_frame_that_stays_bad_is_taken_again_as_often_as_allowed_and_then_needs_review(
    start: Start, retakes: int
) -> None:
    spoiled = Spoiled(lambda image: cut_off(image, 100), {1, 3, 5, 7, 9})
    session = start(spoiled.into, session={"min_free_disk_gb": 0, "retakes": retakes})
    store = session.store
    first = store.queue.jobs()[0]
    rows = store.ledger.exposures(job=first.id)
    assert first.state is JobState.NEEDS_REVIEW
    assert sum(row.retake_of is not None for row in rows) == retakes
    assert len(images(session, first.id)) == len(rows) == 1 + retakes


def test_a_broken_beam_faults_as_before_and_nothing_is_exposed_twice(start: Start) -> None:
    session = start(
        Spoiled(blank, range(1, 99)).into, session={"min_free_disk_gb": 0, "max_failures_in_a_row": 2}
    )
    store = session.store
    assert store.status().phase is Phase.FAULT
    rows = store.ledger.exposures()
    assert len(rows) == 2
    assert {row.retake_of for row in rows} == {None}
    waiting = store.images.waiting()
    assert [job.hold_cause for job in waiting] == [HoldCause.RETAKE] * 2


def test_the_last_frame_waits_for_nobody(start: Start) -> None:
    """Nothing can prove the beam after it."""
    whole = start()
    scans = len(whole.store.ledger.exposures())
    session = start(Spoiled(blank, {scans}).into)
    last = session.store.queue.jobs()[-1]
    assert last.state is JobState.NEEDS_REVIEW
    assert len(session.store.ledger.exposures(job=last.id)) == 1
    assert session.store.images.waiting() == []


def test_a_retake_that_breaks_off_is_unknown_and_never_repeated(start: Start) -> None:
    class Breaks(Spoiled):
        def _scan(self, real: Any, *args: Any) -> ScanImage:
            image = super()._scan(real, *args)
            if self.scans == 3:
                raise DeviceTimeoutError("no answer")
            return image

    session = start(Breaks(blank, {1}).into)
    store = session.store
    first = store.queue.jobs()[0]
    assert first.state is JobState.NEEDS_REVIEW
    assert [row.state for row in store.ledger.exposures(job=first.id)] == [
        ExposureState.CLOSED,
        ExposureState.UNKNOWN,
    ]
    # The first image is kept, and is still the one of the job.
    assert images(session, first.id) == [(f"{first.id}.ome.tiff", ["dark"])]
    assert (session.folder.path / str(first.image)).is_file()


def test_a_retake_that_is_refused_before_the_beam_is_tried_again_and_counts_once(start: Start) -> None:
    class Refuses(Spoiled):
        def _scan(self, real: Any, *args: Any) -> ScanImage:
            if self.scans == 2:
                self.scans += 1
                raise NotReadyError("column valve closed")
            return super()._scan(real, *args)

    session = start(Refuses(blank, {1}).into)
    store = session.store
    first = store.queue.jobs()[0]
    rows = store.ledger.exposures(job=first.id)
    assert first.state is JobState.DONE
    assert [row.state for row in rows] == [ExposureState.CLOSED, ExposureState.VOID, ExposureState.CLOSED]
    assert [row.retake_of for row in rows] == [None, rows[0].id, rows[0].id]
    assert [name for name, _ in images(session, first.id)] == [
        f"{first.id}.ome.tiff",
        f"{first.id}-2.ome.tiff",
    ]


def test_a_session_that_is_killed_between_the_image_and_its_retake_takes_it_again_once(start: Start) -> None:
    session = start(Spoiled(blank, {1}).into, session={"min_free_disk_gb": 0, "max_failures_in_a_row": 1})
    store = session.store
    assert store.status().phase is Phase.FAULT
    (waits,) = store.images.waiting()
    # A second retake for the same image is refused by the database itself.
    store.queue.set_state(waits.id, JobState.QUEUED, reason="as the session does")
    again = store.ledger.arm(waits.id, waits.rect_m, 0.0)
    assert again.retake_of == waits.retake_of
    recovered = store.ledger.recover()
    assert recovered.needs_review == (waits.id,)
    assert store.queue.job(waits.id).retake_of is None
    store.steering.approve([waits.id], Word("kim", "once more"))
    assert store.ledger.arm(waits.id, waits.rect_m, 0.0).retake_of is None


def test_an_image_of_an_exposure_that_ended_in_doubt_is_never_taken_again(start: Start) -> None:
    def elsewhere(image: ScanImage) -> ScanImage:
        x_m, y_m = image.center_m
        return replace(blank(image), center_m=(x_m + 50e-6, y_m))

    session = start(Spoiled(elsewhere, {1}).into)
    first = session.store.queue.jobs()[0]
    assert first.state is JobState.NEEDS_REVIEW
    assert len(session.store.ledger.exposures(job=first.id)) == 1


def test_a_frame_that_repeats_the_one_before_needs_review_and_is_not_taken_again(start: Start) -> None:
    seen: list[ScanImage] = []

    def frozen(image: ScanImage) -> ScanImage:
        return replace(image, pixels=seen[-1].pixels) if seen else image

    class Frozen(Spoiled):
        def _scan(self, real: Any, *args: Any) -> ScanImage:
            image = super()._scan(real, *args)
            seen.append(image)
            return image

    session = start(Frozen(frozen, {2}).into, sem=WHOLE)
    second = session.store.ledger.exposures()[1]
    assert seen[0].pixels.shape == seen[1].pixels.shape
    assert session.store.queue.job(second.job).state is JobState.NEEDS_REVIEW
    assert len(session.store.ledger.exposures(job=second.job)) == 1


WHOLE = {"pixel_size_nm": 100, "max_scan_px": [400, 400], "presets_px": [[200, 200]]}
"""All frames of one size."""


def test_an_error_in_a_check_costs_the_check_and_not_the_image(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(look, "check_image", broken)
    session = start()
    assert states(session) == {JobState.DONE}
    assert all(one.checks == () for one in session.store.images.since(0))


FINE: dict[str, dict[str, Any]] = {
    "layout": {"kind": "grid", "sections": 1, "fields": [1, 1], "pitch_um": 300},
    "sem": {"pixel_size_nm": 40, "max_scan_px": [400, 400]},
    "fluorescence": {"frame_px": [448, 448]},
    "session": {"min_free_disk_gb": 0, "autofocus": True},
}
"""One section with a dozen frames, in which focus can be judged."""


def risen(session_setup: Setup, um: float) -> None:
    session_setup.devices.sem._risen_m = um * 1e-6  # type: ignore[attr-defined]


class Rises(Spoiled):
    """The specimen rises before a scan, so that all frames are blurred until the beam is focused again."""

    def __init__(self, scan: int, blur_px: float) -> None:
        super().__init__(lambda image: image, ())
        self._at, self._blur_px = scan, blur_px
        self.setup: Setup | None = None

    def into(self, setup: Setup) -> Setup:
        self.setup = setup
        return super().into(setup)

    def _scan(self, real: Any, *args: Any) -> ScanImage:
        if self.scans + 1 == self._at:
            assert self.setup is not None
            risen(self.setup, defocus_m(self._blur_px * 40e-9, 30e-6, 5.8e-3) * 1e6)
        return super()._scan(real, *args)


def test_a_frame_out_of_focus_is_taken_again_after_a_focus_that_differs(start: Start) -> None:
    session = start(Rises(9, 5.0).into, **FINE)
    store = session.store
    assert states(session) == {JobState.DONE}
    blurred = [one for one in store.images.since(0) if CheckKind.FOCUS in kinds_of(one.checks)]
    assert blurred
    focuses = [job for job in store.queue.jobs() if job.kind is JobKind.FOCUS]
    assert len(focuses) == 2
    heights = [one.used_m for one in store.focus.all(FocusBeam.ELECTRON)]
    assert abs(float(heights[1] or 0) - float(heights[0] or 0)) > 50e-6
    again = [row for row in store.ledger.exposures() if row.retake_of is not None]
    assert again[0].retake_of == blurred[0].exposure
    after = store.images.latest(again[0].job)
    assert after is not None
    assert CheckKind.FOCUS not in kinds_of(after.checks)
    # The focus came first.
    focused = store.ledger.exposures(job=focuses[-1].id) + store.ledger.exposures(job=focuses[0].id)
    assert blurred[0].exposure < max(row.id for row in focused) < again[0].id


def test_a_focus_that_finds_the_same_height_burns_no_second_dose(start: Start) -> None:
    """The frame is blurred by itself, so that another scan would not help."""

    def soft(image: ScanImage) -> ScanImage:
        import cv2

        pixels = cv2.GaussianBlur(image.pixels, (0, 0), 5.0)
        noise = np.random.default_rng(1).normal(0, 11, pixels.shape)
        return replace(image, pixels=np.clip(pixels + noise, 0, 255).astype(np.uint8))

    session = start(Spoiled(soft, {9}).into, **FINE)
    store = session.store
    assert states(session) == {JobState.DONE}
    (blurred,) = [one for one in store.images.since(0) if CheckKind.FOCUS in kinds_of(one.checks)]
    assert len(store.ledger.exposures(job=blurred.job)) == 1
    assert len([job for job in store.queue.jobs() if job.kind is JobKind.FOCUS]) == 2
