import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from detection.alignment.values import Similarity
from planner.cost import Work
from service.api.handler import Handler
from service.api.wire.messages import ErrorCode, refusal
from service.api.wire.methods import METHODS
from service.model.images.checks import Check, CheckedImage, CheckKind
from service.model.jobs import HoldCause, JobKind, JobState
from service.model.overviews import FieldPlace, NotUsed, Overview, OverviewState
from service.model.phases import SessionEvent
from service.model.work import Way
from service.store.store import Store
from tests.examples import examples
from tests.service.api.api_session import DirectControl
from tests.service.store.stores import add_specimen, queue_jobs, rect


@pytest.fixture
def control(store: Store) -> DirectControl:
    return DirectControl(store)


@pytest.fixture
def handler(store: Store, control: DirectControl) -> Handler:
    return Handler(store, control, "ipc:///events")


def ask(handler: Handler, method: str, request_id: str = "r1", **params: Any) -> dict[str, Any]:
    request = {"v": 1, "id": request_id, "method": method, "params": params}
    reply = json.loads(handler.answer(json.dumps(request).encode()))
    assert reply["v"] == 1
    assert reply["id"] == request_id
    return dict(reply)


def result(handler: Handler, method: str, **params: Any) -> dict[str, Any]:
    reply = ask(handler, method, **params)
    assert reply["ok"], reply
    METHODS[method].result.model_validate_json(json.dumps(reply["result"]))
    return dict(reply["result"])


def code(reply: dict[str, Any]) -> str:
    assert not reply["ok"]
    assert "result" not in reply
    assert reply["error"]["message"]
    return str(reply["error"]["code"])


def test_hello(handler: Handler) -> None:
    hello = result(handler, "hello")
    assert (hello["api"], hello["run"], hello["kind"], hello["events_endpoint"]) == (
        1, "run-1", "dry-run", "ipc:///events",
    )  # fmt: skip


def test_status(handler: Handler, store: Store) -> None:
    queue_jobs(store)
    store.apply(SessionEvent.START)
    store.apply(SessionEvent.FAULT, "no stage")
    store.ledger.arm("J000002", rect(0, 0), 0.0)
    status = result(handler, "status")
    assert (status["phase"], status["resume_to"], status["reason"]) == ("fault", "preflight", "no stage")
    assert (status["rev"], status["last_seq"], status["time_s"]) == (2, store.events.last_seq(), 42.0)
    assert status["fields"] == {"pending": 3, "planned": 1}
    assert (status["jobs"]["queued"], status["jobs"]["armed"], status["jobs"]["done"]) == (2, 1, 0)
    assert status["current_job"]["job"] == "J000002"
    assert status["devices"] == {"beam_blanked": True, "pressure_pa": None}


def test_queue_rows_say_what_and_why(handler: Handler, store: Store) -> None:
    queue_jobs(store, 1)
    (row,) = result(handler, "queue.list")["jobs"]
    assert row == {
        "job": "J000001",
        "section": "S0001",
        "position": 1,
        "center_m": list(store.queue.job("J000001").center_m),
        "size_px": [600, 400],
        "pixel_size_m": 16.5e-9,
        "dwell_s": 60e-6,
        "beam_s": pytest.approx(14.4),
        "kind": "frame",
        "state": "queued",
        "reason": None,
        "hold_cause": None,
        "origin": "plan",
        "covers": [{"cell": "S0001/F000/c0001", "kept": "kept: confident", "tracks": []}],
        "bad": [],
        "retake_of": None,
    }
    store.ledger.failed(store.ledger.arm("J000001", rect(3, 4), 1e-6).id, "scan timed out")
    detail = result(handler, "queue.get", job="J000001")
    assert detail["row"]["reason"] == "scan timed out"
    assert [row["state"] for row in detail["exposures"]] == ["unknown"]
    assert code(ask(handler, "queue.get", job="J000009")) == "not_found"


