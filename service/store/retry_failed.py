"""Second try, after a restart, for fields whose fluorescence or detection failed."""

from service import wording
from service.model.jobs import JobOrigin, JobState
from service.model.specimen import FieldState
from service.store.database import Database
from service.store.tables.queue import Queue
from service.store.tables.specimen import SpecimenStore


def retry_failed(database: Database) -> tuple[str, ...]:
    """Set fields back to ``saved`` if their detection failed, to ``pending`` if their fluorescence failed.

    Sections with an exposure in the ledger, or with a queue that is no longer as it was planned, are left
    alone: what was imaged, or decided by a person, stays. The plan of other sections is withdrawn; they are
    planned again, with all of their cells.

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
            Queue(database).withdraw_plans([section], wording.plan_withdrawn())
        for field in failed:
            if field.untaken:
                specimen.set_field(field.id, FieldState.PENDING, reason=wording.taken_again())
            else:
                specimen.set_field(field.id, FieldState.SAVED, reason=wording.detected_again())
        return tuple(field.id for field in failed)


def _untouched(database: Database, section: str) -> bool:
    """Return True if all jobs of a section are queued as they were planned."""
    touched = database.one(
        "SELECT 1 FROM job WHERE section = ? AND (state <> ? OR origin = ? OR EXISTS"
        " (SELECT 1 FROM event WHERE event.kind = 'job' AND event.subject = job.id))",
        (section, JobState.QUEUED.value, JobOrigin.PERSON.value),
    )
    return touched is None
