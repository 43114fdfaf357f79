"""Candidate frames of a cheapest cover: smallest rectangles around sets of required rectangles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planner.cover.framing import Framing
from planner.cover.greedy import LEAST_SAVING_S, neighbours
from planner.cover.required import Required
from planner.cover.tiles import Scan
from planner.geometry.rects import RectM

MOST_CANDIDATES = 6_000
"""Most candidates of a section, plus 30 for each of its pieces; beyond it the search is not exhaustive.
Chosen by hand for the time of the solver."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A frame with all pieces inside it.

    Attributes
    ----------
    members : tuple of int
        Sorted.
    rect_m : RectM
        Smallest rectangle around them.
    scan : Scan
    cost_s : float
    """

    members: tuple[int, ...]
    rect_m: RectM
    scan: Scan
    cost_s: float


def candidates(pieces: Sequence[Required], framing: Framing) -> tuple[list[Candidate], bool]:
    """Return the frames that may be part of a cheapest cover.

    A frame of such a cover is the smallest around its pieces, so that a piece ends at each of its sides: four
    pieces define it. Frames that cost no less than their pieces one by one are left out.

    Parameters
    ----------
    pieces : sequence of Required
    framing : Framing

    Returns
    -------
    found : list of Candidate
        Each piece alone first.
    complete : bool
        True if these are all.
    """
    found: list[Candidate] = []
    singles = [framing.cost_s(p.scan) for p in pieces]
    for index, piece in enumerate(pieces):
        found.append(Candidate((index,), piece.rect_m, piece.scan, singles[index]))
    near = neighbours(pieces, framing)
    seen: set[tuple[int, ...]] = set()
    for first in range(len(pieces)):
        for members, rect in _closed_sets(first, near[first], pieces, framing):
            if members in seen:
                continue
            if len(seen) > MOST_CANDIDATES + 30 * len(pieces):
                return found, False
            seen.add(members)
            separate_s = sum(singles[m] for m in members)
            if framing.least_cost_s(rect) >= separate_s - LEAST_SAVING_S:
                continue
            scan = framing.frame(rect)
            if scan is not None and framing.cost_s(scan) < separate_s - LEAST_SAVING_S:
                found.append(Candidate(members, rect, scan, framing.cost_s(scan)))
    return found, True


def _closed_sets(
    first: int, near: Sequence[int], pieces: Sequence[Required], framing: Framing
) -> Iterator[tuple[tuple[int, ...], RectM]]:
    """Yield the sets of pieces whose smallest rectangle has the left side of `first`."""
    x0 = pieces[first].rect_m[0]
    right = [n for n in [first, *near] if (pieces[n].rect_m[0], n) >= (x0, first)]
    right.sort(key=lambda n: (pieces[n].rect_m[2], n))
    low, high = pieces[first].rect_m[1], pieces[first].rect_m[3]
    bottoms = sorted({pieces[n].rect_m[1] for n in right if pieces[n].rect_m[1] <= low})
    tops = sorted({pieces[n].rect_m[3] for n in right if pieces[n].rect_m[3] >= high})
    for bottom in bottoms:
        for top in tops:
            if not framing.fits((x0, bottom, pieces[first].rect_m[2], top)):
                break
            between = [n for n in right if pieces[n].rect_m[1] >= bottom and pieces[n].rect_m[3] <= top]
            got_first = got_bottom = got_top = False
            for place, n in enumerate(between):
                rect = pieces[n].rect_m
                got_first |= n == first
                got_bottom |= rect[1] == bottom
                got_top |= rect[3] == top
                whole = (x0, bottom, rect[2], top)
                if not framing.fits(whole):
                    break
                last = place + 1 == len(between) or pieces[between[place + 1]].rect_m[2] > rect[2]
                if got_first and got_bottom and got_top and last and place:
                    yield tuple(sorted(between[: place + 1])), whole
