"""Discovery of the daemon by clients of the same user.

One daemon of the user at a time holds ``daemon.lock`` and writes ``daemon.json``, in a folder that only this
user can enter; others serve at their own endpoints. The lock ends with its process, so a killed daemon does
not block the next one.
"""

import json
import os
from dataclasses import asdict, dataclass

from service.session.runtime_folder import runtime_directory


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonInfo:
    """Content of ``daemon.json``; a dataclass, since a client imports none of the pydantic models.

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

    def __post_init__(self) -> None:
        texts = [self.endpoint, self.events_endpoint, self.run, *([] if self.key is None else [self.key])]
        if self.v != 1 or not all(isinstance(text, str) for text in texts):
            raise ValueError("not the description of a daemon")
        if not isinstance(self.pid, int) or isinstance(self.pid, bool) or self.pid <= 0:
            raise ValueError("the process number of a daemon is positive")

    def to_json(self) -> str:
        """Return the content of the file."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))


def find_daemon() -> DaemonInfo | None:
    """Return the published daemon of this user, or None if there is none.

    Raises
    ------
    EndpointError
        See `runtime_directory`.
    """
    try:
        text = (runtime_directory() / "daemon.json").read_text(encoding="utf-8")
        info = DaemonInfo(**json.loads(text))
        os.kill(info.pid, 0)
    except (OSError, TypeError, ValueError, OverflowError, RecursionError):
        return None
    return info