def test_pages_go_through_everything_once(handler: Handler, store: Store) -> None:
    queue_jobs(store, 7)
    for method, key, name in (
        ("queue.list", "jobs", "job"),
        ("fields.list", "fields", "field"),
        ("sections.list", "sections", "section"),
    ):
        seen, after = [], None
        while True:
            page = result(handler, method, limit=2, **({} if after is None else {"after": after}))
            seen += [row[name] for row in page[key]]
            after = page["after"]
            if after is None:
                break
        whole = result(handler, method, limit=1000)
        assert seen == [row[name] for row in whole[key]]
        assert whole["after"] is None
    behind = result(handler, "queue.list", state="queued", section="S0001", after=5)
    assert [row["job"] for row in behind["jobs"]] == ["J000006", "J000007"]
    assert result(handler, "queue.list", state="held")["jobs"] == []
    assert len(result(handler, "fields.list", section="S0002")["fields"]) == 2
    assert len(result(handler, "fields.list", state="planned")["fields"]) == 1
    assert code(ask(handler, "fields.list", after="S0009/F000")) == "not_found"


def test_snapshot_and_events_fit_together(handler: Handler, store: Store) -> None:
    queue_jobs(store, 12)
    snapshot = result(handler, "snapshot")
    assert [row["job"] for row in snapshot["next_jobs"]] == [f"J{n:06d}" for n in range(1, 11)]
    store.queue.set_state("J000001", JobState.HELD, reason="by hand", hold_cause=HoldCause.PERSON)
    page = result(handler, "events.since", seq=snapshot["status"]["last_seq"])
    (event,) = page["events"]
    assert (event["kind"], event["subject"], event["data"]["to"]) == ("job", "J000001", "held")
    assert page["last_seq"] == event["seq"] == snapshot["status"]["last_seq"] + 1


def test_estimate_and_status_tell_the_same(handler: Handler, store: Store) -> None:
    queue_jobs(store, 3)
    work = Work(frames=3, stage_moves=3, beam_s=43.2, travel_m=6e-5, pixels=720_000)
    store.durations.add_plan("S0001", [Way("exact", True, work, 1e-9)])
    found, status = result(handler, "estimate"), result(handler, "status")
    assert (found["left_s"], found["finish_at"]) == (status["left_s"], status["finish_at"])
    assert found["extent"] == "extrapolated"
    assert found["left_s"] == pytest.approx(
        found["fluorescence_s"] + found["pumping_s"] + found["electron_s"]
    )
    assert [way["method"] for way in found["ways"]] == ["exact"]


def test_schema_names_every_method(handler: Handler) -> None:
    schema = result(handler, "schema")
    assert set(schema["methods"]) == set(METHODS)
    assert schema["methods"]["run.pause"]["changes"] is True
    assert schema["methods"]["status"]["changes"] is False


