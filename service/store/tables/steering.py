"""Steering of the queue by people: hold, release, approve, skip, move, add. Each event says by whom and why.

Each method is one change: all of several jobs are changed, or none. A job that is armed or was exposed
belongs to the runner and the ledger, and cannot be steered.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.pose import RectM
from service import wording
from service.errors import IllegalTransitionError, UnknownIdError
from service.model.jobs import ExposureState, HoldCause, Job, JobOrigin, JobState
from service.model.phases import FINAL, Phase
from service.store.database import Database
from service.store.tables.queue import Queue

MOVABLE = frozenset({JobState.QUEUED, JobState.HELD, JobState.NEEDS_REVIEW})
"""States of a job that may still be exposed."""

STEERED = MOVABLE | {JobState.SKIPPED, JobState.WITHDRAWN}
"""States in which people may leave a job that is not under way, by a new choice of cells as well."""

_GIVEN_UP = (JobState.SKIPPED, JobState.WITHDRAWN, JobState.FAILED)
"""States in which only the ledger knows if ground was exposed."""

_AWAY = 2**52
"""Beyond any position: rows wait there while others are shifted."""


@dataclass(frozen=True, slots=True)
class Word:
    """Name and reason of a person who steers."""

    by: str
    reason: str

    def __str__(self) -> str:
        return f"by {self.by}" + (f": {self.reason}" if self.reason else "")


class Steering:
    """Changes of the queue by people."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue = Queue(database)

    def hold(self, jobs: Sequence[str], word: Word) -> None:
        """Keep queued jobs from the beam until they are released.

        Raises
        ------
        UnknownIdError, IllegalTransitionError
        """
        self._change(jobs, JobState.QUEUED, JobState.HELD, "held", word)

    def release(self, jobs: Sequence[str], word: Word) -> None:
        """Queue held jobs again; a job that waits for fluorescence is held again when its turn comes.

        Raises
        ------
        UnknownIdError, IllegalTransitionError
        """
        self._change(jobs, JobState.HELD, JobState.QUEUED, "released", word)

    def approve(self, jobs: Sequence[str], word: Word) -> None:
        """Queue jobs in review again, though they may have been exposed: a decision that only a person makes.

        Raises
        ------
        UnknownIdError, IllegalTransitionError
        """
        self._change(jobs, JobState.NEEDS_REVIEW, JobState.QUEUED, "approved", word)

    def skip(self, jobs: Sequence[str], word: Word) -> None:
        """Give up jobs that are queued, held or in review; this is final.

        Raises
        ------
        UnknownIdError, IllegalTransitionError
        """
        self._change(jobs, None, JobState.SKIPPED, "skipped", word)

    def move(self, job_id: str, before: str | None, to_front: bool, word: Word) -> None:
        """Move a job in the queue: before another job, to the front, or to the end.

        Raises
        ------
        UnknownIdError
        IllegalTransitionError
            One of them was exposed or has ended.
        """
        with self._database.change() as connection:
            self._demand_live()
            old = self._movable(job_id).position
            connection.execute("UPDATE job SET position = ? WHERE id = ?", (-_AWAY, job_id))
            if before is None:
                end = "MIN(position) - 1" if to_front else "MAX(position) + 1"
                new = self._number(f"SELECT {end} FROM job WHERE position > ?", (-_AWAY,), old)
            elif before == job_id:
                raise IllegalTransitionError(f"job {job_id} cannot be moved before itself")
            else:
                new = self._make_room(self._movable(before).position)
            connection.execute("UPDATE job SET position = ? WHERE id = ?", (new, job_id))
            data = {"moved": [old, new], "before": before, "by": word.by, "reason": word.reason}
            self._database.log("job", job_id, data)

    def add(self, jobs: Sequence[Job], word: Word) -> None:
        """Queue jobs that a person asked for, checked by the caller.

        Raises
        ------
        StoreError
            An identifier or a position is taken, or a section is not there.
        """
        with self._database.change() as connection:
            self._demand_live()
            connection.executemany(
                "INSERT INTO job (id, section, position, x0_m, y0_m, x1_m, y1_m, x_m, y_m,"
                " width_px, height_px, pixel_size_m, dwell_s, state, reason, origin)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (job.id, job.section, job.position, *job.rect_m, *job.center_m, *job.size_px,
                     job.pixel_size_m, job.dwell_s, JobState.QUEUED.value, wording.added(str(word)),
                     JobOrigin.PERSON.value)
                    for job in jobs
                ],
            )  # fmt: skip
            data = {"jobs": len(jobs), "last": jobs[-1].id, "by": word.by, "reason": word.reason}
            self._database.log("queue_add", jobs[0].id, data)

    def next_position(self, section: str) -> int:
        """Return a free place after all jobs of a section, planned or added.

        Raises
        ------
        UnknownIdError
        """
        row = self._database.one("SELECT idx FROM section WHERE id = ?", (section,))
        if row is None:
            raise UnknownIdError(f"there is no section {section}")
        # A section has a million places: the first half for its plan, the second for added jobs.
        first, last = row[0] * 1_000_000 + 500_000, (row[0] + 1) * 1_000_000
        sql = "SELECT MAX(position) + 1 FROM job WHERE position >= ? AND position < ?"
        return self._number(sql, (first, last), first)

    def free_before(self, position: int) -> int:
        """Return the nearest free place before that of a job; no job is moved."""
        return self._number(
            "SELECT position - 1 FROM job AS one WHERE position <= ?"
            " AND NOT EXISTS (SELECT 1 FROM job AS other WHERE other.position = one.position - 1)"
            " ORDER BY position DESC LIMIT 1",
            (position,),
            position - 1,
        )

    def ground_taken(self, section: str) -> list[tuple[str, RectM]]:
        """Return the ground that was, may have been or will be exposed, with its jobs.

        Of the jobs to come only those of the section; of the ledger all: a scan during which the stage moved
        may have exposed ground far from its job. Ground that only an overview has seen does not count.
        """
        found = self._database.all(
            "SELECT id, x0_m, y0_m, x1_m, y1_m FROM job WHERE section = ? AND state NOT IN (?, ?, ?)"
            " AND kind <> 'overview'"
            " UNION ALL SELECT job, x0_m, y0_m, x1_m, y1_m FROM exposure WHERE state <> ?"
            " AND NOT EXISTS (SELECT 1 FROM job WHERE job.id = exposure.job AND kind = 'overview')",
            (section, *(state.value for state in _GIVEN_UP), ExposureState.VOID.value),
        )  # fmt: skip
        return [(row[0], (row[1], row[2], row[3], row[4])) for row in found]

    def _change(
        self, jobs: Sequence[str], old: JobState | None, new: JobState, what: str, word: Word
    ) -> None:
        cause = HoldCause.PERSON if new is JobState.HELD else None
        with self._database.change():
            self._demand_live()
            for job_id in dict.fromkeys(jobs):
                found = self._queue.job(job_id).state
                if found not in (MOVABLE if old is None else {old}):
                    wanted = "queued, held or in review" if old is None else f"'{old}'"
                    raise IllegalTransitionError(
                        f"job {job_id} is '{found}'; only one that is {wanted} can be {what}"
                    )
                reason = wording.steered(what, str(word))
                self._queue.transition(job_id, new, reason=reason, by=word.by, hold_cause=cause)

    def _demand_live(self) -> None:
        row = self._database.one("SELECT phase FROM run")
        assert row is not None
        if Phase(row[0]) in FINAL:
            raise IllegalTransitionError(f"the session has ended ({row[0]}): its queue stays as it is")

    def _movable(self, job_id: str) -> Job:
        job = self._queue.job(job_id)
        if job.state not in MOVABLE:
            raise IllegalTransitionError(
                f"job {job.id} is '{job.state}'; only one that is queued, held or in review can be moved"
            )
        return job

    def _make_room(self, position: int) -> int:
        """Free the place just before `position`, and return it."""
        taken = self._database.one("SELECT 1 FROM job WHERE position = ?", (position - 1,))
        if taken is None:
            return position - 1
        last = self._number(
            "SELECT MIN(position) FROM job AS one WHERE position >= ?"
            " AND NOT EXISTS (SELECT 1 FROM job AS next WHERE next.position = one.position + 1)",
            (position,),
            position,
        )
        with self._database.change() as connection:
            # In two steps: SQLite checks that places are unique row by row, not at the end.
            connection.execute(
                "UPDATE job SET position = position + ? WHERE position BETWEEN ? AND ?",
                (_AWAY, position, last),
            )
            connection.execute(
                "UPDATE job SET position = position - ? + 1 WHERE position >= ?", (_AWAY, position + _AWAY)
            )
        return position

    def _number(self, sql: str, values: tuple[object, ...], otherwise: int) -> int:
        row = self._database.one(sql, values)
        return otherwise if row is None or row[0] is None else int(row[0])
