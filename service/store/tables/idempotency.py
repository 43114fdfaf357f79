"""Changes that come by request: guarded, done once, answered the same each time."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from service.errors import RequestReusedError, StaleRevisionError
from service.store.database import Database
from service.store.rows import to_json


class Requests:
    """Changes by request, and how often the session was steered."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rev(self) -> int:
        """Count of the times that somebody, or the session itself, steered."""
        row = self._database.one("SELECT rev FROM run")
        assert row is not None
        return int(row[0])

    def steer(self) -> None:
        """Count one more; part of the change of this thread."""
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
        """Make a change once, and keep its reply in the same transaction.

        Parameters
        ----------
        request_id : str
            Made by the client; the same again is a retry.
        method : str
        params : mapping
            JSON values.
        if_rev : int or None
            `revision` as the client saw it.
        make : callable
            Makes the change and returns the reply, JSON values. If it raises, nothing is changed or kept.

        Returns
        -------
        dict
            The reply, or that of the first time.

        Raises
        ------
        RequestReusedError
            The identifier belongs to another request.
        StaleRevisionError
            Somebody steered since.
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
                raise StaleRevisionError(f"somebody steered meanwhile: the revision is {now}, not {if_rev}")
            self.steer()
            result = to_json(make())
            connection.execute(
                "INSERT INTO reply (request_id, method, params, result) VALUES (?, ?, ?, ?)",
                (request_id, method, asked, result),
            )
            return dict(json.loads(result))
