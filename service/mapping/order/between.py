"""Order of ribbons among themselves, by the fluorescence of the sections at their ends.

A ribbon's outlines tell the order within it. The sections at its ends go on in the next ribbon as they do
within a ribbon. All ribbons are put in order and turned together, by the likeness of sections up to six
apart. Where fluorescence speaks against two neighbours of a ribbon, two ribbons may lie end to end by
chance: there the ribbon is parted, and its outlines count as one piece of evidence among others.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detection.registration.section_frame import SectionFrame
from service.mapping.order.doubts import SURE, judged_link
from service.mapping.order.likelihood import REACH, neighbour_gains
from service.mapping.order.likeness.registering import Likeness, registered_likeness
from service.mapping.order.ribbons import Ribbon, find_ribbons, ordering_of
from service.mapping.order.sampling import Block, Orders, sample_orders
from service.mapping.order.similarity import dissimilarities
from service.mapping.order.values import Doubt, LinkKind, Ordering, OrderLink
from service.mapping.values import SectionList

Floats = NDArray[np.float64]

_ROUNDS = 2
"""Times that the distributions are taken from what was found before: ribbons first, then the whole order."""
_SIDE = 3
"""Sections on either side of a link that show if the ribbon goes on. Chosen by hand."""
_PARTED = 3.0
"""Gain of a link over every other way in which both sides may lie, below which its ribbon is parted. Chosen
by hand; to part too often takes time only, as the edges then count as `_EDGES`."""
_EDGES = 4.0
"""Gain of two sections whose edges face each other clearly: one in fifty such links is of two ribbons that
lie end to end by chance. Chosen by hand."""
_DOUBTFUL_EDGES = 1.0
"""The same where the edges are doubtful. Chosen by hand."""


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
    if len(found.sections) < 2:
        return ordering_of(found, ribbons)
    likeness = registered_likeness(frames, dissimilarities(frames, half_turns), half_turns)
    gains = neighbour_gains(likeness, [one.sections for one in ribbons])
    known = [one.sections for one in _parted(ribbons, gains, 0.0)]
    for _ in range(_ROUNDS):
        gains = neighbour_gains(likeness, known)
        parts = _parted(ribbons, gains, _PARTED)
        blocks = [Block(one.sections, not one.sure and len(one.sections) > 1) for one in parts]
        orders = sample_orders(_with_edges(gains, ribbons, parts), blocks, range(len(parts)))
        known = [orders.sections]
    placed = [_turned(parts[n]) if turned else parts[n] for n, turned in orders.best]
    shown = _directions_shown(parts, orders)
    placed = [replace(one, sure=one.sure or seen) for one, seen in zip(placed, shown, strict=True)]
    return ordering_of(found, placed, _links_between(found, ribbons, placed, likeness, orders))


def _parted(ribbons: Sequence[Ribbon], gains: Floats, least: float) -> list[Ribbon]:
    """Return ribbons, parted where fluorescence does not show by `least` that they go on."""
    parts = []
    for one in ribbons:
        starts = [0]
        for at in range(1, len(one.sections)):
            before = one.sections[max(at - _SIDE, 0) : at]
            if _joint_gain(before, one.sections[at : at + _SIDE], gains) < least:
                starts.append(at)
        for start, stop in pairwise([*starts, len(one.sections)]):
            parts.append(Ribbon(one.sections[start:stop], one.sure, one.links[start : stop - 1]))
    return parts


def _joint_gain(before: Sequence[int], after: Sequence[int], gains: Floats) -> float:
    """Return by how much two pieces are more likely to follow each other than to lie in any other way.

    The others: either piece turned, or both, or sections between them, or far apart. One section that is
    missing between them is no other way.
    """

    def gained(one: Sequence[int], other: Sequence[int], missing: int) -> float:
        return sum(
            float(gains[u + v + missing, a, b])
            for u, a in enumerate(one)
            for v, b in enumerate(other)
            if u + v + missing < REACH
        )

    inwards = before[::-1]
    ways = [
        gained(one, other, missing)
        for one in {tuple(inwards), tuple(before)}
        for other in {tuple(after), tuple(after[::-1])}
        for missing in range(REACH)
        if (one, other) != (tuple(inwards), tuple(after)) or missing > 1
    ]
    return gained(inwards, after, 0) - max(0.0, *ways)


def _with_edges(gains: Floats, ribbons: Sequence[Ribbon], parts: Sequence[Ribbon]) -> Floats:
    """Return gains in which neighbours by their edges, where ribbons are parted, count as what they are.

    Where a ribbon shows its direction, its edges speak against the other one.
    """
    ends = {one.sections[-1] for one in parts}
    changed = gains.copy()
    for one in ribbons:
        for (a, b), (kind, doubt, _) in zip(pairwise(one.sections), one.links, strict=True):
            if a in ends:
                clear = kind is LinkKind.EDGES and doubt is None
                gain = _EDGES if clear else _DOUBTFUL_EDGES
                changed[0, a, b] += gain
                changed[0, b, a] += -gain if one.sure else gain
    return changed


def _links_between(
    found: SectionList,
    ribbons: Sequence[Ribbon],
    placed: Sequence[Ribbon],
    likeness: Likeness,
    orders: Orders,
) -> list[OrderLink]:
    """Return the links from each part to the next; those that are of one ribbon after all keep their kind."""
    names = [one.id for one in found.sections]
    along = {
        frozenset(pair): link
        for one in ribbons
        for pair, link in zip(pairwise(one.sections), one.links, strict=True)
    }
    links = []
    for one, other in pairwise(placed):
        a, b = one.sections[-1], other.sections[0]
        link = judged_link(a, b, LinkKind.BETWEEN_RIBBONS, names, likeness, orders)
        if frozenset((a, b)) in along:
            kind, doubt, _ = along[frozenset((a, b))]
            link = replace(link, kind=kind, doubt=link.doubt or doubt)
        if link.doubt is None and not (one.sure and other.sure):
            link = replace(link, doubt=Doubt.DIRECTION if link.kind is not LinkKind.BETWEEN_RIBBONS else None)
        links.append(link)
    return links


def _turned(ribbon: Ribbon) -> Ribbon:
    return Ribbon(ribbon.sections[::-1], ribbon.sure, ribbon.links[::-1])


def _directions_shown(parts: Sequence[Ribbon], orders: Orders) -> list[bool]:
    """Return for each part of the order if its neighbours show its direction; none does if none is known."""
    if not any(one.sure and len(one.sections) > 1 for one in parts):
        return [False] * len(parts)
    return [float(orders.turned[n] if turned else 1 - orders.turned[n]) >= SURE for n, turned in orders.best]
