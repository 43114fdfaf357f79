"""Plans of sections inside a session: outlines, exposed and unsaved ground, the order of the queue."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from config.model import Config
from planner.geometry.rects import grown, overlap
from service.model.jobs import JobState
from service.model.specimen import FieldState
from service.planning.section import plan_section
from service.store.store import Store
from tests.service.sessions import Session, small_config
from tests.service.store.stores import UM, WALL, cell, record_cells

pytestmark = pytest.mark.usefixtures("frames_once")

CONFIG = Config()
REACH_M = (CONFIG.planner.guard_um + CONFIG.sem.beam_halo_um) * 1e-6


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[Any]:
    made: list[Session] = []

    def run(config: Config) -> Session:
        made.append(Session(tmp_path / f"run{len(made)}", config))
        made[-1].run()
        return made[-1]

    yield run
    for session in made:
        session.end()


def test_frames_keep_to_the_outline_of_their_section(sessions: Any) -> None:
    # The section ends at the middle of its field.
    outline = [[-30, -30], [0, -30], [0, 30], [-30, 30]]
    listed = [{"id": "S0001", "center_um": [0, 0], "fields": [1, 1], "outline_um": outline}]
    small = small_config(
        planner={"method": "exact"}, simulator={"specimen": {"cells_per_field": 12, "seed": 5}}
    )
    values = small.model_dump() | {"layout": {"kind": "list", "sections": listed}}
    session = sessions(Config.model_validate(values))
    margin_m = session.config.planner.outline_margin_um * 1e-6
    jobs = session.store.queue.jobs()
    assert jobs
    assert {job.state for job in jobs} == {JobState.DONE}
    assert max(job.rect_m[2] for job in jobs) <= margin_m + 1e-12
    cells = session.store.specimen.cells()
    beyond = [c for c in cells if c.image_rect_m is not None and c.rect_m[0] > margin_m + 4e-6]
    assert beyond
    assert all("outline" in str(c.skipped) for c in beyond)
    assert all(c.jobs or c.skipped for c in cells)


def test_sections_are_visited_once_each(sessions: Any) -> None:
    session = sessions(small_config(layout={"sections": 4, "columns": 2, "pitch_um": 300}))
    visits = {section.id: section.visit for section in session.store.specimen.sections()}
    order = [name for name, _ in groupby(job.section for job in session.store.queue.jobs())]
    assert order == sorted(visits, key=lambda name: visits[name])


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[Store]:
    """A store with one section of two overlapping fields, of which the first is detected."""
    from service.model.specimen import Field, Section
    from tests.service.store.stores import HandClock

    store = Store.create(tmp_path / "s.sqlite", "run-1", "v: 1\n", "dry-run", HandClock().now_s, lambda: WALL)
    rects = ((0.0, 0.0, 91 * UM, 91 * UM), (82 * UM, 0.0, 173 * UM, 91 * UM))
    fields = [
        Field(f"S0001/F{n:03d}", "S0001", n, ((r[0] + r[2]) / 2, 45.5 * UM), r) for n, r in enumerate(rects)
    ]
    store.specimen.add_sections([Section("S0001", 0, (86 * UM, 45.5 * UM))], fields)
    store.specimen.set_field("S0001/F000", FieldState.SAVED, image="a.tiff", sha256="0" * 64)
    yield store
    store.close()


def found(store: Store, *centers_um: tuple[float, float]) -> None:
    cells = []
    for number, (x, y) in enumerate(centers_um, start=1):
        rect = ((x - 4) * UM, (y - 4) * UM, (x + 4) * UM, (y + 4) * UM)
        cells.append(replace(cell("S0001/F000", number), rect_m=rect, image_rect_m=grown(rect, 0.5 * UM)))
    record_cells(store, "S0001/F000", cells, 1.0, ())


def test_a_plan_keeps_clear_of_fields_still_to_be_taken(planned: Store) -> None:
    found(planned, (30, 30), (86, 60))
    plan_section(CONFIG, planned, "S0001")
    pending = planned.specimen.fields()[1]
    assert pending.state is FieldState.PENDING
    jobs = planned.queue.jobs()
    assert [job.covers for job in jobs] == [("S0001/F000/c0001",)]
    assert not any(overlap(grown(job.rect_m, REACH_M), pending.rect_m) for job in jobs)
    assert planned.specimen.cells()[1].skipped is not None


def test_a_plan_comes_with_the_totals_of_other_ways(planned: Store) -> None:
    planned.specimen.set_field("S0001/F001", FieldState.FAILED, reason="no light")
    found(planned, (30, 30), (60, 60))
    plan_section(CONFIG, planned, "S0001")
    ways = planned.durations.ways()
    assert [way.method for way in ways] == ["exact", "per-box", "raster"]
    assert ways[0].chosen
    jobs = planned.queue.jobs()
    assert ways[0].work.frames == len(jobs)
    assert ways[0].work.beam_s == pytest.approx(sum(job.beam_s for job in jobs))
    assert ways[2].work.frames == 24
    (event,) = [e for e in planned.events.since(0) if e.kind == "plan"]
    assert event.data["total_s"] > 0
