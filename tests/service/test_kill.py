"""A daemon in a process of its own, killed and stopped in the middle of a scan."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.loading import dump
from service.api.client import Client
from service.errors import NoDaemonError
from service.records import ExposureState, JobState
from service.session import Phase
from service.store.store import Store
from simulators.memory import Memory
from tests.places import ROOT
from tests.service.sessions import small_config

REAL_TIME = small_config(
    layout={"sections": 1},
    fluorescence={"exposure_s": 0.05},
    sem={"pixel_size_nm": 33, "dwell_us": 15},
    stage={"settle_s": 0.0},
    simulator={
        "specimen": {"cells_per_field": 6, "seed": 5},
        "stage_settle_s": 0.0,
        "stage_speed_mm_per_s": 50,
        "pump_to_high_vacuum_min": 0.005,
        "pump_to_partial_min": 0.005,
        "scan_overhead_s": 0.0,
    },
)
"""A session in real time whose scans take some seconds each."""

Daemon = subprocess.Popen[str]
Start = Callable[..., Daemon]


@pytest.fixture
def start(runtime_dir: Path) -> Iterator[Start]:
    """Start `ilemtrack` in a process of its own; what still runs after the test is killed."""
    started: list[Daemon] = []

    def launch(*arguments: object) -> Daemon:
        code = "from service.cli.app import main; main()"
        environment = os.environ | {"XDG_RUNTIME_DIR": str(runtime_dir)}
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", code, *map(str, arguments)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environment,
                cwd=ROOT,
            )
        )
        return started[-1]

    yield launch
    for process in started:
        process.kill()
        process.communicate(timeout=30)


def wait_for(daemon: Daemon, what: Callable[[dict[str, Any]], bool], limit_s: float = 60) -> dict[str, Any]:
    """Ask for the status until it is as wanted."""
    end = time.monotonic() + limit_s
    status: dict[str, Any] = {}
    while time.monotonic() < end:
        assert daemon.poll() is None, daemon.communicate()
        try:
            with Client(timeout_s=2) as client:
                status = client.call("status")
        except NoDaemonError:
            time.sleep(0.05)
            continue
        if what(status):
            return status
        time.sleep(0.05)
    raise AssertionError(f"never as wanted: {status}")


def scanning(status: dict[str, Any]) -> bool:
    """A scan runs, and one was done before."""
    return bool(status["jobs"]["armed"] and status["jobs"]["done"])


def beam_is_on(run: Path) -> bool:
    """Whether the simulated microscope has its beam on, by its own journal: a scan begins blanked."""
    lines = (run / "simulator.json").read_text(encoding="utf-8").splitlines()
    return next((line for line in reversed(lines) if '"unblanked"' in line), "").endswith("true}")


@pytest.fixture
def begun(start: Start, tmp_path: Path) -> tuple[Daemon, Path, str]:
    """A daemon in the middle of a scan: process, folder of the run, job."""
    config = tmp_path / "real.yaml"
    config.write_text(dump(REAL_TIME), encoding="utf-8")
    daemon = start("run", "--config", config, "--out", tmp_path / "run")
    run = tmp_path / "run"
    status = wait_for(daemon, lambda status: scanning(status) and beam_is_on(run))
    return daemon, run, status["current_job"]["job"]


def test_sigkill_in_mid_scan_and_resume(begun: tuple[Daemon, Path, str], start: Start) -> None:
    daemon, run, interrupted = begun
    daemon.kill()
    daemon.wait(10)
    # The microscope outlives the program: its beam is still on.
    assert Memory(run / "simulator.json").get("unblanked") is True

    again = start("resume", run)
    status = wait_for(again, lambda s: s["phase"] == "paused")
    assert status["resume_to"] == "to_high_vacuum"
    assert status["devices"]["beam_blanked"] is True
    assert status["jobs"]["needs_review"] == 1
    with Client() as client:
        assert client.call("queue.get", job=interrupted)["row"]["state"] == "needs_review"
        client.call("run.resume")
    out, err = again.communicate(timeout=90)
    # One job waits for a person, so the work did not end well.
    assert again.returncode == 1, err
    assert "1 needs review" in out

    store = Store.open(run / "session.sqlite")
    try:
        assert store.status().phase is Phase.DONE
        for job in store.jobs():
            rows = store.exposures(job=job.id)
            assert len(rows) == 1, f"{job.id} was exposed {len(rows)} times"
            if job.id == interrupted:
                assert job.state is JobState.NEEDS_REVIEW
                assert rows[0].state is ExposureState.UNKNOWN
            else:
                assert job.state is JobState.DONE
                assert (run / str(job.image)).is_file()
        seqs = [event.seq for event in store.events_since(0)]
        assert seqs == list(range(1, len(seqs) + 1))
    finally:
        store.close()
    assert Memory(run / "simulator.json").get("unblanked") is False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_in_mid_scan_leaves_the_microscope_safe(
    begun: tuple[Daemon, Path, str], number: signal.Signals
) -> None:
    daemon, run, interrupted = begun
    daemon.send_signal(number)
    _, err = daemon.communicate(timeout=30)
    assert daemon.returncode == 130, err
    assert "resume" in err
    memory = Memory(run / "simulator.json")
    assert memory.get("unblanked") is False
    store = Store.open(run / "session.sqlite")
    try:
        assert store.status().phase is Phase.ELECTRON
        assert store.job(interrupted).state is JobState.NEEDS_REVIEW
        assert not [row for row in store.exposures() if row.state is ExposureState.OPEN]
    finally:
        store.close()


def test_abort_in_mid_scan(begun: tuple[Daemon, Path, str]) -> None:
    daemon, run, interrupted = begun
    with Client() as client:
        client.call("run.abort")
    out, _ = daemon.communicate(timeout=30)
    assert daemon.returncode == 1
    assert "aborted" in out
    assert Memory(run / "simulator.json").get("unblanked") is False
    store = Store.open(run / "session.sqlite")
    try:
        assert store.status().phase is Phase.ABORTED
        assert store.job(interrupted).state is JobState.NEEDS_REVIEW
    finally:
        store.close()


def test_a_second_program_is_kept_away_from_the_run(begun: tuple[Daemon, Path, str], start: Start) -> None:
    _, run, _ = begun
    second = start("resume", run)
    _, err = second.communicate(timeout=30)
    assert second.returncode == 2
    assert "another ilemtrack is at work on this run" in err


def test_a_run_that_has_ended_is_not_taken_up(start: Start, tmp_path: Path) -> None:
    config = tmp_path / "small.yaml"
    config.write_text(dump(small_config()), encoding="utf-8")
    done = start("dry-run", "--config", config, "--out", tmp_path / "run")
    done.communicate(timeout=60)
    assert done.returncode == 0
    again = start("resume", tmp_path / "run")
    _, err = again.communicate(timeout=30)
    assert again.returncode == 2
    assert "the session has ended (done)" in err
