"""One frame per box: the start of any better cover, and the one it is compared with."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from planner.cover.framing import Framing
from planner.cover.required import Required
from planner.cover.tiles import Scan
from planner.geometry.rects import TOLERANCE_M, RectM, area_m2, hull

SAME_CELL_OVERLAP = 0.5
"""Least shared part of the smaller of two required rectangles that count as the same cell, found in two
overlapping fields. Chosen by hand."""

_NOWHERE: RectM = (np.inf, np.inf, -np.inf, -np.inf)


def per_box(pieces: Sequence[Required], framing: Framing) -> tuple[Required, ...]:
    """Group required rectangles, about one group per box.

    Parameters
    ----------
    pieces : sequence of Required
        Sorted by position.
    framing : Framing

    Returns
    -------
    tuple of Required
        No group inside another; every piece inside a group that names its boxes.
    """
    return absorb_contained(join_same_cell(pieces, framing))


def join_same_cell(pieces: Sequence[Required], framing: Framing) -> tuple[Required, ...]:
    """Join rectangles of the same cell, found in two overlapping fields.

    Two are joined to their hull if they share at least half of the smaller, and if one frame on allowed
    ground shows the hull and costs no more than two.
    """
    todo = list(reversed(pieces))
    groups: list[Required | None] = []
    placed = np.full((2 * len(todo), 4), _NOWHERE)
    while todo:
        new = todo.pop()
        for index in _overlapping(new.rect_m, placed[: len(groups)]):
            other = groups[index]
            if other is None:
                continue
            joined = _joined(new, other, framing)
            if joined is not None:
                groups[index], placed[index] = None, _NOWHERE
                todo.append(joined)
                break
        else:
            placed[len(groups)] = new.rect_m
            groups.append(new)
    return tuple(g for g in groups if g is not None)


def absorb_contained(groups: Sequence[Required]) -> tuple[Required, ...]:
    """Drop groups inside another group, which takes over their boxes."""
    kept, hosts = outermost([g.rect_m for g in groups])
    boxes = {index: groups[index].boxes for index in kept}
    for index, host in hosts.items():
        boxes[host] |= groups[index].boxes
    return tuple(replace(groups[index], boxes=boxes[index]) for index in kept)


def drop_contained(scans: Sequence[Scan]) -> tuple[Scan, ...]:
    """Drop scans inside another scan, which takes over their boxes."""
    kept, hosts = outermost([s.rect_m for s in scans])
    boxes = {index: scans[index].boxes for index in kept}
    for index, host in hosts.items():
        boxes[host] |= scans[index].boxes
    return tuple(replace(scans[index], boxes=boxes[index]) for index in kept)


def outermost(rects: Sequence[RectM]) -> tuple[list[int], dict[int, int]]:
    """Find the rectangles that lie inside another.

    Parameters
    ----------
    rects : sequence of RectM

    Returns
    -------
    kept : list of int
        Rectangles inside no other, in their order; the first of equal ones.
    hosts : dict of int to int
        For each of the rest, one of `kept` that holds it.
    """
    table = np.asarray(rects, dtype=np.float64).reshape(-1, 4)
    by_size = sorted(range(len(rects)), key=lambda n: (-area_m2(rects[n]), rects[n]))
    placed = np.full(table.shape, (np.inf, np.inf, -np.inf, -np.inf))
    kept: list[int] = []
    hosts: dict[int, int] = {}
    for index in by_size:
        x0, y0, x1, y1 = table[index]
        others = placed[: len(kept)]
        holds = (
            (others[:, 0] <= x0 + TOLERANCE_M)
            & (others[:, 1] <= y0 + TOLERANCE_M)
            & (others[:, 2] >= x1 - TOLERANCE_M)
            & (others[:, 3] >= y1 - TOLERANCE_M)
        )
        if holds.any():
            hosts[index] = kept[int(np.argmax(holds))]
        else:
            placed[len(kept)] = table[index]
            kept.append(index)
    return sorted(kept), hosts


def _overlapping(rect: RectM, others: NDArray[np.float64]) -> list[int]:
    """Return the rectangles that may be the same cell as `rect`, largest share first."""
    sides = np.minimum(others[:, 2:], rect[2:]) - np.maximum(others[:, :2], rect[:2])
    shared = sides.clip(min=0).prod(axis=1)
    areas = (others[:, 2:] - others[:, :2]).prod(axis=1)
    # Rounded, so that differences by float rounding are ties.
    part = np.round(shared / np.minimum(areas, area_m2(rect)), 9)
    candidates = np.nonzero(part >= SAME_CELL_OVERLAP)[0]
    return [int(n) for n in candidates[np.argsort(-part[candidates], kind="stable")]]


def _joined(a: Required, b: Required, framing: Framing) -> Required | None:
    """Return one group for two; None if one frame cannot hold it or costs more than two."""
    rect = hull(a.rect_m, b.rect_m)
    separate_s = framing.cost_s(a.scan) + framing.cost_s(b.scan)
    if framing.least_cost_s(rect) > separate_s:
        return None
    scan = framing.frame(rect)
    if scan is None or framing.cost_s(scan) > separate_s:
        return None
    return Required(rect, scan, a.boxes | b.boxes)
