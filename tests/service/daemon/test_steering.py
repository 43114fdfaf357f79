"""Steering of the queue: over the handler of the API, in the store, and while a session runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from config.model import Config
from service.api.handler import Handler
from service.errors import IllegalTransitionError, RefusedFrameError
from service.model.jobs import ExposureState, JobState
from service.model.phases import Phase, SessionEvent
from service.model.specimen import FieldState
from service.planning.requested_frames import AskedFrame, admitted
from service.session.stage_frame import StageFrame
from service.store.store import Store
from service.store.tables.steering import Word
from tests.service.api.api_session import DirectControl
from tests.service.sessions import Session, small_config
from tests.service.store.stores import UM, add_specimen, queue_jobs, rect, save_field

pytestmark = pytest.mark.usefixtures("frames_once")

SEM, FRAME = Config().sem, StageFrame.of(Config())

ANNA = Word("anna", "she looked at it")


@pytest.fixture
def handler(store: Store) -> Handler:
    return Handler(store, DirectControl(store), "ipc:///events")


def ask(handler: Handler, method: str, request_id: str, **params: Any) -> dict[str, Any]:
    request = {"v": 1, "id": request_id, "method": method, "params": params}
    return dict(json.loads(handler.answer(json.dumps(request).encode())))


def order(store: Store) -> list[str]:
    return [job.id[-1] for job in store.queue.jobs()]


def test_hold_release_skip_and_who_and_why(handler: Handler, store: Store) -> None:
    queue_jobs(store)
    held = ask(handler, "queue.hold", "a", jobs=["J000001", "J000002"], by="anna", reason="charging")
    assert held["result"]["message"] == "2 jobs held, until released"
    assert ask(handler, "queue.hold", "a", jobs=["J000001", "J000002"], by="anna", reason="charging") == held
    job = store.queue.job("J000001")
    assert (job.state, job.reason) == (JobState.HELD, "held by anna: charging")
    following = store.queue.next_job()
    assert following is not None
    assert following.id == "J000003"
    assert ask(handler, "queue.release", "b", jobs=["J000001"], by="ben")["ok"]
    assert store.queue.job("J000001").state is JobState.QUEUED
    assert ask(handler, "queue.skip", "c", jobs=["J000002"], by="anna", reason="dust")["ok"]
    assert store.queue.job("J000002").reason == "skipped by anna: dust"
    detail = ask(handler, "queue.get", "d", job="J000002")["result"]
    assert [(e["data"]["to"], e["data"]["by"]) for e in detail["history"]] == [
        ("held", "anna"),
        ("skipped", "anna"),
    ]


def test_of_several_jobs_all_are_changed_or_none(handler: Handler, store: Store) -> None:
    queue_jobs(store)
    store.steering.skip(["J000002"], ANNA)
    before = store.events.last_seq(), store.requests.rev()
    refused = ask(handler, "queue.hold", "a", jobs=["J000001", "J000002"])
    assert refused["error"]["code"] == "illegal_transition"
    assert refused["error"]["message"] == "job J000002 is 'skipped'; only one that is 'queued' can be held"
    assert store.queue.job("J000001").state is JobState.QUEUED
    assert (store.events.last_seq(), store.requests.rev()) == before
    assert ask(handler, "queue.hold", "b", jobs=["J000001", "J000001"])["ok"]
    assert ask(handler, "queue.hold", "c", jobs=[""])["error"]["message"] == "jobs.0: must not be empty"


@pytest.mark.parametrize("method", ["queue.approve", "queue.skip"])
def test_a_decision_needs_a_name_and_a_reason(handler: Handler, store: Store, method: str) -> None:
    queue_jobs(store)
    for params in (
        {"by": "anna"},
        {"reason": "why"},
        {"by": "anna", "reason": ""},
        {"by": "", "reason": "x"},
    ):
        reply = ask(handler, method, "a", jobs=["J000001"], **params)
        assert reply["error"]["code"] == "bad_params"


def test_the_wrong_run_is_not_steered(handler: Handler, store: Store) -> None:
    queue_jobs(store)
    reply = ask(handler, "queue.hold", "a", jobs=["J000001"], if_run="run-2")
    assert reply["error"] == {"code": "other_run", "message": "this daemon has run run-1, not run-2"}
    assert ask(handler, "queue.hold", "a", jobs=["J000001"], if_run="run-1")["ok"]


def test_a_review_shows_all_that_is_known_and_a_person_decides(handler: Handler, store: Store) -> None:
    queue_jobs(store)
    store.ledger.failed(store.ledger.arm("J000001", rect(20, 0), 1e-6).id, "scan timed out")
    image = store.folder / "em/S0001/J000001.ome.tiff"
    image.parent.mkdir(parents=True)
    image.write_bytes(b"half an image")
    found = ask(handler, "queue.get", "a", job="J000001")["result"]
    assert found["row"]["state"] == "needs_review"
    assert (found["image"], found["image_found"]) == (None, "em/S0001/J000001.ome.tiff")
    assert found["beam_blanked"] is True
    assert [(row["state"], row["note"]) for row in found["exposures"]] == [("unknown", "scan timed out")]
    assert [event["data"]["to"] for event in found["history"]] == ["armed", "needs_review"]
    assert ask(handler, "queue.release", "b", jobs=["J000001"])["error"]["code"] == "illegal_transition"

    assert ask(handler, "queue.approve", "c", jobs=["J000001"], by="anna", reason="half is missing")["ok"]
    job = store.queue.job("J000001")
    assert (job.state, job.reason) == (JobState.QUEUED, "approved by anna: half is missing")
    # What was decided is in the ledger's own terms a second exposure, each with its row.
    store.ledger.done(store.ledger.arm("J000001", rect(20, 0), 1e-6).id)
    rows = ask(handler, "exposures.list", "d", job="J000001")["result"]["exposures"]
    assert [row["state"] for row in rows] == ["unknown", "closed"]


def test_exposures_come_in_pages(handler: Handler, store: Store) -> None:
    queue_jobs(store, 5)
    for n in range(1, 6):
        store.ledger.done(store.ledger.arm(f"J00000{n}", rect(n, 0), 1e-6).id)
    first = ask(handler, "exposures.list", "a", limit=3)["result"]
    rest = ask(handler, "exposures.list", "b", limit=3, after=first["after"])["result"]
    assert [row["job"][-1] for row in first["exposures"] + rest["exposures"]] == list("12345")
    assert rest["after"] is None


@pytest.mark.parametrize("state", ["armed", "exposed", "done", "failed"])
def test_what_the_runner_has_is_left_alone(store: Store, state: str) -> None:
    queue_jobs(store)
    exposure = store.ledger.arm("J000001", rect(20, 0), 1e-6)
    if state != "armed":
        store.ledger.done(exposure.id)
    if state == "failed":
        store.queue.set_state("J000001", JobState.FAILED, reason="its image is lost")
    if state == "done":
        store.queue.set_state("J000001", JobState.SAVED, image="x", sha256="y")
        store.queue.set_state("J000001", JobState.DONE)
    for change in (store.steering.hold, store.steering.release, store.steering.approve, store.steering.skip):
        with pytest.raises(IllegalTransitionError, match=f"J000001 is '{state}'"):
            change(["J000001"], ANNA)
    with pytest.raises(IllegalTransitionError, match=f"J000001 is '{state}'"):
        store.steering.move("J000001", None, True, ANNA)
    with pytest.raises(IllegalTransitionError, match=f"J000001 is '{state}'"):
        store.steering.move("J000002", "J000001", False, ANNA)


def test_move(store: Store) -> None:
    queue_jobs(store, 6)
    store.steering.move("J000005", "J000002", False, ANNA)
    assert order(store) == list("152346")
    store.steering.move("J000006", None, True, ANNA)
    assert order(store) == list("615234")
    store.steering.move("J000001", None, False, ANNA)
    assert order(store) == list("652341")
    store.steering.move("J000006", "J000001", False, ANNA)
    assert order(store) == list("523461")
    store.steering.move("J000002", "J000004", False, ANNA)
    assert order(store) == list("532461")
    positions = [job.position for job in store.queue.jobs()]
    assert positions == sorted(set(positions))
    first = store.queue.jobs(limit=1)[0]
    assert [job.id for job in store.queue.jobs(after=first.position)] == [
        job.id for job in store.queue.jobs()
    ][1:]
    with pytest.raises(IllegalTransitionError, match="before itself"):
        store.steering.move("J000002", "J000002", False, ANNA)
    assert order(store) == list("532461")


def test_a_session_that_has_ended_keeps_its_queue(store: Store) -> None:
    queue_jobs(store)
    store.apply(SessionEvent.ABORT)
    with pytest.raises(IllegalTransitionError, match="the session has ended"):
        store.steering.hold(["J000001"], ANNA)
    with pytest.raises(IllegalTransitionError, match="the session has ended"):
        store.steering.move("J000001", None, False, ANNA)


# Frames that a person asks for. The field of `add_specimen` covers x 1000 to 1091 um, y 0 to 91 um.


def frame(x_um: float, y_um: float, **changes: Any) -> dict[str, Any]:
    return {"section": "S0001", "center_m": [x_um * UM, y_um * UM], "size_px": [600, 600]} | changes


def add(handler: Handler, *frames: dict[str, Any], request_id: str = "a", **params: Any) -> dict[str, Any]:
    return ask(handler, "queue.add", request_id, jobs=frames, by="anna", reason="wants it", **params)


def test_frames_are_added_behind_their_section(handler: Handler, store: Store) -> None:
    queue_jobs(store)
    added = add(handler, frame(1020, 20), frame(1060, 20, pixel_size_m=1e-8, dwell_s=1e-5))
    assert added["result"]["jobs"] == ["J000004", "J000005"]
    assert add(handler, frame(1020, 20), frame(1060, 20, pixel_size_m=1e-8, dwell_s=1e-5)) == added
    assert len(store.queue.jobs()) == 5
    first, second = store.queue.jobs()[-2:]
    assert (first.id, first.reason, first.covers) == ("J000004", "added by anna: wants it", ())
    assert (first.pixel_size_m, first.dwell_s) == (Config().sem.pixel_size_m, Config().sem.dwell_s)
    assert (second.pixel_size_m, second.dwell_s) == (1e-8, 1e-5)
    assert first.rect_m == pytest.approx((1015.05e-6, 15.05e-6, 1024.95e-6, 24.95e-6))
    assert store.queue.counts()[JobState.QUEUED] == 5
    # The plan of a section that comes later finds its places free.
    assert first.position == 1_500_000


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (frame(1020, 20, section="S0009"), "there is no section S0009"),
        (frame(1020, 20, section="S0002"), "fluorescence is not saved"),
        (frame(1006, 20), "fluorescence is not saved"),
        (frame(1020, 120), "fluorescence is not saved"),
        (frame(13_000, 20), "outside its safe area"),
        (frame(1045, 45, size_px=[1537, 100]), "larger than the"),
        (frame(1045, 45, size_px=[100, 1025]), "larger than the"),
        (frame(1045, 45, section="S0001", size_px=[0, 5]), "size_px"),
        (frame(1045, 45, dwell_s=1.0), "dwell_s"),
        (frame(1045, 45, pixel_size_m=1e-3), "pixel_size_m"),
    ],
)
def test_frames_that_must_not_be_are_refused(
    handler: Handler, store: Store, bad: dict[str, Any], sentence: str
) -> None:
    queue_jobs(store)
    before = store.events.last_seq(), store.requests.rev(), store.queue.jobs()
    reply = add(handler, frame(1060, 20), bad)
    assert reply["error"]["code"] in ("refused", "bad_params")
    assert sentence in reply["error"]["message"]
    assert "jobs[1]" in reply["error"]["message"] or "jobs.1" in reply["error"]["message"]
    assert (store.events.last_seq(), store.requests.rev(), store.queue.jobs()) == before


def test_ground_is_exposed_again_only_when_that_is_asked(handler: Handler, store: Store) -> None:
    queue_jobs(store)
    assert add(handler, frame(1020, 20))["ok"]
    # A neighbour may overlap at the border, but its centre must lie on ground of its own.
    assert add(handler, frame(1028, 20), request_id="b")["ok"]
    again = add(handler, frame(1021, 21), request_id="c")
    assert again["error"]["code"] == "refused"
    assert "on the ground of J000004; set expose_again" in again["error"]["message"]
    twice = add(handler, frame(1060, 60), frame(1061, 60), request_id="d")
    assert "on the ground of jobs[1]" in twice["error"]["message"]
    assert add(handler, frame(1021, 21), request_id="e", expose_again=True)["ok"]


def test_the_ledger_remembers_what_a_failed_job_burnt(store: Store) -> None:
    queue_jobs(store)
    asked = [AskedFrame("S0001", (1020 * UM, 20 * UM), (600, 600))]
    store.steering.add(admitted(SEM, FRAME, store, asked, False), ANNA)
    job = store.queue.job("J000004")
    store.ledger.void(store.ledger.arm(job.id, job.rect_m, 1e-6).id, JobState.QUEUED, "not ready")
    store.ledger.done(store.ledger.arm(job.id, job.rect_m, 1e-6).id)
    store.queue.set_state(job.id, JobState.FAILED, reason="the image is lost")
    with pytest.raises(RefusedFrameError, match="J000004"):
        admitted(SEM, FRAME, store, asked, False)
    skipped = [AskedFrame("S0001", (1060 * UM, 60 * UM), (600, 600))]
    store.steering.add(admitted(SEM, FRAME, store, skipped, False), ANNA)
    store.steering.skip(["J000005"], ANNA)
    assert admitted(SEM, FRAME, store, skipped, False)


def test_a_whole_page_of_frames_in_one_request(handler: Handler, store: Store) -> None:
    add_specimen(store)
    save_field(store, "S0001/F000")
    frames = [frame(1010 + n % 32 * 2, 10 + n // 32 * 2, size_px=[60, 60]) for n in range(1000)]
    added = add(handler, *frames)
    assert added["ok"], added
    assert len(added["result"]["jobs"]) == len(store.queue.jobs()) == 1000


# While a session runs


def test_held_and_skipped_jobs_are_not_exposed_and_an_added_one_is(tmp_path: Path) -> None:
    session = Session(tmp_path / "run", small_config(session={"review": True}))
    session.run()
    store = session.store
    assert store.status().phase is Phase.REVIEW
    planned = [
        job.id for section in store.specimen.sections() for job in store.queue.jobs(section=section.id)
    ]
    if not planned:
        # Planning may come after the review has begun.
        session.analysis.wait(lambda: None)
        planned = [job.id for job in store.queue.jobs()]
    held, skipped, *others = planned
    store.steering.hold([held], ANNA)
    store.steering.skip([skipped], ANNA)
    session.go_on(session.control.confirm_review)
    assert store.status().phase is Phase.DONE
    assert {row.job for row in store.ledger.exposures()} == set(others)
    assert store.queue.job(held).state is JobState.HELD
    assert {store.queue.job(name).state for name in others} == {JobState.DONE}
    assert all(row.state is ExposureState.CLOSED for row in store.ledger.exposures())
    assert {field.state for field in store.specimen.fields()} == {FieldState.PLANNED}
    session.end()


@pytest.mark.parametrize("state", [JobState.HELD, JobState.SKIPPED, JobState.WITHDRAWN])
def test_a_job_taken_away_just_before_the_beam_is_left_alone(tmp_path: Path, state: JobState) -> None:
    session = Session(tmp_path / "run", small_config())
    store = session.store
    taken: list[str] = []
    move_to = session.setup.devices.stage.move_to

    def move(*arguments: Any, **named: Any) -> Any:
        job = store.queue.next_job()
        if store.status().phase is Phase.ELECTRON and job is not None and not taken:
            taken.append(job.id)
            match state:
                case JobState.HELD:
                    store.steering.hold([job.id], ANNA)
                case JobState.SKIPPED:
                    store.steering.skip([job.id], ANNA)
                case _:
                    # As a new choice of targets does.
                    store.queue.set_state(job.id, JobState.WITHDRAWN, reason="a new choice")
        return move_to(*arguments, **named)

    session.setup.devices.stage.move_to = move  # type: ignore[method-assign]
    session.run()
    assert store.status().phase is Phase.DONE, store.status()
    assert store.queue.job(taken[0]).state is state
    assert store.ledger.exposures(job=taken[0]) == []
    assert set(store.queue.counts_in_use()) == {state, JobState.DONE}
    session.end()


def test_an_attended_session_asks_once_before_it_ends_without_a_decision(tmp_path: Path) -> None:
    session = Session(tmp_path / "run", small_config(session={"review": True}), attended=True)
    session.run()
    store = session.store
    first, second, *others = [job.id for job in store.queue.jobs()]
    store.steering.hold([first, second], ANNA)
    session.go_on(session.control.confirm_review)
    status = store.status()
    assert status.phase is Phase.PAUSED
    assert f"2 jobs wait for a decision: {first}, {second}" in str(status.reason)
    assert {row.job for row in store.ledger.exposures()} == set(others)
    store.steering.release([first], ANNA)
    session.go_on()
    assert store.queue.job(first).state is JobState.DONE
    assert store.queue.job(second).state is JobState.HELD
    assert store.status().phase is Phase.DONE
    session.end()
