"""True places of frames: stage, backlash and beam shift together."""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.sem import ScanImage, ScanRequest, Sem
from drivers.stage import Stage
from planner.geometry.rects import centered
from service import wording
from service.model.jobs import HoldCause, Job, JobState
from service.session.setup import Setup
from simulators.devices.stage import SimulatedStage
from tests.service.sessions import Session, small_config

pytestmark = pytest.mark.usefixtures("frames_once")

OFF_M = 1.8e-6
"""Less than the stage is allowed to end off its target, more than the guard less its own error."""


class OffStage:
    """A stage that ends to the right of every target, and says so."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def move_to(self, x_m: float, y_m: float, timeout_s: float) -> tuple[float, float]:
        return self._stage.move_to(x_m + OFF_M, y_m, timeout_s)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stage, name)


class WatchedSem:
    """An SEM whose scans are noted."""

    def __init__(self, sem: Sem, stage: SimulatedStage) -> None:
        self._sem, self._stage = sem, stage
        self.off_m: list[float] = []
        self.stands_m: list[tuple[float, float]] = []
        self.shifts_m: list[tuple[float, float]] = []

    def scan(self, request: ScanRequest, timeout_s: float) -> ScanImage:
        self.off_m.append(math.dist(self._stage.true_position(), self._stage.position()))
        image = self._sem.scan(request, timeout_s)
        (x, y), (dx, dy) = image.center_m, request.beam_shift_m
        self.stands_m.append((x - dx, y - dy))
        self.shifts_m.append((dx, dy))
        return image

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sem, name)


class Placed:
    """A session with watched devices."""

    def __init__(self, folder: Path, off: bool = False, **changes: dict[str, Any]) -> None:
        self._off = off
        self.session = Session(folder, small_config(**changes), self._watch)

    def _watch(self, setup: Setup) -> Setup:
        assert isinstance(setup.devices.stage, SimulatedStage)
        self.sem = WatchedSem(setup.devices.sem, setup.devices.stage)
        devices = dataclasses.replace(setup.devices, sem=self.sem)
        if self._off:
            devices = dataclasses.replace(devices, stage=OffStage(setup.devices.stage))
        return dataclasses.replace(setup, devices=devices)


@pytest.fixture
def sessions() -> Iterator[list[Placed]]:
    made: list[Placed] = []
    yield made
    for placed in made:
        placed.session.end()


def test_frames_within_the_beam_shift_are_scanned_from_one_stage_position(
    sessions: list[Placed], tmp_path: Path
) -> None:
    placed = Placed(
        tmp_path / "run", sem={"beam_shift_range_um": 15}, simulator={"specimen": {"cells_per_field": 8}}
    )
    sessions.append(placed)
    placed.session.run()
    store, sem = placed.session.store, placed.sem
    jobs = store.queue.jobs()
    assert {job.state for job in jobs} == {JobState.DONE}
    assert all(math.hypot(*shift) <= 15e-6 for shift in sem.shifts_m)
    assert any(math.hypot(*shift) > 1e-6 for shift in sem.shifts_m)
    assert len(set(sem.stands_m)) < len(jobs)
    for job in jobs:
        (exposure,) = store.ledger.exposures(job=job.id)
        assert exposure.rect_m == pytest.approx(job.rect_m, abs=1e-9)


def test_what_the_stage_is_off_is_made_good_by_the_beam_shift(sessions: list[Placed], tmp_path: Path) -> None:
    for number, range_um in enumerate((0, 5)):
        placed = Placed(tmp_path / f"run{number}", off=True, sem={"beam_shift_range_um": range_um})
        sessions.append(placed)
        placed.session.run()
        jobs = placed.session.store.queue.jobs()
        assert jobs
        for job in jobs:
            (exposure,) = placed.session.store.ledger.exposures(job=job.id)
            off_m = exposure.rect_m[0] - job.rect_m[0]
            assert off_m == pytest.approx(OFF_M if range_um == 0 else 0.0, abs=1e-9)


def test_a_frame_that_landed_near_unsaved_fluorescence_waits_for_it(
    sessions: list[Placed], tmp_path: Path
) -> None:
    # The plan keeps off the second section by guard and halo; where the stage ends does not.
    placed = Placed(
        tmp_path / "run",
        off=True,
        session={"order": "section", "min_free_disk_gb": 0},
        layout={"pitch_um": 46},
    )
    sessions.append(placed)
    store = placed.session.store
    first, second = store.specimen.fields()
    right_m = first.rect_m[2] - 2.1e-6
    center = (right_m - 5e-6, first.center_m[1])
    job = Job("J000001", "S0001", 999_999, centered(center, (1e-5, 1e-5)), center, (100, 100), 1e-7, 6e-5, ())
    store.queue.add_plan("S0001", [job], {})
    placed.session.run()
    told = [e for e in store.events.since(0) if e.kind == "job" and e.subject == job.id]
    held = next(event for event in told if event.data["to"] == "held")
    assert (held.data["reason"], held.data["hold_cause"]) == (
        wording.waits_for_fluorescence(second.id),
        HoldCause.FLUORESCENCE,
    )
    saved = next(e for e in store.events.since(0) if e.kind == "field" and e.subject == second.id)
    armed = next(event for event in told if event.data["to"] == "armed")
    assert held.seq < saved.seq < armed.seq
    assert store.queue.job(job.id).state is JobState.DONE


def test_backlash_is_gone_where_every_position_is_approached_from_the_same_side(
    sessions: list[Placed], tmp_path: Path
) -> None:
    backlash = {"stage_error_um": 0, "stage_backlash_um": 3, "specimen": {"cells_per_field": 6, "seed": 5}}
    off_m = []
    for number, approach_um in enumerate(([0, 0], [-5, -5])):
        placed = Placed(tmp_path / f"run{number}", stage={"approach_um": approach_um}, simulator=backlash)
        sessions.append(placed)
        placed.session.run()
        off_m.append(max(placed.sem.off_m))
    assert off_m[0] == pytest.approx(3e-6 * math.sqrt(2))
    assert off_m[1] == pytest.approx(0, abs=1e-12)
