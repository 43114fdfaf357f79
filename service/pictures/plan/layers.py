"""Layers of the figure of a plan, on the stage: ground, dose, cells, frames and their route."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import Polygon, Rectangle
from numpy.typing import NDArray

from planner.geometry.rects import RectM, center
from service.pictures.plan.drawing import (
    CELL,
    CELL_EDGE,
    DOSES,
    GREY,
    OUTLINE,
    REQUIRED,
    ROUTE,
    SAVED,
    SKIPPED,
    STOP,
    UNSAVED,
    Drawing,
)

_GRID_SIZE = 1200
"""Cells of the dose map along its longer side."""
_MOST_NUMBERS = 120
"""Most frames with numbers; more would be illegible."""


def _patch(rect: RectM, origin: tuple[float, float], **style: object) -> Rectangle:
    x0, y0, x1, y1 = rect
    corner = ((x0 - origin[0]) * 1e6, (y0 - origin[1]) * 1e6)
    return Rectangle(corner, (x1 - x0) * 1e6, (y1 - y0) * 1e6, **style)  # type: ignore[arg-type]


def draw_ground(axes: Axes, drawing: Drawing, origin: tuple[float, float]) -> None:
    """Draw fields, ground imaged before or to be spared, and the outline of the section."""
    for rect in drawing.fields:
        axes.add_patch(_patch(rect, origin, facecolor=SAVED, edgecolor="none", zorder=0))
    for rect in drawing.fields:
        axes.add_patch(
            _patch(rect, origin, facecolor="none", edgecolor=GREY, linewidth=0.8, linestyle="--", zorder=2)
        )
    for rects, colour, hatch in ((drawing.exposed, GREY, "////"), (drawing.unsaved, UNSAVED, "....")):
        for rect in rects:
            axes.add_patch(
                _patch(rect, origin, facecolor="none", edgecolor=colour, hatch=hatch, linewidth=0.6, zorder=2)
            )
    if drawing.outline is not None:
        corners = (np.asarray(drawing.outline) - origin) * 1e6
        axes.add_patch(
            Polygon(corners, closed=True, facecolor="none", edgecolor=OUTLINE, linewidth=1.6, zorder=6)
        )


def draw_dose(axes: Axes, drawing: Drawing, origin: tuple[float, float]) -> int:
    """Draw the number of scans of the ground; return its maximum."""
    if not drawing.frames:
        return 0
    times, extent = times_scanned(drawing.frames)
    most = int(times.max())
    shown = np.ma.masked_equal(np.minimum(times, len(DOSES)), 0)
    norm = BoundaryNorm(np.arange(len(DOSES) + 1) + 0.5, len(DOSES))
    x0, y0, x1, y1 = extent
    axes.imshow(
        shown,
        cmap=ListedColormap(DOSES),
        norm=norm,
        origin="lower",
        extent=(
            (x0 - origin[0]) * 1e6,
            (x1 - origin[0]) * 1e6,
            (y0 - origin[1]) * 1e6,
            (y1 - origin[1]) * 1e6,
        ),
        interpolation="nearest",
        alpha=0.75,
        zorder=1,
    )
    return most


def times_scanned(frames: Sequence[RectM]) -> tuple[NDArray[np.int64], RectM]:
    """Return the number of frames over each cell of a grid, and its bounds; row 0 has the smallest y."""
    table = np.asarray(frames)
    x0, y0 = table[:, :2].min(axis=0).tolist()
    x1, y1 = table[:, 2:].max(axis=0).tolist()
    pitch = max(x1 - x0, y1 - y0) / _GRID_SIZE
    columns, rows = math.ceil((x1 - x0) / pitch), math.ceil((y1 - y0) / pitch)
    # Corners of a cumulative sum: each frame adds one from its first cell to its last.
    steps = np.zeros((rows + 1, columns + 1), dtype=np.int64)
    left, right = (np.rint((table[:, n] - x0) / pitch).astype(int).clip(0, columns) for n in (0, 2))
    low, high = (np.rint((table[:, n] - y0) / pitch).astype(int).clip(0, rows) for n in (1, 3))
    np.add.at(steps, (low, left), 1)
    np.add.at(steps, (high, right), 1)
    np.add.at(steps, (low, right), -1)
    np.add.at(steps, (high, left), -1)
    times = steps.cumsum(axis=0).cumsum(axis=1)[:rows, :columns]
    return times, (x0, y0, x0 + columns * pitch, y0 + rows * pitch)


def draw_cells(axes: Axes, drawing: Drawing, origin: tuple[float, float]) -> None:
    """Draw cells, required ground around them, and marks of those that no frame shows whole."""
    for rect in drawing.required:
        axes.add_patch(
            _patch(rect, origin, facecolor="none", edgecolor=REQUIRED, linewidth=0.7, linestyle=":", zorder=3)
        )
    for rect in drawing.cells:
        axes.add_patch(
            _patch(rect, origin, facecolor=CELL, edgecolor=CELL_EDGE, linewidth=0.8, alpha=0.8, zorder=4)
        )
    for rect in drawing.stitched:
        axes.add_patch(
            _patch(rect, origin, facecolor="none", edgecolor=CELL_EDGE, hatch="xx", linewidth=0.8, zorder=4)
        )
    for rect in drawing.clipped:
        axes.add_patch(
            _patch(rect, origin, facecolor="none", edgecolor=SKIPPED, linewidth=1.4, linestyle="--", zorder=5)
        )
    for rect in drawing.skipped:
        axes.add_patch(_patch(rect, origin, facecolor="white", edgecolor=SKIPPED, linewidth=1.2, zorder=5))
        x, y = center(rect)
        axes.plot((x - origin[0]) * 1e6, (y - origin[1]) * 1e6, "x", color=SKIPPED, markersize=7, zorder=6)


def draw_frames(axes: Axes, drawing: Drawing, origin: tuple[float, float]) -> None:
    """Draw frames with their numbers, and the route through them."""
    for rect in drawing.frames:
        axes.add_patch(_patch(rect, origin, facecolor="none", edgecolor=DOSES[-1], linewidth=1.2, zorder=5))
    points = [
        ((x - origin[0]) * 1e6, (y - origin[1]) * 1e6) for x, y in (center(rect) for rect in drawing.frames)
    ]
    if drawing.start_m is not None and points:
        x, y = drawing.start_m
        axes.plot((x - origin[0]) * 1e6, (y - origin[1]) * 1e6, "*", color=ROUTE, markersize=11, zorder=7)
    _draw_stops(axes, drawing, origin)
    if len(points) <= _MOST_NUMBERS:
        for a, b in pairwise(points):
            axes.annotate(
                "",
                xy=b,
                xytext=a,
                arrowprops={
                    "arrowstyle": "-|>",
                    "color": ROUTE,
                    "linewidth": 0.9,
                    "shrinkA": 7,
                    "shrinkB": 7,
                    "mutation_scale": 8,
                },
                zorder=7,
            )
        for number, point in enumerate(points, start=1):
            axes.annotate(
                str(number),
                point,
                ha="center",
                va="center",
                fontsize=7,
                color="white",
                bbox={"boxstyle": "circle,pad=0.22", "facecolor": ROUTE, "edgecolor": "none"},
                zorder=8,
            )
    elif points:
        axes.plot(*zip(*points, strict=True), color=ROUTE, linewidth=0.6, zorder=7)


def _draw_stops(axes: Axes, drawing: Drawing, origin: tuple[float, float]) -> None:
    """Mark the stage positions from which frames are scanned by beam shift."""
    for stop, rect in zip(drawing.stops, drawing.frames, strict=True):
        x, y = center(rect)
        if math.dist(stop, (x, y)) < 1e-9:
            continue
        x_um, y_um = ((v - o) * 1e6 for v, o in zip(stop, origin, strict=True))
        axes.plot(
            (x_um, (x - origin[0]) * 1e6), (y_um, (y - origin[1]) * 1e6), color=STOP, linewidth=1, zorder=6
        )
        axes.plot(x_um, y_um, "D", color=STOP, markersize=4, zorder=7)
