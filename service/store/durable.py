"""Files that survive a power cut: whole, or not there at all."""

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

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
        The disk does not take it; the error names the file. An error of another file, which is read
        meanwhile, passes as it is.
    """
    path = Path(os.path.realpath(path))
    with _as_it_is(path) if path.exists() and not path.is_file() else _renamed(path) as file:
        yield file


class _Named(io.FileIO):
    """A file to write whose errors name it: a write to an open file does not know which one that is."""

    def __init__(self, path: Path, shown: Path) -> None:
        self._shown = shown
        try:
            super().__init__(str(path), "wb")
        except OSError as error:
            # Not the temporary name.
            error.filename = str(shown)
            raise

    def write(self, data: Any, /) -> int:
        with naming(self._shown):
            return super().write(data)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an error of the system that names no file name this one; only around what concerns it."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


@contextmanager
def named_file(path: Path, shown: Path) -> Iterator[BinaryIO]:
    """Give a file to write, replaced if there is one, whose errors name the path that is shown.

    Raises
    ------
    OSError
    """
    with io.BufferedWriter(_Named(path, shown)) as file:
        yield file


@contextmanager
def _as_it_is(path: Path) -> Iterator[BinaryIO]:
    with named_file(path, path) as file:
        yield file


@contextmanager
def _renamed(path: Path) -> Iterator[BinaryIO]:
    part = path.with_name(path.name + ".part")
    try:
        with named_file(part, path) as file:
            yield file
            with naming(path):
                file.flush()
                os.fsync(file.fileno())
        with naming(path):
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
