"""Sections, fields and cells in the session's database."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from drivers.pose import RectM
from planner.geometry.rects import hull
from service.errors import StoreError, UnknownIdError
from service.model import field_states
from service.model.specimen import Cell, Field, FieldState, FramePlace, Section
from service.store import ground, rows
from service.store.database import Database
from service.store.rows import numbers, to_json

CellProperty = Literal["left_out", "beside", "verdict", "decision"]
"""Column of ``cell``."""


@dataclass(frozen=True, slots=True)
class SectionFields:
    """Fields of a section: the ground of all, None without any, and the number in each state."""

    rect_m: RectM | None
    counts: Mapping[FieldState, int]


class SpecimenStore:
    """Sections, fields and cells of one run. Methods may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_sections(self, sections: Sequence[Section], fields: Sequence[Field]) -> None:
        """Add sections with their fields, all pending.

        Raises
        ------
        StoreError
            An identifier or an index is taken, or a field names a section that is not there.
        """
        with self._database.change() as connection:
            connection.executemany(
                "INSERT INTO section (id, idx, x_m, y_m, visit, outline_m) VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (
                        s.id,
                        s.index,
                        *s.center_m,
                        s.visit,
                        None if s.outline_m is None else to_json(s.outline_m),
                    )
                    for s in sections
                ],
            )
            for field in fields:
                if field.state is not FieldState.PENDING:
                    raise StoreError(
                        f"{self._database.path}: field {field.id} must be added as pending, not {field.state}"
                    )
                connection.execute(
                    "INSERT INTO field (id, section, idx, x_m, y_m, x0_m, y0_m, x1_m, y1_m, state, warnings)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[]')",
                    (field.id, field.section, field.index, *field.center_m, *field.rect_m, field.state.value),
                )
            self._database.log("layout", "sections", {"sections": len(sections), "fields": len(fields)})

    def sections(self, limit: int | None = None, after: str | None = None) -> list[Section]:
        """Return sections in the order of cutting, after the one named."""
        index = -1
        if after is not None:
            row = self._database.one("SELECT idx FROM section WHERE id = ?", (after,))
            if row is None:
                raise UnknownIdError(f"there is no section {after}")
            index = row["idx"]
        sql = "SELECT * FROM section WHERE idx > ? ORDER BY idx LIMIT ?"
        return [rows.section(row) for row in self._database.all(sql, (index, -1 if limit is None else limit))]

    def fields(
        self,
        section: str | None = None,
        state: FieldState | None = None,
        limit: int | None = None,
        after: str | None = None,
        touching: RectM | None = None,
    ) -> list[Field]:
        """Return fields in the order of sections and of their index, after the one named.

        With `touching`, only those that share ground with it; touching edges share none.
        """
        where: list[str] = ["1"]
        values: list[object] = []
        if section is not None:
            where.append("field.section = ?")
            values.append(section)
        if state is not None:
            where.append("field.state = ?")
            values.append(state.value)
        if after is not None:
            where.append(
                "(section.idx, field.idx) > (SELECT s.idx, f.idx FROM field f"
                " JOIN section s ON s.id = f.section WHERE f.id = ?)"
            )
            values.append(self.field(after).id)
        if touching is not None:
            condition, edges = ground.sharing("field", touching)
            where.append(condition)
            values += edges
        found = self._database.all(
            "SELECT field.* FROM field JOIN section ON section.id = field.section"
            f" WHERE {' AND '.join(where)} ORDER BY section.idx, field.idx LIMIT ?",
            (*values, -1 if limit is None else limit),
        )
        return [rows.field(row) for row in found]

    def field(self, field_id: str) -> Field:
        """Return the field of an identifier.

        Raises
        ------
        UnknownIdError
        """
        row = self._database.one("SELECT * FROM field WHERE id = ?", (field_id,))
        if row is None:
            raise UnknownIdError(f"there is no field {field_id}")
        return rows.field(row)

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
        frame: FramePlace | None = None,
        notes: Mapping[str, Any] | None = None,
    ) -> Field:
        """Change the state of a field; values that are None are kept, but for the reason.

        `notes` are added to the event.

        Raises
        ------
        UnknownIdError
        IllegalTransitionError
        """
        columns: dict[str, object] = {"state": state.value, "reason": reason}
        if center_m is not None:
            columns |= {"x_m": center_m[0], "y_m": center_m[1]}
        if rect_m is not None:
            columns |= dict(zip(("x0_m", "y0_m", "x1_m", "y1_m"), rect_m, strict=True))
        optional = {"image": image, "sha256": sha256, "elapsed_ms": elapsed_ms}
        columns |= {name: value for name, value in optional.items() if value is not None}
        if frame is not None:
            columns["frame"] = rows.frame_place_json(frame)
        if warnings is not None:
            columns["warnings"] = to_json(list(warnings))
        with self._database.change() as connection:
            old = self.field(field_id)
            field_states.check(old.state, state)
            connection.execute(
                f"UPDATE field SET {', '.join(f'{name} = ?' for name in columns)} WHERE id = ?",
                (*columns.values(), field_id),
            )
            data = {"from": old.state, "to": state, "reason": reason, **(notes or {})}
            self._database.log("field", field_id, data)
            return self.field(field_id)

    def unplan(self, sections: Collection[str]) -> None:
        """Set the planned fields of some sections back to detected."""
        planned = "field.state = 'planned' AND field.section IN (SELECT value FROM json_each(?))"
        with self._database.change() as connection:
            names = to_json(list(sections))
            connection.execute(
                "INSERT INTO event (time_s, at, kind, subject, data) SELECT ?, ?, 'field', field.id,"
                " json_object('from', 'planned', 'to', 'detected', 'reason', NULL)"
                f" FROM field JOIN section ON section.id = field.section WHERE {planned}"
                " ORDER BY section.idx, field.idx",
                (self._database.now_s(), self._database.wall_time(), names),
            )
            connection.execute(
                f"UPDATE field SET state = 'detected', reason = NULL WHERE {planned}", (names,)
            )

    def record_detection(
        self, field_id: str, cells: Sequence[Cell], elapsed_ms: float, warnings: Sequence[str]
    ) -> Field:
        """Store the cells of a field and set it to detected.

        Raises
        ------
        UnknownIdError
        IllegalTransitionError
        StoreError
            A cell of another field, or one that is stored already.
        """
        with self._database.change() as connection:
            section = self.field(field_id).section
            for cell in cells:
                if (cell.field, cell.section) != (field_id, section):
                    raise StoreError(
                        f"{self._database.path}: cell {cell.id} does not belong to field {field_id}"
                    )
                insert_cell(connection, cell)
            return self.set_field(
                field_id,
                FieldState.DETECTED,
                elapsed_ms=elapsed_ms,
                warnings=warnings,
                notes={"cells": len(cells)},
            )

    def cells(self, section: str | None = None, field: str | None = None) -> list[Cell]:
        """Return cells in the order of detection, of a section, of a field, or all."""
        # Cells drawn by hand and taken back are none.
        where, values = ["cell.verdict IS NOT 'withdrawn'"], []
        if section is not None:
            where.append("cell.section = ?")
            values.append(section)
        if field is not None:
            where.append("cell.field = ?")
            values.append(field)
        wanted = " AND ".join(where)
        with self._database.snapshot():
            found = self._database.all(f"SELECT * FROM cell WHERE {wanted} ORDER BY rowid", tuple(values))
            links = self._database.all(
                "SELECT cover.cell, cover.job FROM cover JOIN cell ON cell.id = cover.cell"
                f" JOIN job ON job.id = cover.job WHERE {wanted} ORDER BY job.position",
                tuple(values),
            )
        jobs: dict[str, list[str]] = {}
        for link in links:
            jobs.setdefault(link["cell"], []).append(link["job"])
        return [rows.cell(row, jobs.get(row["id"], ())) for row in found]

    def fields_by_section(self, sections: Sequence[str]) -> dict[str, SectionFields]:
        """Return the fields of some sections: the ground of all, and how many are in each state."""
        found = self._database.all(
            "SELECT section, state, COUNT(*) AS n, MIN(x0_m) AS x0_m, MIN(y0_m) AS y0_m, MAX(x1_m) AS x1_m,"
            " MAX(y1_m) AS y1_m FROM field WHERE section IN (SELECT value FROM json_each(?))"
            " GROUP BY section, state",
            (to_json(list(sections)),),
        )
        counts: dict[str, dict[FieldState, int]] = {name: {} for name in sections}
        rects: dict[str, RectM | None] = dict.fromkeys(sections)
        for row in found:
            name, rect = row["section"], rows.rect(row)
            counts[name][FieldState(row["state"])] = row["n"]
            before = rects[name]
            rects[name] = rect if before is None else hull(before, rect)
        return {name: SectionFields(rects[name], counts[name]) for name in sections}

    def cell_count(self) -> int:
        """Return the number of cells; those drawn by hand and taken back are none."""
        # Only edits withdraw cells: a condition on the verdict alone would read all of them.
        row = self._database.one(
            "SELECT (SELECT COUNT(*) FROM cell) - (SELECT COUNT(*) FROM cell WHERE verdict = 'withdrawn'"
            " AND id IN (SELECT cell FROM review_edit))"
        )
        return 0 if row is None else int(row[0])

    def cells_by(self, property_of: CellProperty) -> dict[str, int]:
        """Return the number of cells for each value of a property, of those that have one."""
        # Cells drawn by hand and taken back are none.
        found = self._database.all(
            f"SELECT {property_of} AS value, COUNT(*) AS n FROM cell WHERE {property_of} IS NOT NULL"
            f" AND verdict IS NOT 'withdrawn' GROUP BY {property_of} ORDER BY MIN(rowid)"
        )
        return {row["value"]: row["n"] for row in found}

    def imaged_cells(self, section: str) -> int:
        """Return the number of cells of a section that have frames, all of them done."""
        row = self._database.one(
            "SELECT COUNT(*) FROM (SELECT 1 FROM job JOIN cover ON cover.job = job.id WHERE job.section = ?"
            " GROUP BY cover.cell HAVING MIN(job.state = 'done'))",
            (section,),
        )
        return 0 if row is None else int(row[0])

    def cells_in_review(self) -> int:
        """Return the number of cells of which a frame needs review."""
        row = self._database.one(
            "SELECT COUNT(DISTINCT cover.cell) FROM job JOIN cover ON cover.job = job.id"
            " WHERE job.state = 'needs_review'"
        )
        return 0 if row is None else int(row[0])

    def field_counts(self) -> dict[FieldState, int]:
        """Return the number of fields in each state that occurs."""
        return {
            FieldState(row["state"]): row["n"]
            for row in self._database.all("SELECT state, COUNT(*) AS n FROM field GROUP BY state")
        }


def insert_cell(connection: sqlite3.Connection, cell: Cell) -> None:
    """Store a new cell, without the jobs that image it."""
    connection.execute(
        "INSERT INTO cell (id, field, section, box_px, image_box_px, rect_m, image_rect_m, confidence,"
        " reason, tracks, seen, source, decision, brightness_adu, reach_um, extra_um, verdict)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            cell.id,
            cell.field,
            cell.section,
            numbers(cell.box_px),
            None if cell.image_box_px is None else numbers(cell.image_box_px),
            numbers(cell.rect_m),
            None if cell.image_rect_m is None else numbers(cell.image_rect_m),
            cell.confidence,
            cell.reason,
            to_json(list(cell.tracks)),
            int(cell.seen),
            cell.source.value,
            cell.decision.value,
            cell.brightness_adu,
            None if cell.reach_um is None else numbers(cell.reach_um),
            cell.extra_um,
            None if cell.verdict is None else cell.verdict.value,
        ),
    )
