"""Focuses of each section, so that a restart goes on with the same heights."""

from dataclasses import replace

from service.model.focus import Focus, FocusBeam, FocusState
from service.store import rows
from service.store.database import Database

_COLUMNS = (
    "beam, section, job, x_m, y_m, start_m, found_m, score, used_m, state, exposures, exposed_s, reason"
)


class FocusStore:
    """Focuses of one run. Each change is one transaction with its event.

    Methods may be called from any thread.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, focus: Focus) -> Focus:
        """Store a focus, and return it with its number.

        Raises
        ------
        StoreError
            There is no such section or job, or a height is missing; nothing was stored.
        """
        with self._database.change() as connection:
            cursor = connection.execute(
                f"INSERT INTO focus ({_COLUMNS}) VALUES ({', '.join('?' * len(_values(focus)))})",
                _values(focus),
            )
            self._log(focus)
            return replace(focus, id=int(cursor.lastrowid or 0))

    def change(self, focus: Focus) -> None:
        """Store the outcome of a focus that was added."""
        with self._database.change() as connection:
            connection.execute(
                f"UPDATE focus SET ({_COLUMNS}) = ({', '.join('?' * len(_values(focus)))}) WHERE id = ?",
                (*_values(focus), focus.id),
            )
            self._log(focus)

    def all(self, beam: FocusBeam | None = None, limit: int | None = None, after: int = 0) -> list[Focus]:
        """Return focuses in their order, after a number, of one beam or both."""
        name = None if beam is None else beam.value
        found = self._database.all(
            "SELECT * FROM focus WHERE (? IS NULL OR beam = ?) AND id > ? ORDER BY id LIMIT ?",
            (name, name, after, -1 if limit is None else limit),
        )
        return [rows.focus(row) for row in found]

    def latest(self, beam: FocusBeam, section: str | None = None) -> Focus | None:
        """Return the last focus of a beam, of a section or of all; None where there is none."""
        row = self._database.one(
            "SELECT * FROM focus WHERE beam = ? AND (? IS NULL OR section = ?) ORDER BY id DESC LIMIT 1",
            (beam.value, section, section),
        )
        return None if row is None else rows.focus(row)

    def of_job(self, job: str) -> Focus | None:
        """Return the last focus of a job; None where it has none."""
        row = self._database.one("SELECT * FROM focus WHERE job = ? ORDER BY id DESC LIMIT 1", (job,))
        return None if row is None else rows.focus(row)

    def job_of(self, section: str) -> str | None:
        """Return the job that focuses the beam on a section, in any state; None without one."""
        row = self._database.one(
            "SELECT id FROM job WHERE section = ? AND kind = 'focus' ORDER BY id DESC LIMIT 1", (section,)
        )
        return None if row is None else str(row[0])

    def counts(self, beam: FocusBeam) -> dict[FocusState, int]:
        """Return the number of sections by the state of their last focus; only states that occur."""
        found = self._database.all(
            "SELECT state, COUNT(*) AS n FROM focus"
            " WHERE id IN (SELECT MAX(id) FROM focus WHERE beam = ? GROUP BY section) GROUP BY state",
            (beam.value,),
        )
        return {FocusState(row["state"]): row["n"] for row in found}

    def cost(self, beam: FocusBeam) -> tuple[int, float]:
        """Return the exposures of all focuses of a beam, and their time under light or beam, s."""
        row = self._database.one(
            "SELECT COALESCE(SUM(exposures), 0), TOTAL(exposed_s) FROM focus WHERE beam = ?", (beam.value,)
        )
        return (0, 0.0) if row is None else (int(row[0]), float(row[1]))

    def _log(self, focus: Focus) -> None:
        if focus.state is FocusState.BEGUN:
            return
        data = {
            "beam": focus.beam,
            "state": focus.state,
            "found_m": focus.found_m,
            "used_m": focus.used_m,
            "job": focus.job,
            "reason": focus.reason,
        }
        self._database.log("focus", focus.section, data)


def _values(focus: Focus) -> tuple[object, ...]:
    return (
        focus.beam.value,
        focus.section,
        focus.job,
        *focus.place_m,
        focus.start_m,
        focus.found_m,
        focus.score,
        focus.used_m,
        focus.state.value,
        focus.exposures,
        focus.exposed_s,
        focus.reason,
    )
