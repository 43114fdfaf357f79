"""Images with their checks; whatever happens, an exposure is repeated at most once, if it is complete."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.errors import IllegalTransitionError, StoreError
from service.model.images.checks import Check, CheckedImage, CheckKind, ImageCounts
from service.model.jobs import ExposureState, HoldCause, JobState, ScanEnd
from service.store.store import Store
from service.store.tables.steering import Word
from tests.service.store.stores import new_store, queue_jobs, rect

KIM = Word("kim", "looked at it")
DARK = Check(CheckKind.DARK, 0.995, 0.99, bad=True)
SHARP = Check(CheckKind.FOCUS, 0.9, 0.4, bad=False)


def image(exposure: int, job: str, *checks: Check, sharpness: float | None = None) -> CheckedImage:
    file = f"em/S0001/{job}-{exposure}.ome.tiff"
    return CheckedImage(exposure, job, file, "0" * 64, checks, sharpness=sharpness)


def scanned(store: Store, job: str, *checks: Check) -> int:
    """Expose a job and save its image; returns the exposure."""
    row = store.ledger.arm(job, rect(0, 0), 0.0)
    store.ledger.done(row.id, beam_s=1.0)
    found = image(row.id, job, *checks)
    with store.transaction():
        store.images.add(found)
        store.queue.set_state(job, JobState.SAVED, image=found.file, sha256=found.sha256)
    return row.id


def test_images_are_kept_with_their_checks_and_bad_ones_are_counted(store: Store) -> None:
    queue_jobs(store)
    first = scanned(store, "J000001", DARK, SHARP)
    store.images.hold_for_retake("J000001", first, "dark")
    scanned(store, "J000002", SHARP)
    kept = store.images.latest("J000001")
    assert kept is not None
    assert (kept.checks, kept.bad, kept.retake_of) == ((DARK, SHARP), (DARK,), None)
    assert store.images.counts() == ImageCounts({CheckKind.DARK: 1}, 0, 1)
    store.queue.set_state("J000001", JobState.QUEUED)
    second = scanned(store, "J000001")
    assert [one.exposure for one in store.images.of_jobs(["J000001"])["J000001"]] == [first, second]
    assert [(old.exposure, new.exposure) for old, new in store.images.retakes()] == [(first, second)]
    assert store.images.counts() == ImageCounts({CheckKind.DARK: 1}, 1, 0)
    (event,) = store.events.of("image")
    assert (event.subject, event.data["bad"]) == ("J000001", {"dark": 0.995})


def test_focus_can_be_judged_later(store: Store) -> None:
    queue_jobs(store)
    row = store.ledger.arm("J000001", rect(0, 0), 0.0)
    store.ledger.done(row.id)
    store.images.add(image(row.id, "J000001", sharpness=0.1))
    found = store.images.latest("J000001")
    assert found is not None
    store.images.judge(found, replace(SHARP, value=0.2, bad=True))
    assert store.images.counts().bad == {CheckKind.FOCUS: 1}


def test_images_with_other_scan_settings_are_not_compared(store: Store) -> None:
    queue_jobs(store)
    scanned(store, "J000001")
    job = store.queue.job("J000002")
    assert [one.job for one in store.images.like(job, 9)] == ["J000001"]
    assert [one.job for one in store.images.like(job, 9, "S0002")] == []
    for other in (replace(job, dwell_s=30e-6), replace(job, pixel_size_m=8e-9), store.queue.job("J000001")):
        assert store.images.like(other, 9) == []


def test_only_a_saved_frame_waits_to_be_taken_again(store: Store) -> None:
    queue_jobs(store)
    with pytest.raises(IllegalTransitionError, match="only a saved frame"):
        store.images.hold_for_retake("J000001", 1, "dark")


def test_a_frame_that_waits_is_not_withdrawn_with_its_plan_and_can_be_skipped_by_a_person(
    store: Store,
) -> None:
    queue_jobs(store)
    store.images.hold_for_retake("J000001", scanned(store, "J000001", DARK), "dark")
    store.queue.withdraw_plans(["S0001"], "planned again")
    assert store.queue.job("J000001").hold_cause is HoldCause.RETAKE
    assert store.queue.job("J000002").state is JobState.WITHDRAWN
    store.steering.skip(["J000001"], KIM)
    assert store.queue.job("J000001").retake_of is None
    assert store.images.latest("J000001") is not None


def test_the_file_itself_refuses_to_repeat_what_is_not_complete_or_was_repeated(store: Store) -> None:
    queue_jobs(store)
    exposure = scanned(store, "J000001", DARK)
    insert = (
        "INSERT INTO exposure (job, x0_m, y0_m, x1_m, y1_m, halo_m, state, opened_s, retake_of)"
        " VALUES (?, 0, 0, 1, 1, 0, 'closed', 0, ?)"
    )
    write = store._database._write
    with pytest.raises(sqlite3.IntegrityError, match="complete exposure of the same job"):
        write.execute(insert, ("J000002", exposure))
    write.execute(insert, ("J000001", exposure))
    with pytest.raises(sqlite3.IntegrityError, match="retake_of"):
        write.execute(insert, ("J000001", exposure))
    row = store.ledger.arm("J000002", rect(0, 0), 0.0)
    store.ledger.failed(row.id, "no answer")
    with pytest.raises(sqlite3.IntegrityError, match="complete exposure"):
        write.execute(insert, ("J000002", row.id))


STEPS = ["arm", "done", "unknown", "void", "saved", "hold", "queue", "give up", "crash", "approve", "skip"]
EXAMPLES = 25


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Iterator[int]]]:
    """One store for all examples, with a job for each."""
    store = new_store(tmp_path_factory.mktemp("store"))
    jobs = 20 * EXAMPLES
    queue_jobs(store, jobs)
    yield store, iter(range(1, jobs + 1))
    store.close()


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(STEPS), max_size=25))
def test_in_any_order_of_events_no_exposure_is_repeated_twice_and_none_that_is_unknown(
    many: tuple[Store, Iterator[int]], steps: list[str]
) -> None:
    store, numbers = many
    job = f"J{next(numbers):06d}"

    def finish(state: ExposureState, becomes: JobState) -> None:
        row = store.ledger.open_exposure()
        if row is not None:
            store.ledger.finish(row.id, ScanEnd(state, becomes, "so it was"))

    def save() -> None:
        found = image(store.ledger.exposures(job=job)[-1].id, job, DARK)
        with store.transaction():
            store.images.add(found)
            store.queue.set_state(job, JobState.SAVED, image=found.file, sha256=found.sha256)

    def release() -> None:
        if store.queue.job(job).hold_cause is HoldCause.RETAKE:
            store.queue.set_state(job, JobState.QUEUED)

    acts: dict[str, Callable[[], object]] = {
        "arm": lambda: store.ledger.arm(job, rect(0, 0), 0.0),
        "done": lambda: finish(ExposureState.CLOSED, JobState.EXPOSED),
        "unknown": lambda: finish(ExposureState.UNKNOWN, JobState.NEEDS_REVIEW),
        "void": lambda: finish(ExposureState.VOID, JobState.QUEUED),
        "saved": save,
        "hold": lambda: store.images.hold_for_retake(job, store.ledger.exposures(job=job)[-1].id, "dark"),
        "queue": release,
        "give up": lambda: store.queue.set_state(job, JobState.NEEDS_REVIEW, reason="no use"),
        "crash": store.ledger.recover,
        "approve": lambda: store.steering.approve([job], KIM),
        "skip": lambda: store.steering.skip([job], KIM),
    }
    by_people = 0
    for step in steps:
        try:
            acts[step]()
        except (StoreError, IllegalTransitionError, IndexError):
            continue
        by_people += step == "approve"
    store.ledger.recover()
    rows = {row.id: row for row in store.ledger.exposures(job=job) if row.state is not ExposureState.VOID}
    repeated = [row.retake_of for row in rows.values() if row.retake_of is not None]
    assert len(set(repeated)) == len(repeated)
    assert all(rows[exposure].state is ExposureState.CLOSED for exposure in repeated)
    assert {one.exposure for one in store.images.of_jobs([job]).get(job, ())} >= set(repeated)
    # All others were the first, or wanted by a person.
    assert len(rows) - len(repeated) <= 1 + by_people


def test_only_the_last_image_of_a_job_is_flagged(store: Store) -> None:
    queue_jobs(store)
    first = scanned(store, "J000001", DARK)
    store.images.hold_for_retake("J000001", first, "dark")
    blurred = scanned(store, "J000002", replace(SHARP, value=0.2, bad=True))
    assert [one.exposure for one in store.images.flagged()] == [first, blurred]
    store.queue.set_state("J000001", JobState.QUEUED)
    again = scanned(store, "J000001", DARK, SHARP)
    # In the order in which their jobs were first scanned.
    assert [(one.job, one.exposure) for one in store.images.flagged()] == [
        ("J000001", again),
        ("J000002", blurred),
    ]
    store.images.hold_for_retake("J000001", again, "dark")
    store.queue.set_state("J000001", JobState.QUEUED)
    scanned(store, "J000001", SHARP)
    assert [one.exposure for one in store.images.flagged()] == [blurred]
