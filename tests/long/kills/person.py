"""A person who steers the session that is killed, and remembers what was acknowledged."""

import random
import uuid
from collections import Counter
from contextlib import suppress
from typing import Any

from service.api.client import Client
from service.errors import ApiError
from service.model.phases import PauseCause, Phase


class Person:
    """Changes and events that daemons acknowledged before they were killed.

    Attributes
    ----------
    changes : dict
        By request: method, parameters, result.
    last_seq : int
    done : set of str
        Jobs that were said to be done.
    approved : Counter of str
        Approvals by job, with those of which no answer came.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.changes: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {}
        self.last_seq = 0
        self.done: set[str] = set()
        self.approved: Counter[str] = Counter()

    def change(self, client: Client, method: str, **params: Any) -> None:
        """Make a change, and remember it if the daemon says that it was made."""
        name = uuid.uuid4().hex
        if method == "queue.approve":
            # First: one that a kill cut off may have been carried out.
            self.approved.update(params["jobs"])
        try:
            result = client.call(method, request_id=name, **params)
        except ApiError:
            if method == "queue.approve":
                self.approved.subtract(params["jobs"])
        else:
            self.changes[name] = (method, params, result)

    def look(self, client: Client) -> dict[str, Any]:
        """Remember how far it says it is, and now and then which frames are done."""
        status = client.call("status")
        self.last_seq = max(self.last_seq, status["last_seq"])
        if self._rng.random() < 0.7:
            return status
        for job in client.call("queue.list", state="done", limit=100)["jobs"]:
            self.done.add(job["job"])
        return status

    def steer(self, client: Client) -> None:
        """Do what a person may do, now and then; let what waits go on."""
        status = self.look(client)
        waits_for_decisions = status["cause"] == PauseCause.UNDECIDED_JOBS
        match self._rng.randrange(6):
            case 0:
                for job in self._one(client, "queued"):
                    self.change(client, "queue.hold", jobs=[job], by="test", reason="to see")
                    self.change(client, "queue.release", jobs=[job], by="test", reason="seen")
            case 1:
                for job in self._one(client, "queued"):
                    self.change(client, "queue.move", job=job, to_front=True, by="test")
            case _ if waits_for_decisions or self._rng.random() < 0.25:
                for job in self._one(client, "needs_review"):
                    self.change(client, "queue.approve", jobs=[job], by="test", reason="again")
            case _:
                pass
        if waits_for_decisions:
            # A hold whose release was cut off by a kill.
            for job in self._one(client, "held"):
                self.change(client, "queue.release", jobs=[job], by="test", reason="seen")
        if status["phase"] == Phase.PAUSED:
            self.change(client, "run.resume")
        if status["phase"] == Phase.REVIEW:
            with suppress(ApiError):
                self.change(client, "review.confirm")

    def _one(self, client: Client, state: str) -> list[str]:
        jobs = client.call("queue.list", state=state, limit=20)["jobs"]
        return [self._rng.choice(jobs)["job"]] if jobs else []
