"""Folder of one run: its paths, and the locks that keep other programs out.

::

    <run>/session.sqlite  config.yaml  run.json  log.jsonl  fm/S0001/F000.ome.tiff  em/S0001/J000012.ome.tiff
    pictures/S0001.png  pictures/montage.png  report.html
"""

import errno
import os
import secrets
import shutil
import socket
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from pydantic import ValidationError

from config.base import Frozen
from config.model import Config
from service.errors import InputError, NeverBegunError, NotNowError
from service.input_files import is_file, read_json
from service.store.durable import write_text
from service.version import program_version

_MOST_INFO_BYTES = 64_000_000
"""Largest ``run.json``; it lists the images of a replay."""

_LONGEST_STORE_BYTES = 504
"""Longest path of a database that SQLite opens on Linux; measured."""

Kind = Literal["dry-run", "run", "replay"]


class RunInfo(Frozen):
    """Facts that `ilemtrack resume` needs of a run; ``run.json``."""

    v: Literal[1] = 1
    run: str
    kind: Kind
    clock: Literal["fast", "real"]
    images: tuple[str, ...] = ()
    """Recorded frames of a replay, absolute paths."""
    pixel_size_nm: float | None = None
    """Given on the command line of a replay; replaces that of the files."""
    channel: str | None = None
    """Given on the command line of a replay, where files have several."""
    program: str | None = None
    """Version of the program that began it; None in runs of earlier versions."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Recorded frames of a replay: absolute paths, and what the command line says of them."""

    images: tuple[str, ...]
    pixel_size_nm: float | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths inside the folder of a run."""

    path: Path

    @property
    def store(self) -> Path:
        """The session's database."""
        return self.path / "session.sqlite"

    @property
    def config(self) -> Path:
        """Configuration of the run."""
        return self.path / "config.yaml"

    @property
    def info(self) -> Path:
        """`RunInfo` of the run."""
        return self.path / "run.json"

    @property
    def log(self) -> Path:
        """One JSON object a line."""
        return self.path / "log.jsonl"

    @property
    def incidents(self) -> Path:
        """Incident log, for people."""
        return self.path / "incidents.md"

    @property
    def simulator(self) -> Path:
        """Memory of a simulated microscope while no program runs."""
        return self.path / "simulator.json"

    @property
    def place(self) -> Path:
        """Path of this folder when it was last worked on, to know a copy by."""
        return self.path / ".place"

    @property
    def heartbeat(self) -> Path:
        """Heartbeat of the daemon while there is no runtime folder for it."""
        return self.path / ".heartbeat"

    def fm_image(self, field: str) -> Path:
        """Return the path of the fluorescence frame of a field, ``S0001/F000``."""
        return self.path / "fm" / f"{field}.ome.tiff"

    def em_image(self, section: str, job: str, take: int = 1) -> Path:
        """Return the path of the electron image of a job: of its first exposure, its second ..."""
        return self.path / "em" / section / f"{job}{f'-{take}' if take > 1 else ''}.ome.tiff"

    @property
    def pictures(self) -> Path:
        """Pictures of the sections with their cells, for people."""
        return self.path / "pictures"

    @property
    def report(self) -> Path:
        """Report of the run, for people."""
        return self.path / "report.html"

    @property
    def stitched(self) -> Path:
        """Stitched images of fields and cells, made by `ilemtrack stitch`."""
        return self.path / "stitched"

    @property
    def stitched_cells(self) -> Path:
        """Cells through their sections, in `stitched`."""
        return self.stitched / "cells"

    def relative(self, path: Path) -> str:
        """Return a path relative to the run, as the store keeps it."""
        return path.relative_to(self.path).as_posix()


