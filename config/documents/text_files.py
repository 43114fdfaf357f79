"""Text files that people name, read without waiting and without filling the memory."""

import errno
import stat
from pathlib import Path

_STREAMS = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")
"""Pipes that a shell has opened for this program, as in ``<(command)``."""


def read_bytes(path: Path, most_bytes: int) -> bytes:
    """Read a file.

    Raises
    ------
    OSError
        Raised when it cannot be read, is a folder, a named pipe or a device, or is larger; its `strerror` is
        for people.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder, not a file", str(path))
    if not stat.S_ISREG(mode) and not str(path).startswith(_STREAMS):
        raise OSError(errno.EINVAL, "is a pipe or a device, not a file", str(path))
    with path.open("rb") as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise OSError(
            errno.EFBIG, f"is larger than {most_bytes / 1e6:.3g} MB, the most that is read", str(path)
        )
    return data


def read_text(path: Path, most_bytes: int) -> str:
    """Read a file in UTF-8; see `read_bytes`.

    Raises
    ------
    OSError
        Also raised when it is no text.
    """
    try:
        return read_bytes(path, most_bytes).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise OSError(errno.EILSEQ, "is no text in UTF-8", str(path)) from None
