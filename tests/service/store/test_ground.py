"""Queries of each frame: what lies on its ground, and what is like it, by indexes, however large the run."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drivers.pose import RectM
from service.model.jobs import JobKind
from service.store import ground
from service.store.database import Database
from tests.examples import examples
from tests.service.store.stores import UM, add_specimen, job, new_store

sides = st.integers(0, 20)
rects = st.builds(
    lambda x, y, w, h: (x * UM, y * UM, (x + w) * UM, (y + h) * UM),
    sides, sides, st.integers(1, 20), st.integers(1, 20),
)  # fmt: skip


@pytest.fixture(scope="module")
def tables() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for table in ("job", "exposure"):
            connection.execute(f"CREATE TABLE {table} (id INTEGER, x0_m, y0_m, x1_m, y1_m, halo_m)")
        yield connection


@given(st.lists(st.tuples(rects, st.sampled_from([0.0, 1 * UM, 5 * UM])), max_size=12), rects)
@example([((0.0, 0.0, 10 * UM, 10 * UM), 5 * UM)], (15 * UM, 0.0, 20 * UM, 1 * UM))
@example([((0.0, 0.0, 10.0003 * UM, 10 * UM), 0.0)], (10 * UM, 0.0, 20 * UM, 1 * UM))
@examples(60)
def test_what_is_found_is_what_lies_there(
    tables: sqlite3.Connection, there: list[tuple[RectM, float]], wanted: RectM
) -> None:
    for table in ("job", "exposure"):
        tables.execute(f"DELETE FROM {table}")
        tables.executemany(
            f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?)",
            [(n, *rect, halo) for n, (rect, halo) in enumerate(there)],
        )
    x0, y0, x1, y1 = wanted
    sharing = {
        n for n, ((a0, b0, a1, b1), _) in enumerate(there) if a0 < x1 and a1 > x0 and b0 < y1 and b1 > y0
    }
    exposed = {
        n
        for n, ((a0, b0, a1, b1), halo) in enumerate(there)
        if a0 - halo <= x1 and a1 + halo >= x0 and b0 - halo <= y1 and b1 + halo >= y0
    }
    for table, condition, expected in (
        ("job", ground.sharing("job", wanted), sharing),
        ("exposure", ground.exposed(wanted), exposed),
    ):
        sql, values = condition
        assert {n for (n,) in tables.execute(f"SELECT id FROM {table} WHERE {sql}", values)} == expected


def test_no_query_of_a_frame_reads_a_whole_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = new_store(tmp_path)
    add_specimen(store)
    asked: list[tuple[str, tuple[object, ...]]] = []
    plain = Database.all

    def noted(self: Database, sql: str, values: tuple[Any, ...] = ()) -> list[sqlite3.Row]:
        asked.append((sql, values))
        return plain(self, sql, values)

    monkeypatch.setattr(Database, "all", noted)
    frame = job(1)
    store.queue.jobs_touching(frame.rect_m, 100)
    store.specimen.fields(touching=frame.rect_m)
    store.ledger.exposed_rects(touching=frame.rect_m)
    store.ledger.open_exposure()
    store.ledger.exposures(job=frame.id)
    store.images.like(frame, 50, frame.section)
    store.images.like(replace(frame, kind=JobKind.FOCUS), 50)
    store.images.of_jobs([frame.id])
    assert len(asked) >= 8
    with closing(sqlite3.connect(tmp_path / "session.sqlite")) as connection:
        for sql, values in asked:
            plan = [step[3] for step in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
            scans = [step for step in plan if step.startswith("SCAN")]
            # The values that were asked for; and an index of the few jobs that focus.
            assert not [one for one in scans if "json_each" not in one and "job_of_kind" not in one], sql
    store.close()
