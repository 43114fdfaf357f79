"""Starts the simulated back-end, and speaks to it as a test does."""

import os
import subprocess
import sys
import threading
from multiprocessing.connection import Client
from pathlib import Path
from typing import Any

from config.model import Config
from simulators.errors import BackendError
from simulators.odemis_backend.faults import Faults

_ROOT = Path(__file__).resolve().parents[2]
_SITE = Path(__file__).parent / "site"
SOCKET_VARIABLE = "ILEMTRACK_SIMULATED_ODEMIS"
"""Environment variable of a worker that names the socket of the back-end."""


class OdemisBackend:
    """A back-end in a process of its own.

    Parameters
    ----------
    folder : Path
        Short enough for the path of a socket; it gets configuration, faults, and `python`.
    config : Config
        Of the microscope; `odemis.roles` names its components.
    clock : {"held", "real"}

    Attributes
    ----------
    python : Path
        For `odemis.python`: this Python, with a package `odemis` that speaks to this back-end.
    faults : Faults
    """

    def __init__(self, folder: Path, config: Config, clock: str = "held") -> None:
        (folder / "config.json").write_text(config.model_dump_json())
        self.faults = Faults(folder / "faults.json")
        self._socket = folder / "backend"
        self._lock = threading.Lock()
        self.python = folder / "python"
        self.python.write_text(
            "#!/bin/sh\n"
            f"PYTHONPATH='{_SITE}' {SOCKET_VARIABLE}='{self._socket}' exec '{sys.executable}' \"$@\"\n"
        )
        self.python.chmod(0o700)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "simulators.odemis_backend.server", str(folder), clock],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(_ROOT)},
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != b"ready\n":
            raise BackendError("the simulated back-end of Odemis did not start")
        self._connection = Client(str(self._socket), family="AF_UNIX")

    def ask(self, *question: Any) -> Any:
        """Ask the back-end something.

        Raises
        ------
        BackendError
            It answered with an error.
        """
        with self._lock:
            self._connection.send(question)
            kind, *rest = self._connection.recv()
        if kind != "ok":
            raise BackendError(": ".join(rest))
        return rest[0]

    def reset(self, config: Config) -> None:
        """Begin anew with a fresh microscope and no faults; the clock goes on."""
        self.faults.write()
        self.ask("reset", config.model_dump_json())

    def truth(self) -> dict[str, Any]:
        """What is really so: `blanked`, `light`, `exposures`, `scanned_m`, `chamber` ..."""
        found: dict[str, Any] = self.ask("truth")
        return found

    def kill(self) -> None:
        """Kill the process of the back-end."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it."""
        self._connection.close()
        self.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()


class _Held:
    """Whether the clock of a back-end holds a sleep."""

    def __init__(self, backend: OdemisBackend) -> None:
        self._backend = backend

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it does."""
        pause = threading.Event()
        for _ in range(int((timeout or 0.0) / 0.01) + 1):
            if self._backend.ask("held"):
                return True
            pause.wait(0.01)
        return False


class BackendClock:
    """The clock of a back-end, from outside; implements `drivers.clock.Clock`.

    Parameters
    ----------
    backend : OdemisBackend
    """

    def __init__(self, backend: OdemisBackend) -> None:
        self._backend = backend
        self.held = _Held(backend)

    def hold_next(self, seconds: float) -> None:
        """Hold the next sleep of at least so long."""
        self._backend.ask("hold_next", seconds)

    def now_s(self) -> float:
        """Seconds since the back-end began."""
        return float(self._backend.ask("now"))

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> bool:
        """Let time pass."""
        if wake is not None and wake.is_set():
            return False
        self._backend.ask("sleep", seconds)
        return True
