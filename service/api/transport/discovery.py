"""Discovery of daemons by clients of the same user.

Each daemon writes a file of its own into a folder that only this user can enter, and renames it when it
ends. A session on a microscope is found by itself if it is the only one; a dry run or a replay only by its
name. The first session on a microscope also holds ``daemon.lock`` and writes ``daemon.json``, for programs in
other languages. The lock ends with its process, so a killed daemon does not block the next one.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from service.api.transport.probe import is_listening
from service.errors import InputError, NoDaemonError
from service.session.folders.runtime_folder import runtime_directory

RUNNING, ENDED = ".daemon", ".ended"
"""Suffixes of the file of a daemon, while it runs and after its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonInfo:
    """Content of the file of a daemon; a dataclass, since a client imports none of the pydantic models.

    Raises
    ------
    ValueError
        A value has the wrong type, or `pid` is not positive.
    """

    v: int = 1
    endpoint: str
    events_endpoint: str
    run: str
    pid: int
    key: str | None = None
    """File with a key for clients of this user, if the daemon requires one."""
    kind: str = "run"
    """``run``, ``dry-run`` or ``replay``."""
    microscope: str = ""
    """The microscope, in a few words for people."""
    folder: str = ""
    """Folder of the run."""

    def __post_init__(self) -> None:
        texts = [self.endpoint, self.events_endpoint, self.run, self.kind, self.microscope, self.folder]
        texts += [] if self.key is None else [self.key]
        if self.v != 1 or not all(isinstance(text, str) for text in texts):
            raise ValueError("not the description of a daemon")
        if not isinstance(self.pid, int) or isinstance(self.pid, bool) or self.pid <= 0:
            raise ValueError("the process number of a daemon is positive")

    def to_json(self) -> str:
        """Return the content of the file."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    def says(self) -> str:
        """Return run and microscope, for people."""
        return f"{self.run} on {self.microscope}" if self.microscope else self.run


def daemons() -> list[DaemonInfo]:
    """Return all daemons of this user that listen, by the names of their runs.

    Raises
    ------
    EndpointError
        See `runtime_directory`.
    """
    found = [info for info in map(_read, runtime_directory().glob(f"*{RUNNING}")) if info is not None]
    # The process number of a killed daemon may be that of another program by now.
    alive = [info for info in found if _is_alive(info) and is_listening(info.endpoint)]
    return sorted(alive, key=lambda info: info.run)


def choose(run: str | None = None) -> DaemonInfo:
    """Return the daemon that a person means.

    Parameters
    ----------
    run : str, optional
        Name of a run, or its folder; default: the only session on a microscope.

    Raises
    ------
    NoDaemonError
        There is none.
    InputError
        There are several sessions on microscopes, and none was named.
    EndpointError
        See `runtime_directory`.
    """
    found = daemons()
    if run is not None:
        for info in found:
            if is_named(info, run):
                return info
        # Another run is named as such: nobody should abort it in place of the one that was meant.
        others = f"; other runs go on: {_listed(found)}" if found else ""
        shown = (
            f"which `ilemtrack status --run {run}` shows"
            if _has_a_folder(run)
            else "and no run of that name is known"
        )
        raise NoDaemonError(f"no daemon has the run {run}, {shown}{others}")
    real = [info for info in found if info.kind == "run"]
    if len(real) == 1:
        return real[0]
    if real:
        raise InputError(f"{len(real)} sessions are running; name one of them with --run: {_listed(real)}")
    raise NoDaemonError(f"no daemon of this user is running{_others(found)}")


def last_ended(run: str | None = None) -> DaemonInfo | None:
    """Return the daemon that ended last, None if none is known; by default of a session on a microscope.

    Raises
    ------
    EndpointError
        See `runtime_directory`.
    """
    folder = runtime_directory()
    paths = [path for suffix in (RUNNING, ENDED) for path in folder.glob(f"*{suffix}")]
    for path in sorted(paths, key=_written_s, reverse=True):
        info = _read(path)
        if info is not None and (info.kind == "run" if run is None else is_named(info, run)):
            return info
    return None


def _has_a_folder(run: str) -> bool:
    """Return True if a run that no daemon has is still there to be read."""
    known = None if Path(run).is_dir() else last_ended(run)
    return Path(run if known is None else known.folder).is_dir()


def is_named(info: DaemonInfo, run: str) -> bool:
    """Return True if `run` is the name of its run, or its folder."""
    return run == info.run or (info.folder != "" and Path(run).resolve() == Path(info.folder).resolve())


def _others(found: list[DaemonInfo]) -> str:
    """Return what else is running, for people."""
    if not found:
        return ""
    return f", but {_listed(found)}; name it with --run"


def _listed(found: list[DaemonInfo]) -> str:
    return "; ".join(info.says() for info in found)


def _written_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _read(path: Path) -> DaemonInfo | None:
    try:
        return DaemonInfo(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError, RecursionError):
        return None


def _is_alive(info: DaemonInfo) -> bool:
    try:
        os.kill(info.pid, 0)
    except (OSError, OverflowError):
        return False
    return True