def test_changes_are_made_once_each(handler: Handler, store: Store) -> None:
    store.apply(SessionEvent.START)
    first = ask(handler, "run.pause", "a")
    assert first["result"] == {
        "message": "now paused",
        "phase": "paused",
        "rev": store.requests.rev(),
        "run": "run-1",
        "microscope": "",
    }
    assert ask(handler, "run.pause", "a") == first
    assert code(ask(handler, "run.pause", "b")) == "illegal_transition"
    assert code(ask(handler, "run.resume", "a")) == "id_reused"
    assert code(ask(handler, "run.resume", "c", if_rev=0)) == "stale_revision"
    assert ask(handler, "run.resume", "d", if_rev=first["result"]["rev"])["ok"]
    store.apply(SessionEvent.FAULT, "x")
    assert ask(handler, "fault.ack", "e")["result"]["phase"] == "paused"
    assert code(ask(handler, "review.confirm", "f")) == "illegal_transition"
    assert ask(handler, "run.abort", "g")["result"]["phase"] == "aborted"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", "bad_request"),
        (b"hello", "bad_request"),
        (b"\xff\xfe{}", "bad_request"),
        (b"[]", "bad_request"),
        (b"null", "bad_request"),
        (b"[" * 100_000, "bad_request"),
        (b'{"v":1,"id":"x","method":"status","params":' + b'{"a":' * 500 + b"1" + b"}" * 501, "bad_params"),
        (b'{"v":1,"id":"x","method":"status","params":{"a":NaN}}', "bad_request"),
        (b'{"v":1,"id":"x","method":"status","params":{"a":1e999}}', "bad_params"),
        (b'{"v":1,"id":"x","method":"status","params":{"a":' + b"9" * 5000 + b"}}", "bad_request"),
        (b'{"v":2,"id":"x","method":"status"}', "unsupported_version"),
        (b'{"v":true,"id":"x","method":"status"}', "bad_request"),
        (b'{"v":"1","id":"x","method":"status"}', "bad_request"),
        (b'{"id":"x","method":"status"}', "bad_request"),
        (b'{"v":1,"method":"status"}', "bad_request"),
        (b'{"v":1,"id":7,"method":"status"}', "bad_request"),
        (b'{"v":1,"id":"","method":"status"}', "bad_request"),
        (b'{"v":1,"id":"%s","method":"status"}' % (b"x" * 65), "bad_request"),
        (b'{"v":1,"id":"a b","method":"status"}', "bad_request"),
        (b'{"v":1,"id":"\\ud800","method":"status"}', "bad_request"),
        (b'{"v":1,"id":"x","method":"status","\\ud800":1}', "bad_request"),
        (b'{"v":1,"id":"x","method":"\\ud800"}', "bad_request"),
        (b'{"v":1,"id":"x","method":"queue.get","params":{"job":"\\ud800"}}', "bad_params"),
        (b'{"v":1,"id":"x","method":"status","extra":1}', "bad_request"),
        (b'{"v":1,"id":"x","method":"status","params":[]}', "bad_request"),
        (b'{"v":1,"id":"x","method":"run.explode"}', "unknown_method"),
        (b'{"v":1,"id":"x","method":"__init__"}', "unknown_method"),
        (b'{"v":1,"id":"x","method":"status","params":{"limit":1}}', "bad_params"),
        (b'{"v":1,"id":"x","method":"queue.list","params":{"limit":0}}', "bad_params"),
        (b'{"v":1,"id":"x","method":"queue.list","params":{"limit":1001}}', "bad_params"),
        (b'{"v":1,"id":"x","method":"queue.list","params":{"limit":"5"}}', "bad_params"),
        (b'{"v":1,"id":"x","method":"queue.list","params":{"limit":true}}', "bad_params"),
        (b'{"v":1,"id":"x","method":"queue.list","params":{"after":-99999999999999999999}}', "bad_params"),
        (b'{"v":1,"id":"x","method":"queue.list","params":{"after":99999999999999999999}}', "bad_params"),
        (b'{"v":1,"id":"x","method":"queue.list","params":{"state":"eaten"}}', "bad_params"),
        (b'{"v":1,"id":"x","method":"events.since"}', "bad_params"),
        (b'{"v":1,"id":"x","method":"run.pause","params":{"if_rev":"0"}}', "bad_params"),
    ],
)  # fmt: skip
def test_junk_is_refused_in_one_sentence(
    handler: Handler, store: Store, payload: bytes, expected: str
) -> None:
    reply = json.loads(handler.answer(payload))
    assert code(reply) == expected
    assert len(reply["error"]["message"]) < 400
    assert store.events.last_seq() == 0


def test_a_request_that_cannot_be_read_is_still_told_apart(handler: Handler) -> None:
    assert json.loads(handler.answer(b'{"v":1,"id":"mine","methud":"status"}'))["id"] == "mine"
    assert json.loads(handler.answer(b"{"))["id"] is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
REQUEST = st.fixed_dictionaries(
    {},
    optional={
        "v": st.just(1) | JSON,
        "id": st.just("r1") | JSON,
        "method": st.sampled_from(sorted(METHODS)) | JSON,
        "params": JSON
        | st.dictionaries(
            st.sampled_from(["limit", "after", "state", "section", "seq", "job", "if_rev"]), JSON, max_size=4
        ),
    },
)
PAYLOAD = st.binary() | (JSON | REQUEST).map(lambda value: json.dumps(value).encode())


