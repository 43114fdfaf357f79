"""Small files that survive a power cut: whole, or not there at all."""

import os
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write a text file, synced with its name to the disk; an older file of that name stays until then.

    Raises
    ------
    OSError
        The disk does not take it; nothing is left of it.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in a folder as durable as the files.

    Raises
    ------
    OSError
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
