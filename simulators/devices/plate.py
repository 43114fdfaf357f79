"""Height, tilt and bow of the plate with the sections, and the defocus of beam and objective that they cause.

The machine is in focus where the plate has the configured height. Elsewhere the beam needs another working
distance, shorter where the plate is higher, and the objective another position.
"""

import math

import numpy as np

from config.model import Config
from drivers.errors import FocusNotFoundError

_BOW_AT_M = 10e-3
"""Distance from stage 0 at which ``simulator.plate_bow_um`` is measured, m."""
_WRONG_M = (20e-6, 80e-6)
"""Error of a wrong automatic focus (on dust, a fold or charging resin), m; chosen by hand."""


def plate_height_m(config: Config, fm_m: tuple[float, float]) -> float:
    """Return the height of the plate at an FM position above the configured height, m."""
    simulator, (x_m, y_m) = config.simulator, fm_m
    tilt_x, tilt_y = simulator.plate_tilt_mrad
    bow_m = simulator.plate_bow_um * 1e-6 * (x_m**2 + y_m**2) / _BOW_AT_M**2
    return simulator.plate_height_um * 1e-6 + tilt_x * 1e-3 * x_m + tilt_y * 1e-3 * y_m + bow_m


def sharp_working_distance_m(config: Config, fm_m: tuple[float, float]) -> float:
    """Return the working distance at which the beam is in focus at an FM position, m."""
    return config.sem.working_distance_mm * 1e-3 - plate_height_m(config, fm_m)


def defocus_sigma_m(off_m: float, aperture_m: float, working_distance_m: float) -> float:
    """Return the standard deviation of the disc of a defocused beam, m.

    The disc is the cross-section of the cone of the beam at that distance from its tip, ``d = 2 alpha |off|``
    with the angle of convergence ``alpha = aperture / (2 working distance)`` (Goldstein et al., Scanning
    Electron Microscopy and X-Ray Microanalysis, 4th ed., 2018, 'Depth of field'); the standard deviation of a
    uniform disc along an axis is ``d / 4``. At 30 um and 5.8 mm, a defocus of 10 um gives a disc of 52 nm.

    Parameters
    ----------
    off_m : float
        Distance from focus.
    aperture_m : float
        Diameter of the aperture.
    working_distance_m : float
    """
    return abs(off_m) * aperture_m / working_distance_m / 4


def defocus_m(sigma_m: float, aperture_m: float, working_distance_m: float) -> float:
    """Return the defocus whose disc has that standard deviation, m: the inverse of `defocus_sigma_m`."""
    return sigma_m * 4 * working_distance_m / aperture_m


class Autofocus:
    """The automatic focus of a machine: it finds the plate with some noise or, as a fault, does not.

    Parameters
    ----------
    config : Config
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._count = 0

    def found_m(self, fm_m: tuple[float, float]) -> float:
        """Return the working distance found at an FM position, m.

        Raises
        ------
        FocusNotFoundError
        """
        simulator = self._config.simulator
        rng = np.random.default_rng([simulator.specimen.seed, 8, self._count])
        self._count += 1
        chance = 100 * float(rng.random())
        if chance < simulator.autofocus_fails_percent:
            raise FocusNotFoundError("the automatic focus found no height sharper than the others")
        off_m = simulator.autofocus_noise_um * 1e-6 * float(rng.standard_normal())
        if chance < simulator.autofocus_fails_percent + simulator.autofocus_wrong_percent:
            off_m = math.copysign(float(rng.uniform(*_WRONG_M)), off_m)
        return sharp_working_distance_m(self._config, fm_m) + off_m