def new_run_id(kind: Kind) -> str:
    """Return a name for a run: its start, its kind, and four random characters."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{kind}-{secrets.token_hex(2)}"


def create(
    out: Path | None,
    kind: Kind,
    clock: Literal["fast", "real"],
    config_yaml: str,
    recorded: Recorded | None = None,
) -> tuple[RunFolder, RunInfo]:
    """Create the folder of a new run, ``runs/<run id>`` unless `out` names one.

    Raises
    ------
    InputError
        `out` exists and is not an empty folder, or cannot be made; or a name is not UTF-8 or too long.
    """
    run = new_run_id(kind)
    path = (out if out is not None else Path("runs") / run).absolute()
    for name in (str(path), *(() if recorded is None else recorded.images)):
        demand_utf8(name)
    given = {} if recorded is None else asdict(recorded)
    info = RunInfo(run=run, kind=kind, clock=clock, program=program_version(), **given)
    length = len(os.fsencode(RunFolder(path).store))
    if length > _LONGEST_STORE_BYTES:
        more = length - _LONGEST_STORE_BYTES
        raise InputError(f"{path}: the name is too long by {more} bytes for SQLite; choose a shorter one")
    try:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise InputError(f"{path}: exists and is not an empty folder; name another one with --out")
        path.mkdir(parents=True, exist_ok=True)
        folder = RunFolder(path)
        write_text(folder.config, config_yaml)
        write_text(folder.info, info.model_dump_json(indent=1) + "\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be made ({error.strerror})") from error
    return folder, info


def discard(folder: RunFolder) -> None:
    """Remove the folder of a session that never began, unless it has images.

    A link, a mount point or a folder in another one that cannot be changed is emptied and stays.
    """
    if any(folder.path.rglob("*.tiff")):
        return
    for child in folder.path.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child, ignore_errors=True)
        else:
            with suppress(OSError):
                child.unlink()
    if not folder.path.is_symlink():
        with suppress(OSError):
            folder.path.rmdir()


def open_existing(path: Path) -> tuple[RunFolder, RunInfo]:
    """Open the folder of an earlier run.

    Raises
    ------
    InputError
        It is no run folder.
    """
    folder = RunFolder(path.absolute())
    try:
        info = RunInfo.model_validate(read_json(folder.info, _MOST_INFO_BYTES))
    except (InputError, ValidationError):
        above = next((one for one in folder.path.parents if is_file(RunFolder(one).info)), None)
        why = "no readable run.json in it" if above is None else f"it lies in that of a run, {above}"
        raise InputError(f"{path}: no folder of an ilemtrack run ({why})") from None
    if not folder.store.is_file() and not total_bytes([folder.path]):
        raise NeverBegunError(f"{path}: the program ended before the session began; begin a new run")
    if not folder.store.is_file():
        raise InputError(f"{path}: the run has no session.sqlite, so there is nothing to go on with")
    return folder, info


def demand_utf8(name: str) -> None:
    """Refuse a path that is not UTF-8: no client would find the daemon, as JSON cannot name it.

    Raises
    ------
    InputError
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(name).decode(errors="backslashreplace")
        raise InputError(f"{shown}: the name is not UTF-8; choose another one") from None


def demand_writable(folder: RunFolder) -> None:
    """Refuse a folder in which nothing may be written, such as an archive.

    Raises
    ------
    InputError
    """
    if not os.access(folder.path, os.W_OK):
        raise InputError(f"{folder.path}: nothing may be written in this folder, so the run cannot go on")


def lock(folder: RunFolder) -> FileLock:
    """Lock the folder for this process; the lock ends with the process, however it ends.

    Raises
    ------
    InputError
        Another process has it.
    """
    guard = FileLock(folder.path / ".lock")
    try:
        guard.acquire(timeout=0)
    except Timeout:
        raise NotNowError(f"{folder.path}: another ilemtrack is at work on this run") from None
    return guard


MICROSCOPE_VARIABLE = "ILEMTRACK_MICROSCOPE"
"""Environment variable with the name of the microscope that `drive_alone` locks.

Unset, all programs of a computer share one lock, as they must. Set it only where the microscope is not the
computer's own: a simulated one behind servers, or that of a test.
"""


def _lock_name() -> str:
    """Return the name of the abstract socket of whoever drives the microscope."""
    return f"ilemtrack/microscope/{os.environ.get(MICROSCOPE_VARIABLE) or 'hardware'}"


def drive_alone() -> socket.socket:
    """Lock the microscope for this process against all other programs of this computer.

    The lock is a Unix socket in the abstract namespace: it ends with the process, however it ends, and holds
    between users.

    Returns
    -------
    socket.socket
        Close it to free the microscope.

    Raises
    ------
    InputError
        Another process has it.
    """
    guard = socket.socket(socket.AF_UNIX)
    try:
        guard.bind(f"\0{_lock_name()}")
    except OSError as error:
        guard.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise NotNowError(
            "another ilemtrack on this computer drives the microscope, or its watchdog makes it safe just"
            " now: end its session, or wait"
        ) from None
    return guard


def alone(config: Config, kind: Kind = "run") -> AbstractContextManager[object]:
    """Lock the hardware for this process; a simulated microscope belongs to its run, whose folder is locked.

    Raises
    ------
    InputError
        Another process has it.
    """
    if kind != "run" or not has_hardware(config):
        return nullcontext()
    return drive_alone()


def is_driven(config: Config) -> bool:
    """Return True if a program of this computer drives the hardware now; takes no lock."""
    sockets = Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace").splitlines()
    # As the kernel writes the name of an abstract socket.
    return has_hardware(config) and any(line.endswith(f" @{_lock_name()}") for line in sockets)


def has_hardware(config: Config) -> bool:
    """Return True if a configuration drives real devices."""
    return config.driver != "simulator" or config.quanta is not None


def total_bytes(folders: Sequence[Path]) -> int:
    """Return the size of all TIFF files below some folders, bytes."""
    return sum(f.stat().st_size for folder in folders if folder.is_dir() for f in folder.rglob("*.tiff"))
