"""A session with the profile of the real machine, whose SEM, stage and chamber answer over a real socket."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from config.loading import load
from config.model import Config
from config.quanta import QuantaConfig
from drivers.quanta.joining import joined
from planner.geometry.rects import grown, touch
from service.model.jobs import ExposureState, JobKind, JobState
from service.model.phases import Phase
from service.session.setup import Setup
from simulators.quanta.machine import QuantaMachine
from simulators.quanta.server import QuantaServer, quanta_microscope
from tests.service.sessions import Session

pytestmark = pytest.mark.usefixtures("frames_once")


def profile(coarser: int = 4, cells: int = 3, **changes: object) -> Config:
    """Return the profile, with two sections of a field each and coarser images of the usual field."""
    data = load("quanta250-secom").model_dump(mode="json")
    data["layout"] |= {"sections": 2, "fields": [1, 1]}
    data["fluorescence"] |= {"frame_px": [256, 256]}
    sem = data["sem"]
    sem["pixel_size_nm"] *= coarser
    sem["frame_px"] = [pixels // coarser for pixels in sem["frame_px"]]
    data["planner"]["method"] = "greedy"
    data["session"] |= {"min_free_disk_gb": 0}
    data["simulator"]["specimen"] |= {"cells_per_field": cells, "seed": 5}
    return Config.model_validate(data | changes)


class Rig:
    """A session on a server; `machine` is the far end."""

    def __init__(self, folder: Path, config: Config) -> None:
        self._servers: list[QuantaServer] = []
        self._config = config
        self.session = Session(folder, config, self._connect)

    def _connect(self, setup: Setup) -> Setup:
        config = self._config
        self.microscope, followed = quanta_microscope(config, setup.clock)
        self.machine = QuantaMachine(config, self.microscope.devices, followed)
        server = QuantaServer(self.machine, followed)
        server.__enter__()
        self._servers.append(server)
        quanta = QuantaConfig(endpoint=server.endpoint)
        devices, self.driven = joined(self.microscope.devices, config, quanta, setup.clock)
        return replace(setup, devices=devices)

    def close(self) -> None:
        if self.session.store.status().phase is Phase.DONE:
            self.session.thread.join(200)
            self.session.store.close()
        else:
            self.session.end()
        self.driven.client.close()
        for server in self._servers:
            server.__exit__(None, None, None)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path / "run", profile())
    yield rig
    rig.close()


def test_the_profile_runs_to_its_end_over_sockets(rig: Rig) -> None:
    rig.session.run(100)
    store = rig.session.store
    assert store.status().phase is Phase.DONE, store.status()
    jobs = store.queue.jobs()
    assert jobs
    assert {job.state for job in jobs} == {JobState.DONE}
    # What the specimen got is what the ledger says, exposure by exposure, but for the error of the stage.
    ledger = [row for row in store.ledger.exposures() if row.state is ExposureState.CLOSED]
    real = rig.microscope.ground.exposures()
    assert len(ledger) == len(real) == len(jobs)
    for row, exposure in zip(ledger, real, strict=True):
        assert row.rect_m == pytest.approx(exposure.rect_m, abs=1.1e-6)
    assert rig.machine.beam_is_blanked()
    assert not rig.microscope.devices.light.is_on()


def test_a_blanker_that_sticks_ends_the_session_with_the_beam_off(rig: Rig) -> None:
    unblank = rig.machine.unblank_beam

    def stick() -> None:
        unblank()
        rig.machine.held.fault("blanker_stuck", True)

    rig.machine.unblank_beam = stick  # type: ignore[method-assign]
    rig.session.run(100)
    status = rig.session.store.status()
    assert status.phase is Phase.FAULT
    assert "the blanker does not blank" in str(status.reason)
    assert len(rig.session.store.ledger.exposures()) == 1
    assert not rig.machine.get_beam_power()
    rig.machine.held.fault("blanker_stuck", None)


def test_a_beam_that_is_switched_off_costs_no_job(rig: Rig) -> None:
    """It is off for all jobs alike: a person switches it on, and the session goes on with every one."""
    store, control, on = rig.session.store, rig.session.control, threading.Event()
    rig.machine.get_beam_power = lambda: (  # type: ignore[method-assign]
        on.is_set() or not any(row.state is ExposureState.CLOSED for row in store.ledger.exposures())
    )
    rig.session.run(100)
    for _ in range(2):
        assert store.status().phase is Phase.FAULT
        assert "only a person switches it on" in str(store.status().reason)
        # The second time the column is asked for first: no other job is tried.
        assert [row.state for row in store.ledger.exposures()] == [ExposureState.CLOSED, ExposureState.VOID]
        assert store.queue.counts()[JobState.FAILED] == 0
        rig.session.go_on(control.acknowledge)
        rig.session.go_on()
    on.set()
    rig.session.go_on(control.acknowledge)
    rig.session.go_on()
    assert {job.state for job in store.queue.jobs()} == {JobState.DONE}


def test_each_section_is_focused_on_where_no_cell_is(tmp_path: Path, unpictured: None) -> None:
    # The spot of a coarser image is larger, and keeps off no cells here.
    rig = Rig(
        tmp_path / "run", profile(coarser=1, cells=1, session={"autofocus": True, "min_free_disk_gb": 0})
    )
    try:
        rig.session.run(100)
        store = rig.session.store
        assert store.status().phase is Phase.DONE, store.status()
        spots = [job for job in store.queue.jobs() if job.kind is JobKind.FOCUS]
        assert {job.section for job in spots} == {"S0001", "S0002"}
        assert {job.state for job in store.queue.jobs()} == {JobState.DONE}
        reach_m = 2e-6
        for spot in spots:
            (row,) = store.ledger.exposures(job=spot.id)
            assert row.state is ExposureState.CLOSED
            for cell in store.specimen.cells(section=spot.section):
                assert not touch(grown(row.rect_m, reach_m - 1.1e-6), cell.rect_m)
            first = min(
                store.ledger.exposures(), key=lambda e: (store.queue.job(e.job).section != spot.section, e.id)
            )
            assert first.job == spot.id
        # Each focus exposes its spot five times, its image once; all of it is ground of the ledger.
        real = rig.microscope.ground.exposures()
        assert len(real) == len(store.ledger.exposures()) + 5 * len(spots)
        focused = [event for event in store.events.since(0, 10_000) if event.kind == "focus"]
        assert [event.subject for event in focused] == ["S0001", "S0002"]
        wd_m = focused[-1].data["used_m"]
        assert rig.machine.held.values["free_working_distance"] == wd_m != 5.8e-3
    finally:
        rig.close()


def test_a_machine_without_automatic_focus_says_so_before_anything_moves(tmp_path: Path) -> None:
    session = Session(
        tmp_path / "run",
        profile(session={"autofocus": True, "min_free_disk_gb": 0}),
        lambda setup: replace(setup, devices=replace(setup.devices, focus=None)),
    )
    session.run(60)
    assert session.store.status().phase is Phase.FAULT
    assert "no automatic focus" in str(session.store.status().reason)
    session.end()


def test_a_pump_that_lies_lets_no_beam_on(rig: Rig) -> None:
    rig.machine.held.fault("pump_lies", True)
    rig.session.run(100)
    assert rig.session.store.status().phase is Phase.FAULT
    assert not rig.session.store.ledger.exposures()
    assert not rig.microscope.ground.exposures()
