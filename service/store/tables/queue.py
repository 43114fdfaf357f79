"""The queue of SEM frames in the session's database."""

from collections.abc import Mapping, Sequence

from service.errors import IllegalTransitionError, StoreError, UnknownIdError
from service.model import job_states
from service.model.event import Event
from service.model.jobs import Job, JobState
from service.model.specimen import FieldState
from service.store import rows
from service.store.database import Database
from service.store.rows import to_json
from service.store.tables.specimen import list_fields, set_field

UNDER_WAY = (JobState.ARMED, JobState.EXPOSED, JobState.SAVED)


def add_plan(database: Database, section: str, jobs: Sequence[Job], skipped: Mapping[str, str]) -> None:
    """Queue the frames of a section, and account for each of its cells.

    Parameters
    ----------
    database : Database
    section : str
    jobs : sequence of Job
        Queued; positions and identifiers not taken.
    skipped : mapping
        Reason by identifier, of every cell that no job covers.

    Raises
    ------
    StoreError
        A job of another section, a cell that is unknown or in both, or one that is in neither (invariant 9).
    """
    with database.change() as connection:
        for job in jobs:
            if job.section != section or job.state is not JobState.QUEUED:
                raise StoreError(f"{database.path}: job {job.id} is not a queued job of section {section}")
            connection.execute(
                "INSERT INTO job (id, section, position, x0_m, y0_m, x1_m, y1_m, x_m, y_m,"
                " shift_x_m, shift_y_m, width_px, height_px, pixel_size_m, dwell_s, kind, state)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued')",
                (job.id, section, job.position, *job.rect_m, *job.center_m, *job.beam_shift_m, *job.size_px,
                 job.pixel_size_m, job.dwell_s, job.kind.value),
            )  # fmt: skip
            _known_cells(database, section, job.covers)
            connection.executemany(
                "INSERT INTO cover (job, n, cell) VALUES (?, ?, ?)",
                [(job.id, n, cell) for n, cell in enumerate(job.covers)],
            )
        _known_cells(database, section, tuple(skipped))
        connection.executemany(
            "UPDATE cell SET skipped = ? WHERE id = ?", [(reason, cell) for cell, reason in skipped.items()]
        )
        _all_accounted_for(database, section)
        for field in list_fields(database, section, FieldState.DETECTED, None, None):
            set_field(database, field.id, FieldState.PLANNED)
        database.log("queue", section, {"jobs": len(jobs), "skipped_cells": len(skipped)})


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
        "SELECT id, skipped FROM cell WHERE section = ?"
        " AND (skipped IS NOT NULL) = EXISTS (SELECT 1 FROM cover WHERE cover.cell = cell.id) LIMIT 1",
        (section,),
    )
    if wrong is not None:
        has = "neither a job nor" if wrong["skipped"] is None else "both a job and"
        raise StoreError(f"{database.path}: cell {wrong['id']} has {has} a reason why it is skipped")


def next_number(database: Database) -> int:
    """Number for the next job, 1 in an empty queue."""
    row = database.one("SELECT MAX(CAST(SUBSTR(id, 2) AS INTEGER)) FROM job")
    return 1 if row is None or row[0] is None else int(row[0]) + 1


def list_jobs(
    database: Database,
    section: str | None,
    state: JobState | None,
    limit: int | None,
    after: int | None,
) -> list[Job]:
    """Jobs in the order of the queue, behind a position."""
    where, values = ["1"], []
    for column, value in (("section = ?", section), ("state = ?", state), ("position > ?", after)):
        if value is not None:
            where.append(column)
            values.append(value)
    return _read(
        database,
        f"SELECT * FROM job WHERE {' AND '.join(where)} ORDER BY position LIMIT ?",
        (*values, -1 if limit is None else limit),
    )


def get_job(database: Database, job_id: str) -> Job:
    """Job of an identifier.

    Raises
    ------
    UnknownIdError
    """
    found = _read(database, "SELECT * FROM job WHERE id = ?", (job_id,))
    if not found:
        raise UnknownIdError(f"there is no job {job_id}")
    return found[0]


def current_job(database: Database) -> Job | None:
    """Job whose frame is being taken or saved, None if there is none."""
    found = _read(
        database,
        "SELECT * FROM job WHERE state IN (?, ?, ?) ORDER BY position LIMIT 1",
        tuple(state.value for state in UNDER_WAY),
    )
    return found[0] if found else None


def count_jobs(database: Database) -> dict[JobState, int]:
    """Jobs in each state that occurs."""
    return {
        JobState(row["state"]): row["n"] for row in database.all("SELECT state, n FROM job_count WHERE n > 0")
    }


def set_job(
    database: Database,
    job_id: str,
    state: JobState,
    *,
    reason: str | None = None,
    image: str | None = None,
    sha256: str | None = None,
) -> Job:
    """Move a job on, but not into or out of ``armed``: that is the ledger's.

    Raises
    ------
    UnknownIdError
    IllegalTransitionError
    """
    with database.change():
        if JobState.ARMED in (state, get_job(database, job_id).state):
            raise IllegalTransitionError(
                f"job {job_id} cannot go to '{state}' this way: only the ledger leads into and out of 'armed'"
            )
        return move_job(database, job_id, state, reason=reason, image=image, sha256=sha256)


def move_job(
    database: Database,
    job_id: str,
    state: JobState,
    *,
    reason: str | None = None,
    image: str | None = None,
    sha256: str | None = None,
    exposure: int | None = None,
    by: str | None = None,
) -> Job:
    """Move a job on by the table of `service.model.job_states`; `exposure` and `by` go into the event.

    Raises
    ------
    UnknownIdError
    IllegalTransitionError
    """
    with database.change() as connection:
        old = get_job(database, job_id)
        job_states.check(old.state, state)
        connection.execute(
            "UPDATE job SET state = ?, reason = ?, image = COALESCE(?, image), sha256 = COALESCE(?, sha256)"
            " WHERE id = ?",
            (state.value, reason, image, sha256, job_id),
        )
        told: dict[str, object] = {"from": old.state, "to": state, "reason": reason}
        told |= {name: value for name, value in (("exposure", exposure), ("by", by)) if value is not None}
        database.log("job", job_id, told)
        return get_job(database, job_id)


def history(database: Database, job_id: str) -> list[Event]:
    """Events of a job, in order."""
    found = database.all("SELECT * FROM event WHERE kind = 'job' AND subject = ? ORDER BY seq", (job_id,))
    return [rows.event(row) for row in found]


def kept_because(database: Database, jobs: Sequence[Job]) -> dict[str, str]:
    """Why each cell that some jobs cover was kept, by its identifier."""
    cells = sorted({cell for job in jobs for cell in job.covers})
    found = database.all(
        "SELECT id, reason FROM cell WHERE id IN (SELECT value FROM json_each(?))", (to_json(cells),)
    )
    return {row["id"]: row["reason"] for row in found}


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
