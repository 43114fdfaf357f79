"""SIGKILL at random moments of a session, again and again: nothing acknowledged is lost, nothing burns twice.

``make long``; ILEMTRACK_KILLS sets another number of kills.
"""

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from config.loading import dump
from service.api.client import Client
from service.api.wire.methods import METHODS
from service.errors import ApiError, NoDaemonError
from service.image_files.images import read_pixels
from service.model.jobs import ExposureState, Job, JobState
from service.model.phases import FINAL, Phase
from service.model.specimen import FieldState
from service.store.store import Store
from simulators.devices.memory import Memory
from tests.places import ROOT
from tests.service.sessions import small_config

pytestmark = [pytest.mark.long, pytest.mark.timeout(7200)]

KILLS = int(os.environ.get("ILEMTRACK_KILLS", "500"))
PER_SESSION = 25
"""Kills of one session; then it is left in peace to its end, and the next one begins."""

IN_PEACE_S = 1200.0
"""A session that is left in peace ends within it."""
STARTS_WITHIN_S = 300.0
"""A daemon that gives no first answer until then is killed anyway; on a loaded computer it takes a minute."""

CONFIG = small_config(
    layout={"sections": 4, "fields": [2, 1]},
    fluorescence={"exposure_s": 0.1},
    sem={"pixel_size_nm": 33, "dwell_us": 3},
    stage={"settle_s": 0.02},
    simulator={
        "specimen": {"cells_per_field": 8, "seed": 5},
        "stage_settle_s": 0.02,
        "stage_speed_mm_per_s": 20,
        "pump_to_high_vacuum_min": 0.005,
        "pump_to_partial_min": 0.005,
        "scan_overhead_s": 0.05,
    },
)
"""Some 60 frames of about half a second each."""


class Told:
    """Changes and events that the daemon acknowledged before it was killed."""

    def __init__(self) -> None:
        self.changes: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {}
        self.last_seq = 0
        self.done: set[str] = set()
        self.approved: Counter[str] = Counter()
        self.start_s: float | None = None
        """Seconds that the last daemon took to its first answer."""

    def change(self, client: Client, method: str, **params: Any) -> None:
        """Make a change, and remember it if the daemon says that it was made."""
        name = uuid.uuid4().hex
        with suppress(ApiError):
            result = client.call(method, request_id=name, **params)
            self.changes[name] = (method, params, result)
            if method == "queue.approve":
                self.approved.update(params["jobs"])

    def look(self, client: Client) -> dict[str, Any]:
        """Remember how far it says it is."""
        status = client.call("status")
        self.last_seq = max(self.last_seq, status["last_seq"])
        for job in client.call("queue.list", state="done", limit=100)["jobs"]:
            self.done.add(job["job"])
        return status


def launch(runtime: Path, said: Path, *arguments: object) -> "subprocess.Popen[bytes]":
    with said.open("wb") as errors:
        return subprocess.Popen(
            [sys.executable, "-c", "from service.cli.app import main; main()", *map(str, arguments)],
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=os.environ | {"XDG_RUNTIME_DIR": str(runtime)},
            cwd=ROOT,
        )


def steer(rng: random.Random, client: Client, told: Told, run: Path) -> None:
    """Do what a person may do, now and then."""
    status = told.look(client)
    if status["phase"] == "paused":
        told.change(client, "run.resume")
    match rng.randrange(6):
        case 0:
            if queued := client.call("queue.list", state="queued", limit=20)["jobs"]:
                job = rng.choice(queued)["job"]
                told.change(client, "queue.hold", jobs=[job], by="test", reason="to see")
                told.change(client, "queue.release", jobs=[job], by="test", reason="seen")
        case 1:
            if queued := client.call("queue.list", state="queued", limit=20)["jobs"]:
                told.change(client, "queue.move", job=rng.choice(queued)["job"], to_front=True, by="test")
        case 2:
            if review := client.call("queue.list", state="needs_review", limit=20)["jobs"]:
                job = rng.choice(review)["job"]
                told.change(client, "queue.approve", jobs=[job], by="test", reason="again")
        case _:
            pass


