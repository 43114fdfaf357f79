"""The user's private runtime folder, for sockets and locks of a daemon."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from service.errors import EndpointError

_RUN_USER = Path("/run/user")


def runtime_directory() -> Path:
    """Folder of this user for sockets, mode 0700; made if need be.

    Raises
    ------
    EndpointError
        It cannot be made, or what is there is not a private folder of this user.
    """
    # A daemon begun by the system has no XDG_RUNTIME_DIR, its clients have: the usual place serves both.
    parents = (os.environ.get("XDG_RUNTIME_DIR"), _RUN_USER / str(os.getuid()))
    private_parent = next((Path(p) for p in parents if p and _is_private(Path(p))), None)
    if private_parent is not None:
        path = private_parent / "ilemtrack"
    else:
        path = Path(tempfile.gettempdir()) / f"ilemtrack-{os.getuid()}"
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        private = _is_private(path)
    except OSError as error:
        raise EndpointError(f"{path}: cannot be made ({error.strerror}); set XDG_RUNTIME_DIR") from error
    if not private:
        raise EndpointError(
            f"{path}: must be a folder of this user with mode 0700; remove it or set XDG_RUNTIME_DIR"
        )
    return path


def run_stem(run_id: str) -> Path:
    """Begin of the paths of what a run has in the runtime folder.

    Raises
    ------
    EndpointError
        See `runtime_directory`.
    """
    # A digest keeps the path short and free of whatever a run may be called.
    return runtime_directory() / hashlib.sha256(run_id.encode()).hexdigest()[:12]


def _is_private(path: Path) -> bool:
    """Whether a path is a folder, no link, of this user, in which nobody else can do anything."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
