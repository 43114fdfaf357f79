"""Order of cutting along ribbons, from the outlines alone.

Sections of a ribbon stick together by opposite edges. The best links of facing edges are taken one after
another, as long as each section has at most one neighbour on either side, on opposite edges, and no ring
closes.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from service.mapping.order.edges import Facing, facing_edges, quadrilaterals
from service.mapping.order.values import Doubt, LinkKind, Ordering, OrderLink
from service.mapping.values import SectionList

_NEARLY = 0.5
"""Another link is a rival if its cost is at most this above that of the one taken. Chosen by hand."""
_SURE_DIRECTION = 0.75
"""Share of the links of a ribbon that must agree on its direction. Chosen by hand."""
_ORIENTED = 0.9
"""Share of the good links that must join a lower to an upper edge, for rotations to be trusted. Chosen by
hand; where half the sections are turned by 180 degrees, half of the links do."""
_SQUARE = 1.1
"""Aspect below which a section may be turned by a quarter in the list. Chosen by hand."""


def order_ribbons(found: SectionList, first_at_top: bool = True, half_turns: bool = False) -> Ordering:
    """Return the order of cutting along ribbons.

    Parameters
    ----------
    found : SectionList
        Every section with its outline.
    first_at_top : bool
        The first section of a ribbon is the one whose upper edge is free; False: whose lower edge is.
    half_turns : bool
        The angles are known up to 180 degrees only, so that no ribbon shows its direction.

    Returns
    -------
    Ordering
        Ribbons one after another by a short way; links between them are doubtful, as are those with a gap.

    Raises
    ------
    InputError
        Raised when a section has no outline.
    """
    ribbons = find_ribbons(found, first_at_top, half_turns)
    centers = quadrilaterals(found.sections, found.unit).mean(axis=1)
    return ordering_of(found, [ribbons[n] for n in _by_way([one.sections for one in ribbons], centers)])


@dataclass(frozen=True, slots=True)
class Ribbon:
    """A ribbon, from its first section.

    Attributes
    ----------
    sections : tuple of int
        Indices in the list.
    sure : bool
        True if its sections agree on which is first.
    links : tuple of (LinkKind, Doubt or None, float)
        From each section to the next, with its cost.
    """

    sections: tuple[int, ...]
    sure: bool
    links: tuple[tuple[LinkKind, Doubt | None, float], ...]


def find_ribbons(found: SectionList, first_at_top: bool = True, half_turns: bool = False) -> list[Ribbon]:
    """Return the ribbons of a list, single sections included; parameters and errors as of `order_ribbons`."""
    corners = quadrilaterals(found.sections, found.unit)
    candidates = facing_edges(corners)
    taken, rivals = _taken(candidates, corners)
    # Two sections of a short ribbon may agree by chance.
    trusted = not half_turns and _oriented(candidates)
    ribbons = []
    for chain in _chains(len(corners), taken):
        directed, sure = _directed(chain, taken, first_at_top)
        along = [taken[min(pair), max(pair)] for pair in pairwise(directed)]
        links = tuple(
            (LinkKind.ACROSS_GAP if link.missing else LinkKind.EDGES, _doubt(link, rivals), link.cost)
            for link in along
        )
        ribbons.append(Ribbon(tuple(directed), len(chain) == 1 or (sure and trusted), links))
    return ribbons


def ordering_of(
    found: SectionList, ribbons: Sequence[Ribbon], between: Sequence[OrderLink] | None = None
) -> Ordering:
    """Return the order in which ribbons follow each other; without links between them these are unknown."""
    ids = [one.id for one in found.sections]
    order: list[str] = []
    links: list[OrderLink] = []
    for n, ribbon in enumerate(ribbons):
        names = [ids[at] for at in ribbon.sections]
        if n and between is None:
            links.append(OrderLink(order[-1], names[0], LinkKind.BETWEEN_RIBBONS, Doubt.UNKNOWN, math.inf))
        elif n and between is not None:
            links.append(between[n - 1])
        for (one, other), (kind, doubt, cost) in zip(pairwise(names), ribbon.links, strict=True):
            doubt = doubt or (None if ribbon.sure else Doubt.DIRECTION)
            links.append(OrderLink(one, other, kind, doubt, cost))
        order += names
    return Ordering(tuple(order), tuple(links))


def _taken(
    candidates: Sequence[Facing], corners: NDArray[np.float64]
) -> tuple[dict[tuple[int, int], Facing], dict[tuple[int, int], float]]:
    """Return the links that are taken, and for each edge (section, edge) the least cost of a rival."""
    axis, oriented = _common_axis(candidates, corners), _oriented(candidates)
    edges: dict[tuple[int, int], Facing] = {}
    axes: dict[int, int] = {}
    group = list(range(len(corners)))
    taken: dict[tuple[int, int], Facing] = {}
    rivals: dict[tuple[int, int], float] = defaultdict(lambda: math.inf)

    def root(n: int) -> int:
        while group[n] != n:
            group[n] = group[group[n]]
            n = group[n]
        return n

    for link in candidates:
        ends = ((link.one, link.edge_of_one), (link.other, link.edge_of_other))
        if axis is not None and any(edge % 2 != axis for _, edge in ends):
            continue
        if oriented and not _opposite(link):
            continue
        free = all(end not in edges and axes.get(end[0], end[1] % 2) == end[1] % 2 for end in ends)
        if free and root(link.one) != root(link.other):
            taken[link.one, link.other] = link
            for end in ends:
                edges[end] = link
                axes[end[0]] = end[1] % 2
            group[root(link.one)] = root(link.other)
        elif link.missing == 0:
            for end in ends:
                if end in edges:
                    rivals[end] = min(rivals[end], link.cost)
    return taken, rivals


def _common_axis(candidates: Sequence[Facing], corners: NDArray[np.float64]) -> int | None:
    """Return 0 if ribbons run from upper to lower edges, 1 if from left to right, None if that is not known.

    All sections of a block are cut with the same edge first, but a list that was found in an image may have
    squares turned by any quarter.
    """
    sides = np.hypot(*np.moveaxis(np.roll(corners, -1, axis=1) - corners, -1, 0))
    width, height = np.median(sides[:, [0, 2]]), np.median(sides[:, [1, 3]])
    votes = Counter(
        link.edge_of_one % 2
        for link in candidates
        if not link.missing and link.cost < 1 and link.edge_of_one % 2 == link.edge_of_other % 2
    )
    if max(width, height) < _SQUARE * min(width, height) and min(votes[0], votes[1]) > 0.1 * max(
        votes[0], votes[1]
    ):
        return None
    return 1 if votes[1] > votes[0] else 0


def _oriented(candidates: Sequence[Facing]) -> bool:
    """Return True if the rotations of the sections can be trusted, symmetric shapes included."""
    good = [link for link in candidates if not link.missing and link.cost < 1]
    return sum(map(_opposite, good)) >= _ORIENTED * len(good)


def _opposite(link: Facing) -> bool:
    return abs(link.edge_of_one - link.edge_of_other) == 2


def _chains(count: int, taken: dict[tuple[int, int], Facing]) -> list[list[int]]:
    """Return the ribbons, single sections included, each from one end to the other."""
    neighbours: dict[int, list[int]] = defaultdict(list)
    for one, other in taken:
        neighbours[one].append(other)
        neighbours[other].append(one)
    chains, seen = [], set()
    for start in range(count):
        if start in seen or len(neighbours[start]) > 1:
            continue
        chain = [start]
        seen.add(start)
        while ahead := [n for n in neighbours[chain[-1]] if n not in seen]:
            chain.append(ahead[0])
            seen.add(ahead[0])
        chains.append(chain)
    return chains


def _directed(
    chain: list[int], taken: dict[tuple[int, int], Facing], first_at_top: bool
) -> tuple[list[int], bool]:
    """Return a ribbon from its first section, and True if its sections agree on that."""
    if len(chain) == 1:
        return chain, True
    forward = backward = 0
    for one, other in pairwise(chain):
        link = taken[min(one, other), max(one, other)]
        leaving, entering = link.edge_of_one, link.edge_of_other
        if one > other:
            leaving, entering = entering, leaving
        # Out by the lower or right edge, in by the upper or left one.
        forward += (leaving in (1, 2)) + (entering in (0, 3))
        backward += (leaving in (0, 3)) + (entering in (1, 2))
    if not first_at_top:
        forward, backward = backward, forward
    sure = max(forward, backward) >= _SURE_DIRECTION * (forward + backward)
    return (chain if forward >= backward else chain[::-1]), sure


def _by_way(ribbons: Sequence[Sequence[int]], centers: NDArray[np.float64]) -> list[int]:
    """Return the numbers of the ribbons by a short way: each begins nearest to the end of the one before."""
    left = set(range(len(ribbons)))
    at = centers.min(axis=0)
    order = []
    while left:
        nearest = min(left, key=lambda n: (float(np.hypot(*(centers[ribbons[n][0]] - at))), n))
        left.remove(nearest)
        order.append(nearest)
        at = centers[ribbons[nearest][-1]]
    return order


def _doubt(link: Facing, rivals: dict[tuple[int, int], float]) -> Doubt | None:
    if link.missing:
        return Doubt.GAP
    if link.cost > 1:
        return Doubt.FAR
    nearest = min(rivals[link.one, link.edge_of_one], rivals[link.other, link.edge_of_other])
    return Doubt.ANOTHER if nearest < link.cost + _NEARLY else None
