"""Legend and numbers beside the figure of a plan."""

import math
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from planner.geometry.rects import center
from service.pictures.plan.drawing import (
    CELL,
    CELL_EDGE,
    DOSES,
    GREY,
    INK,
    OUTLINE,
    REQUIRED,
    ROUTE,
    SAVED,
    SKIPPED,
    STOP,
    UNSAVED,
    Drawing,
)

_LINE, _REMARK = 0.045, 50
"""Height of a line of text beside the drawing, as a share of its height, and characters per line."""


def write_legend(axes: Axes, drawing: Drawing, levels: int) -> None:
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
