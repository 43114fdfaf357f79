"""Cells, electron frames and exposed ground of a field as shapes."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from service.console.pictures.picture import Box, Shape
from service.model.jobs import JobState
from service.model.review import Verdict
from service.words.review import VERDICTS
from service.words.states import JOBS

Colours = Literal["confidence", "track"]

_STEPS = (0.1, 0.3, 0.6, 0.9)
"""Confidences between the colours. Chosen by hand."""
_TRACK_COLOURS = 8


def cell_shapes(cells: Iterable[Mapping[str, Any]], colours: Colours) -> list[Shape]:
    """Return the boxes of cells as found, or as a person drew them."""
    return [
        Shape(cell["cell"], f"cell {cell_look(cell, colours)}", title(cell), _floats(cell["box_px"]))
        for cell in cells
    ]


def margin_shapes(boxes_px: Mapping[str, Sequence[float] | None]) -> list[Shape]:
    """Return what is imaged of each cell at least."""
    return [
        Shape(f"margin {name}", "margin", f"imaged of {name} at least", _floats(box))
        for name, box in boxes_px.items()
        if box is not None
    ]


def frame_shapes(frames: Iterable[Mapping[str, Any]]) -> list[Shape]:
    """Return electron frames, planned and done."""
    return [
        Shape(
            f"frame {one['job']}",
            f"frame frame-{one['state']}",
            f"{one['job']}, {JOBS[JobState(one['state'])]}",
            _floats(one["box_px"]),
        )
        for one in frames
    ]


def exposed_shapes(frames: Iterable[Mapping[str, Any]]) -> list[Shape]:
    """Return the ground that the beam has touched."""
    return [
        Shape(f"exposed {one['job']} {n}", "exposed", f"exposed for {one['job']}", _floats(box))
        for one in frames
        for n, box in enumerate(one["exposed_px"])
    ]


def title(cell: Mapping[str, Any]) -> str:
    """Return a cell in a line: name, confidence, reason."""
    parts = [cell["cell"], f"confidence {cell['confidence']:.2f}", cell["reason"]]
    if cell["tracks"]:
        parts.insert(1, "track " + " and ".join(cell["tracks"]))
    if cell["skipped"] and cell["image_rect_m"] is not None:
        parts.append(cell["skipped"])
    return "; ".join(parts)


def is_imaged(cell: Mapping[str, Any]) -> bool:
    """Return True if a cell is to be imaged."""
    return cell["image_rect_m"] is not None and cell["left_out"] is None


def state_words(cell: Mapping[str, Any], states: Mapping[str, str]) -> str:
    """Return what becomes of a cell, with the states of frames by their names."""
    done = bool(cell["jobs"]) and all(states.get(job) == JobState.DONE for job in cell["jobs"])
    said = "imaged" if done else "to be imaged" if is_imaged(cell) else "not imaged"
    return f"{said}, {VERDICTS[Verdict(cell['verdict'])]}" if cell["verdict"] else said


def cell_look(cell: Mapping[str, Any], colours: Colours = "confidence") -> str:
    """Return the classes of ``style.css`` for a cell: its colour, and dashes for what is done with it."""
    return f"{_colour(cell, colours)} {_look(cell)}"


def _look(cell: Mapping[str, Any]) -> str:
    if cell["verdict"] == Verdict.REJECTED:
        return "cell-rejected"
    looks = [] if is_imaged(cell) else ["cell-out"]
    if cell["verdict"]:
        looks.append("cell-by-person")
    if not cell["seen"]:
        looks.append("cell-carried")
    return " ".join(looks)


def _colour(cell: Mapping[str, Any], colours: Colours) -> str:
    if colours == "track":
        # The same colour for a track in every section, and in every browser.
        name = cell["tracks"][0] if cell["tracks"] else cell["cell"]
        return f"track-{zlib.crc32(name.encode()) % _TRACK_COLOURS}"
    return f"sure-{sum(cell['confidence'] >= step for step in _STEPS)}"


def _floats(box: Sequence[float]) -> Box:
    x0, y0, x1, y1 = (float(side) for side in box)
    return x0, y0, x1, y1
