"""Everything that a session must not forget, in one SQLite file.

Every method that changes something is one transaction with its event, and on the disk when it returns; when
it raises, nothing changed. Methods may be called from any thread. `StoreError` may come from each.

The work is done in `specimen`, `tracks`, `queue`, `steering`, `ledger` and `requests`; here is what they are
together.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from drivers.pose import RectM
from service.model.event import Event
from service.model.jobs import Exposure, ExposureState, Job, JobState
from service.model.phases import FINAL, Phase, SessionEvent, Status, step
from service.model.specimen import Cell, Field, FieldState, Section
from service.store import rows
from service.store.database import Clock, Database, create_file, utc_now
from service.store.tables import idempotency as requests
from service.store.tables import ledger, queue, specimen
from service.store.tables import retry_failed as second_look
from service.store.tables.durations import Accounts
from service.store.tables.focus import FocusStore
from service.store.tables.steering import Steering
from service.store.tables.tracks import TrackStore

RESTARTED = "the program was started again"
"""Reason of the pause in which recovery ends."""


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """What a restart found, and where the session stands now."""

    status: Status
    found: ledger.Recovered
    again: tuple[str, ...] = ()
    """Fields that had failed and are taken or detected again."""


class Store:
    """The store of one run; made by `create` or `open`, to be closed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.tracks = TrackStore(database)
        self.accounts = Accounts(database)
        self.steering = Steering(database)
        self.focus = FocusStore(database)

    @classmethod
    def create(
        cls,
        path: Path,
        run_id: str,
        config_yaml: str,
        kind: str,
        now_s: Clock | None = None,
        wall_clock: Callable[[], datetime] = utc_now,
    ) -> Self:
        """Make the store of a new run, idle, and open it; `path` must not exist.

        `run_id`, `config_yaml` and `kind` are kept as given; for `now_s` and `wall_clock` see `Database`.

        Raises
        ------
        StoreError
            It exists, or cannot be made.
        """

        def first_rows(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO run (only, run_id, kind, config_yaml, phase, rev) VALUES (1, ?, ?, ?, ?, 0)",
                (run_id, kind, config_yaml, Phase.IDLE.value),
            )

        create_file(path, first_rows)
        return cls(Database(path, now_s, wall_clock))

    @classmethod
    def open(
        cls, path: Path, now_s: Clock | None = None, wall_clock: Callable[[], datetime] = utc_now
    ) -> Self:
        """Open the store of an earlier run.

        Raises
        ------
        StoreError
            No store, or one of another version.
        """
        return cls(Database(path, now_s, wall_clock))

    @property
    def folder(self) -> Path:
        """Where the store lies: the folder of the run."""
        return self._database.path.parent

    def close(self) -> None:
        """Close the file; harmless when it is closed."""
        self._database.close()

    def use_clock(self, now_s: Clock) -> None:
        """Take times from this clock from now on; to begin it, `last_time_s` is needed first."""
        self._database.use_clock(now_s)

    # The run

    def run_id(self) -> str:
        """Return the identifier of the run."""
        return str(self._run()["run_id"])

    def kind(self) -> str:
        """Return what kind of run it is."""
        return str(self._run()["kind"])

    def last_time_s(self) -> float:
        """Time of the last event on the microscope's clock, s; 0 where there is none."""
        return self._database.last_time_s()

    def status(self) -> Status:
        """Phase of the session."""
        row = self._run()
        resume_to = None if row["resume_to"] is None else Phase(row["resume_to"])
        return Status(Phase(row["phase"]), resume_to, row["reason"])

    def apply(self, event: SessionEvent, reason: str | None = None) -> Status:
        """Move the session on by `service.model.phases.step`.

        Raises
        ------
        IllegalTransitionError
        """
        with self._database.change() as connection:
            old = self.status()
            new = step(old, event, reason)
            connection.execute(
                "UPDATE run SET phase = ?, resume_to = ?, reason = ?", (new.phase, new.resume_to, new.reason)
            )
            requests.steer(self._database)
            told = {"event": event, "from": old.phase, "phase": new.phase, "resume_to": new.resume_to}
            self._database.log("session", self.run_id(), {**told, "reason": reason})
            return new

    def recover(self) -> RecoveryReport:
        """Put in order what an earlier process left, and apply ``restart`` unless the session has ended."""
        with self._database.change():
            found = ledger.recover(self._database)
            status = self.status()
            if status.phase in FINAL:
                return RecoveryReport(status, found)
            again = second_look.look_again(self._database)
            return RecoveryReport(self.apply(SessionEvent.RESTART, RESTARTED), found, again)

    def _run(self) -> sqlite3.Row:
        row = self._database.one("SELECT * FROM run")
        assert row is not None
        return row

    # Events and transactions

    def note(self, kind: str, subject: str, data: Mapping[str, Any]) -> None:
        """Append an event that changes nothing: a pressure read back, a full disk.

        `data` are JSON values; NaN and infinity become null.
        """
        with self._database.change():
            self._database.log(kind, subject, data)

    def events_since(self, seq: int, limit: int | None = None) -> list[Event]:
        """Events behind a sequence number, in order, without gaps."""
        sql = "SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
        return [rows.event(row) for row in self._database.all(sql, (seq, -1 if limit is None else limit))]

    def last_seq(self) -> int:
        """Sequence number of the last event, 0 where there is none."""
        row = self._database.one("SELECT MAX(seq) FROM event")
        return 0 if row is None or row[0] is None else int(row[0])

    def together(self) -> AbstractContextManager[object]:
        """All that this thread changes inside is one transaction."""
        return self._database.change()

    def snapshot(self) -> AbstractContextManager[None]:
        """All that this thread reads inside belongs to one moment."""
        return self._database.snapshot()

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run `action` once the change of this thread is on the disk; at once if it is in none.

        A `Control` wakes the runner this way: woken earlier it would read the old state and sleep again.
        """
        self._database.after_commit(action)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every commit, on the thread that committed; it must return at once."""
        self._database.listen(listener)

    # Requests

    def rev(self) -> int:
        """Revision of the steering: grows with every phase and every change by request, not with progress."""
        return requests.revision(self._database)

    def change_by_request(
        self,
        request_id: str,
        method: str,
        params: Mapping[str, Any],
        if_rev: int | None,
        make: Callable[[], Mapping[str, Any]],
    ) -> dict[str, Any]:
        """Make a change once and keep its reply; see `requests.change_by_request`.

        Raises
        ------
        RequestReusedError, StaleRevisionError
        """
        return requests.change_by_request(self._database, request_id, method, params, if_rev, make)

    # Sections, fields, cells

    def add_sections(self, sections: Sequence[Section], fields: Sequence[Field]) -> None:
        """Add sections with their fields, all pending."""
        specimen.add_sections(self._database, sections, fields)

    def sections(self, limit: int | None = None, after: str | None = None) -> list[Section]:
        """Sections in the order of cutting, after the one named."""
        return specimen.list_sections(self._database, limit, after)

    def fields(
        self,
        section: str | None = None,
        state: FieldState | None = None,
        limit: int | None = None,
        after: str | None = None,
        touching: RectM | None = None,
    ) -> list[Field]:
        """Fields in the order of sections and of their index, after the one named, or that share ground."""
        return specimen.list_fields(self._database, section, state, limit, after, touching)

    def field(self, field_id: str) -> Field:
        """Field of an identifier, or `UnknownIdError`."""
        return specimen.get_field(self._database, field_id)

    def field_counts(self) -> dict[FieldState, int]:
        """Fields in each state that occurs."""
        return specimen.count_fields(self._database)

    def set_field(
        self,
        field_id: str,
        state: FieldState,
        *,
        reason: str | None = None,
        center_m: tuple[float, float] | None = None,
        rect_m: RectM | None = None,
        image: str | None = None,
        sha256: str | None = None,
        elapsed_ms: float | None = None,
        warnings: Sequence[str] | None = None,
    ) -> Field:
        """Move a field on; what is None stays as it is, but for the reason, which belongs to the new state.

        Raises
        ------
        UnknownIdError, IllegalTransitionError
        """
        return specimen.set_field(
            self._database,
            field_id,
            state,
            reason=reason,
            center_m=center_m,
            rect_m=rect_m,
            image=image,
            sha256=sha256,
            elapsed_ms=elapsed_ms,
            warnings=warnings,
        )

    def cells(self, section: str | None = None, field: str | None = None) -> list[Cell]:
        """Cells in the order in which they were found, of a section, of a field, or all."""
        return specimen.list_cells(self._database, section, field)

    # Queue

    def add_plan(self, section_id: str, jobs: Sequence[Job], skipped: Mapping[str, str]) -> None:
        """Queue the frames of a section; each of its cells is covered by one or skipped with a reason.

        Its detected fields are then planned.
        """
        queue.add_plan(self._database, section_id, jobs, skipped)

    def next_job_number(self) -> int:
        """Number for the next job, 1 in an empty queue."""
        return queue.next_number(self._database)

    def jobs(
        self,
        state: JobState | None = None,
        section: str | None = None,
        limit: int | None = None,
        after: int | None = None,
    ) -> list[Job]:
        """Jobs in the order of the queue, behind position `after`."""
        return queue.list_jobs(self._database, section, state, limit, after)

    def job(self, job_id: str) -> Job:
        """Job of an identifier, or `UnknownIdError`."""
        return queue.get_job(self._database, job_id)

    def next_job(self, section: str | None = None) -> Job | None:
        """First queued job, of a section or of all."""
        found = self.jobs(JobState.QUEUED, section, limit=1)
        return found[0] if found else None

    def current_job(self) -> Job | None:
        """Job whose frame is being taken or saved, None if there is none."""
        return queue.current_job(self._database)

    def counts(self) -> dict[JobState, int]:
        """Number of jobs in every state."""
        return dict.fromkeys(JobState, 0) | self.counts_in_use()

    def counts_in_use(self) -> dict[JobState, int]:
        """Number of jobs in each state that occurs."""
        return queue.count_jobs(self._database)

    def set_job(
        self,
        job_id: str,
        state: JobState,
        *,
        reason: str | None = None,
        image: str | None = None,
        sha256: str | None = None,
    ) -> Job:
        """Move a job on, but not into or out of ``armed``; the reason belongs to the new state.

        Raises
        ------
        UnknownIdError, IllegalTransitionError
        """
        return queue.set_job(self._database, job_id, state, reason=reason, image=image, sha256=sha256)

    def history(self, job_id: str) -> list[Event]:
        """Events of a job, in order."""
        return queue.history(self._database, job_id)

    def kept_because(self, jobs: Sequence[Job]) -> dict[str, str]:
        """Why each cell that some jobs cover was kept, by its identifier."""
        return queue.kept_because(self._database, jobs)

    # Ledger

    def arm(self, job_id: str, rect_m: RectM, halo_m: float) -> Exposure:
        """Commit the intent to expose; see `ledger.arm`, also for the errors."""
        return ledger.arm(self._database, job_id, rect_m, halo_m)

    def expose_done(
        self,
        exposure_id: int,
        rect_m: RectM | None = None,
        beam_s: float | None = None,
        note: str | None = None,
    ) -> Exposure:
        """The scan ended and the beam is blanked: row closed, job exposed; see `ledger.finish`."""
        closed, exposed = ExposureState.CLOSED, JobState.EXPOSED
        return ledger.finish(self._database, exposure_id, closed, exposed, note, rect_m, beam_s)

    def expose_failed(self, exposure_id: int, note: str) -> Exposure:
        """How much was exposed is not known: row unknown, job to be reviewed by a person."""
        return ledger.finish(self._database, exposure_id, ExposureState.UNKNOWN, JobState.NEEDS_REVIEW, note)

    def expose_void(self, exposure_id: int, job_state: JobState, note: str) -> Exposure:
        """The scan was refused with the beam blanked: row void, job queued again or given up."""
        return ledger.void(self._database, exposure_id, job_state, note)

    def exposures(
        self, limit: int | None = None, after: int | None = None, job: str | None = None
    ) -> list[Exposure]:
        """Rows of the ledger in the order in which they were opened, behind `after`, of a job or all."""
        return ledger.list_exposures(self._database, job, limit, after)

    def exposed_rects(self, touching: RectM | None = None) -> list[tuple[RectM, float]]:
        """Ground that the beam touched or may have, with its halo, m; see `ledger.exposed_rects`."""
        return ledger.exposed_rects(self._database, touching)
