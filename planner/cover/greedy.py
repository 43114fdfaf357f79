"""Greedy cover: merge groups, largest saving first, until no merger of two saves anything."""

import heapq
import math
from collections.abc import Sequence

import numpy as np
from scipy.spatial import KDTree

from planner.cover.framing import Framing
from planner.cover.per_box import absorb_contained
from planner.cover.required import Required
from planner.geometry.rects import center, hull

LEAST_SAVING_S = 1e-9
"""Smaller savings are rounding."""
MOST_PAIRS = 500_000
"""Most pairs of pieces near each other; a section of 20,000 cells in its fields has fewer."""


def greedy(pieces: Sequence[Required], start: Sequence[Required], framing: Framing) -> tuple[Required, ...]:
    """Return the cheaper of two covers by mergers: of a given cover, and of the pieces themselves.

    Parameters
    ----------
    pieces : sequence of Required
    start : sequence of Required
        A cover of them, such as one frame per box.
    framing : Framing

    Returns
    -------
    tuple of Required
        Costs as much as `start` or less.
    """
    best = _merged(start, framing)
    if not crowded(pieces, framing):
        other = _merged(absorb_contained(pieces), framing)
        if cover_cost_s(other, framing) < cover_cost_s(best, framing) - LEAST_SAVING_S:
            best = other
    return best


def cover_cost_s(groups: Sequence[Required], framing: Framing) -> float:
    """Return beam time and overhead of a cover, s."""
    return sum(framing.cost_s(g.scan) for g in groups)


def crowded(pieces: Sequence[Required], framing: Framing) -> bool:
    """Return True if too many pieces lie close to each other to look at every pair."""
    if len(pieces) < 2:
        return False
    tree, furthest_m = _tree(pieces, framing)
    return int(tree.query_ball_point(tree.data, furthest_m, return_length=True).sum()) > MOST_PAIRS


def _merged(groups: Sequence[Required], framing: Framing) -> tuple[Required, ...]:
    """Merge the groups of a cover into fewer; each lies inside a new one."""
    alive: dict[int, Required] = dict(enumerate(groups))
    near = {index: set(others) for index, others in enumerate(neighbours(groups, framing))}
    heap: list[tuple[float, int, int]] = []

    def offer(a: int, b: int) -> None:
        """Push a merger on the heap if its smallest frame saves something."""
        separate_s = framing.cost_s(alive[a].scan) + framing.cost_s(alive[b].scan)
        saving_s = separate_s - framing.least_cost_s(hull(alive[a].rect_m, alive[b].rect_m))
        if saving_s > LEAST_SAVING_S:
            # Rounded, so that differences by float rounding are ties.
            heapq.heappush(heap, (-round(saving_s, 9), min(a, b), max(a, b)))

    for a in alive:
        for b in near[a]:
            if a < b:
                offer(a, b)
    following = len(groups)
    while heap:
        _, a, b = heapq.heappop(heap)
        if a not in alive or b not in alive:
            continue
        rect = hull(alive[a].rect_m, alive[b].rect_m)
        scan = framing.frame(rect)
        separate_s = framing.cost_s(alive[a].scan) + framing.cost_s(alive[b].scan)
        if scan is None or framing.cost_s(scan) > separate_s - LEAST_SAVING_S:
            continue
        merged = Required(rect, scan, alive.pop(a).boxes | alive.pop(b).boxes)
        # A frame that cannot hold a group with a part cannot hold it with the whole.
        near[following] = {other for other in near.pop(a) & near.pop(b) if other in alive}
        alive[following] = merged
        for other in near[following]:
            near[other].add(following)
            offer(following, other)
        following += 1
    return absorb_contained(sorted(alive.values(), key=lambda g: (g.rect_m, sorted(g.boxes))))


def neighbours(groups: Sequence[Required], framing: Framing) -> list[list[int]]:
    """Return for each group those that one frame could hold together with it."""
    if len(groups) < 2:
        return [[] for _ in groups]
    tree, furthest_m = _tree(groups, framing)
    found = tree.query_ball_point(tree.data, furthest_m)
    return [
        [b for b in others if b != a and framing.fits(hull(groups[a].rect_m, groups[b].rect_m))]
        for a, others in enumerate(found)
    ]


def _tree(groups: Sequence[Required], framing: Framing) -> tuple[KDTree, float]:
    """Return a tree of the centres of groups, and their largest distance in one frame, m."""
    sizes = framing.settings.presets_px or (framing.settings.max_frame_px,)
    furthest_px = max(math.hypot(*size) for size in sizes)
    tree = KDTree(np.asarray([center(g.rect_m) for g in groups]))
    return tree, furthest_px * framing.settings.pixel_size_m
