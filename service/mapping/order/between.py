"""Order of ribbons among themselves, by the likeness of the fluorescence at their ends.

A ribbon's outlines tell the order within it. The sections at its ends go on in the next ribbon as they do
within a ribbon, so that what neighbours of one ribbon differ by is the measure of a link between two.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detection.registration.section_frame import SectionFrame
from service.mapping.order.joining import Path, join_margins, shortest_join
from service.mapping.order.pooled import WEIGHTS
from service.mapping.order.registering import registered_dissimilarities
from service.mapping.order.ribbons import Ribbon, find_ribbons, ordering_of
from service.mapping.order.similarity import dissimilarities, doubts_of
from service.mapping.order.values import Doubt, LinkKind, Ordering, OrderLink
from service.mapping.values import SectionList

Floats = NDArray[np.float64]

_DEEP = len(WEIGHTS)
"""Sections at each end of a ribbon that are compared."""


def order_ribbons_by_similarity(
    found: SectionList, frames: Sequence[SectionFrame], first_at_top: bool = True, half_turns: bool = False
) -> Ordering:
    """Return the order of cutting along ribbons, and of the ribbons by the likeness of their ends.

    Parameters
    ----------
    found : SectionList
        Every section with its outline and angle.
    frames : sequence of SectionFrame
        Fluorescence of each section of the list, in its order; of the same part.
    first_at_top, half_turns : bool
        As in `order_ribbons` and `order_by_similarity`.

    Returns
    -------
    Ordering
        A ribbon whose direction its outlines do not show is turned as its neighbours ask. If none shows its
        direction, which end of all was cut first cannot be seen, and the links along ribbons stay doubtful.

    Raises
    ------
    InputError
        Raised when a section has no outline or angle.
    """
    ribbons = find_ribbons(found, first_at_top, half_turns)
    if len(ribbons) < 2:
        return ordering_of(found, ribbons)
    at_ends = sorted({n for one in ribbons for n in (*one.sections[:_DEEP], *one.sections[-_DEEP:])})
    compared = [frames[n] for n in at_ends]
    unlike = registered_dissimilarities(compared, dissimilarities(compared, half_turns))
    place = {section: n for n, section in enumerate(at_ends)}
    ends = [_ends(one, place) for one in ribbons]
    costs = _join_costs(ends, unlike)
    turnable = [not one.sure and len(one.sections) > 1 for one in ribbons]
    path = shortest_join(costs, turnable)
    margins, turns = join_margins(path, costs, turnable)
    within = [
        float(unlike[place[a], place[b]])
        for one in ribbons
        for a, b in pairwise(one.sections)
        if a in place and b in place
    ]
    placed = [_turned(ribbons[at.ribbon]) if at.turned else ribbons[at.ribbon] for at in path]
    joined = [float(unlike[place[a.sections[-1]], place[b.sections[0]]]) for a, b in pairwise(placed)]
    doubts = doubts_of(np.array(joined), margins, np.array(within or joined))
    shown = _directions_shown(path, ribbons, turns, np.array(within or joined))
    placed = [replace(one, sure=one.sure or seen) for one, seen in zip(placed, shown, strict=True)]
    ids = [one.id for one in found.sections]
    between = [
        OrderLink(ids[a.sections[-1]], ids[b.sections[0]], LinkKind.BETWEEN_RIBBONS, doubt, cost)
        for (a, b), doubt, cost in zip(pairwise(placed), doubts, joined, strict=True)
    ]
    return ordering_of(found, placed, between)


def _ends(ribbon: Ribbon, place: dict[int, int]) -> tuple[list[int], list[int]]:
    """Return the sections from either end inwards, as rows of the dissimilarities."""
    first = [place[n] for n in ribbon.sections[:_DEEP]]
    last = [place[n] for n in ribbon.sections[-_DEEP:][::-1]]
    return first, last


def _join_costs(ends: Sequence[tuple[list[int], list[int]]], unlike: Floats) -> Floats:
    """Return the weighted mean dissimilarity across each join, (ribbon, turned, ribbon, turned)."""
    count = len(ends)
    costs = np.zeros((count, 2, count, 2))
    for one, turned, other, other_turned in np.ndindex(costs.shape):
        if one == other:
            continue
        leaving = ends[one][0 if turned else 1]
        entering = ends[other][1 if other_turned else 0]
        terms = [
            (WEIGHTS[u + v], unlike[a, b])
            for u, a in enumerate(leaving)
            for v, b in enumerate(entering)
            if u + v < _DEEP
        ]
        costs[one, turned, other, other_turned] = sum(w * d for w, d in terms) / sum(w for w, _ in terms)
    return costs


def _turned(ribbon: Ribbon) -> Ribbon:
    return Ribbon(ribbon.sections[::-1], ribbon.sure, ribbon.links[::-1])


def _directions_shown(path: Path, ribbons: Sequence[Ribbon], turns: Floats, within: Floats) -> list[bool]:
    """Return for each ribbon of a path if its neighbours show its direction; none does if none is known."""
    if not any(one.sure and len(one.sections) > 1 for one in ribbons):
        return [False] * len(path)
    enough = doubts_of(np.full(len(turns), np.median(within)), turns, within)
    return [doubt is not Doubt.ANOTHER for doubt in enough]
