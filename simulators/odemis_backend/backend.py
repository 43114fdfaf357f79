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
from simulators.odemis_backend.interpreter import SOCKET, write_python

_ROOT = Path(__file__).resolve().parents[2]


class Questions:
    """A connection over which a test asks a back-end for the truth.

    Parameters
    ----------
    folder : Path
        Of the back-end.
    """

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()
        self._connection = Client(str(folder / SOCKET), family="AF_UNIX")

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

    def truth(self) -> dict[str, Any]:
        """What is really so: `blanked`, `light`, `exposures`, `ground`, `chamber` ..."""
        found: dict[str, Any] = self.ask("truth")
        return found

    def close(self) -> None:
        """Ask no more."""
        self._connection.close()


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
    ask, truth : callable
        See `Questions`.
    """

    def __init__(self, folder: Path, config: Config, clock: str = "held") -> None:
        (folder / "config.json").write_text(config.model_dump_json())
        self.faults = Faults(folder / "faults.json")
        self.python = write_python(folder)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "simulators.odemis_backend.server", str(folder), clock],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(_ROOT)},
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != b"ready\n":
            raise BackendError("the simulated back-end of Odemis did not start")
        self._questions = Questions(folder)
        self.ask, self.truth = self._questions.ask, self._questions.truth

    def reset(self, config: Config) -> None:
        """Begin anew with a fresh microscope and no faults; the clock goes on."""
        self.faults.write()
        self.ask("reset", config.model_dump_json())

    def kill(self) -> None:
        """Kill the process of the back-end."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it."""
        self._questions.close()
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
