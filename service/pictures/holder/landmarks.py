"""Picture of landmarks: the residuals of the map from overview to stage."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from service.pictures.figures import save_figure

_GOOD, _WRONG, _LEFT_OUT = "#0b3c5d", "#d1495b", "#9fb3c8"


def draw_landmarks(
    path: Path,
    names: Sequence[str],
    stage_um: NDArray[np.float64],
    residuals_um: NDArray[np.float64],
    left_out_um: NDArray[np.float64],
    wrong: Sequence[int],
) -> None:
    """Draw the landmarks on the stage with their residuals enlarged, and the errors of each.

    Parameters
    ----------
    path : Path
        PNG file.
    names : sequence of str
    stage_um, residuals_um : (N, 2) array
    left_out_um : (N,) array
        Leave-one-out error; NaN: unknown.
    wrong : sequence of int
        Indices of the landmarks that the map leaves out; their residuals are not enlarged.

    Raises
    ------
    InputError
        Raised when the file cannot be written.
    """
    figure = Figure(figsize=(11, 5.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    lengths = np.hypot(*residuals_um.T)
    good = np.array([n not in wrong for n in range(len(names))])
    colours = [_GOOD if one else _WRONG for one in good]
    longest = float(lengths[good].max(initial=0.0))
    whole = float(np.ptp(stage_um, axis=0).max()) * 0.1
    enlarged = 10.0 ** math.floor(math.log10(whole / longest)) if longest > 1e-6 * whole else 1.0
    arrows = residuals_um * np.where(good, max(enlarged, 1.0), 1.0)[:, None]
    left.quiver(*stage_um.T, *arrows.T, angles="xy", scale_units="xy", scale=1, color=colours, width=0.004)
    left.scatter(*stage_um.T, c=colours, s=18, zorder=3)
    for name, at in zip(names, stage_um, strict=True):
        left.annotate(name, at, xytext=(4, 4), textcoords="offset points", fontsize=7, color="#5a6473")
    left.set(xlabel="stage x, um", ylabel="stage y, um", aspect="equal")
    left.set_title(f"Residuals (arrows enlarged {max(enlarged, 1.0):,.0f} x; wrong landmarks red)")
    left.margins(0.15)
    rows = np.arange(len(names))
    right.barh(rows, np.nan_to_num(left_out_um), color=_LEFT_OUT, height=0.8, label="leave-one-out error")
    right.barh(rows, lengths, color=colours, height=0.4, label="residual")
    right.set_yticks(rows, names, fontsize=7 if len(names) < 40 else 4)
    right.set(xlabel="um")
    right.legend(fontsize=7)
    save_figure(figure, path)
