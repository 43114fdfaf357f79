"""Changes by request: each is made once, and a retry gets the same reply."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from service.errors import RequestReusedError, StaleRevisionError
from service.store.database import Database
from service.store.rows import to_json


class Requests:
    """Replies to requests, and the revision of the session."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rev(self) -> int:
        """Return the revision: it grows with each change of phase and each request."""
        row = self._database.one("SELECT rev FROM run")
        assert row is not None
        return int(row[0])

    def steer(self) -> None:
        """Increase the revision, in the change of this thread."""
        with self._database.change() as connection:
            connection.execute("UPDATE run SET rev = rev + 1")

    def change_once(
        self,
        request_id: str,
        method: str,
        params: Mapping[str, Any],
        if_rev: int | None,
        make: Callable[[], Mapping[str, Any]],
    ) -> dict[str, Any]:
        """Make a change once, and store its reply in the same transaction.

        Parameters
        ----------
        request_id : str
            Made by the client; the same identifier again is a retry.
        method : str
        params : mapping
            JSON values.
        if_rev : int or None
            Revision that the client saw.
        make : callable
            Makes the change and returns the reply, JSON values. If it raises, nothing changes.

        Returns
        -------
        dict
            The reply, for a retry that of the first request.

        Raises
        ------
        RequestReusedError
            The identifier belongs to another request.
        StaleRevisionError
            The session was changed since.
        """
        asked = json.dumps(params, sort_keys=True)
        with self._database.change() as connection:
            stored = self._database.one(
                "SELECT method, params, result FROM reply WHERE request_id = ?", (request_id,)
            )
            if stored is not None:
                if (stored["method"], stored["params"]) != (method, asked):
                    raise RequestReusedError(f"request id {request_id} was used before, for another request")
                return dict(json.loads(stored["result"]))
            now = self.rev()
            if if_rev is not None and if_rev != now:
                raise StaleRevisionError(
                    f"the session was changed meanwhile: the revision is {now}, not {if_rev}"
                )
            self.steer()
            result = to_json(make())
            connection.execute(
                "INSERT INTO reply (request_id, method, params, result) VALUES (?, ?, ?, ?)",
                (request_id, method, asked, result),
            )
            return dict(json.loads(result))
