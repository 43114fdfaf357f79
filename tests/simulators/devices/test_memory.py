import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from drivers.chamber import VacuumState
from simulators.clock import FastClock
from simulators.devices.memory import Memory
from simulators.errors import MemoryFileError
from simulators.microscope import SimulatedMicroscope
from simulators.specimen.grid import Grid
from tests.places import ROOT
from tests.simulators.conftest import MakeConfig
from tests.simulators.steps import scan

KILLED_IN_MID_SCAN = """
import os, signal, sys
from pathlib import Path
from config.model import Config
from drivers.chamber import VacuumState
from drivers.sem import ScanRequest
from simulators.clock import FastClock
from simulators.errors import MemoryFileError
from simulators.microscope import SimulatedMicroscope

class Deadly(FastClock):
    def sleep(self, seconds, wake=None):
        if seconds > 20 and microscope.devices.chamber.state() is VacuumState.HIGH:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().sleep(seconds, wake)

microscope = SimulatedMicroscope(Config(), Deadly(), Path(sys.argv[1]))
devices = microscope.devices
devices.chamber.go_to(VacuumState.HIGH, 3600)
devices.stage.move_to(1e-3, 2e-3, 60)
devices.light.on(488, 0.5, 5)
devices.sem.scan(ScanRequest((800, 600), 16.5e-9, 60e-6, "n"), 600)
"""


@pytest.mark.slow
def test_a_microscope_outlives_the_program(tmp_path: Path, make_config: MakeConfig) -> None:
    path = tmp_path / "microscope.json"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_IN_MID_SCAN, str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        timeout=200,
    )
    assert killed.returncode == -signal.SIGKILL
    microscope = SimulatedMicroscope(make_config(), FastClock(), path)
    devices = microscope.devices
    assert not devices.sem.is_blanked()
    assert devices.light.is_on()
    assert devices.stage.position() == (1e-3, 2e-3)
    assert devices.chamber.state() is VacuumState.HIGH
    (exposure,) = microscope.ground.exposures()
    assert exposure.fraction == 1.0
    devices.sem.blank()
    devices.light.off()
    again = SimulatedMicroscope(make_config(), FastClock(), path)
    assert again.devices.sem.is_blanked()
    assert not again.devices.light.is_on()
    assert again.ground.exposures() == (exposure,)


def test_burnt_ground_stays_burnt(tmp_path: Path, make_config: MakeConfig) -> None:
    path = tmp_path / "microscope.json"
    first = SimulatedMicroscope(make_config(), FastClock(), path)
    scan(first, (0.0, 0.0))
    scan(first, (1e-4, 0.0))
    second = SimulatedMicroscope(make_config(), FastClock(), path)
    assert second.ground.exposures() == first.ground.exposures()
    assert second.true_position() == first.true_position()
    grid = Grid(np.array([[0.1, 0.0, -10.0], [0.0, -0.1, 10.0]]), (200, 200))
    np.testing.assert_array_equal(second.ground.remaining(grid), first.ground.remaining(grid))
    assert second.devices.sem.is_blanked()


def test_a_pump_down_that_was_cut_off_is_not_high_vacuum(tmp_path: Path, make_config: MakeConfig) -> None:
    path = tmp_path / "microscope.json"
    chamber = SimulatedMicroscope(make_config(), FastClock(), path).devices.chamber
    with pytest.raises(Exception, match="did not reach"):
        chamber.go_to(VacuumState.HIGH, 1.0)
    again = SimulatedMicroscope(make_config(), FastClock(), path).devices.chamber
    assert again.state() is VacuumState.CHANGING
    again.go_to(VacuumState.HIGH, 3600)
    assert again.state() is VacuumState.HIGH


def test_a_line_that_was_cut_off_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    memory = Memory(path)
    memory.set("a", 1)
    memory.set("a", 2)
    memory.add_exposure([1])
    path.write_text(path.read_text() + '{"key": "a", "val')
    again = Memory(path)
    assert again.get("a") == 2
    assert again.exposures() == ([1],)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    for text in ("hello\nworld\n", "[1, 2]\n", '{"a": 1}\n'):
        path.write_text(text)
        with pytest.raises(MemoryFileError, match="line 1 is not a line of a microscope's memory"):
            Memory(path)
        assert path.read_text() == text


def test_nothing_is_kept_without_a_file() -> None:
    memory = Memory(None)
    memory.set("a", 1)
    assert memory.get("a") == 1
    assert Memory(None).get("a") is None
