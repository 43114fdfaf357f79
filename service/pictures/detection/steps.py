"""Picture of the steps of a detector on one frame, one panel each."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from detection.explanation import Explanation
from detection.image.hits import Detection
from service.pictures.detection.panels import Boxes, Panel, panels_of
from service.pictures.figures import save_figure

INK = "#1b2430"
COLUMNS = 3
PANEL_INCHES = 5.0


def draw_steps(path: Path, pixels: NDArray[np.generic], steps: Explanation, detection: Detection) -> None:
    """Draw the steps of a detector on a frame into a PNG file, from the frame to what is imaged.

    Parameters
    ----------
    path : Path
        Overwritten if it exists.
    pixels : (rows, columns) array of uint8 or uint16
    steps : Explanation
        Steps on that frame.
    detection : Detection
        Result for that frame.

    Raises
    ------
    InputError
        Raised when the file cannot be written.
    """
    panels = panels_of(pixels, steps, detection)
    rows = -(-len(panels) // COLUMNS)
    height = PANEL_INCHES * min(max(pixels.shape[0] / pixels.shape[1], 0.4), 2.5) + 0.8
    figure = Figure(figsize=(COLUMNS * PANEL_INCHES, rows * height + 0.6), layout="constrained")
    for number, panel in enumerate(panels, start=1):
        axes = figure.add_subplot(rows, COLUMNS, number)
        _draw(axes, panel, (pixels.shape[0], pixels.shape[1]))
        axes.set_title(f"{number}  {panel.title}", loc="left", fontsize=10, color=INK)
    figure.suptitle("\n".join(detection.warnings) or "No warnings", x=0.01, ha="left", fontsize=10, color=INK)
    save_figure(figure, path)


def _draw(axes: Axes, panel: Panel, shape: tuple[int, int]) -> None:
    """Draw a plane with its scale, or the frame with boxes over it and their legend below."""
    low, high = panel.limits
    axes.set(xticks=(), yticks=())
    image = axes.imshow(
        panel.plane,
        extent=(0, shape[1], shape[0], 0),
        interpolation="nearest",
        cmap=panel.colours,
        vmin=low,
        vmax=high,
    )
    for group in panel.groups:
        _boxes(axes, group)
    if any(group.boxes for group in panel.groups):
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=2, fontsize=8, frameon=False)
    if panel.colours != "gray":
        # Inside the panel's own space, so that all panels are equally large.
        bar = axes.inset_axes((0.15, -0.05, 0.7, 0.025))
        axes.figure.colorbar(image, cax=bar, orientation="horizontal")
        bar.tick_params(labelsize=8)


def _boxes(axes: Axes, group: Boxes) -> None:
    corners = [
        ((x0, y0), (x1, y0), (x1, y1), (x0, y1)) for x0, y0, x1, y1 in (box.as_tuple() for box in group.boxes)
    ]
    if corners:
        axes.add_collection(
            PolyCollection(
                corners,
                facecolors="none",
                edgecolors=group.colour,
                linewidths=0.5 if group.dashed else 0.8,
                linestyles="--" if group.dashed else "-",
                label=f"{group.name} ({len(corners)})",
            )
        )
