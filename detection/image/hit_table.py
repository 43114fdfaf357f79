"""Many hits as columns: a crowded frame has thousands, and most steps look at all of one property at once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import index as whole
from typing import Self, overload

import numpy as np
from numpy.typing import NDArray

from detection.image.boxes import Sides, boxes_from, sides_of
from detection.image.hits import Hit, SeenBy
from detection.image.many import many
from detection.votes import Votes

_SEEN_BY: tuple[SeenBy | None, ...] = (*SeenBy, None)
_CODES = {by: code for code, by in enumerate(_SEEN_BY)}


@dataclass(frozen=True, slots=True, eq=False)
class HitTable(Sequence[Hit]):
    """Hits of a frame, a row each; a sequence of `Hit`, which are made when they are asked for.

    Attributes
    ----------
    boxes : (hits, 4) array of int64
        x0, y0, x1, y1 of `Hit.box`, px.
    outers : (hits, 4) array of int64
        The same of `Hit.outer`; of the box where that is not known.
    has_outer : (hits,) array of bool
    confidences : (hits,) array of float64
        0..1.
    extents_um : (hits,) array of float64
        `Hit.extent_uncertainty_um`.
    seen_by : (hits,) array of int8
        Detectors that see it, as `code_of` numbers them.
    votes : callable or None
        Reads the votes of the whole frame, of a detector that gives a box at every place.
    """

    boxes: Sides
    outers: Sides
    has_outer: NDArray[np.bool_]
    confidences: NDArray[np.float64]
    extents_um: NDArray[np.float64]
    seen_by: NDArray[np.int8]
    votes: Callable[[], Votes] | None = None

    def __len__(self) -> int:
        """Return the number of hits."""
        return len(self.boxes)

    def __iter__(self) -> Iterator[Hit]:
        """Make the hits, one after the other."""
        outers = [
            outer if known else None
            for outer, known in zip(boxes_from(self.outers), self.has_outer.tolist(), strict=True)
        ]
        return iter(
            many(
                Hit,
                len(self),
                box=boxes_from(self.boxes),
                confidence=self.confidences.tolist(),
                extent_uncertainty_um=self.extents_um.tolist(),
                outer=outers,
                seen_by=self.detectors(),
            )
        )

    def __eq__(self, other: object) -> bool:
        """Return True for any sequence of the same hits."""
        return isinstance(other, Sequence) and list(self) == list(other)

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> "Hit | HitTable":
        """Return one hit, or a table of some."""
        if isinstance(index, slice):
            return self.chosen(index)
        at = range(len(self))[whole(index)]
        return next(iter(self.chosen(slice(at, at + 1))))

    def detectors(self) -> list[SeenBy | None]:
        """Return who sees each hit."""
        return [_SEEN_BY[code] for code in self.seen_by.tolist()]

    def chosen(self, rows: slice | NDArray[np.bool_] | NDArray[np.intp]) -> "HitTable":
        """Return some of the rows, as numpy chooses them."""
        return HitTable(
            self.boxes[rows],
            self.outers[rows],
            self.has_outer[rows],
            self.confidences[rows],
            self.extents_um[rows],
            self.seen_by[rows],
            self.votes,
        )


def code_of(by: SeenBy | None) -> int:
    """Return the number that stands for who sees a hit in `HitTable.seen_by`."""
    return _CODES[by]


def table_of(hits: Sequence[Hit]) -> HitTable:
    """Return hits as a table; a table is returned as it is."""
    if isinstance(hits, HitTable):
        return hits
    return HitTable(
        sides_of(hit.box for hit in hits),
        sides_of(hit.box if hit.outer is None else hit.outer for hit in hits),
        np.array([hit.outer is not None for hit in hits], np.bool_),
        np.array([hit.confidence for hit in hits], np.float64),
        np.array([hit.extent_uncertainty_um for hit in hits], np.float64),
        np.array([_CODES[hit.seen_by] for hit in hits], np.int8),
    )


def votes_of(hits: Sequence[Hit]) -> Votes | None:
    """Return what the detector says at each place of the frame, if it does."""
    return hits.votes() if isinstance(hits, HitTable) and hits.votes is not None else None


def with_outer(
    boxes: Sides, outers: Sides, confidences: NDArray[np.float64], seen_by: SeenBy | None = None
) -> HitTable:
    """Return a table of hits whose outer boxes are known."""
    count = len(boxes)
    return HitTable(
        boxes,
        outers,
        np.ones(count, np.bool_),
        confidences,
        np.zeros(count),
        np.full(count, _CODES[seen_by], np.int8),
    )


def joined(first: HitTable, second: HitTable) -> HitTable:
    """Return the rows of both tables."""
    if not len(second):
        return first
    return HitTable(
        np.concatenate([first.boxes, second.boxes]),
        np.concatenate([first.outers, second.outers]),
        np.concatenate([first.has_outer, second.has_outer]),
        np.concatenate([first.confidences, second.confidences]),
        np.concatenate([first.extents_um, second.extents_um]),
        np.concatenate([first.seen_by, second.seen_by]),
        second.votes if first.votes is None else first.votes,
    )


NO_HITS = table_of(())
"""A table without rows."""
