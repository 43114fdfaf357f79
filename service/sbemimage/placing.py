"""From the stage of a plan to SBEMimage's stage: by landmarks, or because it is the same stage."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.errors import InputError
from service.mapping.stage_fit import fit_stage_map
from service.mapping.stage_map import StageFit

COLUMNS = ("plan_x_um", "plan_y_um", "sbemimage_x_um", "sbemimage_y_um")
_FEWEST = 3
"""Two landmarks fit a specimen and its mirror image alike."""


@dataclass(frozen=True, slots=True)
class Placing:
    """An affine map.

    Attributes
    ----------
    linear : (2, 2) array
        um of SBEMimage's stage per um of the plan.
    shift_um : (2,) array
    margin_um : float
        Added on every side of a frame, for the error of the map.
    """

    linear: NDArray[np.float64]
    shift_um: NDArray[np.float64]
    margin_um: float = 0.0

    def to_theirs(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert positions (N, 2) of the plan, m, to SBEMimage's stage, um."""
        return np.asarray(points_m * 1e6 @ self.linear.T + self.shift_um)


def same_stage(margin_um: float | None = None) -> Placing:
    """Return the placing of plans that were made on the stage that SBEMimage drives."""
    return Placing(np.eye(2), np.zeros(2), margin_um or 0.0)


def by_landmarks(path: Path, margin_um: float | None = None) -> tuple[Placing, StageFit]:
    """Fit the placing to landmarks: a CSV file with the columns of `COLUMNS` and optionally ``name``.

    The margin is, unless given, the largest error with which the others predict a landmark.

    Raises
    ------
    InputError
        It cannot be read, or its landmarks determine no map.
    """
    # It brings Matplotlib, which a server on the same stage does without.
    from service.diagnostics.calibration import read_numbers

    names, table = read_numbers(path, COLUMNS)
    if len(names) < _FEWEST:
        raise InputError(
            f"{path}: has {len(names)} landmarks; give {_FEWEST} or more, or a mirror image goes unseen"
        )
    # The fit takes an overview, whose y runs downwards.
    flip = np.array([1.0, -1.0])
    try:
        fit = fit_stage_map(table[:, :2] * flip, table[:, 2:], names)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    known = [
        float(one)
        for n, one in enumerate(fit.left_out_um)
        if n not in fit.wrong and math.isfinite(float(one))
    ]
    margin = margin_um if margin_um is not None else max([fit.rms_um, *known])
    return Placing(fit.map.linear * flip, fit.map.shift_um, margin), fit
