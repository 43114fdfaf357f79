"""Merge groups, the best saving first, until no merger of two saves anything."""

import heapq
from collections.abc import Sequence

import numpy as np
from scipy.spatial import KDTree

from planner.cover import absorb_contained
from planner.framing import Framing
from planner.rects import center, hull
from planner.required import Required

_LEAST_SAVING_S = 1e-9


def greedy(groups: Sequence[Required], framing: Framing) -> tuple[Required, ...]:
    """Merge the groups of a cover into fewer.

    Parameters
    ----------
    groups : sequence of Required
        A cover, such as one scan per box.
    framing : Framing

    Returns
    -------
    tuple of Required
        A cover that costs as much or less: every group of the old lies inside one of the new.
    """
    alive: dict[int, Required] = dict(enumerate(groups))
    near = {index: set(others) for index, others in enumerate(neighbours(groups, framing))}
    heap: list[tuple[float, int, int]] = []

    def offer(a: int, b: int) -> None:
        """Put a merger on the heap if its smallest frame would save something."""
        apart_s = framing.cost_s(alive[a].scan) + framing.cost_s(alive[b].scan)
        saving_s = apart_s - framing.least_cost_s(hull(alive[a].rect_m, alive[b].rect_m))
        if saving_s > _LEAST_SAVING_S:
            # Rounded, so that what float rounding alone tells apart is a tie.
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
        apart_s = framing.cost_s(alive[a].scan) + framing.cost_s(alive[b].scan)
        if scan is None or framing.cost_s(scan) > apart_s - _LEAST_SAVING_S:
            continue
        merged = Required(rect, scan, alive.pop(a).boxes | alive.pop(b).boxes)
        # What no frame holds together with a part, none holds together with the whole.
        near[following] = {other for other in near.pop(a) & near.pop(b) if other in alive}
        alive[following] = merged
        for other in near[following]:
            near[other].add(following)
            offer(following, other)
        following += 1
    return absorb_contained(sorted(alive.values(), key=lambda g: (g.rect_m, sorted(g.boxes))))


def neighbours(groups: Sequence[Required], framing: Framing) -> list[list[int]]:
    """Groups that one frame could hold together with each group."""
    if len(groups) < 2:
        return [[] for _ in groups]
    sizes = framing.settings.presets_px or (framing.settings.max_frame_px,)
    furthest_px = np.max([np.hypot(*size) for size in sizes])
    tree = KDTree(np.asarray([center(g.rect_m) for g in groups]))
    found = tree.query_ball_point(tree.data, float(furthest_px) * framing.settings.pixel_size_m)
    return [
        [b for b in others if b != a and framing.fits(hull(groups[a].rect_m, groups[b].rect_m))]
        for a, others in enumerate(found)
    ]
