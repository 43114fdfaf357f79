"""Fields that failed, taken or given to detection once more."""

from service.model.jobs import JobState
from service.model.specimen import FieldState
from service.store.database import Database
from service.store.tables.queue import Queue
from service.store.tables.specimen import SpecimenStore

TAKEN_AGAIN = "taken again after a restart"
DETECTED_AGAIN = "detected again after a restart"
WITHDRAWN = "the section is planned anew, as a field of it is taken or detected again"


def look_again(database: Database) -> tuple[str, ...]:
    """Call fields ``saved`` again whose detection failed, and ``pending`` whose fluorescence did.

    Not where an exposure of their section is in the ledger, or its queue is no longer as it was planned: what
    has been imaged, or decided by a person, stays. Of other sections the plan is withdrawn; they are planned
    anew, with all of their cells, when the field was seen.

    Returns
    -------
    tuple of str
        The fields.

    Raises
    ------
    StoreError
        The database cannot be written; nothing changed.
    """
    specimen = SpecimenStore(database)
    with database.change():
        failed = [
            field
            for field in specimen.fields(state=FieldState.FAILED)
            if (field.undetected or field.untaken) and _untouched(database, field.section)
        ]
        for section in dict.fromkeys(field.section for field in failed):
            _withdraw_plan(database, section)
        for field in failed:
            if field.untaken:
                specimen.set_field(field.id, FieldState.PENDING, reason=TAKEN_AGAIN)
            else:
                specimen.set_field(field.id, FieldState.SAVED, reason=DETECTED_AGAIN)
        return tuple(field.id for field in failed)


def _untouched(database: Database, section: str) -> bool:
    """Whether no job of a section was ever moved on, held, put elsewhere, or asked for by a person."""
    touched = database.one(
        # A queued job has a reason only where a person asked for it.
        "SELECT 1 FROM job WHERE section = ? AND (state <> 'queued' OR reason IS NOT NULL OR EXISTS"
        " (SELECT 1 FROM event WHERE event.kind = 'job' AND event.subject = job.id))",
        (section,),
    )
    return touched is None


def _withdraw_plan(database: Database, section: str) -> None:
    """Skip the jobs of a section, so that its cells can be planned again."""
    queue, specimen = Queue(database), SpecimenStore(database)
    with database.change() as connection:
        for job in queue.jobs(section=section):
            connection.execute("DELETE FROM cover WHERE job = ?", (job.id,))
            queue.transition(job.id, JobState.SKIPPED, reason=WITHDRAWN)
        connection.execute("DELETE FROM way WHERE section = ?", (section,))
        connection.execute("UPDATE cell SET skipped = NULL WHERE section = ?", (section,))
        for field in specimen.fields(section, FieldState.PLANNED):
            specimen.set_field(field.id, FieldState.DETECTED)
