"""The queue of SEM frames in the session's database."""

import math
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from drivers.pose import RectM
from service.errors import IllegalTransitionError, StoreError, UnknownIdError
from service.model import job_states
from service.model.event import Event
from service.model.jobs import HoldCause, Job, JobKind, JobState
from service.model.specimen import FieldState
from service.store import ground, rows
from service.store.database import Database
from service.store.rows import to_json
from service.store.tables.specimen import SpecimenStore

_STILL_RETAKEN = (JobState.QUEUED, JobState.HELD, JobState.ARMED)
"""States in which a frame that waits to be taken again still does."""
UNDER_WAY = (JobState.ARMED, JobState.EXPOSED, JobState.SAVED)


class Queue:
    """Jobs of one run in the order of the queue. Methods may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._specimen = SpecimenStore(database)

    def add_plan(self, section: str, jobs: Sequence[Job], skipped: Mapping[str, str]) -> None:
        """Queue the frames of a section and account for each of its cells.

        Parameters
        ----------
        section : str
        jobs : sequence of Job
            Queued; positions and identifiers not taken.
        skipped : mapping
            Reason by cell, for every cell that no job covers.

        Raises
        ------
        StoreError
            A job of another section, an unknown cell, or a cell that is in both or in neither (invariant 9).
        """
        with self._database.change() as connection:
            for job in jobs:
                if job.section != section or job.state is not JobState.QUEUED:
                    raise StoreError(
                        f"{self._database.path}: job {job.id} is not a queued job of section {section}"
                    )
                connection.execute(
                    "INSERT INTO job (id, section, position, x0_m, y0_m, x1_m, y1_m, x_m, y_m,"
                    " shift_x_m, shift_y_m, width_px, height_px, pixel_size_m, dwell_s, kind, state)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued')",
                    (job.id, section, job.position, *job.rect_m, *job.center_m, *job.beam_shift_m,
                     *job.size_px, job.pixel_size_m, job.dwell_s, job.kind.value),
                )  # fmt: skip
                _known_cells(self._database, section, job.covers)
                connection.executemany(
                    "INSERT INTO cover (job, n, cell) VALUES (?, ?, ?)",
                    [(job.id, n, cell) for n, cell in enumerate(job.covers)],
                )
            _known_cells(self._database, section, tuple(skipped))
            connection.executemany(
                "UPDATE cell SET skipped = ? WHERE id = ?",
                [(reason, cell) for cell, reason in skipped.items()],
            )
            _all_accounted_for(self._database, section)
            for field in self._specimen.fields(section, FieldState.DETECTED):
                self._specimen.set_field(field.id, FieldState.PLANNED)
            self._database.log("queue", section, {"jobs": len(jobs), "skipped_cells": len(skipped)})

    def withdraw_plans(self, sections: Collection[str], reason: str) -> None:
        """Withdraw the planned jobs of some sections, so that their cells can be planned again.

        Jobs that are no longer queued or held, that a person has added, or that were exposed and wait to be
        taken again, stay as they are.
        """
        with self._database.change() as connection:
            # All at once: an array may have 50,000 jobs, and nobody else can write meanwhile.
            own, names = "section IN (SELECT value FROM json_each(?))", to_json(list(sections))
            mine = f"{own} AND origin = 'plan' AND state IN ('queued', 'held') AND retake_of IS NULL"
            connection.execute(f"DELETE FROM cover WHERE job IN (SELECT id FROM job WHERE {mine})", (names,))
            connection.execute(
                "INSERT INTO event (time_s, at, kind, subject, data) SELECT ?, ?, 'job', id,"
                " json_object('from', state, 'to', 'withdrawn', 'reason', ?)"
                f" FROM job WHERE {mine} ORDER BY position",
                (self._database.now_s(), self._database.wall_time(), reason, names),
            )
            connection.execute(
                f"UPDATE job SET state = 'withdrawn', reason = ?, hold_cause = NULL WHERE {mine}",
                (reason, names),
            )
            connection.execute(f"DELETE FROM way WHERE {own}", (names,))
            connection.execute(
                f"UPDATE cell SET skipped = NULL WHERE {own} AND skipped IS NOT NULL", (names,)
            )
            self._specimen.unplan(sections)

    def next_number(self) -> int:
        """Return the number for the next job, 1 in an empty queue."""
        row = self._database.one("SELECT MAX(CAST(SUBSTR(id, 2) AS INTEGER)) FROM job")
        return 1 if row is None or row[0] is None else int(row[0]) + 1

    def jobs(
        self,
        state: JobState | None = None,
        section: str | None = None,
        limit: int | None = None,
        after: int | None = None,
    ) -> list[Job]:
        """Return jobs in the order of the queue, after a position."""
        where, values = ["1"], []
        for column, value in (("section = ?", section), ("state = ?", state), ("position > ?", after)):
            if value is not None:
                where.append(column)
                values.append(value)
        return _read(
            self._database,
            f"SELECT * FROM job WHERE {' AND '.join(where)} ORDER BY position LIMIT ?",
            (*values, -1 if limit is None else limit),
        )

    def job(self, job_id: str) -> Job:
        """Return the job of an identifier.

        Raises
        ------
        UnknownIdError
        """
        found = _read(self._database, "SELECT * FROM job WHERE id = ?", (job_id,))
        if not found:
            raise UnknownIdError(f"there is no job {job_id}")
        return found[0]

    def current_job(self) -> Job | None:
        """Return the job whose frame is being taken or saved, None if there is none."""
        found = _read(
            self._database,
            "SELECT * FROM job WHERE state IN (?, ?, ?) ORDER BY position LIMIT 1",
            tuple(state.value for state in UNDER_WAY),
        )
        return found[0] if found else None

    def next_job(self, section: str | None = None) -> Job | None:
        """Return the first queued job, of a section or of all."""
        found = self.jobs(JobState.QUEUED, section, limit=1)
        return found[0] if found else None

    def counts(self) -> dict[JobState, int]:
        """Return the number of jobs in every state."""
        return dict.fromkeys(JobState, 0) | self.counts_in_use()

    def counts_in_use(self) -> dict[JobState, int]:
        """Return the number of jobs in each state that occurs."""
        return {
            JobState(row["state"]): row["n"]
            for row in self._database.all("SELECT state, n FROM job_count WHERE n > 0")
        }

    def helping_counts(self) -> dict[JobKind, int]:
        """Return the number of jobs that are no frames, by kind, in the order of the queue."""
        found = self._database.all(
            "SELECT kind, COUNT(*) AS n FROM job WHERE kind <> 'frame' GROUP BY kind ORDER BY MIN(position)"
        )
        return {JobKind(row["kind"]): row["n"] for row in found}

    def counts_by_section(self, sections: Sequence[str] | None = None) -> dict[str, dict[JobState, int]]:
        """Return the number of jobs of some sections, or of all, in each state that occurs."""
        names = None if sections is None else to_json(list(sections))
        where = "" if names is None else " WHERE section IN (SELECT value FROM json_each(?))"
        found = self._database.all(
            f"SELECT section, state, COUNT(*) AS n FROM job{where} GROUP BY section, state",
            () if names is None else (names,),
        )
        counts: dict[str, dict[JobState, int]] = {}
        for row in found:
            counts.setdefault(row["section"], {})[JobState(row["state"])] = row["n"]
        return counts

    def jobs_touching(self, ground_m: RectM, limit: int, after: int | None = None) -> list[Job]:
        """Return jobs that share ground with a rectangle, in the order of the queue, after a position.

        Skipped and withdrawn ones only if the beam has been there.
        """
        condition, edges = ground.sharing("job", ground_m)
        return _read(
            self._database,
            f"SELECT * FROM job INDEXED BY job_by_ground WHERE {condition}"
            " AND (state NOT IN ('skipped', 'withdrawn')"
            " OR EXISTS (SELECT 1 FROM exposure WHERE exposure.job = job.id))"
            " AND (? IS NULL OR position > ?) ORDER BY position LIMIT ?",
            (*edges, after, after, limit),
        )

    def set_state(
        self,
        job_id: str,
        state: JobState,
        *,
        reason: str | None = None,
        image: str | None = None,
        sha256: str | None = None,
        hold_cause: HoldCause | None = None,
    ) -> Job:
        """Change the state of a job, but not into or out of ``armed``: only the ledger does that.

        See `transition`.

        Raises
        ------
        UnknownIdError
        IllegalTransitionError
        """
        with self._database.change() as connection:
            old = self.job(job_id)
            if JobState.ARMED in (state, old.state):
                raise IllegalTransitionError(
                    f"job {job_id} cannot go to '{state}' this way: only the ledger leads into and out of"
                    " 'armed'"
                )
            return self._changed(
                connection, old, state, reason=reason, image=image, sha256=sha256, hold_cause=hold_cause
            )

    def resize(self, job: Job) -> None:
        """Change the ground of a queued job to that of `job`, with an event.

        Raises
        ------
        UnknownIdError
        IllegalTransitionError
            The job is not queued.
        """
        with self._database.change() as connection:
            old = self.job(job.id)
            if old.state is not JobState.QUEUED:
                raise IllegalTransitionError(f"job {job.id} is '{old.state}': only a queued one is resized")
            connection.execute(
                "UPDATE job SET x0_m = ?, y0_m = ?, x1_m = ?, y1_m = ?, x_m = ?, y_m = ?, width_px = ?,"
                " height_px = ?, shift_x_m = ?, shift_y_m = ? WHERE id = ?",
                (*job.rect_m, *job.center_m, *job.size_px, *job.beam_shift_m, job.id),
            )
            more_px = math.prod(job.size_px) - math.prod(old.size_px)
            connection.execute(
                "UPDATE job_count SET pixels = pixels + ?, beam_s = beam_s + ? WHERE state = ?",
                (more_px, more_px * old.dwell_s, old.state.value),
            )
            data = {"resized_px": [list(old.size_px), list(job.size_px)], "rect_m": list(job.rect_m)}
            self._database.log("job", job.id, data)

    def transition(
        self,
        job_id: str,
        state: JobState,
        *,
        reason: str | None = None,
        image: str | None = None,
        sha256: str | None = None,
        hold_cause: HoldCause | None = None,
        exposure: int | None = None,
        by: str | None = None,
    ) -> Job:
        """Change the state of a job by the table of `service.model.job_states`.

        A job that is held needs a `hold_cause`. `exposure` and `by` go into the event.

        Raises
        ------
        UnknownIdError
        IllegalTransitionError
        StoreError
            A hold without a cause, or a cause with another state.
        """
        with self._database.change() as connection:
            return self._changed(
                connection,
                self.job(job_id),
                state,
                reason=reason,
                image=image,
                sha256=sha256,
                hold_cause=hold_cause,
                exposure=exposure,
                by=by,
            )

    def _changed(
        self,
        connection: sqlite3.Connection,
        old: Job,
        state: JobState,
        *,
        reason: str | None,
        image: str | None,
        sha256: str | None,
        hold_cause: HoldCause | None,
        exposure: int | None = None,
        by: str | None = None,
    ) -> Job:
        """Change a job that was read in the same change."""
        job_id = old.id
        for_retake = HoldCause.RETAKE in (old.hold_cause, hold_cause)
        job_states.check(old.state, state, for_retake)
        new = replace(
            old,
            state=state,
            reason=reason,
            image=old.image if image is None else image,
            sha256=old.sha256 if sha256 is None else sha256,
            hold_cause=hold_cause,
            retake_of=old.retake_of if state in _STILL_RETAKEN else None,
        )
        connection.execute(
            "UPDATE job SET state = ?, reason = ?, image = ?, sha256 = ?, hold_cause = ?, retake_of = ?"
            " WHERE id = ?",
            (
                state.value,
                reason,
                new.image,
                new.sha256,
                None if hold_cause is None else hold_cause.value,
                new.retake_of,
                job_id,
            ),
        )
        data: dict[str, object] = {"from": old.state, "to": state, "reason": reason}
        optional = {"exposure": exposure, "by": by, "hold_cause": hold_cause}
        data |= {name: value for name, value in optional.items() if value is not None}
        self._database.log("job", job_id, data)
        return new

    def history(self, job_id: str) -> list[Event]:
        """Return the events of a job, in order."""
        found = self._database.all(
            "SELECT * FROM event WHERE kind = 'job' AND subject = ? ORDER BY seq", (job_id,)
        )
        return [rows.event(row) for row in found]

    def kept_because(self, jobs: Sequence[Job]) -> dict[str, str]:
        """Return the reason of each cell that some jobs cover, by its identifier."""
        cells = sorted({cell for job in jobs for cell in job.covers})
        found = self._database.all(
            "SELECT id, reason FROM cell WHERE id IN (SELECT value FROM json_each(?))", (to_json(cells),)
        )
        return {row["id"]: row["reason"] for row in found}


def _known_cells(database: Database, section: str, cells: Sequence[str]) -> None:
    unknown = database.one(
        "SELECT value FROM json_each(?)"
        " WHERE NOT EXISTS (SELECT 1 FROM cell WHERE cell.id = value AND cell.section = ?) LIMIT 1",
        (to_json(list(cells)), section),
    )
    if unknown is not None:
        raise StoreError(f"{database.path}: section {section} has no cell {unknown[0]}")


def _all_accounted_for(database: Database, section: str) -> None:
    wrong = database.one(
        "SELECT id, skipped FROM cell WHERE section = ? AND verdict IS NOT 'withdrawn'"
        " AND (skipped IS NOT NULL) = EXISTS (SELECT 1 FROM cover WHERE cover.cell = cell.id) LIMIT 1",
        (section,),
    )
    if wrong is not None:
        has = "neither a job nor" if wrong["skipped"] is None else "both a job and"
        raise StoreError(f"{database.path}: cell {wrong['id']} has {has} a reason why it is skipped")


def _read(database: Database, sql: str, values: tuple[object, ...]) -> list[Job]:
    with database.snapshot():
        found = database.all(sql, values)
        links = database.all(
            "SELECT job, cell FROM cover WHERE job IN (SELECT value FROM json_each(?)) ORDER BY job, n",
            (to_json([row["id"] for row in found]),),
        )
    covers: dict[str, list[str]] = {}
    for link in links:
        covers.setdefault(link["job"], []).append(link["cell"])
    return [rows.job(row, covers.get(row["id"], ())) for row in found]
