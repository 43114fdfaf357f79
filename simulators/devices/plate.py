"""How the plate with the sections lies: its height, tilt and bow, and what that does to both focuses.

A machine is sharp where the plate is as high as configured; the electron beam by its working distance, which
is shorter over what is higher, the objective by its position.
"""

import math

import numpy as np

from config.model import Config
from drivers.errors import FocusNotFoundError

_BOW_AT_M = 10e-3
_WRONG_M = (20e-6, 80e-6)
"""How far off a wrong automatic focus is: on dust, on a fold, on charging resin."""


def plate_height_m(config: Config, ground_m: tuple[float, float]) -> float:
    """Height of the plate at a place, as fluorescence sees it, above the one that is configured, m."""
    simulator, (x_m, y_m) = config.simulator, ground_m
    tilt_x, tilt_y = simulator.plate_tilt_mrad
    bow_m = simulator.plate_bow_um * 1e-6 * (x_m**2 + y_m**2) / _BOW_AT_M**2
    return simulator.plate_height_um * 1e-6 + tilt_x * 1e-3 * x_m + tilt_y * 1e-3 * y_m + bow_m


def sharp_working_distance_m(config: Config, ground_m: tuple[float, float]) -> float:
    """Working distance at which the beam is in focus at a place, m."""
    return config.sem.working_distance_mm * 1e-3 - plate_height_m(config, ground_m)


def defocus_sigma_m(off_m: float, aperture_m: float, working_distance_m: float) -> float:
    """Standard deviation of the disc that the beam is widened to when it is out of focus, m.

    The disc is as wide as the cone of the beam at that distance from its tip, ``d = 2 alpha |off|`` with the
    angle of convergence ``alpha = aperture / (2 working distance)`` (Goldstein et al., Scanning Electron
    Microscopy and X-Ray Microanalysis, 4th ed., 2018, 'Depth of field'); the standard deviation of an even
    disc along an axis is ``d / 4``. At 30 um and 5.8 mm, 10 um off widen the beam to 52 nm.

    Parameters
    ----------
    off_m : float
        From the working distance at which it is in focus.
    aperture_m : float
        Diameter.
    working_distance_m : float
    """
    return abs(off_m) * aperture_m / working_distance_m / 4


class Autofocus:
    """What the automatic focus of a machine finds: the plate, with some noise; or, as faults, not.

    Parameters
    ----------
    config : Config
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._count = 0

    def found_m(self, ground_m: tuple[float, float]) -> float:
        """Working distance that is found at a place, m.

        Raises
        ------
        FocusNotFoundError
        """
        simulator = self._config.simulator
        rng = np.random.default_rng([simulator.specimen.seed, 8, self._count])
        self._count += 1
        chance = 100 * float(rng.random())
        if chance < simulator.autofocus_fails_percent:
            raise FocusNotFoundError("the automatic focus found no height that is sharper than the others")
        off_m = simulator.autofocus_noise_um * 1e-6 * float(rng.standard_normal())
        if chance < simulator.autofocus_fails_percent + simulator.autofocus_wrong_percent:
            off_m = math.copysign(float(rng.uniform(*_WRONG_M)), off_m)
        return sharp_working_distance_m(self._config, ground_m) + off_m
