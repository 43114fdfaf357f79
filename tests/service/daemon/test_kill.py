"""A daemon in a process of its own, killed, frozen and stopped in the middle of a scan."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.alarms import WatchdogConfig
from config.loading import dump
from config.model import Config
from service.api.client import Client
from service.model.jobs import ExposureState, JobState
from service.model.phases import Phase
from service.store.store import Store
from simulators.devices.memory import Memory
from tests.service.daemons import Daemon, Start, daemons, frozen_in_mid_scan, wait_for
from tests.service.sessions import small_config


def in_real_time(dwell_us: float, silent_s: float = 600) -> Config:
    return small_config(
        layout={"sections": 1},
        fluorescence={"exposure_s": 0.05},
        sem={"pixel_size_nm": 33, "dwell_us": dwell_us},
        stage={"settle_s": 0.0},
        # However slowly it runs on a loaded computer, it is not taken for frozen.
        watchdog={"silent_s": silent_s},
        simulator={
            "specimen": {"cells_per_field": 6, "seed": 5},
            "stage_settle_s": 0.0,
            "stage_speed_mm_per_s": 50,
            "pump_to_high_vacuum_min": 0.005,
            "pump_to_partial_min": 0.005,
            "scan_overhead_s": 0.0,
        },
    )


REAL_TIME = in_real_time(15)
"""A session in real time whose scans take some seconds each."""
ENDLESS = in_real_time(1000)
"""The same with scans of minutes: none ends meanwhile, however loaded the computer is."""
SOON_FROZEN = in_real_time(1000, 5)


@pytest.fixture
def start(runtime_dir: Path) -> Iterator[Start]:
    """Start `ilemtrack` in a process of its own; what still runs after the test is killed."""
    with daemons(runtime_dir) as launch:
        yield launch


def beam_is_on(run: Path) -> bool:
    """Return True if the simulated beam is on, by its journal; reading does not disturb the writer."""
    on = False
    for line in (run / "simulator.json").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry.get("key") == "unblanked":
            on = bool(entry["value"])
    return on


def wait_until_blanked(run: Path, limit_s: float = 200) -> None:
    """Wait for somebody to blank the beam."""
    end = time.monotonic() + limit_s
    while beam_is_on(run):
        assert time.monotonic() < end, "the beam stayed on"
        time.sleep(0.05)


def wait_for_text(path: Path, text: str, limit_s: float = 200) -> None:
    """Wait until a file says something."""
    end = time.monotonic() + limit_s
    while not (path.is_file() and text in path.read_text(encoding="utf-8")):
        assert time.monotonic() < end, f"{path} never said: {text}"
        time.sleep(0.05)


@pytest.fixture
def in_first_scan(start: Start, tmp_path: Path) -> tuple[Daemon, Path, str]:
    """A daemon in a first scan that takes minutes: process, folder of the run, job."""
    daemon, run = launched(start, tmp_path, ENDLESS)
    return daemon, run, first_scan(daemon, run)


def first_scan(daemon: Daemon, run: Path) -> str:
    """Wait for the first scan; returns its job."""
    status = wait_for(daemon, lambda status: bool(status["jobs"]["armed"]) and beam_is_on(run))
    return str(status["current_job"]["job"])


def launched(start: Start, tmp_path: Path, values: Config) -> tuple[Daemon, Path]:
    config, run = tmp_path / "real.yaml", tmp_path / "run"
    config.write_text(dump(values), encoding="utf-8")
    return start("run", "--config", config, "--out", run), run


@pytest.fixture
def begun(start: Start, tmp_path: Path) -> tuple[Daemon, Path, str]:
    """A daemon that stands still in the middle of a scan, after another: process, folder of the run, job."""
    daemon, run = launched(start, tmp_path, REAL_TIME)
    return daemon, run, frozen_in_mid_scan(daemon, run, lambda: beam_is_on(run))


def test_sigkill_in_mid_scan_and_resume(begun: tuple[Daemon, Path, str], start: Start) -> None:
    daemon, run, interrupted = begun
    # The microscope outlives the program: its beam stays on until the watchdog blanks it.
    assert beam_is_on(run)
    daemon.kill()
    daemon.wait(200)
    wait_until_blanked(run)
    wait_for_text(run / "incidents.md", "The daemon has died")

    again = start("resume", run)
    status = wait_for(again, lambda s: s["phase"] == "paused")
    assert status["resume_to"] == "to_high_vacuum"
    assert status["devices"]["beam_blanked"] is True
    assert status["jobs"]["needs_review"] == 1
    with Client() as client:
        assert client.call("queue.get", job=interrupted)["row"]["state"] == "needs_review"
        client.call("run.resume")
    # The rest is done; before it ends, a person is asked about the frame that was interrupted.
    wait_for(again, lambda s: s["cause"] == "undecided_jobs" and f": {interrupted};" in s["reason"])
    with Client() as client:
        client.call("run.resume")
    out, err = again.communicate(timeout=200)
    # One job waits for a person, so the work did not end well.
    assert again.returncode == 1, err
    assert "1 needs review" in out

    store = Store.open(run / "session.sqlite")
    try:
        assert store.status().phase is Phase.DONE
        for job in store.queue.jobs():
            rows = store.ledger.exposures(job=job.id)
            assert len(rows) == 1, f"{job.id} was exposed {len(rows)} times"
            if job.id == interrupted:
                assert job.state is JobState.NEEDS_REVIEW
                assert rows[0].state is ExposureState.UNKNOWN
            else:
                assert job.state is JobState.DONE
                assert (run / str(job.image)).is_file()
        seqs = [event.seq for event in store.events.since(0)]
        assert seqs == list(range(1, len(seqs) + 1))
    finally:
        store.close()
    assert Memory(run / "simulator.json").get("unblanked") is False


def test_a_frozen_daemon_is_killed_and_the_microscope_put_safe(start: Start, tmp_path: Path) -> None:
    daemon, run = launched(start, tmp_path, SOON_FROZEN)
    first_scan(daemon, run)
    daemon.send_signal(signal.SIGSTOP)
    assert beam_is_on(run)
    # Gone before the beam is touched: two programs never drive the microscope.
    assert daemon.wait(200) == -signal.SIGKILL
    wait_until_blanked(run)
    wait_for_text(run / "incidents.md", "no sign of life for 5 s")
    again = start("resume", run)
    assert wait_for(again, lambda s: s["phase"] == "paused")["jobs"]["needs_review"] == 1


def test_a_watchdog_by_hand_puts_safe_what_nobody_watches(start: Start, tmp_path: Path) -> None:
    unwatched = ENDLESS.model_copy(update={"watchdog": WatchdogConfig(enabled=False)})
    daemon, run = launched(start, tmp_path, unwatched)
    first_scan(daemon, run)
    alive = start("watch", "--once", run)
    assert "the daemon is alive" in alive.communicate(timeout=200)[0]
    daemon.kill()
    daemon.wait(200)
    assert beam_is_on(run)
    once = start("watch", "--once", run)
    said, _ = once.communicate(timeout=200)
    assert once.returncode == 0
    assert "made safe" in said
    assert not beam_is_on(run)


# That each of the others is taken shows test_main_loop.
@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        pytest.param(signal.SIGINT, marks=pytest.mark.long),
        pytest.param(signal.SIGHUP, marks=pytest.mark.long),
    ],
)
def test_a_signal_in_mid_scan_leaves_the_microscope_safe(
    in_first_scan: tuple[Daemon, Path, str], number: signal.Signals
) -> None:
    daemon, run, interrupted = in_first_scan
    daemon.send_signal(number)
    _, err = daemon.communicate(timeout=200)
    assert daemon.returncode == 130, err
    assert "resume" in err
    memory = Memory(run / "simulator.json")
    assert memory.get("unblanked") is False
    store = Store.open(run / "session.sqlite")
    try:
        assert store.status().phase is Phase.ELECTRON
        assert store.queue.job(interrupted).state is JobState.NEEDS_REVIEW
        assert not [row for row in store.ledger.exposures() if row.state is ExposureState.OPEN]
    finally:
        store.close()


def test_a_second_program_is_kept_away_and_abort_lands_in_mid_scan(
    in_first_scan: tuple[Daemon, Path, str], start: Start
) -> None:
    daemon, run, interrupted = in_first_scan
    second = start("resume", run)
    _, err = second.communicate(timeout=200)
    assert second.returncode == 2
    assert "another ilemtrack is at work on this run" in err
    with Client() as client:
        client.call("run.abort")
    out, _ = daemon.communicate(timeout=200)
    assert daemon.returncode == 1
    assert "aborted" in out
    assert Memory(run / "simulator.json").get("unblanked") is False
    store = Store.open(run / "session.sqlite")
    try:
        assert store.status().phase is Phase.ABORTED
        assert store.queue.job(interrupted).state is JobState.NEEDS_REVIEW
    finally:
        store.close()
