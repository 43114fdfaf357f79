"""Votes of the places of a frame: the hit that each belongs to, and the part that is of one hit alone.

A detector that gives a box at every place, not only one for each hit, says more than its hits do. Where the
box of a hit holds a neighbour too, the places of that neighbour say so: the boxes given there are others.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """Places of a frame that may lie in cells, px.

    Attributes
    ----------
    middles : (places, 2) array of float32
        Column and row.
    boxes : (places, 4) array of float32
        x0, y0, x1, y1 of the cell there, as the detector expects it.
    scores : (places,) array of float32
        Chance that the place lies in a cell, 0..1.
    side_px : float
        Side of a place.
    """

    middles: Floats
    boxes: Floats
    scores: Floats
    side_px: float

    def within(self, x0: int, y0: int, x1: int, y1: int) -> "Votes":
        """Return the votes whose middles lie in a box."""
        x, y = self.middles.T
        inside = (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
        return Votes(self.middles[inside], self.boxes[inside], self.scores[inside], self.side_px)

    def moved(self, x: int, y: int) -> "Votes":
        """Return the votes in a frame of which this one is a part at a place."""
        to = np.array([x, y, x, y], np.float32)
        return Votes(self.middles + to[:2], self.boxes + to, self.scores, self.side_px)


@dataclass(frozen=True, slots=True)
class OwnPart:
    """Part of a frame that belongs to one hit alone, px.

    Attributes
    ----------
    center, half : (float, float)
        Ellipse of the same second moments, x and y.
    area : float
        Of its places.
    """

    center: tuple[float, float]
    half: tuple[float, float]
    area: float


def all_votes(parts: list[Votes]) -> Votes:
    """Return the votes of several parts of a frame, one at least."""
    middles, boxes, scores = (
        np.concatenate([getattr(one, name) for one in parts]) for name in ("middles", "boxes", "scores")
    )
    return Votes(middles, boxes, scores, parts[0].side_px)


def own_parts(votes: Votes, hits: NDArray[np.int64]) -> list[OwnPart | None]:
    """Count every place for the hit whose box is most like the one that the place gives.

    Parameters
    ----------
    votes : Votes
    hits : (hits, 4) array of int64
        x0, y0, x1, y1, px; a place counts for hits that hold its middle.

    Returns
    -------
    list of OwnPart or None
        None for a hit without places.
    """
    count = len(hits)
    own, hit = _best(votes, hits)
    weight = votes.scores[own].astype(np.float64)
    x, y = votes.middles[own].T.astype(np.float64)
    places = np.bincount(hit, minlength=count)
    total = np.maximum(np.bincount(hit, weight, count), 1e-9)
    sides = []
    for at in (x, y):
        middle = np.bincount(hit, weight * at, count) / total
        spread = np.bincount(hit, weight * (at - middle[hit]) ** 2, count) / total
        # Of an ellipse the variance along an axis is a quarter of half that axis squared; that of the places
        # themselves, squares, comes on top.
        sides += [middle, 2 * np.sqrt(spread + votes.side_px**2 / 12)]
    found = zip(*(one.tolist() for one in (*sides, places)), strict=True)
    return [
        OwnPart((cx, cy), (half_x, half_y), number * votes.side_px**2) if number else None
        for cx, half_x, cy, half_y, number in found
    ]


def _best(votes: Votes, hits: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return places, and the hit whose box has the largest intersection over union with that of each."""
    place, hit = _inside(votes, hits)
    a, b = votes.boxes[place].T, hits.astype(np.float32)[hit].T
    width = np.minimum(a[2], b[2]) - np.maximum(a[0], b[0])
    height = np.minimum(a[3], b[3]) - np.maximum(a[1], b[1])
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    alike = shared / np.maximum(both, np.float32(1e-6))
    highest = np.zeros(len(votes.scores), np.float32)
    np.maximum.at(highest, place, alike)
    best = np.flatnonzero(alike == highest[place])[::-1]
    own = np.full(len(votes.scores), -1, np.intp)
    # Of equals the first hit counts, which is written last.
    own[place[best]] = hit[best]
    places = np.flatnonzero(own >= 0)
    return places, own[places]


def _inside(votes: Votes, hits: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pairs of a place and a hit that holds its middle, hit by hit."""
    columns, rows = np.floor(votes.middles / np.float32(votes.side_px)).astype(np.intp).T
    nothing = np.zeros(0, np.intp)
    if not (len(rows) and len(hits)):
        return nothing, nothing
    number = np.full((int(rows.max()) + 1, int(columns.max()) + 1), -1, np.intp)
    number[rows, columns] = np.arange(len(rows))
    # The first place whose middle lies at or beyond a side.
    sides = np.ceil(hits / votes.side_px - 0.5).astype(np.int64).tolist()
    each = [number[y0:y1, x0:x1].ravel() for x0, y0, x1, y1 in sides]
    place = np.concatenate(each)
    hit = np.repeat(np.arange(len(each)), [one.size for one in each])
    known = place >= 0
    return place[known], hit[known]
