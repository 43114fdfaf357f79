"""Content of the figure of a plan, and its colours."""

from collections.abc import Sequence
from dataclasses import dataclass

from planner.geometry.rects import RectM

INK, GREY = "#1b2430", "#8a94a3"
SAVED, CELL, CELL_EDGE = "#e4efe6", "#4f9d69", "#2f6b45"
REQUIRED, SKIPPED, OUTLINE, ROUTE, UNSAVED = "#2f6b45", "#d1495b", "#7d5ba6", "#1b2430", "#c98a00"
DOSES = ("#cfe1f2", "#93c3e0", "#4b97c9", "#1764ab")
"""Colours of ground scanned once, twice, three times, and more often."""
STOP = "#c8553d"


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
