"""Place of a run folder, so that a copy of it is not taken for the run.

A copy knows nothing of what the run has exposed since, and would expose it again.
"""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from service.errors import InputError
from service.logs import get_logger
from service.session.folders.run_folder import RunFolder, RunInfo, open_existing
from service.store.durable import write_bytes

log = get_logger(__name__)


def keep_place(folder: RunFolder) -> None:
    """Write down where the folder is.

    Raises
    ------
    OSError
    """
    write_bytes(folder.place, os.fsencode(folder.path.resolve()) + b"\n")


def demand_no_copy(folder: RunFolder, info: RunInfo) -> None:
    """Refuse a copy whose original is still there; a folder that was moved is kept in its new place.

    Of simulated sessions a copy is a session of its own: its specimen is in the folder, too.

    Raises
    ------
    InputError
    """
    if info.kind != "run":
        return
    try:
        kept = os.fsdecode(folder.place.read_bytes().removesuffix(b"\n"))
    except OSError:
        # A run of an earlier version, say.
        kept = ""
    here = str(folder.path.resolve())
    if kept == here:
        return
    if kept and _same_run(Path(kept), folder, info):
        raise InputError(
            f"{folder.path}: is a copy of {kept}, which is still there; what one exposes the other does not"
            " know: take up that one, or rename it before you take up the copy"
        )
    try:
        keep_place(folder)
    except OSError as error:
        log.warning("place not kept", error=str(error))


def _same_run(other: Path, folder: RunFolder, info: RunInfo) -> bool:
    """Return True if there is the same run in another folder, not this one under another name."""
    try:
        there, found = open_existing(other)
        if found.run != info.run or there.store.samefile(folder.store):
            return False
    except (InputError, OSError, ValueError):
        return False
    return not _shows(there.path, folder.path)


def _shows(other: Path, path: Path) -> bool:
    """Return True if a new file in a folder shows in the other one: a share that is mounted twice, say.

    Such mounts number their files differently.
    """
    try:
        with NamedTemporaryFile(dir=path, prefix=".place-") as new:
            return (other / Path(new.name).name).exists()
    except OSError:
        return False
