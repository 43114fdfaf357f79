"""A small store to test with: two sections of two fields, on a clock that the test moves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drivers.pose import RectM
from service.model.jobs import Job
from service.model.specimen import Cell, Field, FieldCells, FieldState, Section
from service.store.store import Store

UM = 1e-6
WALL = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)


@dataclass
class HandClock:
    """Time that stands still until the test moves it."""

    time_s: float = 0.0

    def now_s(self) -> float:
        return self.time_s


def rect(x_um: float, y_um: float, size_um: float = 10.0) -> RectM:
    return x_um * UM, y_um * UM, (x_um + size_um) * UM, (y_um + size_um) * UM


def new_store(folder: Path, clock: HandClock | None = None) -> Store:
    clock = clock or HandClock()
    return Store.create(folder / "session.sqlite", "run-1", "v: 1\n", "dry-run", clock.now_s, lambda: WALL)


def add_specimen(store: Store, sections: int = 2, fields: int = 2) -> None:
    store.specimen.add_sections(
        [Section(f"S{s:04d}", s, (s * 1e-3, 0.0)) for s in range(1, sections + 1)],
        [
            Field(f"S{s:04d}/F{f:03d}", f"S{s:04d}", f, (s * 1e-3, f * 1e-4), rect(s * 1000, f * 100, 91))
            for s in range(1, sections + 1)
            for f in range(fields)
        ],
    )


def cell(field: str, number: int, reason: str = "kept: confident") -> Cell:
    return Cell(
        id=f"{field}/c{number:04d}",
        field=field,
        section=field.split("/")[0],
        box_px=(1, 2, 30, 40),
        image_box_px=(0, 1, 31, 41),
        rect_m=rect(1, 2),
        image_rect_m=rect(0, 1, 12),
        confidence=0.9,
        reason=reason,
    )


def job(number: int, section: str = "S0001", covers: tuple[str, ...] = ()) -> Job:
    return Job(
        id=f"J{number:06d}",
        section=section,
        position=number,
        rect_m=rect(number * 20, 0),
        center_m=(number * 20 * UM, 5 * UM),
        size_px=(600, 400),
        pixel_size_m=16.5e-9,
        dwell_s=60e-6,
        covers=covers,
    )


def save_field(store: Store, field: str) -> None:
    store.specimen.set_field(field, FieldState.SAVED, image=f"fm/{field}.ome.tiff", sha256="0" * 64)


def record_cells(
    store: Store, field: str, cells: Sequence[Cell], elapsed_ms: float = 1.0, warnings: tuple[str, ...] = ()
) -> None:
    """Keep the cells of a saved field of which nothing is known beside it."""
    store.tracks.record_section([FieldCells(field, tuple(cells), elapsed_ms, warnings)], ())


def queue_jobs(store: Store, count: int = 3) -> None:
    """Put the specimen in, and `count` jobs of one cell each in the queue of S0001."""
    add_specimen(store)
    save_field(store, "S0001/F000")
    cells = [cell("S0001/F000", n) for n in range(1, count + 1)]
    record_cells(store, "S0001/F000", cells, 12.5)
    store.queue.add_plan("S0001", [job(n, covers=(cells[n - 1].id,)) for n in range(1, count + 1)], {})
