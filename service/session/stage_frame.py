"""Stage coordinates of light and beam: the calibration between them, and how far a scan may bleach."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from config.model import Config
from drivers.pose import FmToSem, RectM
from planner.position_error import PositionErrors


@dataclass(frozen=True, slots=True)
class StageFrame:
    """Positions and margins of a session on the stage, in SI units.

    Plans and the ledger know upright frames, as fluorescence sees them; the calibration rotates, stretches
    and shears what the SEM scans.

    Attributes
    ----------
    fm_to_sem : FmToSem
        Calibration from fluorescence to SEM positions.
    safe_area_m : RectM
        Positions to which the stage may move.
    position_error_m : float
        Largest distance between the true position of the stage and its read-back.
    misfit_m : float
        Largest distance of a corner of the largest frame, as scanned, from that corner of the upright frame.
        10 mrad are 0.15 um at the corner of a frame of 25 x 17 um.
    halo_m : float
        Distance beyond an upright frame within which its scan may bleach: beam halo and misfit.
    reach_m : float
        The same for a planned frame, which may also land off by the guard.
    """

    fm_to_sem: FmToSem
    safe_area_m: RectM
    position_error_m: float
    misfit_m: float
    halo_m: float
    reach_m: float

    @classmethod
    def of(cls, config: Config) -> Self:
        """Return the stage frame of a configuration."""
        fm_to_sem = FmToSem.of(config.calibration)
        width, height = config.sem.specimen_px
        misfit_m = _misfit_m(fm_to_sem, (width * config.sem.pixel_size_m, height * config.sem.pixel_size_m))
        errors = PositionErrors.of(config.planner, config.sem, config.stage)
        guard_um = errors.guard_um(beam_moves=config.sem.beam_moves)
        return cls(
            fm_to_sem=fm_to_sem,
            safe_area_m=config.stage.safe_area_m,
            position_error_m=config.stage.position_error_um * 1e-6,
            misfit_m=misfit_m,
            halo_m=config.sem.beam_halo_um * 1e-6 + misfit_m,
            reach_m=(guard_um + config.sem.beam_halo_um) * 1e-6 + misfit_m,
        )

    def sem_position_m(self, point_m: tuple[float, float]) -> tuple[float, float]:
        """Return the stage position at which the SEM sees a point of the fluorescence, m."""
        x, y = self.fm_to_sem.to_sem(np.array([point_m]))[0].tolist()
        return x, y

    def fm_position_m(self, point_m: tuple[float, float]) -> tuple[float, float]:
        """Return the fluorescence position of a point that the SEM sees: the inverse of `sem_position_m`."""
        x, y = self.fm_to_sem.to_fm(np.array([point_m]))[0].tolist()
        return x, y

    def wider_m(self, size_m: tuple[float, float]) -> float:
        """Return by how much `halo_m` and `reach_m` are larger for a scan of a size, as of an overview, m."""
        return max(0.0, _misfit_m(self.fm_to_sem, size_m) - self.misfit_m)

    def is_safe(self, position_m: tuple[float, float]) -> bool:
        """Return True if the stage may move to a position."""
        x0, y0, x1, y1 = self.safe_area_m
        return x0 <= position_m[0] <= x1 and y0 <= position_m[1] <= y1


def _misfit_m(fm_to_sem: FmToSem, size_m: tuple[float, float]) -> float:
    """Return the largest distance of a corner of a scan from that corner of the upright frame, m."""
    corners = np.array(size_m) / 2 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    seen = fm_to_sem.to_fm(corners) - fm_to_sem.to_fm(np.zeros((1, 2)))
    return float(np.hypot(*(seen - corners).T).max())
