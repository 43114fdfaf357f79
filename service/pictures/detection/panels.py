"""Steps of a detector on one frame as panels: a plane of values each, with boxes over it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from detection.explanation import Explanation
from detection.image.boxes import BoxPx, union_mask
from detection.image.hits import Cell, Decision, Detection, Hit, SeenBy
from service.pictures.overlay import stretched

GREEN, BLUE, AMBER, RED = "#4fd67a", "#59bdff", "#ffbe46", "#f05a5a"
Z_RANGE = (-3.0, 12.0)
"""Noise deviations shown as black and as white: noise below, clear cells above."""

Colours = Literal["gray", "viridis", "magma"]
"""Colours of a plane, from its lower limit to its upper one."""

SEEN_BY = {
    SeenBy.BOTH: (GREEN, "seen by both"),
    SeenBy.NETWORK: (BLUE, "by the network"),
    SeenBy.RECALL_FIRST: (AMBER, "by recall-first only"),
    SeenBy.UNDECIDED: (RED, "by recall-first only, against the network"),
}
DECISIONS = {
    Decision.KEPT: (GREEN, "confident"),
    Decision.DOUBTFUL: (AMBER, "doubtful, so with a larger margin"),
    Decision.BELOW_FLOOR: (RED, "below the floor, not imaged"),
}


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


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One step.

    Attributes
    ----------
    title : str
    plane : (rows, columns) array
        Over the whole frame, whatever its own size.
    limits : (float, float)
        Values at both ends of the colours.
    colours : {'gray', 'viridis', 'magma'}
        Gray for the frame itself; the others have a scale.
    groups : tuple of Boxes
        Over the plane, px of the frame.
    """

    title: str
    plane: NDArray[Any]
    limits: tuple[float, float]
    colours: Colours = "gray"
    groups: tuple[Boxes, ...] = ()


def panels_of(pixels: NDArray[np.generic], steps: Explanation, detection: Detection) -> list[Panel]:
    """Return the steps of a detector on a frame, from the frame to what is imaged.

    Parameters
    ----------
    pixels : (rows, columns) array of uint8 or uint16
    steps : Explanation
        Steps on that frame.
    detection : Detection
        Result for that frame.
    """
    grey = stretched(pixels)
    low, high = float(steps.background.min()), float(steps.background.max())
    panels = [
        _over(grey, "The frame, stretched so that dim cells show"),
        Panel(
            f"Background under the cells, as estimated:\n{low:.4g} to {high:.4g} grey levels",
            steps.background,
            (low, max(high, low + 1)),
            "viridis",
        ),
        Panel(
            "Brightness above that background,\nin standard deviations of the noise",
            steps.significance,
            Z_RANGE,
            "viridis",
        ),
    ]
    if steps.score is not None and steps.learned is not None:
        panels += [
            Panel("Network: chance that a place lies in a cell", steps.score, (0.0, 1.0), "magma"),
            _over(
                grey,
                f"Network: {_hits(steps.learned)}; most likely sides,\nand sides that 98 of 100 keep within",
                _of_network(steps.learned),
            ),
        ]
    if steps.fusion is not None and steps.classic is not None:
        fusion = steps.fusion
        panels += [
            _over(
                grey,
                f"Recall-first: {_hits(steps.classic)} brighter than the background"
                + (
                    ";\nthose of the network, unsure of this frame, are set aside"
                    if fusion.doubted
                    else "\nthat the network does not show"
                ),
                (
                    Boxes([hit.box for hit in fusion.added], AMBER, "kept"),
                    Boxes([hit.box for hit in fusion.ruled_out], RED, "ruled out by the network"),
                ),
            ),
            _over(
                grey,
                f"Both together: {_hits(fusion.hits)}",
                (
                    *_by_detector(fusion.hits),
                    Boxes([hit.box for hit in fusion.noise], RED, "no more than noise"),
                    Boxes([hit.box for hit in fusion.unlikely], RED, "no cell at a second look", dashed=True),
                ),
            ),
        ]
    elif steps.classic is not None:
        hits = Boxes([hit.box for hit in steps.classic], GREEN, "hit")
        panels.append(_over(grey, f"{_hits(steps.classic)} brighter than the background", (hits,)))
    return [*panels, result_panel(pixels, detection)]


def result_panel(pixels: NDArray[np.generic], detection: Detection) -> Panel:
    """Return the last step, which every detector has: the cells, and the ground that is imaged."""
    grey = stretched(pixels)
    imaged = _imaged(detection, (pixels.shape[0], pixels.shape[1]))
    return _over(
        np.where(imaged, np.maximum(grey, 40), grey // 4).astype(np.uint8),
        f"Result: {len(detection.cells)} cells; the bright parts are imaged,"
        f"\n{detection.imaged_fraction:.1%} of the frame",
        _of_policy(detection.cells),
    )


def _over(grey: NDArray[np.uint8], title: str, groups: tuple[Boxes, ...] = ()) -> Panel:
    return Panel(title, grey, (0.0, 255.0), groups=groups)


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
