"""Private runtime folder of the user, for sockets and heartbeats of daemons."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from service.errors import EndpointError

_RUN_USER = Path("/run/user")


def runtime_directory() -> Path:
    """Return the runtime folder of this user, mode 0700; create it if needed.

    Raises
    ------
    EndpointError
        It cannot be made, or is not a private folder of this user.
    """
    # A daemon started by the system has no XDG_RUNTIME_DIR, but its clients have: try the usual place, too.
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
    """Return the common beginning of the paths of a run in the runtime folder.

    Raises
    ------
    EndpointError
        See `runtime_directory`.
    """
    # A digest keeps the path short and free of odd characters.
    return runtime_directory() / hashlib.sha256(run_id.encode()).hexdigest()[:12]


def _is_private(path: Path) -> bool:
    """Return True if a path is a folder, not a link, of this user, closed to all others."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
