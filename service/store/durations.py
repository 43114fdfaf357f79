"""How long the steps of a session took, so that what is left can be told from what was measured."""

from service.records import Step
from service.store.database import Database

LATEST = 200
"""Samples of a step that are looked at: a machine that has become slower is noticed within an hour or two."""


class Durations:
    """Measured durations of one session; they survive a restart."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, step: Step, took_s: float) -> None:
        """Keep how long a step took, s; below zero counts as zero."""
        with self._database.change() as connection:
            connection.execute(
                "INSERT INTO duration (step, took_s) VALUES (?, ?)", (step.value, max(0.0, took_s))
            )

    def latest(self, step: Step) -> tuple[float, ...]:
        """Return the latest samples of a step, s, the newest first."""
        found = self._database.all(
            "SELECT took_s FROM duration WHERE step = ? ORDER BY id DESC LIMIT ?", (step.value, LATEST)
        )
        return tuple(row["took_s"] for row in found)
