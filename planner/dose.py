"""Electron dose of a single scan, and of cells where frames overlap.

Dose is charge per area: current times dwell time over the area of a pixel, summed over the scans of a place.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.errors import PlannerError
from planner.geometry.rects import RectM, area_m2
from planner.values import Box, Frame

ELEMENTARY_CHARGE_C = 1.602176634e-19
"""Exact in the SI of 2019."""


@dataclass(frozen=True, slots=True)
class Dose:
    """Electrons per area, in the two customary units."""

    electrons_per_nm2: float
    mc_per_cm2: float

    def times(self, scans: float) -> "Dose":
        """Return the dose of a number of scans."""
        return Dose(self.electrons_per_nm2 * scans, self.mc_per_cm2 * scans)


@dataclass(frozen=True, slots=True)
class CellDose:
    """Dose of a cell: maximum over its rectangle, and mean; zero if no frame shows it."""

    box: str
    most: Dose
    mean: Dose


def scan_dose(beam_current_a: float, dwell_s: float, pixel_size_m: float) -> Dose:
    """Return the single-scan dose.

    Parameters
    ----------
    beam_current_a : float
        At the specimen; from zero up.
    dwell_s, pixel_size_m : float
        Above zero.

    Returns
    -------
    Dose
        100 pA for 60 us on pixels of 16.5 nm: 137.6 electrons/nm2, 2.204 mC/cm2.

    Raises
    ------
    PlannerError
        Raised when a number is out of range.
    """
    if not (math.isfinite(beam_current_a) and beam_current_a >= 0):
        raise PlannerError(f"the beam current must be a number from zero up, not {beam_current_a} A")
    if not (0 < dwell_s < math.inf and 0 < pixel_size_m < math.inf):
        raise PlannerError(
            f"dwell time and pixel size must be above zero, not {dwell_s} s and {pixel_size_m} m"
        )
    coulomb_per_m2 = beam_current_a * dwell_s / pixel_size_m**2
    # 1 m2 is 1e18 nm2; 1 C/m2 is 1000 mC on 10,000 cm2.
    return Dose(coulomb_per_m2 / ELEMENTARY_CHARGE_C * 1e-18, coulomb_per_m2 * 0.1)


def cell_doses(boxes: Iterable[Box], frames: Sequence[Frame], beam_current_a: float) -> tuple[CellDose, ...]:
    """Return the dose of every cell by the frames of a plan.

    All frames count, not only those planned for the cell; where frames overlap, their doses add up. The error
    of the stage is not included.

    Parameters
    ----------
    boxes : iterable of Box
    frames : sequence of Frame
        With the same pixel size and dwell time, as in a plan.
    beam_current_a : float

    Returns
    -------
    tuple of CellDose
        In the order of the boxes.

    Raises
    ------
    PlannerError
        Raised when the beam current is out of range.
    """
    table = np.asarray([f.rect_m for f in frames], dtype=np.float64).reshape(-1, 4)
    once = scan_dose(beam_current_a, frames[0].dwell_s, frames[0].pixel_size_m) if frames else Dose(0.0, 0.0)
    doses = []
    for box in boxes:
        most, mean = _scans_over(box.rect_m, table)
        doses.append(CellDose(box.id, once.times(most), once.times(mean)))
    return tuple(doses)


def _scans_over(rect: RectM, frames: NDArray[np.float64]) -> tuple[int, float]:
    """Return the number of `frames` (N, 4) over a rectangle: maximum of all points, and mean."""
    parts = np.column_stack((np.maximum(frames[:, :2], rect[:2]), np.minimum(frames[:, 2:], rect[2:])))
    parts = parts[(parts[:, 2:] > parts[:, :2]).all(axis=1)]
    if not len(parts):
        return 0, 0.0
    mean = float((parts[:, 2:] - parts[:, :2]).prod(axis=1).sum()) / area_m2(rect)
    # The maximum is at a left edge and a lower edge of parts.
    xs, ys = np.unique(parts[:, 0]), np.unique(parts[:, 1])
    across = (parts[:, 0, None] <= xs) & (xs < parts[:, 2, None])
    up = (parts[:, 1, None] <= ys) & (ys < parts[:, 3, None])
    return int((across.astype(np.int64).T @ up.astype(np.int64)).max()), mean
