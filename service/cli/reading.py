"""Commands that only read: they ask the daemon of a run or, where none drives the run, read its folder."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from service.api.client import ENDPOINT_VARIABLE, Client
from service.api.transport.discovery import last_ended
from service.errors import NoDaemonError


class Reader(Protocol):
    """Answers reads as a `Client` does."""

    def call(self, method: str, *, request_id: str | None = None, **params: Any) -> dict[str, Any]:
        """Call a method of `service.api.wire.methods` and return its result."""
        ...

    def events(self, since: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield the events after a sequence number."""
        ...


@contextmanager
def reading(connect: str | None, key: str | None, run: str | None) -> Iterator[Reader]:
    """Give what answers reads: the daemon, or the folder of a run that is named and that no daemon drives.

    Raises
    ------
    NoDaemonError
        No daemon answers, and no run is named.
    """
    try:
        client = Client(connect, key=key, run=run)
    except NoDaemonError as error:
        if run is None:
            raise
        folder = folder_without_daemon(connect, run, error)
    else:
        with client:
            yield client
        return
    # Only now: a client of a daemon loads nothing heavy.
    from service.api.ended import EndedSession

    with closing(EndedSession(folder)) as ended:
        yield ended


def folder_without_daemon(connect: str | None, run: str | None, error: NoDaemonError) -> Path:
    """Return the folder of the run that is named, or of the last one.

    Raises
    ------
    NoDaemonError
        Another daemon was meant, or nothing is known of any run.
    """
    if connect is not None or (run is None and ENDPOINT_VARIABLE in os.environ):
        raise error
    if run is not None and Path(run).is_dir():
        return Path(run)
    known = last_ended(run)
    if known is None or not Path(known.folder).is_dir():
        raise error
    return Path(known.folder)
