"""Plots of missed cells against hours of the session, and of the reliability of confidences."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from detection.evaluation.curves import OperatingPoint, ReliabilityBin
from service.pictures.figures import save_figure

INK, GREY, STAR = "#1b2430", "#8a94a3", "#d1495b"
COLOURS = ("#0b3c5d", "#2a7f9e", "#66a182", "#e0a030", "#c8553d")
LEAST_AXIS_PERCENT = 5.0
LABELLED_MARGINS_UM = (0.0, 0.5, 1.0, 2.0, 4.0)
LABELLED_QUANTILES = (0.5, 0.8, 0.9, 0.97, 0.995)


def plot_curve(
    path: Path,
    points: Sequence[OperatingPoint],
    present: OperatingPoint,
    raster_session_h: float,
    dropped: tuple[Sequence[float], Sequence[float], Sequence[int]],
) -> None:
    """Draw missed cells against hours of the session, and the cells lost to a confidence floor.

    Parameters
    ----------
    path : Path
        PNG; overwritten if it exists.
    points : sequence of OperatingPoint
        Operating points of every margin, or quantile of the sides, and floor.
    present : OperatingPoint
        Operating point of the current policy.
    raster_session_h : float
        Hours of the session that images everything.
    dropped : (floors, expected cells, real cells)
        See `detection.evaluation.curves.dropped_by_floor`.

    Raises
    ------
    InputError
        Raised when the file cannot be written.
    """
    figure = Figure(figsize=(12, 5.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.7, 1))
    _draw_points(left, points, present, raster_session_h)
    _draw_dropped(right, *dropped, present.min_confidence)
    save_figure(figure, path)


def plot_reliability(path: Path, bins: Sequence[ReliabilityBin]) -> None:
    """Draw the share of true hits against their confidence, and a histogram of the hits.

    Raises
    ------
    InputError
        Raised when the file cannot be written.
    """
    figure = Figure(figsize=(6, 6.4), layout="constrained")
    top, bottom = figure.subplots(2, 1, height_ratios=(3.2, 1), sharex=True)
    top.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="ideal")
    said = np.array([b.mean_confidence for b in bins])
    real = np.array([b.real_share for b in bins])
    low, high = np.array([b.real_low for b in bins]), np.array([b.real_high for b in bins])
    error = np.maximum([real - low, high - real], 0)
    top.errorbar(
        said, real, yerr=error, fmt="o-", color=COLOURS[0], capsize=3, label="measured, 95 % interval"
    )
    top.set(ylabel="share of hits with a cell", ylim=(-0.03, 1.03), xlim=(-0.03, 1.03))
    top.set_title("Reliability of the confidence", loc="left", color=INK)
    top.legend(loc="upper left", frameon=False)
    widths = [b.high - b.low for b in bins]
    bottom.bar(
        [b.low for b in bins], [b.hits for b in bins], widths, align="edge", color=COLOURS[1], ec="white"
    )
    bottom.set(xlabel="confidence of the detector", ylabel="hits")
    for axes in (top, bottom):
        _plain(axes)
    save_figure(figure, path)


def _draw_points(
    axes: Axes, points: Sequence[OperatingPoint], present: OperatingPoint, raster_session_h: float
) -> None:
    by_quantile = len({point.side_quantile for point in points}) > 1
    for number, (floors, line) in enumerate(_alike(points)):
        hours, missed = [_hours(p) for p in line], [100 * p.missed_share for p in line]
        axes.plot(hours, missed, "o-", color=COLOURS[number], markersize=4, label=_floors(floors))
        for point in line if number == 0 else ():
            text = _label(point, by_quantile=by_quantile)
            if text is not None:
                axes.annotate(
                    text,
                    (_hours(point), 100 * point.missed_share),
                    xytext=(6, 6),
                    textcoords="offset points",
                    fontsize=8,
                    color=INK,
                )
    axes.plot(
        _hours(present),
        100 * present.missed_share,
        "*",
        color=STAR,
        markersize=16,
        zorder=5,
        label=f"now: {_box_of(present, by_quantile=by_quantile)}, confidence {present.min_confidence:g},\n"
        f"{present.missed_cells} cells missed, {_hours(present):.3g} h",
    )
    longest_h = max(_hours(point) for point in points)
    end_h = min(1.25 * longest_h, raster_session_h) or raster_session_h
    axes.set_xlim(0, end_h)
    axes.set(
        xlabel="hours of the session, as planned (frames, moves, fluorescence, changes of pressure)",
        ylabel="cells missed or cut / %",
    )
    axes.set_ylim(0, max(108 * max(point.missed_share for point in points), LEAST_AXIS_PERCENT))
    numbers = "the quantile of the sides" if by_quantile else "the margin"
    axes.set_title(f"Cells missed against hours of the session; numbers are {numbers}", loc="left", color=INK)
    percent_per_h = 100 / raster_session_h
    share = axes.secondary_xaxis("top", functions=(_times(percent_per_h), _times(1 / percent_per_h)))
    share.set_xlabel(f"share of the {raster_session_h:.3g} h of a full raster / %", color=GREY)
    axes.legend(frameon=False, fontsize=9)
    _plain(axes)


def _hours(point: OperatingPoint) -> float:
    return math.nan if point.session_h is None else point.session_h


def _label(point: OperatingPoint, *, by_quantile: bool) -> str | None:
    """Return the label of a point; None if it has none."""
    if by_quantile:
        return f"{point.side_quantile:g}" if point.side_quantile in LABELLED_QUANTILES else None
    return f"{point.margin_um:g} um" if point.margin_um in LABELLED_MARGINS_UM else None


def _box_of(point: OperatingPoint, *, by_quantile: bool) -> str:
    return f"quantile {point.side_quantile:g}" if by_quantile else f"margin {point.margin_um:g} um"


def _alike(points: Sequence[OperatingPoint]) -> list[tuple[list[float], list[OperatingPoint]]]:
    """Return the lines of the curve, with floors of no visible difference joined."""
    lines: list[tuple[list[float], list[OperatingPoint]]] = []
    for floor in sorted({point.min_confidence for point in points}):
        line = [point for point in points if point.min_confidence == floor]
        if lines and _same(lines[-1][1], line):
            lines[-1][0].append(floor)
        else:
            lines.append(([floor], line))
    return lines


def _same(one: Sequence[OperatingPoint], other: Sequence[OperatingPoint]) -> bool:
    return all(
        a.missed_cells == b.missed_cells and abs(_hours(a) - _hours(b)) <= 0.01 * _hours(a)
        for a, b in zip(one, other, strict=True)
    )


def _floors(floors: Sequence[float]) -> str:
    above = ", ".join(f"{floor:g}" for floor in floors if floor > 0)
    texts = ["every hit"] * (0 in floors) + [f"confidence {above} and more"] * bool(above)
    return "; ".join(texts)


def _draw_dropped(
    axes: Axes, floors: Sequence[float], expected: Sequence[float], real: Sequence[int], present: float
) -> None:
    axes.plot(floors, expected, color=COLOURS[0], label="expected from the confidences")
    axes.plot(floors, real, color=COLOURS[3], linestyle="--", label="true cells")
    axes.axvline(present, color=STAR, linewidth=1, label=f"floor now: {present:g}")
    axes.set(xlabel="confidence floor", ylabel="hits of cells below the floor, not imaged", xlim=(0, 1))
    axes.set_ylim(bottom=0)
    axes.set_title("Cells lost to the floor", loc="left", color=INK)
    axes.legend(frameon=False, fontsize=9)
    _plain(axes)


def _times(factor: float) -> Callable[[ArrayLike], NDArray[np.float64]]:
    return lambda values: np.asarray(values, dtype=np.float64) * factor


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e4e7eb", linewidth=0.7)
    axes.set_axisbelow(True)
