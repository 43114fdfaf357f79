"""Sessions over real sockets in which daemon, servers or worker are killed, or a component vanishes."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from config.loading import dump
from config.model import Config
from service.api.client import Client
from service.model.jobs import ExposureState, JobState
from service.store.store import Store
from tests.service.daemons import Daemon, Start, daemons, frozen_in_mid_scan, wait_for
from tests.simulators.servers import Servers, profile, servers


def _profile(exposure_s: float) -> Config:
    return profile(
        layout={"sections": 2, "fields": [1, 1]},
        sem={"pixel_size_nm": 66, "dwell_us": 15},
        fluorescence={"frame_px": [256, 256], "exposure_s": exposure_s},
    )


SLOW = _profile(0.8)
"""Scans of up to three seconds."""
LONG_LIT = _profile(5.0)
"""Exposures that do not end between a look at the light and what is done then."""


@pytest.fixture
def start(runtime_dir: Path) -> Iterator[Start]:
    with daemons(runtime_dir) as launch:
        yield launch


@pytest.fixture
def rig(request: pytest.FixtureRequest) -> Iterator[Servers]:
    with servers(getattr(request, "param", SLOW)) as made:
        yield made


def begin(start: Start, rig: Servers, folder: Path) -> Daemon:
    """Start a session."""
    path = folder / "my.yaml"
    path.write_text(dump(rig.config), encoding="utf-8")
    return start("run", "--config", path, "--out", folder / "run")


def wait_until(holds: Callable[[], bool], limit_s: float = 200) -> None:
    """Wait until something holds."""
    end = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.05)


def beam_is_on(rig: Servers) -> bool:
    """Return True if the specimen gets electrons."""
    return not rig.truth()["blanked"]


def tell(method: str) -> None:
    with Client() as client:
        client.call(method)


def end_after_review(daemon: Daemon) -> None:
    """Let a session that waits for a decision on its interrupted job go on to its end without one."""
    wait_for(daemon, lambda s: s["cause"] == "undecided_jobs")
    tell("run.resume")
    out, err = daemon.communicate(timeout=200)
    assert daemon.returncode == 1, err
    assert "1 needs review" in out


def check_ledger(folder: Path, rig: Servers, interrupted: str) -> None:
    """Nothing was exposed twice, and the ledger is what the specimen got."""
    with closing(Store.open(folder / "run" / "session.sqlite")) as store:
        jobs, ledger = store.queue.jobs(), store.ledger.exposures()
    assert len(ledger) == len(rig.truth()["ground"]) == len(jobs)
    assert len({row.job for row in ledger}) == len(jobs)
    for job in jobs:
        assert job.state is (JobState.NEEDS_REVIEW if job.id == interrupted else JobState.DONE)
    (unknown,) = (row for row in ledger if row.state is not ExposureState.CLOSED)
    assert unknown.job == interrupted
    assert unknown.state is ExposureState.UNKNOWN


def test_the_daemon_is_killed_in_mid_scan(start: Start, rig: Servers, tmp_path: Path) -> None:
    daemon = begin(start, rig, tmp_path)
    interrupted = frozen_in_mid_scan(daemon, tmp_path / "run", lambda: beam_is_on(rig))
    daemon.kill()
    daemon.wait(200)
    # The server knows nothing of that: the watchdog blanks over a connection of its own.
    wait_until(lambda: not beam_is_on(rig) and rig.quanta("beam_is_blanked"))
    again = start("resume", tmp_path / "run")
    wait_for(again, lambda s: s["phase"] == "paused" and s["jobs"]["needs_review"] == 1)
    tell("run.resume")
    end_after_review(again)
    check_ledger(tmp_path, rig, interrupted)
    assert rig.truth()["blanked"]


def test_the_servers_are_killed_in_mid_scan(start: Start, rig: Servers, tmp_path: Path) -> None:
    daemon = begin(start, rig, tmp_path)
    interrupted = frozen_in_mid_scan(daemon, tmp_path / "run", lambda: beam_is_on(rig))
    rig.kill()
    daemon.send_signal(signal.SIGCONT)
    fault = wait_for(daemon, lambda s: s["phase"] == "fault")
    # Nobody can blank it now, and the session says so.
    assert "NOT SAFE" in fault["reason"]
    rig.start()
    assert beam_is_on(rig)
    tell("fault.ack")
    wait_for(daemon, lambda s: s["phase"] == "paused" and s["devices"].get("beam_blanked") is True)
    assert not beam_is_on(rig)
    tell("run.resume")
    end_after_review(daemon)
    check_ledger(tmp_path, rig, interrupted)


def worker_pids(daemon: Daemon) -> set[int]:
    """Processes of a daemon that have Odemis."""
    children = [path.read_text().split() for path in Path(f"/proc/{daemon.pid}/task").glob("*/children")]
    pids = {int(pid) for of_thread in children for pid in of_thread}
    return {pid for pid in pids if "launch.py" in Path(f"/proc/{pid}/cmdline").read_text()}


@pytest.mark.parametrize("rig", [LONG_LIT], indirect=True, ids=["long lit"])
def test_workers_are_killed_and_components_vanish_under_the_light(
    start: Start, rig: Servers, tmp_path: Path
) -> None:
    daemon = begin(start, rig, tmp_path)
    wait_for(daemon, lambda _: rig.truth()["light"])
    pids = worker_pids(daemon)
    assert len(pids) == 2
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    # Harmless to repeat: a fresh process switches the light off, and the frame is taken again.
    wait_for(daemon, lambda s: s["fields"]["pending"] == 1 and rig.truth()["light"])
    assert not worker_pids(daemon) & pids
    rig.faults.write(killed=["ccd", "light"])
    fault = wait_for(daemon, lambda s: s["phase"] == "fault")
    assert "the light may still be on" in fault["reason"]
    assert rig.truth()["light"]
    rig.faults.write()
    tell("fault.ack")
    wait_for(daemon, lambda s: s["phase"] == "paused" and s["devices"].get("light_on") is False)
    assert not rig.truth()["light"]
    tell("run.resume")
    out, err = daemon.communicate(timeout=200)
    assert daemon.returncode == 0, err
    assert "0 failed, 0 needs review" in out
