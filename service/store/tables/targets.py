"""Choice of the cells to image: the rule in force, and its decision on each cell."""

from collections.abc import Mapping
from typing import Any

from service.model.targets import Beside, Choice, LeftOut
from service.store import rows
from service.store.database import Database


class TargetStore:
    """Choices of one run. Each change is one transaction with its event.

    Methods may be called from any thread.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def current(self) -> Choice | None:
        """Return the choice in force; None while it is that of the configuration."""
        row = self._database.one("SELECT * FROM choice ORDER BY id DESC LIMIT 1")
        return None if row is None else rows.choice(row)

    def number(self) -> int:
        """Return the number of the choice in force, 0 for that of the configuration."""
        current = self.current()
        return 0 if current is None else current.number

    def add(self, rule: str, by: str, reason: str) -> None:
        """Store a choice of a person, in force from now on; for `rule` see `Choice`."""
        with self._database.change() as connection:
            connection.execute(
                "INSERT INTO choice (rule, made_by, reason, at) VALUES (?, ?, ?, ?)",
                (rule, by, reason, self._database.wall_time()),
            )

    def decide(self, left_out: Mapping[str, LeftOut | None], data: Mapping[str, Any]) -> None:
        """Store the decision on some cells, None for a chosen one; `data` go into the event."""
        with self._database.change() as connection:
            connection.executemany(
                "UPDATE cell SET left_out = ?, beside = NULL WHERE id = ?",
                [(None if reason is None else reason.value, cell) for cell, reason in left_out.items()],
            )
            self._database.log("targets", "session", data)

    def set_beside(self, beside: Mapping[str, Beside]) -> None:
        """Store the effect of the frames of a plan on the cells that it leaves out."""
        with self._database.change() as connection:
            connection.executemany(
                "UPDATE cell SET beside = ? WHERE id = ?",
                [(one.value, cell) for cell, one in beside.items()],
            )

    def without_frame(self) -> dict[str, str]:
        """Return the reasons of cells that were to be imaged and have no frame, by cell.

        Cells that the policy, a choice or a person leaves out are none of them.
        """
        found = self._database.all(
            "SELECT id, skipped FROM cell WHERE skipped IS NOT NULL AND image_rect_m IS NOT NULL"
            " AND left_out IS NULL AND verdict IS NOT 'withdrawn' ORDER BY rowid"
        )
        return {row["id"]: row["skipped"] for row in found}
