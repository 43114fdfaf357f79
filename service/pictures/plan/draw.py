"""Draw the figure of a plan into a file."""

from pathlib import Path

from matplotlib.figure import Figure

from planner.geometry.rects import RectM, hull
from service.pictures.figures import save_figure
from service.pictures.plan.drawing import GREY, INK, Drawing
from service.pictures.plan.layers import draw_cells, draw_dose, draw_frames, draw_ground
from service.pictures.plan.legend import write_legend

_MARGIN = 0.04
"""Margin around the drawing, as a share of its longer side."""


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
    draw_ground(axes, drawing, origin)
    levels = draw_dose(axes, drawing, origin)
    draw_cells(axes, drawing, origin)
    draw_frames(axes, drawing, origin)
    axes.set_xlim((view[0] - origin[0]) * 1e6, (view[2] - origin[0]) * 1e6)
    axes.set_ylim((view[1] - origin[1]) * 1e6, (view[3] - origin[1]) * 1e6)
    axes.set_aspect("equal")
    axes.set_xlabel(f"stage x / µm, from {origin[0] * 1e3:.4f} mm", color=INK)
    axes.set_ylabel(f"stage y / µm, from {origin[1] * 1e3:.4f} mm", color=INK)
    axes.tick_params(colors=INK, labelsize=8)
    for spine in axes.spines.values():
        spine.set_color(GREY)
    axes.set_title(drawing.title, loc="left", color=INK, fontsize=13, fontweight="bold")
    write_legend(words, drawing, levels)
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
