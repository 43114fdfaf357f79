"""Figure of the focus over the array, with its outliers."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from planner.focus_plane import FocusPlane, fit_focus_plane
from service.autofocus.expected_height import ENOUGH, TOLERANCE_M, measured
from service.model.focus import Focus, FocusBeam, FocusState
from service.pictures.figures import save_figure
from service.pictures.saving import save_or_log
from service.session.folders.run_folder import RunFolder

INK, GREY, WRONG = "#1b2430", "#8a94a3", "#d1495b"
_NAMES = {
    FocusBeam.ELECTRON: ("working distance of the beam", "working distance"),
    FocusBeam.LIGHT: ("height of the objective", "height"),
}
_MOST_NAMES = 60
"""Most sections with names; more would be illegible."""


def draw_focus(path: Path, focuses: Sequence[Focus]) -> None:
    """Draw the focus of one beam into a PNG file: a map with its plane, and the residuals by section.

    Parameters
    ----------
    path : Path
        Overwritten if it exists.
    focuses : sequence of Focus
        Focuses of one beam; at least one found a height.

    Raises
    ------
    InputError
        Raised when the file cannot be written.
    """
    found = measured(focuses)
    beam = found[0].beam
    title, name = _NAMES[beam]
    good = [one for one in found if one.state is FocusState.USED] or found
    fit = fit_focus_plane([one.place_m for one in good], [_height_m(one) for one in good], TOLERANCE_M[beam])
    none = {one.section: one for one in focuses if one.found_m is None and one.used_m is not None}
    without = [one for section, one in none.items() if section not in {f.section for f in found}]
    figure = Figure(figsize=(12.5, 5.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.3, 1))
    _draw_map(left, found, without, fit.plane, name)
    _draw_residuals(right, found, fit.plane, TOLERANCE_M[beam])
    tilt = f"plane {fit.plane.slope_x * 1e3:+.2f}, {fit.plane.slope_y * 1e3:+.2f} mrad along x, y"
    if len(good) < ENOUGH:
        tilt = f"no plane is known: it takes {ENOUGH} sections"
    left.set_title(
        f"{title[0].upper()}{title[1:]}\n{tilt}", loc="left", color=INK, fontsize=12, fontweight="bold"
    )
    save_figure(figure, path)


def _draw_map(
    axes: Axes, found: Sequence[Focus], without: Sequence[Focus], plane: FocusPlane, name: str
) -> None:
    """Draw the heights on the stage, over contour lines of the plane."""
    places = np.array([one.place_m for one in (*found, *without)])
    low, high = places.min(axis=0), places.max(axis=0)
    extent = float((high - low).max())
    margin = max(0.08 * extent, 20e-6)
    # Sections in one row get a map of some height as well.
    half = np.maximum((high - low) / 2 + margin, 0.3 * extent)
    x, y = (np.linspace(at - by, at + by, 40) for at, by in zip((low + high) / 2, half, strict=True))
    level_m = plane.at(((low[0] + high[0]) / 2, (low[1] + high[1]) / 2))
    heights = (plane.z0_m + plane.slope_x * x[None, :] + plane.slope_y * y[:, None] - level_m) * 1e6
    if np.ptp(heights) > 1e-3:
        lines = axes.contour(x * 1e3, y * 1e3, heights, levels=8, colors=GREY, linewidths=0.7)
        axes.clabel(lines, fmt="%.3g", fontsize=7)
    off = [(_height_m(one) - level_m) * 1e6 for one in found]
    span = max(float(np.abs(heights).max()), 1.0)
    columns, rows = np.array([one.place_m for one in found]).T * 1e3
    dots = axes.scatter(
        columns,
        rows,
        c=off,
        cmap="viridis",
        vmin=-span,
        vmax=span,
        s=60,
        edgecolors=[WRONG if one.state is FocusState.OUTLIER else INK for one in found],
        linewidths=[2.0 if one.state is FocusState.OUTLIER else 0.5 for one in found],
        zorder=3,
        label=f"{name} found (red edge: off the plane)",
    )
    if without:
        columns, rows = np.array([one.place_m for one in without]).T * 1e3
        axes.scatter(
            columns,
            rows,
            marker="x",
            color=GREY,
            zorder=3,
            label="none found: plane, or nearest section",
        )
    if len(found) <= _MOST_NAMES:
        for one in (*found, *without):
            axes.annotate(
                one.section,
                (one.place_m[0] * 1e3, one.place_m[1] * 1e3),
                xytext=(6, 5),
                textcoords="offset points",
                fontsize=7,
                color=INK,
            )
    bar = axes.figure.colorbar(dots, ax=axes, shrink=0.85)
    bar.set_label(f"{name} / µm, from {level_m * 1e3:.5f} mm", color=INK)
    axes.set_aspect("equal")
    axes.set(
        xlabel="stage x / mm",
        ylabel="stage y / mm",
        xlim=(x[0] * 1e3, x[-1] * 1e3),
        ylim=(y[0] * 1e3, y[-1] * 1e3),
    )
    handles, labels = axes.get_legend_handles_labels()
    axes.figure.legend(
        handles, labels, loc="outside lower left", ncols=2, frameon=False, fontsize=9, labelcolor=INK
    )
    _plain(axes)


def _draw_residuals(axes: Axes, found: Sequence[Focus], plane: FocusPlane, tolerance_m: float) -> None:
    """Draw the distance of each from the plane of all, oldest first."""
    off = [(_height_m(one) - plane.at(one.place_m)) * 1e6 for one in found]
    wrong = [one.state is FocusState.OUTLIER for one in found]
    axes.axhspan(-tolerance_m * 1e6, tolerance_m * 1e6, color="#e4efe6", zorder=0, label="tolerance")
    for is_wrong, colour, label in ((False, INK, "used"), (True, WRONG, "off the plane around it")):
        some = [n for n, one in enumerate(wrong) if one is is_wrong]
        axes.plot([n + 1 for n in some], [off[n] for n in some], "o", color=colour, markersize=5, label=label)
    for n, is_wrong in enumerate(wrong):
        if is_wrong:
            axes.annotate(
                found[n].section,
                (n + 1, off[n]),
                xytext=(6, 4),
                textcoords="offset points",
                fontsize=8,
                color=WRONG,
            )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set(xlabel="sections in the order of focusing", ylabel="off the plane of all / µm")
    axes.set_title("Residuals", loc="left", color=INK)
    axes.legend(frameon=False, fontsize=9, labelcolor=INK)
    _plain(axes)


def _height_m(focus: Focus) -> float:
    assert focus.found_m is not None, "of `measured`"
    return focus.found_m


def _plain(axes: Axes) -> None:
    axes.tick_params(colors=INK, labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def draw_focuses(folder: RunFolder, focuses: Sequence[Focus]) -> None:
    """Draw the focus of each beam over the array; earlier figures are replaced."""
    for beam in FocusBeam:
        found = [one for one in focuses if one.beam is beam and one.found_m is not None]
        if found:
            of_beam = [one for one in focuses if one.beam is beam]
            save_or_log(folder.pictures, f"focus_{beam.value}", partial(draw_focus, focuses=of_beam))
