"""Edits of the cells by people: steps, what was found before them, and the cells as edited."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from detection.image.hits import Decision
from service.model.review import Edit, FoundCells, PolicyChange, Recorded, Revised, Step, Verdict
from service.model.specimen import Cell
from service.store import rows
from service.store.database import Database
from service.store.rows import numbers, to_json
from service.store.tables.specimen import insert_cell


class ReviewStore:
    """Review of one run. Each change is one transaction; methods may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def number(self) -> int:
        """Return a number that grows with each step and each undoing."""
        row = self._database.one("SELECT COUNT(*) + COUNT(undone_at) FROM review_step")
        return 0 if row is None else int(row[0])

    def add(
        self,
        by: str,
        reason: str,
        edits: Sequence[Edit],
        new: Sequence[Cell] = (),
        policy: PolicyChange | None = None,
    ) -> int:
        """Store a step, and the cells that it draws; return its number."""
        with self._database.change() as connection:
            cursor = connection.execute(
                "INSERT INTO review_step (policy, made_by, reason, at) VALUES (?, ?, ?, ?)",
                (None if policy is None else to_json(asdict(policy)), by, reason, self._database.wall_time()),
            )
            number = int(cursor.lastrowid or 0)
            for cell in new:
                insert_cell(connection, cell)
            connection.executemany(
                "INSERT INTO review_edit (step, kind, cell, box_px, rect_m) VALUES (?, ?, ?, ?, ?)",
                [
                    (number, edit.kind.value, edit.cell, _numbers(edit.box_px), _numbers(edit.rect_m))
                    for edit in edits
                ],
            )
            return number

    def undo(self, step: int, by: str) -> None:
        """Mark a step as undone."""
        with self._database.change() as connection:
            connection.execute(
                "UPDATE review_step SET undone_by = ?, undone_at = ? WHERE id = ? AND undone_at IS NULL",
                (by, self._database.wall_time(), step),
            )

    def last_step(self, by: str | None = None) -> Step | None:
        """Return the last step that is not undone, of a person or of all."""
        row = self._database.one(
            "SELECT * FROM review_step WHERE undone_at IS NULL AND (?1 IS NULL OR made_by = ?1)"
            " ORDER BY id DESC LIMIT 1",
            (by,),
        )
        return None if row is None else rows.step(row)

    def policy_step(self) -> Step | None:
        """Return the step whose policy is in force; None for that of the configuration."""
        row = self._database.one(
            "SELECT * FROM review_step WHERE undone_at IS NULL AND policy IS NOT NULL"
            " ORDER BY id DESC LIMIT 1"
        )
        return None if row is None else rows.step(row)

    def later_than(self, step: Step) -> Step | None:
        """Return the last step that is not undone and edits something that this one edited; None if none."""
        row = self._database.one(
            "SELECT * FROM review_step WHERE id > ?1 AND undone_at IS NULL AND ("
            " (policy IS NOT NULL AND (SELECT policy FROM review_step WHERE id = ?1) IS NOT NULL)"
            " OR id IN (SELECT later.step FROM review_edit AS later JOIN review_edit AS own"
            " ON own.cell = later.cell WHERE own.step = ?1)) ORDER BY id DESC LIMIT 1",
            (step.number,),
        )
        return None if row is None else rows.step(row)

    def edits(self, limit: int = -1, after: int = 0) -> list[Recorded]:
        """Return edits in their order, after the one of a number."""
        return self._recorded("edit.id > ? ORDER BY edit.id LIMIT ?", (after, limit))

    def first_edit(self, step: int) -> list[Recorded]:
        """Return the first edit of a step."""
        return self._recorded("edit.step = ? ORDER BY edit.id LIMIT 1", (step,))

    def edits_of(self, cells: Iterable[str]) -> dict[str, list[Recorded]]:
        """Return the edits of some cells in their order, those that were undone included."""
        found: dict[str, list[Recorded]] = {}
        for one in self._recorded(
            "edit.cell IN (SELECT value FROM json_each(?)) ORDER BY edit.id", (to_json(list(cells)),)
        ):
            found.setdefault(str(one.edit.cell), []).append(one)
        return found

    def cells_of(self, step: int) -> list[str]:
        """Return the cells that a step edits."""
        found = self._database.all("SELECT DISTINCT cell FROM review_edit WHERE step = ?", (step,))
        return [row["cell"] for row in found if row["cell"] is not None]

    def cells(self, names: Iterable[str]) -> list[Cell]:
        """Return cells as edited, in the order of detection, those that were taken back included.

        This and `cells_of_tracks` leave the jobs out.
        """
        return self._cells("id IN (SELECT value FROM json_each(?))", to_json(list(names)))

    def cells_of_tracks(self, tracks: Iterable[str]) -> list[Cell]:
        """Return the cells of some tracks as edited, in the order of detection."""
        return self._cells(
            "verdict IS NOT 'withdrawn' AND EXISTS (SELECT 1 FROM json_each(cell.tracks) AS own"
            " JOIN json_each(?) AS wanted ON wanted.value = own.value)",
            to_json(list(tracks)),
        )

    def found_cells(self) -> FoundCells:
        """Return all cells in the order of detection, as the policy of the configuration has them."""
        found = self._database.all(
            "WITH exposed AS MATERIALIZED ("
            " SELECT DISTINCT job.section FROM exposure JOIN job ON job.id = exposure.job), base AS ("
            " SELECT cell.rowid AS n, cell.*, verdict IS NOT NULL OR section IN exposed AS fixed FROM cell"
            " WHERE cell.verdict IS NOT 'withdrawn')"
            " SELECT base.id, base.field, base.section, COALESCE(found.box_px, base.box_px),"
            " COALESCE(IIF(found.cell IS NULL, base.image_box_px, found.image_box_px),"
            " found.box_px, base.box_px),"
            " COALESCE(found.rect_m, base.rect_m),"
            " COALESCE(IIF(found.cell IS NULL, base.image_rect_m, found.image_rect_m),"
            " found.rect_m, base.rect_m),"
            " COALESCE(base.reach_um, '[0,0,0,0]'),"
            " base.confidence, base.extra_um,"
            " IIF(found.cell IS NULL, base.image_rect_m, found.image_rect_m) IS NOT NULL,"
            " COALESCE(found.decision, base.decision) = ?, base.fixed, base.left_out IS NULL,"
            " COALESCE(found.reason, base.reason), COALESCE(found.decision, base.decision)"
            " FROM base LEFT JOIN found ON found.cell = base.id AND NOT base.fixed ORDER BY base.n",
            (Decision.BELOW_FLOOR.value,),
        )
        return rows.found_cells(found)

    def as_found(self, cells: Sequence[Cell]) -> list[Cell]:
        """Return cells as they were before all edits."""
        found = self._database.all(
            "SELECT * FROM found WHERE cell IN (SELECT value FROM json_each(?))",
            (to_json([cell.id for cell in cells]),),
        )
        kept = {row["cell"]: row for row in found}
        return [rows.found(kept[cell.id], cell) if cell.id in kept else cell for cell in cells]

    def set_cells(self, cells: Sequence[Cell]) -> None:
        """Store cells as edited; what they were before the first edit is kept."""
        with self._database.change() as connection:
            _keep(connection, [cell.id for cell in cells])
            connection.executemany(
                "UPDATE cell SET box_px = ?, image_box_px = ?, rect_m = ?, image_rect_m = ?, reason = ?,"
                " decision = ?, verdict = ? WHERE id = ?",
                [
                    (
                        numbers(cell.box_px),
                        _numbers(cell.image_box_px),
                        numbers(cell.rect_m),
                        _numbers(cell.image_rect_m),
                        cell.reason,
                        cell.decision.value,
                        None if cell.verdict is None else cell.verdict.value,
                        cell.id,
                    )
                    for cell in cells
                ],
            )

    def set_policy(self, revised: Sequence[Revised]) -> list[str]:
        """Store what a policy changes of cells as found, and all other cells as they were found.

        Cells that people have edited, and those of sections on which the beam has been, stay as they are.

        Returns
        -------
        list of str
            The section of each cell that is not imaged as before.
        """
        free = (
            "verdict IS NULL AND section NOT IN"
            " (SELECT job.section FROM exposure JOIN job ON job.id = exposure.job)"
        )
        with self._database.change() as connection:
            now = {
                cell: (section, before)
                for cell, section, *before in connection.execute(
                    f"SELECT id, section, image_box_px, image_rect_m, reason, decision FROM cell WHERE {free}"
                )
            }
            wanted = {
                one.cell: [_numbers(one.image_box_px), _numbers(one.image_rect_m), one.reason, one.decision]
                for one in revised
            }
            changed = [cell for cell, after in wanted.items() if cell in now and now[cell][1] != after]
            _keep(connection, changed)
            connection.executemany(
                "UPDATE cell SET image_box_px = ?, image_rect_m = ?, reason = ?, decision = ? WHERE id = ?",
                [(*wanted[cell], cell) for cell in changed],
            )
            restored = connection.execute(
                "UPDATE cell SET image_box_px = found.image_box_px, image_rect_m = found.image_rect_m,"
                " reason = found.reason, decision = found.decision FROM found WHERE found.cell = cell.id"
                f" AND {free} AND cell.id NOT IN (SELECT value FROM json_each(?))"
                " AND (cell.image_box_px, cell.image_rect_m, cell.reason, cell.decision) IS NOT"
                " (found.image_box_px, found.image_rect_m, found.reason, found.decision)"
                " RETURNING section",
                (to_json(list(wanted)),),
            ).fetchall()
            return [now[cell][0] for cell in changed] + [row[0] for row in restored]

    def drawn_in(self, field: str) -> int:
        """Return the number of cells that were drawn in a field, those that were taken back included."""
        row = self._database.one(
            "SELECT COUNT(*) FROM review_edit JOIN cell ON cell.id = review_edit.cell"
            " WHERE review_edit.kind = 'draw' AND cell.field = ?",
            (field,),
        )
        return 0 if row is None else int(row[0])

    def counts(self) -> dict[Verdict | None, tuple[int, int]]:
        """Return the number of cells of each verdict, and of those of them to image as far as chosen."""
        found = self._database.all(
            "SELECT verdict, COUNT(*) AS n, SUM(image_rect_m IS NOT NULL AND left_out IS NULL) AS imaged"
            " FROM cell GROUP BY verdict"
        )
        return {
            None if row["verdict"] is None else Verdict(row["verdict"]): (row["n"], row["imaged"])
            for row in found
        }

    def exposed(self) -> frozenset[str]:
        """Return the sections of which some ground was or may have been exposed."""
        found = self._database.all(
            "SELECT DISTINCT job.section FROM exposure JOIN job ON job.id = exposure.job"
        )
        return frozenset(row[0] for row in found)

    def note(self, data: dict[str, Any]) -> None:
        """Record an event of the review."""
        with self._database.change():
            self._database.log("review", "session", data)

    def _cells(self, where: str, *values: object) -> list[Cell]:
        found = self._database.all(f"SELECT * FROM cell WHERE {where} ORDER BY rowid", values)
        return [rows.cell(row, ()) for row in found]

    def _recorded(self, where: str, values: tuple[object, ...]) -> list[Recorded]:
        with self._database.snapshot():
            found = self._database.all(f"SELECT edit.* FROM review_edit AS edit WHERE {where}", values)
            steps = self._database.all(
                "SELECT * FROM review_step WHERE id IN (SELECT value FROM json_each(?))",
                (to_json([row["step"] for row in found]),),
            )
        known = {row["id"]: rows.step(row) for row in steps}
        return [rows.recorded(row, known[row["step"]]) for row in found]


def _keep(connection: sqlite3.Connection, cells: Sequence[str]) -> None:
    """Keep cells as they were found, unless that was done before."""
    connection.execute(
        "INSERT OR IGNORE INTO found SELECT id, box_px, image_box_px, rect_m, image_rect_m, reason, decision"
        " FROM cell WHERE id IN (SELECT value FROM json_each(?))",
        (to_json(list(cells)),),
    )


def _numbers(values: Sequence[float] | None) -> str | None:
    return None if values is None else numbers(values)