@examples(
    80,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(payload=PAYLOAD)
def test_whatever_comes_there_is_one_reply_that_can_be_read(handler: Handler, payload: bytes) -> None:
    reply = json.loads(handler.answer(payload))
    assert set(reply) == {"v", "id", "ok", "result" if reply["ok"] else "error"}
    if not reply["ok"]:
        assert reply["error"]["code"] in set(ErrorCode) - {ErrorCode.INTERNAL, ErrorCode.STORAGE}


def test_a_bug_is_one_refusal_and_a_line_in_the_log(handler: Handler, control: DirectControl) -> None:
    control.broken = True
    with capture_logs() as logged:
        assert code(ask(handler, "status")) == "internal"
    assert [entry["event"] for entry in logged] == ["a request failed"]
    control.broken = False
    assert ask(handler, "status")["ok"]


def test_a_store_that_fails_is_one_refusal(handler: Handler, store: Store) -> None:
    add_specimen(store)
    store.close()
    assert code(ask(handler, "status")) == "storage"
    assert code(ask(handler, "run.pause")) == "storage"


def test_a_path_that_is_not_utf_8_can_be_quoted() -> None:
    reply = json.loads(refusal("r1", ErrorCode.STORAGE, "run\udcff/session.sqlite: disk I/O error"))
    assert reply["error"]["message"] == "run\\udcff/session.sqlite: disk I/O error"


def in_review(store: Store) -> None:
    """Two cells, each with its job, in a session that waits in review."""
    queue_jobs(store, 2)
    for event in (
        SessionEvent.START,
        SessionEvent.PREFLIGHT_PASSED,
        SessionEvent.PARTIAL_VACUUM_REACHED,
        SessionEvent.REVIEW_NEEDED,
    ):
        store.apply(event)


ONE = {"choose": "sample", "count": 1, "seed": 3}


def test_a_choice_is_made_once_and_a_retry_gets_the_same_reply(handler: Handler, store: Store) -> None:
    in_review(store)
    before = result(handler, "targets.get")
    assert (before["cells"], before["chosen"], before["by"], before["open"]) == (2, 2, None, True)
    seen = result(handler, "targets.preview", rule=ONE)
    assert (seen["chosen"], seen["dropped"], seen["added"]) == (1, 1, 0)
    rev = store.requests.rev()
    params = {"rule": ONE, "by": "kim", "reason": "one is enough", "if_rev": rev}
    made = ask(handler, "targets.set", "c1", **params)
    assert made["ok"], made
    events = store.events.last_seq()
    assert ask(handler, "targets.set", "c1", **params) == made
    assert store.events.last_seq() == events
    assert code(ask(handler, "targets.set", "c2", **params)) == "stale_revision"
    now = result(handler, "targets.get")
    assert (now["chosen"], now["by"], now["reason"]) == (1, "kim", "one is enough")
    assert now["left_out"] == {"not_in_sample": 1}
    assert {job.state for job in store.queue.jobs()} == {JobState.WITHDRAWN}
    said = store.events.last_of("targets")
    assert said is not None
    assert (said.data["by"], said.data["chosen"]) == ("kim", 1)


def test_cells_to_choose_come_in_pages(handler: Handler, store: Store) -> None:
    in_review(store)
    first = result(handler, "targets.list", limit=1)
    second = result(handler, "targets.list", limit=1, after=first["after"])
    assert second["after"] is None
    names = [row["target"] for page in (first, second) for row in page["targets"]]
    assert names == ["S0001/F000/c0001", "S0001/F000/c0002"]
    assert code(ask(handler, "targets.list", after="T9")) == "not_found"
    assert result(handler, "targets.list", chosen=False)["targets"] == []


def test_a_choice_outside_the_review_or_of_nothing_is_refused(handler: Handler, store: Store) -> None:
    in_review(store)
    assert code(ask(handler, "targets.set", rule={"min_size_um": 900})) == "refused"
    assert code(ask(handler, "targets.set", "r2", rule={"choose": "sample"})) == "bad_params"
    store.apply(SessionEvent.REVIEW_CONFIRMED)
    assert code(ask(handler, "targets.set", "r3", rule=ONE)) == "illegal_transition"
    assert result(handler, "targets.get")["open"] is False


def test_overviews_are_listed_counted_and_shown_with_their_job(handler: Handler, store: Store) -> None:
    queue_jobs(store, 1)
    first = store.queue.jobs()[0]
    scan = replace(first, id="J000009", position=-1, covers=(), kind=JobKind.OVERVIEW)
    store.queue.add_plan("S0001", [scan], {})
    place = FieldPlace((1e-3, 0.0), Similarity((0.5, -0.25), 1e-3, 1.001))
    store.overviews.add(
        Overview("S0001", (1e-3, 0.0), OverviewState.USED, None, scan.id, None, place, 2.5e-7)
    )
    store.overviews.add(Overview("S0001", (0.0, 0.0), OverviewState.NOT_USED, reason=NotUsed.NO_GROUND))
    row, other = result(handler, "overviews.list")["overviews"]
    assert row["offset_um"] == pytest.approx([0.5, -0.25])
    assert (row["state"], row["reason"], row["proven_um"]) == ("used", None, pytest.approx(0.25))
    assert row["says"] == "proven to 0.25 um: frames are placed by it"
    assert (other["state"], other["reason"], other["offset_um"]) == ("not_used", "no_ground", None)
    assert result(handler, "status")["overviews"] == {"used": 1, "not_used": 1}
    assert result(handler, "queue.get", job=scan.id)["overview"] == row
    exposure = store.ledger.arm(scan.id, scan.rect_m, 1e-6)
    (listed,) = result(handler, "exposures.list")["exposures"]
    assert (listed["exposure"], listed["kind"]) == (exposure.id, "overview")
    assert listed["dwell_s_per_um2"] == pytest.approx(scan.dwell_s / (scan.pixel_size_m * 1e6) ** 2)


def test_changes_of_the_session_record_who_made_them_and_are_refused_in_plain_words(
    handler: Handler, store: Store
) -> None:
    store.apply(SessionEvent.START)
    result(handler, "run.pause", by="Anna")
    assert store.status().reason == "asked by Anna"
    refused = ask(handler, "review.confirm", "r2", by="Anna")["error"]["message"]
    assert refused == "cannot end the review now: the session is at 'paused'"
    store.apply(SessionEvent.FAULT, "no stage")
    assert "mend the cause" in ask(handler, "run.pause", "r3")["error"]["message"]
    assert ask(handler, "fault.ack", "r4", by="Ben")["ok"]
    assert store.events.since(0)[-1].data["by"] == "Ben"


def test_a_job_shows_its_images_with_their_checks_and_status_counts_them(
    handler: Handler, store: Store
) -> None:
    queue_jobs(store, 1)
    row = store.ledger.arm("J000001", (0.0, 0.0, 1e-5, 1e-5), 0.0)
    store.ledger.done(row.id)
    dark = Check(CheckKind.DARK, 0.995, 0.99, bad=True)
    store.images.add(CheckedImage(row.id, "J000001", "em/S0001/J000001.ome.tiff", "0" * 64, (dark,)))
    found = result(handler, "queue.get", job="J000001")
    (image,) = found["images"]
    assert image["checks"] == [{"kind": "dark", "value": 0.995, "limit": 0.99, "bad": True}]
    assert (found["row"]["bad"], found["retakes"]) == (["dark"], 1)
    assert found["exposures"][0]["retake_of"] is None
    sums = {"bad": {"dark": 1}, "taken_again": 0, "waiting": 0, "retakes": 1}
    assert result(handler, "status")["images"] == sums
