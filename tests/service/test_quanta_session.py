"""A session with the profile of the real machine, whose SEM, stage and chamber answer over a real socket."""

from dataclasses import replace
from pathlib import Path

import pytest

from config.loading import load
from config.model import Config
from config.quanta import QuantaConfig
from drivers.quanta.joining import joined
from service.records import ExposureState, JobState
from service.session import Phase
from simulators.microscope import SimulatedMicroscope
from simulators.quanta_machine import QuantaMachine, quanta_microscope
from simulators.quanta_server import QuantaServer
from service.compose import Setup
from tests.service.sessions import Session


def profile(**changes: object) -> Config:
    """Return the profile, with two sections of a field each."""
    data = load("quanta250-secom").model_dump(mode="json")
    data["layout"] |= {"sections": 2, "fields": [1, 1]}
    data["fluorescence"] |= {"frame_px": [256, 256]}
    data["session"] |= {"min_free_disk_gb": 0}
    data["simulator"]["specimen"] |= {"cells_per_field": 3, "seed": 5}
    return Config.model_validate(data | changes)


class Rig:
    """A session on a server; `machine` is the far end."""

    def __init__(self, folder: Path, config: Config) -> None:
        self._servers: list[QuantaServer] = []
        self.session = Session(folder, config, self._connect)

    def _connect(self, setup: Setup) -> Setup:
        config = profile()
        self.microscope, followed = quanta_microscope(config, setup.clock)
        self.machine = QuantaMachine(config, self.microscope.devices, followed)
        server = QuantaServer(self.machine, followed)
        server.__enter__()
        self._servers.append(server)
        quanta = QuantaConfig(endpoint=server.endpoint)
        devices, self.driven = joined(self.microscope.devices, config, quanta, setup.clock)
        return replace(setup, devices=devices)

    def close(self) -> None:
        self.session.end()
        self.driven.client.close()
        for server in self._servers:
            server.__exit__(None, None, None)


@pytest.fixture
def rig(tmp_path: Path):  # noqa: ANN201
    rig = Rig(tmp_path / "run", profile())
    yield rig
    rig.close()


def test_the_profile_runs_to_its_end_over_sockets(rig: Rig) -> None:
    rig.session.run(100)
    store = rig.session.store
    assert store.status().phase is Phase.DONE, store.status()
    jobs = store.jobs()
    assert jobs
    assert {job.state for job in jobs} == {JobState.DONE}
    # What the specimen got is what the ledger says, exposure by exposure, but for the error of the stage.
    ledger = [row for row in store.exposures() if row.state is ExposureState.CLOSED]
    real = rig.microscope.ground.exposures()
    assert len(ledger) == len(real) == len(jobs)
    for row, exposure in zip(ledger, real, strict=True):
        assert row.rect_m == pytest.approx(exposure.rect_m, abs=1.1e-6)
    assert rig.machine.beam_is_blanked()
    assert not rig.microscope.devices.light.is_on()
