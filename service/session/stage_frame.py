"""Stage coordinates of light and beam: the calibration between them, and where the stage may go."""

from dataclasses import replace

import numpy as np

from config.model import Config
from drivers.pose import FmToSem, RectM
from planner.values import PlanSettings, settings_from


def fm_to_sem(config: Config) -> FmToSem:
    """Return the calibration of a configuration."""
    c = config.calibration
    return FmToSem((c.shift_um[0] * 1e-6, c.shift_um[1] * 1e-6), c.rotation_mrad * 1e-3, c.scale, c.shear)


def sem_position_m(config: Config, point_m: tuple[float, float]) -> tuple[float, float]:
    """Stage position at which the SEM sees a point that fluorescence puts at `point_m`."""
    x, y = fm_to_sem(config).to_sem(np.array([point_m]))[0].tolist()
    return x, y


def misfit_m(config: Config) -> float:
    """How far a corner of the largest frame lies from where an upright frame of its size has it, m.

    Plans and the ledger know upright frames, as fluorescence sees them; the calibration turns, stretches and
    shears what the SEM scans. 10 mrad are .15 um at the corner of a frame of 25 x 17 um.
    """
    half = np.array(config.sem.specimen_px) * config.sem.pixel_size_m / 2
    corners = half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    calibration = fm_to_sem(config)
    seen = calibration.to_fm(corners) - calibration.to_fm(np.zeros((1, 2)))
    return float(np.hypot(*(seen - corners).T).max())


def reach_m(config: Config) -> float:
    """How far beyond a planned frame the beam may bleach, m: guard, halo, and what the calibration turns."""
    return (config.planner.guard_um + config.sem.beam_halo_um) * 1e-6 + misfit_m(config)


def plan_settings(config: Config) -> PlanSettings:
    """Return the settings of a plan, with a guard that holds what the calibration turns and stretches."""
    settings = settings_from(config)
    return replace(settings, guard_m=settings.guard_m + misfit_m(config))


def safe_area_m(config: Config) -> RectM:
    """Where the stage may go, m."""
    (x0, x1), (y0, y1) = config.stage.safe_x_mm, config.stage.safe_y_mm
    return x0 * 1e-3, y0 * 1e-3, x1 * 1e-3, y1 * 1e-3
