"""Time until the microscope is safe after a stop in mid-scan, real time, with a daemon in its own process."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measuring.rows import Row, at_most
from config.loading import dump, load
from service.api.client import Client
from service.errors import NoDaemonError

TITLE = "From a stop to the safe state, s, in the middle of a scan (real time, simulated microscope)"

_TIMES = 3
_LIMIT_S = 60.0


def run() -> list[Row]:
    """Measure each way to stop several times; the slowest counts."""
    ways: tuple[tuple[str, Callable[[int], None], float], ...] = (
        ("abort over the API: beam blanked", _abort, 1.0),
        ("SIGTERM: beam blanked and light off", lambda pid: os.kill(pid, signal.SIGTERM), 5.0),
        ("Ctrl-C: beam blanked and light off", lambda pid: os.kill(pid, signal.SIGINT), 5.0),
        ("SIGKILL: made safe by the watchdog", lambda pid: os.kill(pid, signal.SIGKILL), 5.0),
        ("SIGSTOP, silent for 3 s: made safe by the watchdog", lambda pid: os.kill(pid, signal.SIGSTOP), 8.0),
    )
    return [at_most(name, max(_measure(stop) for _ in range(_TIMES)), goal, 2) for name, stop, goal in ways]


def _abort(_: int) -> None:
    with Client() as client:
        client.call("run.abort")


def _measure(stop: Callable[[int], None]) -> float:
    """Time from one stop to a journal of the microscope that says blanked and dark, s."""
    with tempfile.TemporaryDirectory(prefix="stop") as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        Path(folder).chmod(0o700)
        run_dir = Path(folder) / "run"
        daemon = _start(Path(folder), run_dir)
        try:
            _wait(lambda: _scanning() and not _safe(run_dir))
            begun = time.perf_counter()
            stop(daemon.pid)
            _wait(lambda: _safe(run_dir))
            return time.perf_counter() - begun
        finally:
            daemon.kill()
            daemon.wait()
            # The watchdog sees the end, too, and is done with the folder.
            time.sleep(3)


def _start(folder: Path, run_dir: Path) -> subprocess.Popen[bytes]:
    config = load("simulator")
    simulator = config.simulator.model_copy(
        update={"pump_to_high_vacuum_min": 0.0, "pump_to_partial_min": 0.0, "stage_speed_mm_per_s": 50.0}
    )
    changes = {
        "layout": config.layout.model_copy(update={"sections": 1, "fields": (1, 1)}),
        "fluorescence": config.fluorescence.model_copy(update={"exposure_s": 0.1}),
        "simulator": simulator,
        "watchdog": config.watchdog.model_copy(update={"silent_s": 3.0}),
    }
    file = folder / "config.yaml"
    file.write_text(dump(config.model_copy(update=changes)), encoding="utf-8")
    code = "from service.cli.app import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "run", "--config", str(file), "--out", str(run_dir)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _scanning() -> bool:
    try:
        with Client(timeout_s=2) as client:
            return bool(client.call("status")["jobs"]["armed"])
    except NoDaemonError:
        return False


def _safe(run_dir: Path) -> bool:
    """Return True if beam and light are off, by the journal of the simulated microscope."""
    last: dict[str, object] = {}
    try:
        lines = (run_dir / "simulator.json").read_text(encoding="utf-8").splitlines()
        for entry in map(json.loads, lines):
            if "key" in entry:
                last[entry["key"]] = entry["value"]
    except (OSError, json.JSONDecodeError):
        return False
    return not last.get("unblanked") and not last.get("light")


def _wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + _LIMIT_S
    while not until():
        if time.monotonic() > end:
            raise TimeoutError("the daemon never came so far")
        time.sleep(0.01)