def check(store: Store, told: Told, run: Path, ended: bool) -> None:
    """Hold the store against what was acknowledged, and against the specimen's own memory."""
    seqs = [event.seq for event in store.events.since(0)]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) >= told.last_seq
    for name, (method, params, result) in told.changes.items():
        asked = METHODS[method].params.model_validate(params).model_dump(mode="json")

        def never(method: str = method) -> dict[str, Any]:
            raise AssertionError(f"{method} was acknowledged and is not kept")

        assert store.requests.change_once(name, method, asked, None, never) == result
    jobs = {job.id: job for job in store.queue.jobs()}
    for name in told.done:
        assert jobs[name].state is JobState.DONE
    rows = Counter(row.job for row in store.ledger.exposures() if row.state is not ExposureState.VOID)
    for name, count in rows.items():
        assert count <= 1 + told.approved[name], f"{name} was exposed {count} times"
    if ended:
        check_end(store, jobs, run)


def check_end(store: Store, jobs: dict[str, Job], run: Path) -> None:
    """Every job of an ended session has its image, or waits for a person."""
    assert store.status().phase is Phase.DONE, store.status()
    assert {field.state for field in store.specimen.fields()} == {FieldState.PLANNED}
    assert {job.state for job in jobs.values()} <= {JobState.DONE, JobState.NEEDS_REVIEW}
    for job in jobs.values():
        if job.state is JobState.DONE:
            read_pixels(run / str(job.image), job.sha256)
    assert Memory(run / "simulator.json").get("unblanked") is False


def test_kills(tmp_path: Path, runtime: Path) -> None:
    rng = random.Random(11)
    config = tmp_path / "config.yaml"
    config.write_text(dump(CONFIG), encoding="utf-8")
    said = tmp_path / "said.txt"
    kills = sessions = reviews = approvals = changes = 0
    phases: Counter[str] = Counter()
    while kills < KILLS:
        run = tmp_path / f"run{sessions}"
        sessions += 1
        told = Told()
        ended = False
        before = kills
        while not ended:
            arguments = ["resume", run] if run.exists() else ["run", "--config", config, "--out", run]
            in_peace = kills >= KILLS or kills - before >= PER_SESSION
            daemon = launch(runtime.parent, said, *arguments)
            ended = one_life(rng, daemon, told, run, in_peace)
            if not (run / "session.sqlite").exists():
                ended = True
                continue
            store = Store.open(run / "session.sqlite")
            try:
                if not ended:
                    kills += 1
                    phases[store.status().phase.value] += 1
                final = store.status().phase in FINAL
                assert final or not ended, (daemon.returncode, said.read_text(encoding="utf-8")[-2000:])
                check(store, told, run, ended)
                reviews += store.queue.counts()[JobState.NEEDS_REVIEW] if ended else 0
            finally:
                store.close()
        approvals += sum(told.approved.values())
        changes += len(told.changes)
    print(
        f"{kills} kills in {sessions} sessions, phases {dict(phases)}; {changes} acknowledged changes kept,"
        f" {approvals} of them approvals; {reviews} jobs left for review; no exposure unasked"
    )


def one_life(
    rng: random.Random, daemon: "subprocess.Popen[bytes]", told: Told, run: Path, in_peace: bool
) -> bool:
    """Let a daemon live for a while and kill it; whether it ended its session by itself before."""
    # One in five is killed while it starts, the others some time after their first answer.
    starting = rng.random() < 0.2 and told.start_s is not None
    begun = time.monotonic()
    limit_s = rng.uniform(0.1, 1.0) * (told.start_s or 0) if starting else STARTS_WITHIN_S
    killed_at = begun + (IN_PEACE_S if in_peace else limit_s)
    answered = False
    try:
        while time.monotonic() < killed_at and daemon.poll() is None:
            with suppress(NoDaemonError), Client(timeout_s=2) as client:
                while time.monotonic() < killed_at and daemon.poll() is None:
                    told.look(client)
                    if not answered:
                        answered, told.start_s = True, time.monotonic() - begun
                        if not (in_peace or starting):
                            killed_at = time.monotonic() + rng.uniform(0.0, 5.0)
                    steer(rng, client, told, run)
                    time.sleep(rng.uniform(0, 0.2))
            time.sleep(0.02)
        ended = daemon.poll() is not None
        assert ended or not in_peace, "the session did not end"
        return ended
    finally:
        with suppress(ProcessLookupError):
            os.kill(daemon.pid, signal.SIGKILL)
        daemon.wait(30)
