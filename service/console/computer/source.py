"""Sources of what the console shows: a running daemon, or the folder of a run that has ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from service.console.computer.holder import HolderFiles
from service.console.computer.trials import Tuner


class Source(Protocol):
    """One run that answers the methods of the API; `service.api.client.Client` is one. Not thread-safe."""

    def call(self, method: str, *, request_id: str | None = None, **params: Any) -> dict[str, Any]:
        """Call a method and return its result.

        Raises
        ------
        ApiError
            The request was refused.
        NoDaemonError
            Nobody answers.
        """
        ...

    def events(self, since: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield events in order and without gaps, as they come; ends where no more can come.

        Raises
        ------
        ApiError
        NoDaemonError
        """
        ...

    def close(self) -> None:
        """Close it; harmless when repeated."""
        ...


@dataclass(frozen=True, slots=True)
class Opened:
    """A run that was opened; `live` if a daemon drives it, else its folder is read."""

    source: Source
    live: bool


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run of this computer.

    Attributes
    ----------
    name : str
        Identifier of the run.
    kind : str
        ``run``, ``dry-run`` or ``replay``.
    running : bool
        True if a daemon drives it.
    microscope : str
        The microscope in a few words; empty if no daemon drives it.
    folder : str
    begun_at : float
        Wall clock, s since 1970.
    """

    name: str
    kind: str
    running: bool
    microscope: str
    folder: str
    begun_at: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One point of a check before a session: its `level` is ``ok``, ``warn`` or ``red``."""

    name: str
    level: str
    says: str
    to_do: str


@dataclass(frozen=True, slots=True)
class Report:
    """Result of the checks before a session; `refused` says why they could not be made."""

    ready: bool
    findings: tuple[Finding, ...]
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A session before it begins, with a full raster as its upper limit, as its cells are not known yet.

    Attributes
    ----------
    sections, fields : int
    fluorescence_s : float
        All fluorescence, with changes of pressure.
    most_s : float
        All of it, with electron images of all ground.
    most_bytes : int
    finish_at : str
        Wall clock at the end of that if it begins now, ISO 8601, UTC.
    outlines_m : tuple of (str, tuple of (float, float))
        Sections by name: corners on the stage, those of their fields where no outline is known.
    """

    sections: int
    fields: int
    fluorescence_s: float
    most_s: float
    most_bytes: int
    finish_at: str
    outlines_m: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]


class Computer(Protocol):
    """The computer on which the console runs: the runs on it, and their beginning. Calls may take seconds."""

    @property
    def tuner(self) -> Tuner:
        """Detectors on single frames."""
        ...

    @property
    def holder(self) -> HolderFiles:
        """Section lists and overviews."""
        ...

    def open(self, run: str | None) -> Opened:
        """Open a run by its name, or the one that the console was started for.

        Where no daemon drives a run that is known, its folder is opened.

        Raises
        ------
        NoDaemonError
            There is none.
        InputError
            It cannot be chosen or read.
        """
        ...

    def is_running(self, run: str | None) -> bool:
        """Return True if a daemon drives this run."""
        ...

    def runs(self) -> list[FoundRun]:
        """Return the running and the finished runs, the newest first."""
        ...

    def configurations(self) -> list[str]:
        """Return the names of the profiles, and of the configuration files beside the runs."""
        ...

    def check(self, configuration: str) -> Report:
        """Make the checks before a session; nothing is moved or switched."""
        ...

    def estimate(self, configuration: str, kind: str, sections: int | None) -> Estimate:
        """Estimate a session that has not begun; parameters as for `start`.

        Raises
        ------
        InputError
        """
        ...

    def start(self, configuration: str, kind: str, sections: int | None) -> str:
        """Start a session that outlives the console, and return the name of its run once it answers.

        Raises
        ------
        InputError
            It did not begin; the message is that of the program.
        """
        ...

    def close(self) -> None:
        """End what runs for the console only; harmless when repeated."""
        ...
