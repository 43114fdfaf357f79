"""Runs of this computer, for the console: found, opened, checked and started."""

import json
import secrets
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from config.choices import profile_names
from service.api.client import Client
from service.api.transport.discovery import DaemonInfo, choose, daemons, is_named, last_ended
from service.cli.exit_status import FAILURES, OK
from service.cli.live.console.holder import HolderHere
from service.cli.live.console.tuner import TunerHere
from service.cli.live.console.worker import Worker
from service.console.computer.source import Estimate, Finding, FoundRun, Opened, Report
from service.errors import InputError, NoDaemonError, StoreError
from service.input_files import is_file
from service.session.folders.run_folder import RunFolder, RunInfo

_TIMEOUT_S = 2.0
"""Wait for a reply, s: the console shows soon that the daemon does not answer."""

_CHECK_S = 300.0
"""Longest time of the checks before a session, s."""

_BEGIN_S = 300.0
"""Longest time until a new session answers, s: the checks are made before."""

_SHOWN_LINES = 6


class ThisComputer:
    """The computer of the console; see `service.console.computer.source.Computer`.

    Parameters
    ----------
    folder : Path
        Folder in which sessions are started: it has their runs in ``runs``, and configurations as YAML files.
    connect, key, run : str, optional
        The daemon that the console was started for, as in `Client`.
    """

    def __init__(
        self, folder: Path, connect: str | None = None, key: str | None = None, run: str | None = None
    ) -> None:
        self._folder = folder
        self._connect, self._key, self._run = connect, key, run
        self._last = run
        self._started: list[subprocess.Popen[bytes]] = []
        self._worker = Worker(folder)
        self.tuner = TunerHere(self._worker, folder, self.configurations)
        self.holder = HolderHere(self._worker, folder, self.configurations)

    def open(self, run: str | None) -> Opened:
        """Open a run by its name, or the one that the console was started for."""
        if run is None:
            return self._open_own()
        for info in daemons():
            if info.run == run:
                return Opened(Client(info.endpoint, timeout_s=_TIMEOUT_S, key=info.key), live=True)
        for found in self.runs():
            if found.name == run:
                return _ended(Path(found.folder))
        raise InputError(f"there is no run {run} on this computer")

    def _open_own(self) -> Opened:
        """Open the daemon that the console was started for, or the run that it has left."""
        try:
            client = Client(self._connect, timeout_s=_TIMEOUT_S, key=self._key, run=self._run)
        except NoDaemonError:
            left = None if self._connect or self._last is None else last_ended(self._last)
            if left is None or not Path(left.folder).is_dir():
                raise
            return _ended(Path(left.folder))
        self._last = client.run or self._last
        return Opened(client, live=True)

    def is_running(self, run: str | None) -> bool:
        """Return True if a daemon drives this run."""
        if run is not None:
            return any(info.run == run for info in daemons())
        try:
            choose(self._run)
        except (InputError, NoDaemonError):
            return False
        return True

    def runs(self) -> list[FoundRun]:
        """Return the running and the finished runs, the newest first."""
        running = daemons()
        found = [_found(path.parent, running) for path in self._runs.glob("*/run.json")]
        known = {one.name for one in found if one is not None}
        found += [_running(info) for info in running if info.run not in known]
        return sorted((one for one in found if one is not None), key=lambda one: one.begun_at, reverse=True)

    def configurations(self) -> list[str]:
        """Return the names of the profiles, and of the YAML files beside the runs."""
        return [
            *profile_names(),
            *sorted(path.name for path in self._folder.glob("[!.]*.y*ml") if is_file(path)),
        ]

    def check(self, configuration: str) -> Report:
        """Make the checks before a session; nothing is moved or switched."""
        try:
            done = subprocess.run(
                _command("doctor", "--json", "--config", self._known(configuration)),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_CHECK_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Report(False, (), f"the checks did not end within {_CHECK_S:.0f} s")
        if done.returncode not in (OK, FAILURES) or not done.stdout:
            return Report(False, (), _last_lines(done.stderr))
        document = json.loads(done.stdout)
        rows = [
            Finding(f"{row['part']}: {row['name']}", row["level"], row["says"], row["do"])
            for row in document["checks"]
        ]
        return Report(document["ready"], tuple(rows))

    def estimate(self, configuration: str, kind: str, sections: int | None) -> Estimate:
        """Estimate a session that has not begun."""
        count = sections if kind == "dry-run" else None
        found = self._worker.ask("estimate", configuration=self._known(configuration), sections=count)
        return TypeAdapter(Estimate).validate_python(found)

    def start(self, configuration: str, kind: str, sections: int | None) -> str:
        """Start a session that outlives the console, and return the name of its run once it answers."""
        if kind not in ("run", "dry-run"):
            raise InputError(f"there is no kind of session {kind}")
        arguments = [kind, "--config", self._known(configuration)]
        if kind == "dry-run":
            arguments += ["--clock", "real"] + ([] if sections is None else ["--sections", str(sections)])
        self._runs.mkdir(exist_ok=True)
        output = self._runs / f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}.out"
        with output.open("wb") as stream:
            # In a session of its own: neither Ctrl-C nor the end of the console reaches it.
            process = subprocess.Popen(
                _command(*arguments),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        self._started.append(process)
        end_s = time.monotonic() + _BEGIN_S
        while time.monotonic() < end_s:
            for info in daemons():
                if info.pid == process.pid:
                    return info.run
            if process.poll() is not None:
                said = output.read_bytes()
                output.unlink()
                raise InputError(f"the session did not begin: {_last_lines(said)}")
            time.sleep(0.1)
        raise InputError(f"the session has not begun after {_BEGIN_S:.0f} s; see {output}")

    def close(self) -> None:
        """End what runs for the console only; sessions go on."""
        self._worker.close()
        self.tuner.close()

    @property
    def _runs(self) -> Path:
        return self._folder / "runs"

    def _known(self, configuration: str) -> str:
        """Return the configuration if it is one of those that are offered: no other file is opened."""
        if configuration not in self.configurations():
            raise InputError(f"there is no configuration {configuration}")
        return configuration


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from service.cli.app import main; main()", *arguments]


def _ended(folder: Path) -> Opened:
    # Only now: a console that watches a daemon loads nothing heavy.
    from service.api.ended import EndedSession

    try:
        return Opened(EndedSession(folder), live=False)
    except StoreError as error:
        raise InputError(str(error)) from error


def _found(folder: Path, running: list[DaemonInfo]) -> FoundRun | None:
    """Return the run of a folder, None if it is no folder of a run."""
    path = RunFolder(folder).info
    try:
        info = RunInfo.model_validate_json(path.read_bytes())
        begun_at = path.stat().st_mtime
    except (OSError, ValidationError):
        return None
    daemon = next((one for one in running if is_named(one, str(folder))), None)
    microscope = "" if daemon is None else daemon.microscope
    return FoundRun(info.run, info.kind, daemon is not None, microscope, str(folder), begun_at)


def _running(info: DaemonInfo) -> FoundRun:
    try:
        begun_at = RunFolder(Path(info.folder)).info.stat().st_mtime
    except OSError:
        begun_at = time.time()
    return FoundRun(info.run, info.kind, True, info.microscope, info.folder, begun_at)


def _last_lines(said: bytes) -> str:
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    return " ".join(lines[-_SHOWN_LINES:]).removeprefix("ilemtrack: ") or "it ended without a word"
