"""Overviews of stage positions, and the frames that are planned again after one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from service.errors import IllegalTransitionError
from service.model.jobs import Job, JobOrigin, JobState
from service.model.overviews import Overview, OverviewState, Point
from service.store import rows
from service.store.database import Database
from service.store.tables.queue import Queue

_SAME_M = 1e-9
"""Positions of a plan closer than this are one."""


class OverviewStore:
    """Overviews of one run. Each change is one transaction with its event."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue = Queue(database)

    def add(self, overview: Overview) -> Overview:
        """Store an overview, and return it with its number.

        Raises
        ------
        StoreError
            There is no such section, field or job; nothing was stored.
        """
        with self._database.change() as connection:
            cursor = connection.execute(
                "INSERT INTO overview (section, x_m, y_m, state, field, job, reason, place, proven_m)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (overview.section, *overview.stage_m, *_outcome(overview)),
            )
            self._log(overview)
            return replace(overview, id=int(cursor.lastrowid or 0))

    def change(self, overview: Overview) -> None:
        """Store the outcome of an overview that was added."""
        with self._database.change() as connection:
            connection.execute(
                "UPDATE overview SET (state, field, job, reason, place, proven_m) = (?, ?, ?, ?, ?, ?)"
                " WHERE id = ?",
                (*_outcome(overview), overview.id),
            )
            self._log(overview)

    def at(self, section: str, stage_m: Point) -> Overview | None:
        """Return the overview of a stage position; None where there is none yet."""
        found = self._database.all("SELECT * FROM overview WHERE section = ? ORDER BY id DESC", (section,))
        near = (row for row in found if math.dist((row["x_m"], row["y_m"]), stage_m) < _SAME_M)
        row = next(near, None)
        return None if row is None else rows.overview(row)

    def of_job(self, job: str) -> Overview | None:
        """Return the overview that a job takes; None where it takes none."""
        row = self._database.one("SELECT * FROM overview WHERE job = ? ORDER BY id DESC LIMIT 1", (job,))
        return None if row is None else rows.overview(row)

    def all(self, limit: int | None = None, after: int = 0) -> list[Overview]:
        """Return overviews in their order, after a number."""
        found = self._database.all(
            "SELECT * FROM overview WHERE id > ? ORDER BY id LIMIT ?", (after, -1 if limit is None else limit)
        )
        return [rows.overview(row) for row in found]

    def counts(self) -> dict[OverviewState, int]:
        """Return the number of overviews in each state that occurs."""
        found = self._database.all("SELECT state, COUNT(*) AS n FROM overview GROUP BY state")
        return {OverviewState(row["state"]): row["n"] for row in found}

    def plan_again(
        self, old: Sequence[Job], new: Sequence[Job], skipped: Mapping[str, str], reason: str
    ) -> None:
        """Put new frames in the place of queued ones of a plan, all of one section.

        New frames with the identifier of an old one take its place; old ones without are withdrawn, and
        the others are queued.

        Parameters
        ----------
        old, new : sequence of Job
        skipped : mapping
            Reason by cell, for every cell of `old` that no job covers any more.
        reason : str
            Of the jobs that are withdrawn.

        Raises
        ------
        IllegalTransitionError
            One of `old` is not a queued frame of a plan.
        StoreError
            A cell is in both `new` and `skipped`, or in neither and covered by no other job.
        """
        section = old[0].section
        with self._database.change() as connection:
            for one in old:
                now = self._queue.job(one.id)
                if now.state is not JobState.QUEUED or now.origin is not JobOrigin.PLAN:
                    raise IllegalTransitionError(
                        f"job {one.id} is no queued frame of a plan: it stays as it is"
                    )
                connection.execute("DELETE FROM cover WHERE job = ?", (one.id,))
            kept = {job.id: job for job in new}
            names = {one.id for one in old}
            for one in old:
                if one.id in kept:
                    self._queue.resize(kept[one.id])
                else:
                    self._queue.transition(one.id, JobState.WITHDRAWN, reason=reason)
            for job in new:
                if job.id in names:
                    connection.executemany(
                        "INSERT INTO cover (job, n, cell) VALUES (?, ?, ?)",
                        [(job.id, n, cell) for n, cell in enumerate(job.covers)],
                    )
            self._queue.add_plan(section, [job for job in new if job.id not in names], skipped)

    def _log(self, overview: Overview) -> None:
        offset_m = overview.offset_m
        motion = None if overview.place is None else overview.place.motion
        data = {
            "state": overview.state,
            "stage_m": list(overview.stage_m),
            "field": overview.field,
            "job": overview.job,
            "reason": overview.reason,
            "offset_m": None if offset_m is None else list(offset_m),
            "rotation_rad": None if motion is None else motion.rotation_rad,
            "scale": None if motion is None else motion.scale,
            "proven_m": overview.proven_m,
        }
        self._database.log("overview", overview.section, data)


def _outcome(overview: Overview) -> tuple[object, ...]:
    return (
        overview.state.value,
        overview.field,
        overview.job,
        None if overview.reason is None else overview.reason.value,
        None if overview.place is None else rows.place(overview.place),
        overview.proven_m,
    )
