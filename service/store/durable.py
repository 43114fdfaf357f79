"""Files that survive a power cut: whole, or not there at all."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_NO_SYNC_OF_FOLDERS = (errno.EINVAL, errno.EOPNOTSUPP)
"""By fsync(2), errors of file systems that do not sync folders, such as some of networks."""


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write, which gets its name once it is complete and synced to the disk.

    An older file of that name stays until then; after an error nothing is left of the new one. A link stays
    one, and what is no file, such as ``/dev/stdout``, is written as it is.

    Raises
    ------
    OSError
        The disk does not take it; the error names the file.
    """
    path = Path(os.path.realpath(path))
    try:
        with _as_it_is(path) if path.exists() and not path.is_file() else _renamed(path) as file:
            yield file
    except OSError as error:
        # A write to an open file does not know which one that is.
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


@contextmanager
def _as_it_is(path: Path) -> Iterator[BinaryIO]:
    with path.open("wb") as file:
        yield file


@contextmanager
def _renamed(path: Path) -> Iterator[BinaryIO]:
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file durably, see `whole_file`.

    Raises
    ------
    OSError
    """
    with whole_file(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write a text file durably, UTF-8, see `whole_file`.

    Raises
    ------
    OSError
    """
    write_bytes(path, text.encode())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder as durable as the files, or as its file system can.

    Raises
    ------
    OSError
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC_OF_FOLDERS:
            raise
    finally:
        os.close(handle)
