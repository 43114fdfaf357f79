"""Picture of the steps of a detector on one frame, one panel each."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from detection.explanation import Explanation
from detection.image.boxes import BoxPx, union_mask
from detection.image.hits import Cell, Decision, Detection, Hit, SeenBy
from service.pictures.figures import save_figure
from service.pictures.overlay import stretched

INK, GREEN, BLUE, AMBER, RED = "#1b2430", "#4fd67a", "#59bdff", "#ffbe46", "#f05a5a"
COLUMNS = 3
PANEL_INCHES = 5.0
Z_RANGE = (-3.0, 12.0)
"""Noise deviations shown as black and as white: noise below, clear cells above."""

Draw = Callable[[Axes], None]
SEEN_BY = {
    SeenBy.BOTH: (GREEN, "seen by both"),
    SeenBy.NETWORK: (BLUE, "by the network"),
    SeenBy.RECALL_FIRST: (AMBER, "by recall-first only"),
    SeenBy.UNDECIDED: (RED, "by recall-first only, against the network"),
}
DECISIONS = {
    Decision.KEPT: (GREEN, "confident"),
    Decision.DOUBTFUL: (AMBER, "doubtful, so with a larger margin"),
    Decision.BELOW_FLOOR: (RED, "not imaged"),
}


@dataclass(frozen=True, slots=True)
class Panel:
    """Panel of the picture.

    Attributes
    ----------
    title : str
    draw : callable
    """

    title: str
    draw: Draw


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes of one meaning.

    Attributes
    ----------
    boxes : sequence of BoxPx
    colour : str
    name : str
        In the legend; empty for none.
    dashed : bool
    """

    boxes: Sequence[BoxPx]
    colour: str
    name: str
    dashed: bool = False


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
    panels = _panels(pixels, steps, detection)
    rows = -(-len(panels) // COLUMNS)
    height = PANEL_INCHES * min(max(pixels.shape[0] / pixels.shape[1], 0.4), 2.5) + 0.8
    figure = Figure(figsize=(COLUMNS * PANEL_INCHES, rows * height + 0.6), layout="constrained")
    for number, panel in enumerate(panels, start=1):
        axes = figure.add_subplot(rows, COLUMNS, number)
        panel.draw(axes)
        axes.set_title(f"{number}  {panel.title}", loc="left", fontsize=10, color=INK)
    figure.suptitle("\n".join(detection.warnings) or "No warnings", x=0.01, ha="left", fontsize=10, color=INK)
    save_figure(figure, path)


def _panels(pixels: NDArray[np.generic], steps: Explanation, detection: Detection) -> list[Panel]:
    shown = partial(_over, stretched(pixels), (pixels.shape[0], pixels.shape[1]))
    low, high = float(steps.background.min()), float(steps.background.max())
    whole = (pixels.shape[0], pixels.shape[1])
    panels = [
        Panel("The frame, stretched so that dim cells show", partial(shown, groups=())),
        Panel(
            f"Background under the cells, as estimated:\n{low:.4g} to {high:.4g} grey levels",
            partial(_plane, values=steps.background, shape=whole, limits=(low, max(high, low + 1))),
        ),
        Panel(
            "Brightness above that background,\nin standard deviations of the noise",
            partial(_plane, values=steps.significance, shape=whole, limits=Z_RANGE),
        ),
    ]
    if steps.score is not None and steps.learned is not None:
        panels += [
            Panel(
                "Network: chance that a place lies in a cell",
                partial(_plane, values=steps.score, shape=whole, limits=(0.0, 1.0), colours="magma"),
            ),
            Panel(
                f"Network: {_hits(steps.learned)}; most likely sides,\nand sides that 98 of 100 keep within",
                partial(shown, groups=_of_network(steps.learned)),
            ),
        ]
    if steps.fusion is not None and steps.classic is not None:
        fusion = steps.fusion
        panels += [
            Panel(
                f"Recall-first: {_hits(steps.classic)} brighter than the background"
                + (
                    ";\nthose of the network, unsure of this frame, are set aside"
                    if fusion.doubted
                    else "\nthat the network does not show"
                ),
                partial(
                    shown,
                    groups=(
                        Boxes([hit.box for hit in fusion.added], AMBER, "kept"),
                        Boxes([hit.box for hit in fusion.ruled_out], RED, "ruled out by the network"),
                    ),
                ),
            ),
            Panel(
                f"Both together: {_hits(fusion.hits)}",
                partial(
                    shown,
                    groups=(
                        *_by_detector(fusion.hits),
                        Boxes([hit.box for hit in fusion.noise], RED, "no more than noise"),
                    ),
                ),
            ),
        ]
    elif steps.classic is not None:
        hits = Boxes([hit.box for hit in steps.classic], GREEN, "hit")
        panels.append(
            Panel(f"{_hits(steps.classic)} brighter than the background", partial(shown, groups=(hits,)))
        )
    panels.append(
        Panel(
            f"Result: {len(detection.cells)} cells; the bright parts are imaged,"
            f"\n{detection.imaged_fraction:.1%} of the frame",
            partial(shown, groups=_of_policy(detection.cells), dark=~_imaged(detection, whole)),
        )
    )
    return panels


def _hits(hits: Sequence[Hit]) -> str:
    return f"{len(hits)} hit{'' if len(hits) == 1 else 's'}"


def _of_network(hits: Iterable[Hit]) -> tuple[Boxes, ...]:
    hits = tuple(hits)
    return (
        Boxes([hit.outer for hit in hits if hit.outer is not None], BLUE, "98 of 100 sides", dashed=True),
        Boxes([hit.box for hit in hits], GREEN, "most likely"),
    )


def _by_detector(hits: Iterable[Hit]) -> tuple[Boxes, ...]:
    hits = tuple(hits)
    return tuple(
        Boxes([hit.box for hit in hits if hit.seen_by is seen_by], colour, name)
        for seen_by, (colour, name) in SEEN_BY.items()
    )


def _of_policy(cells: Iterable[Cell]) -> tuple[Boxes, ...]:
    cells = tuple(cells)
    return tuple(
        Boxes([cell.box_px for cell in cells if cell.decision is decision], colour, name)
        for decision, (colour, name) in DECISIONS.items()
    )


def _imaged(detection: Detection, shape: tuple[int, int]) -> NDArray[np.bool_]:
    boxes = (cell.image_box_px for cell in detection.cells)
    return union_mask((box for box in boxes if box is not None), shape)


def _over(
    grey: NDArray[np.uint8],
    shape: tuple[int, int],
    axes: Axes,
    groups: Sequence[Boxes],
    dark: NDArray[np.bool_] | None = None,
) -> None:
    """Draw boxes over the frame, part of which may be darkened, and their legend below it."""
    if dark is not None:
        grey = np.where(dark, grey // 4, np.maximum(grey, 40)).astype(np.uint8)
    _image(axes, grey, shape, cmap="gray", vmin=0, vmax=255)
    for group in groups:
        corners = [
            ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
            for x0, y0, x1, y1 in (box.as_tuple() for box in group.boxes)
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
    if any(group.boxes for group in groups):
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=2, fontsize=8, frameon=False)


def _plane(
    axes: Axes,
    values: NDArray[np.float32],
    shape: tuple[int, int],
    limits: tuple[float, float],
    colours: str = "viridis",
) -> None:
    """Draw a plane of numbers with its scale."""
    image = _image(axes, values, shape, cmap=colours, vmin=limits[0], vmax=limits[1])
    # Inside the panel's own space, so that all panels are equally large.
    bar = axes.inset_axes((0.15, -0.05, 0.7, 0.025))
    axes.figure.colorbar(image, cax=bar, orientation="horizontal")
    bar.tick_params(labelsize=8)


def _image(axes: Axes, values: NDArray[Any], shape: tuple[int, int], **look: Any) -> Any:
    axes.set(xticks=(), yticks=())
    return axes.imshow(values, extent=(0, shape[1], shape[0], 0), interpolation="nearest", **look)
