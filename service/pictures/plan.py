"""Figure of a plan: fields, cells, frames in the order of the route, and their dose."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon, Rectangle
from numpy.typing import NDArray

from planner.geometry.rects import RectM, center, hull
from service.pictures.figures import save_figure

INK, GREY = "#1b2430", "#8a94a3"
SAVED, CELL, CELL_EDGE = "#e4efe6", "#4f9d69", "#2f6b45"
REQUIRED, SKIPPED, OUTLINE, ROUTE, UNSAVED = "#2f6b45", "#d1495b", "#7d5ba6", "#1b2430", "#c98a00"
DOSES = ("#cfe1f2", "#93c3e0", "#4b97c9", "#1764ab")
"""Colours of ground scanned once, twice, three times, and more often."""
STOP = "#c8553d"
_GRID_SIZE = 1200
"""Cells of the dose map along its longer side."""
_MOST_NUMBERS = 120
"""Most frames with numbers; more would be illegible."""
_LINE, _REMARK = 0.045, 50
"""Height of a line of text beside the drawing, as a share of its height, and characters per line."""
_MARGIN = 0.04
"""Margin around the drawing, as a share of its longer side."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Content of the figure, in stage metres.

    Attributes
    ----------
    title : str
    fields, cells, required, frames : sequence of RectM
        Saved fields; detected cells; required ground; frames in the order of the route.
    stops : sequence of (x, y)
        Stage position of each frame.
    exposed, unsaved : sequence of RectM
        Ground imaged before, and ground whose fluorescence is still to be taken.
    skipped, clipped : sequence of RectM
        Boxes without a frame, and partly imaged boxes.
    outline : sequence of (x, y), optional
        Corners of the section.
    start_m : (x, y), optional
        Start of the route.
    dose_per_nm2 : float
        Single-scan dose, electrons per nm2.
    ways : sequence of (str, str, str)
        Ways to image the cells: name, frames, time.
    remark : str
        Text below them.
    stitched : sequence of RectM
        Boxes that lie whole in no frame.
    """

    title: str
    fields: Sequence[RectM]
    cells: Sequence[RectM]
    required: Sequence[RectM]
    frames: Sequence[RectM]
    stops: Sequence[tuple[float, float]]
    exposed: Sequence[RectM]
    unsaved: Sequence[RectM]
    skipped: Sequence[RectM]
    clipped: Sequence[RectM]
    outline: Sequence[tuple[float, float]] | None
    start_m: tuple[float, float] | None
    dose_per_nm2: float
    ways: Sequence[tuple[str, str, str]]
    remark: str
    stitched: Sequence[RectM] = ()


def draw_plan(path: Path, drawing: Drawing) -> None:
    """Draw a plan into a PNG file; an existing file is overwritten.

    Raises
    ------
    InputError
        Raised when the file cannot be written.
    """
    view = _view(drawing)
    width, height = view[2] - view[0], view[3] - view[1]
    # The drawing fits into 9 by 8 inches, with the numbers to its right.
    scale = min(9 / width, 8 / height)
    size = max(width * scale, 3.5), max(height * scale, 4.5)
    figure = Figure(figsize=(size[0] + 4.2, size[1] + 0.9), layout="constrained")
    axes, words = figure.subplots(1, 2, width_ratios=(size[0], 3.6))
    origin = view_origin(drawing)
    _draw_ground(axes, drawing, origin)
    levels = _draw_dose(axes, drawing, origin)
    _draw_cells(axes, drawing, origin)
    _draw_frames(axes, drawing, origin)
    axes.set_xlim((view[0] - origin[0]) * 1e6, (view[2] - origin[0]) * 1e6)
    axes.set_ylim((view[1] - origin[1]) * 1e6, (view[3] - origin[1]) * 1e6)
    axes.set_aspect("equal")
    axes.set_xlabel(f"stage x / µm, from {origin[0] * 1e3:.4f} mm", color=INK)
    axes.set_ylabel(f"stage y / µm, from {origin[1] * 1e3:.4f} mm", color=INK)
    axes.tick_params(colors=INK, labelsize=8)
    for spine in axes.spines.values():
        spine.set_color(GREY)
    axes.set_title(drawing.title, loc="left", color=INK, fontsize=13, fontweight="bold")
    _write(words, drawing, levels)
    save_figure(figure, path)


def view_origin(drawing: Drawing) -> tuple[float, float]:
    """Return the lower left corner of the fields, the origin of the axes."""
    return min(f[0] for f in drawing.fields), min(f[1] for f in drawing.fields)


def _view(drawing: Drawing) -> RectM:
    """Return the bounds of the drawing, with a margin."""
    whole = drawing.fields[0]
    for rect in (*drawing.fields, *drawing.frames):
        whole = hull(whole, rect)
    for x, y in drawing.outline or ():
        whole = hull(whole, (x, y, x, y))
    edge = _MARGIN * max(whole[2] - whole[0], whole[3] - whole[1])
    return whole[0] - edge, whole[1] - edge, whole[2] + edge, whole[3] + edge


def _patch(rect: RectM, origin: tuple[float, float], **style: object) -> Rectangle:
    x0, y0, x1, y1 = rect
    corner = ((x0 - origin[0]) * 1e6, (y0 - origin[1]) * 1e6)
    return Rectangle(corner, (x1 - x0) * 1e6, (y1 - y0) * 1e6, **style)  # type: ignore[arg-type]


def _draw_ground(axes: Axes, drawing: Drawing, origin: tuple[float, float]) -> None:
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


def _draw_dose(axes: Axes, drawing: Drawing, origin: tuple[float, float]) -> int:
    """Draw the number of scans of the ground; return its maximum."""
    if not drawing.frames:
        return 0
    times, extent = _times_scanned(drawing.frames)
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


def _times_scanned(frames: Sequence[RectM]) -> tuple[NDArray[np.int64], RectM]:
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


def _draw_cells(axes: Axes, drawing: Drawing, origin: tuple[float, float]) -> None:
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


def _draw_frames(axes: Axes, drawing: Drawing, origin: tuple[float, float]) -> None:
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


def _write(axes: Axes, drawing: Drawing, levels: int) -> None:
    """Write legend and numbers."""
    axes.axis("off")
    handles: list[Patch | Line2D] = [
        Patch(facecolor=SAVED, edgecolor=GREY, linestyle="--", label="field, fluorescence saved"),
        Patch(facecolor=CELL, edgecolor=CELL_EDGE, alpha=0.8, label="cell as found"),
        Patch(facecolor="none", edgecolor=REQUIRED, linestyle=":", label="required: context and guard"),
    ]
    if drawing.stitched:
        handles.append(
            Patch(
                facecolor="none", edgecolor=CELL_EDGE, hatch="xx", label="cell stitched from several frames"
            )
        )
    if drawing.outline is not None:
        handles.append(Line2D([], [], color=OUTLINE, linewidth=1.6, label="outline of the section"))
    if drawing.exposed:
        handles.append(Patch(facecolor="none", edgecolor=GREY, hatch="////", label="imaged before"))
    if drawing.unsaved:
        handles.append(
            Patch(facecolor="none", edgecolor=UNSAVED, hatch="....", label="fluorescence to be taken")
        )
    for times in range(1, min(levels, len(DOSES)) + 1):
        more = " and more" if times == len(DOSES) and levels > times else ""
        name = f"SEM frame, {times * drawing.dose_per_nm2:.0f} e/nm²" if times == 1 else ""
        name = name or f"scanned {times} times{more}, {times * drawing.dose_per_nm2:.0f} e/nm²"
        handles.append(Patch(facecolor=DOSES[times - 1], edgecolor=DOSES[-1], alpha=0.75, label=name))
    if len(drawing.frames) > 1:
        handles.append(
            Line2D([], [], color=ROUTE, linewidth=0.9, marker="o", markersize=6, label="route, in this order")
        )
    if drawing.start_m is not None:
        handles.append(
            Line2D([], [], color=ROUTE, marker="*", markersize=9, linestyle="none", label="stage before")
        )
    if drawing.clipped:
        handles.append(Patch(facecolor="none", edgecolor=SKIPPED, linestyle="--", label="partly imaged"))
    if drawing.skipped:
        handles.append(
            Line2D([], [], color=SKIPPED, marker="x", linestyle="none", label="skipped, with a reason")
        )
    if any(math.dist(a, center(b)) >= 1e-9 for a, b in zip(drawing.stops, drawing.frames, strict=True)):
        handles.append(
            Line2D([], [], color=STOP, marker="D", markersize=4, label="stage position, with beam shifts")
        )
    axes.legend(handles=handles, loc="upper left", frameon=False, fontsize=9, labelcolor=INK, borderaxespad=0)
    lines = [("ways to image these cells", "frames", "time"), *drawing.ways]
    bottom = _LINE * (len(drawing.remark) // _REMARK + 1 if drawing.remark else 0)
    for number, cells in enumerate(reversed(lines)):
        weight = "bold" if number == len(lines) - 1 else "normal"
        for place, align, text in zip((0.0, 0.7, 1.0), ("left", "right", "right"), cells, strict=True):
            axes.text(
                place,
                bottom + _LINE * (number + 0.5),
                text,
                transform=axes.transAxes,
                ha=align,
                fontsize=9,
                color=INK,
                fontweight=weight,
            )
    wrapped = "\n".join(wrap(drawing.remark, _REMARK))
    axes.text(0.0, 0.0, wrapped, transform=axes.transAxes, fontsize=9, color=INK, va="bottom")
