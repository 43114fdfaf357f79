"""Short words for what the tests do again and again."""

import numpy as np
from numpy.typing import NDArray

from config.model import Config
from drivers.chamber import VacuumState
from drivers.fluorescence import FmFrame, FmSettings
from drivers.pose import Pose
from drivers.sem import ScanImage, ScanRequest
from simulators.microscope import SimulatedMicroscope
from simulators.specimen.grid import Grid


def fm_frame(
    microscope: SimulatedMicroscope, config: Config, at_m: tuple[float, float], *, lit: bool = True
) -> FmFrame:
    fm, devices = config.fluorescence, microscope.devices
    devices.stage.move_to(*at_m, 60)
    if lit:
        devices.light.on(fm.excitation_nm, fm.power_density_w_per_cm2, 5)
    try:
        return devices.camera.expose(
            FmSettings(fm.exposure_s, fm.em_gain, fm.excitation_nm, fm.power_density_w_per_cm2), 600
        )
    finally:
        devices.light.off()


def scan(
    microscope: SimulatedMicroscope,
    at_m: tuple[float, float],
    size_px: tuple[int, int] = (600, 400),
    dwell_s: float = 60e-6,
) -> ScanImage:
    microscope.devices.chamber.go_to(VacuumState.HIGH, 3600)
    microscope.devices.stage.move_to(*at_m, 60)
    return microscope.devices.sem.scan(ScanRequest(size_px, 16.5e-9, dwell_s, "t"), 3600)


def fm_grid(config: Config, at_m: tuple[float, float]) -> Grid:
    columns, rows = config.fluorescence.frame_px
    size = config.fluorescence.pixel_size_m
    return Grid.of_pose(Pose(at_m, (size, size)), (rows, columns))


def correlation(one: NDArray[np.generic], other: NDArray[np.generic]) -> float:
    return float(np.corrcoef(one.astype(float).ravel(), other.astype(float).ravel())[0, 1])
