"""The simulated back-end in a process of its own, and questions that a test asks it."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Client
from pathlib import Path
from typing import Any, Protocol

from config.model import Config
from simulators.errors import BackendError
from simulators.odemis_backend.faults import Faults
from simulators.odemis_backend.interpreter import SOCKET, write_python

_ROOT = Path(__file__).resolve().parents[2]


class Questions:
    """A connection for questions to a back-end.

    Parameters
    ----------
    folder : Path
        Folder of the back-end.
    """

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()
        self._connection = Client(str(folder / SOCKET), family="AF_UNIX")

    def ask(self, *question: Any) -> Any:
        """Ask the back-end one question.

        Raises
        ------
        BackendError
            The answer is an error.
        """
        with self._lock:
            self._connection.send(question)
            kind, *rest = self._connection.recv()
        if kind != "ok":
            raise BackendError(": ".join(rest))
        return rest[0]

    def truth(self) -> dict[str, Any]:
        """Return the true state: `blanked`, `light`, `exposures`, `ground`, `chamber` ..."""
        found: dict[str, Any] = self.ask("truth")
        return found

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Process(Protocol):
    """A back-end that answers."""

    def kill(self) -> None:
        """Kill it."""

    def close(self) -> None:
        """Kill it if it runs, and wait for its end."""


class Started:
    """A back-end started with this Python. Implements `Process`.

    Parameters
    ----------
    folder : Path
    clock : {"held", "real"}

    Raises
    ------
    BackendError
        It did not start.
    """

    def __init__(self, folder: Path, clock: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "simulators.odemis_backend.server", str(folder), clock],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(_ROOT)},
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != b"ready\n":
            raise BackendError("the simulated back-end of Odemis did not start")

    def kill(self) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Kill the process and close its output."""
        self.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()


class OdemisBackend:
    """A back-end in a process of its own.

    Parameters
    ----------
    folder : Path
        For configuration, faults and `python`; short enough for the path of a socket.
    config : Config
        Configuration of the microscope; `odemis.roles` names its components.
    clock : {"held", "real"}
    start : callable
        Starts the process that serves a folder with such a clock.

    Attributes
    ----------
    python : Path
        Value for `odemis.python`: this Python, with a package `odemis` that connects to this back-end.
    faults : Faults
    ask, truth : callable
        See `Questions`.
    """

    def __init__(
        self,
        folder: Path,
        config: Config,
        clock: str = "held",
        start: Callable[[Path, str], Process] = Started,
    ) -> None:
        (folder / "config.json").write_text(config.model_dump_json())
        self.faults = Faults(folder / "faults.json")
        self.python = write_python(folder)
        self._process = start(folder, clock)
        self._questions = Questions(folder)
        self.ask, self.truth = self._questions.ask, self._questions.truth

    def reset(self, config: Config) -> None:
        """Start over with a new microscope and no faults; the clock goes on."""
        self.faults.write()
        self.ask("reset", config.model_dump_json())

    def kill(self) -> None:
        """Kill the process."""
        self._process.kill()

    def close(self) -> None:
        """Close the connection and kill the process."""
        self._questions.close()
        self._process.close()


class _Held:
    """Event that is set while the clock of a back-end holds a sleep."""

    def __init__(self, backend: OdemisBackend) -> None:
        self._backend = backend

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set; returns False if it is not in time."""
        pause = threading.Event()
        for _ in range(int((timeout or 0.0) / 0.01) + 1):
            if self._backend.ask("held"):
                return True
            pause.wait(0.01)
        return False


class BackendClock:
    """The clock of a back-end as seen by a test. Implements `drivers.clock.Clock`.

    Parameters
    ----------
    backend : OdemisBackend
    """

    def __init__(self, backend: OdemisBackend) -> None:
        self._backend = backend
        self.held = _Held(backend)

    def hold_next(self, seconds: float) -> None:
        """Hold the next sleep of at least `seconds`."""
        self._backend.ask("hold_next", seconds)

    def release(self) -> None:
        """Let the held sleep run to its end."""
        self._backend.ask("release")

    def now_s(self) -> float:
        """Return the time since the back-end started, s."""
        return float(self._backend.ask("now"))

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> bool:
        """Let `seconds` pass."""
        if wake is not None and wake.is_set():
            return False
        self._backend.ask("sleep", seconds)
        return True
