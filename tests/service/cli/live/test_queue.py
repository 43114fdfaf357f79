"""`ilemtrack queue` and `ilemtrack keys`, against real sockets and files."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.loading import dump
from service.api.client import Client
from service.api.transport import keys
from service.api.transport.curve import prepare
from service.api.transport.discovery import DaemonInfo
from service.api.transport.endpoints import run_endpoints
from service.api.transport.publishing import Publication
from service.errors import InputError
from service.model.jobs import JobState
from service.session.folders.run_folder import drive_alone
from service.store.store import Store
from tests.places import ROOT
from tests.service.api.api_session import api_server
from tests.service.conftest import Start
from tests.service.daemons import found_by_others
from tests.service.saying import Said
from tests.service.sessions import small_config
from tests.service.store.stores import queue_jobs, rect

pytestmark = pytest.mark.usefixtures("frames_once")


@pytest.fixture
def endpoint(store: Store, runtime: Path) -> Iterator[str]:
    queue_jobs(store)
    where = run_endpoints("run-1")
    server = api_server(store, where)
    server.start()
    yield where.requests
    server.stop()


def test_steering_by_commands(endpoint: str, store: Store, say: Said) -> None:
    at = ("--connect", endpoint)
    status, said, _ = say("queue", "hold", "J000001", "J000002", "-m", "charging", "--by", "anna", *at)
    assert (status, said) == (0, "run-1: 2 jobs held, until released\n")
    assert store.queue.job("J000002").reason == "held by anna: charging"
    assert say("queue", "release", "J000001", *at)[0] == 0
    assert say("queue", "move", "J000003", "--first", *at)[0] == 0
    assert say("queue", "move", "J000001", "--last", *at)[0] == 0
    assert [job.id for job in store.queue.jobs()] == ["J000003", "J000002", "J000001"]
    assert say("queue", "move", "J000001", "--before", "J000002", *at)[0] == 0
    assert say("queue", "skip", "J000002", "--reason", "a fold", *at)[0] == 0
    assert store.queue.counts_in_use() == {JobState.QUEUED: 2, JobState.SKIPPED: 1}
    _, page, _ = say("queue", "list", "--json", *at)
    assert [job["job"] for job in page["jobs"]] == ["J000003", "J000001", "J000002"]


def test_an_exposure_that_was_killed_has_no_end(endpoint: str, store: Store, say: Said) -> None:
    store.ledger.arm("J000001", rect(20, 0), 1e-6)
    store.recover()
    _, said, _ = say("queue", "show", "J000001", "--connect", endpoint)
    assert "until an unknown time of the session" in said


def test_a_table_for_a_program_has_a_row_a_line(endpoint: str, store: Store, say: Said) -> None:
    reason = "a fold in the resin that nobody wants to look at, nor at what lies next to it " * 3
    say("queue", "hold", "J000001", "-m", reason.strip(), "--connect", endpoint)
    _, said, _ = say("queue", "list", "--connect", endpoint)
    assert len(said.splitlines()) == 1 + len(store.queue.jobs())
    assert reason.strip() in said


def test_a_list_without_rows_is_a_sentence(endpoint: str, say: Said, tmp_path: Path) -> None:
    _, said, _ = say("queue", "list", "--state", "failed", "--connect", endpoint)
    assert said == "no such jobs\n"
    assert say("keys", "list", "--dir", tmp_path)[1] == f"no key is permitted in {tmp_path}\n"


def test_a_state_that_is_none(endpoint: str, say: Said) -> None:
    status, _, told = say("queue", "list", "--state", "bogus", "--connect", endpoint)
    assert status == 2
    assert told.startswith("ilemtrack: Invalid value for '--state': 'bogus' is not one of 'queued'")


def test_a_review_by_commands(endpoint: str, store: Store, say: Said) -> None:
    store.ledger.failed(store.ledger.arm("J000001", rect(20, 0), 1e-6).id, "scan timed out")
    status, said, _ = say("queue", "show", "J000001", "--connect", endpoint)
    assert status == 0
    for text in (
        "needs_review: scan timed out",
        "exposure 1   unknown",
        "beam now     blanked",
        "armed -> needs_review",
    ):
        assert text in said, said
    assert say("queue", "approve", "J000001", "-m", "half", "--by", "anna", "--connect", endpoint)[0] == 0
    _, said, _ = say("queue", "show", "J000001", "--connect", endpoint)
    assert "needs_review -> queued: approved by anna: half" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("approve", "J000001", "-m", "x"), "only one that is 'needs_review' can be approved"),
        (("approve", "J000001"), "--reason"),
        (("skip", "J000009", "-m", "x"), "there is no job J000009"),
        (("move", "J000001"), "give exactly one of --before JOB, --first and --last"),
        (("move", "J000001", "--first", "--last"), "give exactly one of"),
        (("hold",), "Missing argument"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    endpoint: str, store: Store, say: Said, arguments: tuple[str, ...], sentence: str
) -> None:
    status, _, said = say("queue", *arguments, "--connect", endpoint)
    assert status == 2
    assert sentence in said
    assert store.queue.counts_in_use() == {JobState.QUEUED: 3}


def test_a_long_queue_is_listed_over_several_replies(endpoint: str, store: Store, say: Said) -> None:
    frames = [{"section": "S0001", "center_m": [(1010 + n % 30 * 2) * 1e-6, (10 + n // 30 * 2) * 1e-6],
               "size_px": [60, 60]} for n in range(500)]  # fmt: skip
    with Client(endpoint) as client:
        client.call("queue.add", jobs=frames, by="me", reason="many")
    _, page, _ = say("queue", "list", "--json", "--limit", 450, "--connect", endpoint)
    assert len({job["job"] for job in page["jobs"]}) == 450
    _, rest, _ = say("queue", "list", "--json", "--after", page["after"], "--connect", endpoint)
    assert len(rest["jobs"]) == 53
    assert rest["after"] is None


def test_a_part_of_the_queue_says_where_to_go_on(endpoint: str, store: Store, say: Said) -> None:
    _, said, _ = say("queue", "list", "--limit", 2, "--connect", endpoint)
    *rows, more = said.splitlines()
    assert [row.split()[0] for row in rows[1:]] == ["J000001", "J000002"]
    assert more.startswith("more with --after ")
    _, rest, _ = say("queue", "list", "--after", more.rsplit(" ", 1)[1], "--connect", endpoint)
    assert [row.split()[0] for row in rest.splitlines()[1:]] == ["J000003"]


def test_an_image_is_named_with_its_checksum(endpoint: str, store: Store, say: Said) -> None:
    store.ledger.done(store.ledger.arm("J000001", rect(20, 0), 1e-6).id)
    store.queue.set_state("J000001", JobState.SAVED, image="em/S0001/J000001.ome.tiff", sha256="ab" * 32)
    _, said, _ = say("queue", "show", "J000001", "--connect", endpoint)
    assert f"image        em/S0001/J000001.ome.tiff, SHA-256 {'ab' * 32}" in said
    _, said, _ = say("queue", "show", "J000002", "--connect", endpoint)
    assert "image        none" in said


def test_keys_by_commands(tmp_path: Path, say: Said) -> None:
    folder = ("--dir", tmp_path / "keys")
    secret = tmp_path / "anna.key_secret"
    assert say("keys", "new", "anna", "--out", secret, *folder)[0] == 0
    _, listed, _ = say("keys", "list", "--json", *folder)
    assert [(key["name"], key["public_key"]) for key in listed["keys"]] == [
        ("anna", keys.read(secret).public)
    ]
    assert "anna" in say("keys", "list", *folder)[1]
    status, _, said = say("keys", "new", "anna", "--out", tmp_path / "b", *folder)
    assert (status, "a key of that name exists" in said) == (2, True)
    assert say("keys", "revoke", "anna", *folder)[:2] == (0, "anna: revoked\n")
    assert say("keys", "revoke", "anna", *folder)[0] == 2


def test_a_key_is_used_and_found_by_commands(
    store: Store, runtime: Path, tmp_path: Path, say: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_jobs(store)
    secret = tmp_path / "anna.key_secret"
    keys.new_client(tmp_path / "keys", "anna", secret)
    where = run_endpoints("run-1")
    server = api_server(store, where, curve=prepare(tmp_path / "keys"))
    server.start()
    try:
        status, found, _ = say("queue", "list", "--json", "--connect", where.requests, "--key", secret)
        assert (status, len(found["jobs"])) == (0, 3)
        monkeypatch.setenv("ILEMTRACK_KEY", str(secret))
        assert say("status", "--json", "--connect", where.requests)[0] == 0
        assert say("status", "--connect", where.requests, "--key", tmp_path / "absent")[0] == 2
    finally:
        server.stop()


def test_a_daemon_is_found_once_the_first_has_ended(store: Store, runtime: Path) -> None:
    first, second = Publication(), Publication()
    where = run_endpoints("run-1")

    def info(pid: int) -> DaemonInfo:
        return DaemonInfo(endpoint=where.requests, events_endpoint=where.events, run="run-1", pid=pid)

    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert first.publish(info(other.pid))
        beats: list[bool] = []
        beaten = threading.Condition()

        def beat() -> None:
            with beaten:
                beats.append(second.publish(info(os.getpid())))
                beaten.notify_all()

        server = api_server(store, where, heartbeat_s=0.05, each_beat=beat)
        server.start()
        try:
            with beaten:
                assert beaten.wait_for(lambda: len(beats) > 1, 200)
            found = found_by_others()
            assert found is not None
            assert (beats[-1], found.pid) == (False, other.pid)
            first.withdraw()
            with beaten:
                assert beaten.wait_for(lambda: beats[-1], 200)
            found = found_by_others()
            assert found is not None
            assert found.pid == os.getpid()
        finally:
            server.stop()
            second.withdraw()
        other.communicate(b"\n")
    assert found_by_others() is None


def test_one_program_drives_a_microscope() -> None:
    code = (
        "from service.session.folders.run_folder import drive_alone\n"
        "guard = drive_alone()\n"
        "print('has it', flush=True)\n"
        "input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "has it\n"
        with pytest.raises(InputError, match="another ilemtrack on this computer drives the microscope"):
            drive_alone()
        other.kill()
        other.communicate()
    drive_alone().close()


@pytest.mark.usefixtures("hardware_taken")
def test_a_real_microscope_is_locked_before_anything_is_made(tmp_path: Path, say: Said) -> None:
    config = tmp_path / "real.yaml"
    config.write_text("driver: odemis\n", encoding="utf-8")
    status, _, said = say("run", "--config", config, "--out", tmp_path / "run")
    assert status == 2
    assert "another ilemtrack on this computer drives the microscope" in said
    assert not (tmp_path / "run").exists()


def test_files_of_two_runs_are_not_taken_up(tmp_path: Path, say: Said) -> None:
    config = tmp_path / "small.yaml"
    config.write_text(dump(small_config(layout={"sections": 1})), encoding="utf-8")
    for name in ("a", "b"):
        assert say("dry-run", "--config", config, "--out", tmp_path / name, "--json")[0] == 0
    (tmp_path / "a" / "run.json").write_text((tmp_path / "b" / "run.json").read_text())
    status, _, said = say("resume", tmp_path / "a")
    assert status == 2
    assert "put the files of one run together" in said


def test_a_run_that_no_daemon_drives_is_read_from_its_folder(say: Said, start: Start, runtime: Path) -> None:
    session = start()
    session.end()
    at = ("--run", session.folder.path)
    status, page, _ = say("queue", "list", "--state", "done", "--json", *at)
    assert status == 0
    assert {job["state"] for job in page["jobs"]} == {"done"}
    job = page["jobs"][0]["job"]
    status, said, _ = say("queue", "show", job, *at)
    assert status == 0
    assert "beam now     not known" in said
    status, events, _ = say("events", "--follow", *at)
    assert status == 0
    assert f"  {job}  " in events
    status, said, _ = say("estimate", *at)
    assert status == 0
    assert "left: nothing\n" in said
    assert "finished" not in said.partition("left")[2]
    assert say("review", "list", "--json", *at)[1]["edits"] == []
    # Nothing is changed there, and nothing is guessed without a name.
    status, _, said = say("queue", "skip", job, "-m", "a fold", *at)
    assert (status, said.count("\n")) == (3, 1)
    assert say("queue", "list")[0] == 3
