"""Tracks of cells through the sections."""

import json
from collections.abc import Sequence

from service.model.jobs import Job
from service.model.specimen import Cell, FieldCells, Track
from service.store.database import Database
from service.store.rows import to_json
from service.store.tables.specimen import SpecimenStore


class TrackStore:
    """Tracks of one run. Each change is one transaction; methods may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._specimen = SpecimenStore(database)

    def record_section(self, found: Sequence[FieldCells], tracks: Sequence[Track]) -> None:
        """Store the cells of saved fields of one section, set the fields to detected, and store its tracks.

        Earlier versions of these tracks are replaced.

        Raises
        ------
        UnknownIdError, IllegalTransitionError, StoreError
            Nothing was stored.
        """
        with self._database.change() as connection:
            for field in found:
                self._specimen.record_detection(field.field, field.cells, field.elapsed_ms, field.warnings)
            connection.executemany(
                "INSERT INTO track (id, first_section, last_section, central_section, sections)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
                " first_section = excluded.first_section, last_section = excluded.last_section,"
                " central_section = excluded.central_section, sections = excluded.sections",
                [(t.id, t.first_section, t.last_section, t.central_section, t.sections) for t in tracks],
            )

    def all(self) -> list[Track]:
        """Return all tracks, in the order of their names."""
        found = self._database.all("SELECT * FROM track ORDER BY LENGTH(id), id")
        return [Track(*row) for row in found]

    def count(self) -> int:
        """Return the number of tracks."""
        row = self._database.one("SELECT COUNT(*) FROM track")
        return 0 if row is None else int(row[0])

    def names(self) -> frozenset[str]:
        """Return the names of all tracks that any cell has."""
        rows = self._database.all("SELECT DISTINCT value FROM cell, json_each(cell.tracks)")
        return frozenset(str(row[0]) for row in rows)

    def cells_of(self, target: str) -> list[Cell]:
        """Return the cells of a track, or the cell of that name, in the order of the sections."""
        found = self._database.all(
            "SELECT cell.id FROM cell JOIN section ON section.id = cell.section"
            " WHERE cell.verdict IS NOT 'withdrawn' AND (cell.id = ?1 OR EXISTS"
            " (SELECT 1 FROM json_each(cell.tracks) WHERE value = ?1)) ORDER BY section.idx, cell.rowid",
            (target,),
        )
        fields = dict.fromkeys(row["id"].rpartition("/")[0] for row in found)
        cells = {cell.id: cell for field in fields for cell in self._specimen.cells(field=field)}
        return [cells[row["id"]] for row in found]

    def of_cells(self, jobs: Sequence[Job]) -> dict[str, tuple[str, ...]]:
        """Return the tracks of each cell that some jobs cover, by its identifier."""
        cells = sorted({cell for job in jobs for cell in job.covers})
        found = self._database.all(
            "SELECT id, tracks FROM cell WHERE id IN (SELECT value FROM json_each(?))", (to_json(cells),)
        )
        return {row["id"]: tuple(json.loads(row["tracks"])) for row in found}
