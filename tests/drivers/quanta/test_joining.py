import math
import threading

import pytest

from config.model import Config
from config.quanta import QuantaConfig
from drivers.chamber import VacuumState
from drivers.errors import DriverError, NotReadyError
from drivers.fluorescence import FmFrame, FmSettings
from drivers.quanta.joining import joined
from drivers.sem import ScanRequest
from simulators.clock import HeldClock
from simulators.microscope import SimulatedMicroscope
from tests.drivers.quanta.bench import quanta_bench

CONFIG = Config.model_validate({"fluorescence": {"frame_px": [128, 96]}})
SETTINGS = FmSettings(1.0, 100, 488, 0.5)


def test_frames_lie_where_the_stage_of_the_server_stands() -> None:
    clock = HeldClock()
    with quanta_bench(CONFIG, clock) as bench:
        own = SimulatedMicroscope(CONFIG, clock).devices
        devices, driven = joined(own, CONFIG, bench.config, clock)
        there = devices.stage.move_to(1e-3, 2e-3, 60)
        frame = devices.camera.expose(SETTINGS, 60)
        assert frame.pose.center_m == there
        assert math.dist(own.stage.position(), there) > 1e-3
        driven.client.close()


def test_no_move_of_the_server_s_stage_during_an_exposure_of_another_camera() -> None:
    clock = HeldClock()
    with quanta_bench(CONFIG, clock) as bench:
        devices, driven = joined(SimulatedMicroscope(CONFIG, clock).devices, CONFIG, bench.config, clock)
        clock.hold_next(1.0)
        taken: list[FmFrame | DriverError] = []

        def expose() -> None:
            try:
                taken.append(devices.camera.expose(SETTINGS, 60))
            except DriverError as error:
                taken.append(error)

        thread = threading.Thread(target=expose)
        thread.start()
        try:
            assert clock.held.wait(200)
            with pytest.raises(NotReadyError, match="an exposure is running"):
                devices.stage.move_to(1e-3, 0.0, 60)
        finally:
            devices.camera.stop()
            thread.join(200)
        assert len(taken) == 1
        driven.client.close()


def test_a_stage_that_another_driver_moves_stands_still_in_a_scan() -> None:
    clock = HeldClock()
    with quanta_bench(CONFIG, clock) as bench:
        quanta = QuantaConfig(endpoint=bench.config.endpoint, drives_stage=False)
        own = SimulatedMicroscope(CONFIG, clock).devices
        devices, driven = joined(own, CONFIG, quanta, clock)
        devices.chamber.go_to(VacuumState.HIGH, 3600)
        there = devices.stage.move_to(1e-3, 2e-3, 60)
        assert own.stage.position() == there
        request = ScanRequest((600, 600), 16.5e-9, 60e-6, "n")
        clock.hold_next(request.beam_s)
        ended: list[object] = []

        def scan() -> None:
            try:
                ended.append(devices.sem.scan(request, 600))
            except DriverError as error:
                ended.append(error)

        thread = threading.Thread(target=scan)
        thread.start()
        try:
            assert clock.held.wait(200)
            with pytest.raises(NotReadyError, match="a scan is running"):
                devices.stage.move_to(0.0, 0.0, 60)
        finally:
            devices.sem.stop()
            thread.join(200)
        assert len(ended) == 1
        image = devices.sem.scan(ScanRequest((64, 64), 16.5e-9, 60e-6, "n2"), 60)
        assert math.dist(image.center_m, there) < 20e-9
        driven.client.close()
