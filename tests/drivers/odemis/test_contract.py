import os
import threading
import time
from collections.abc import Iterator

import pytest

from config.loading import load
from config.model import Config
from drivers.chamber import VacuumState
from drivers.clock import SystemClock
from drivers.odemis.client import OdemisClient
from drivers.odemis.microscope import odemis_microscope
from drivers.sem import BeamSettings
from tests.drivers.contract import CHECKS, Bench, Check
from tests.drivers.odemis.bench import OdemisRig, rig
from tests.drivers.test_contract import SETTINGS


@pytest.fixture(scope="module")
def simulated_odemis() -> Iterator[OdemisRig]:
    with rig(SETTINGS) as made:
        yield made


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_microscope_behind_odemis(simulated_odemis: OdemisRig, check: Check) -> None:
    check(simulated_odemis.bench())


class _Soon:
    """On real time nothing says that a call blocks; by now it does."""

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002
        time.sleep(0.8)
        return True


class RealTime(SystemClock):
    """Real time; long sleeps of the checks, which only see to it that nothing happens, are cut."""

    def __init__(self) -> None:
        super().__init__()
        self.held = _Soon()

    def hold_next(self, seconds: float) -> None:
        """Nothing can be held."""

    def release(self) -> None:
        """Nothing is held."""

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> bool:
        return super().sleep(min(seconds, 1.0), wake)


EXACT = "compares times of the clock exactly"
AT_ONCE = "the stage that Odemis simulates is there at once, and its chamber cannot be stopped"
NOT_ON_REAL_TIME = {
    "a_frame_says_what_it_is": EXACT,
    "no_scan_without_high_vacuum": EXACT,
    "going_where_the_chamber_is_takes_no_time": EXACT,
    "a_move_can_be_stopped": AT_ONCE,
    "a_move_has_a_deadline": AT_ONCE,
    "a_pump_down_can_be_stopped_and_repeated": AT_ONCE,
}


@pytest.fixture(scope="module")
def real_odemis() -> Iterator[tuple[Config, OdemisClient]]:
    """An Odemis that runs on this computer, with a simulated microscope, described by a configuration."""
    python, path = os.environ.get("ILEMTRACK_ODEMIS_PYTHON"), os.environ.get("ILEMTRACK_ODEMIS_CONFIG")
    if python is None or path is None:
        pytest.skip("ILEMTRACK_ODEMIS_PYTHON and ILEMTRACK_ODEMIS_CONFIG name no Odemis")
    config = load(path)
    config = config.model_copy(update={"odemis": config.odemis.model_copy(update={"python": python})})
    client = OdemisClient(config.odemis)
    yield config, client
    client.close()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_an_odemis_that_is_there(real_odemis: tuple[Config, OdemisClient], check: Check) -> None:
    if check.__name__ in NOT_ON_REAL_TIME:
        pytest.skip(NOT_ON_REAL_TIME[check.__name__])
    config, client = real_odemis
    clock = RealTime()
    devices = odemis_microscope(config, clock, client)
    if devices.chamber.state() is not VacuumState.VENTED:
        devices.chamber.go_to(VacuumState.VENTED, 600)
    # A check before this one may have left a scan that still runs.
    devices.sem.set_beam(BeamSettings(2500.0, 3.5, 30e-6, 5.8e-3, "vCD"), 120)
    check(Bench(config, clock, devices, ((0.0, 0.0), (400e-6, 0.0))))
