"""One scan per box, where no box spares another: what any better cover starts from and is measured by."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from planner.cover.framing import Framing
from planner.cover.required import Required
from planner.cover.tiles import Scan
from planner.geometry.rects import TOLERANCE_M, RectM, area_m2, hull

SAME_CELL_OVERLAP = 0.5
"""Part of the smaller of two required rectangles that must be shared before they are taken for one cell that
two overlapping fields have both found."""

_NOWHERE: RectM = (np.inf, np.inf, -np.inf, -np.inf)


def per_box(pieces: Sequence[Required], framing: Framing) -> tuple[Required, ...]:
    """Group required rectangles, about one group per box.

    Parameters
    ----------
    pieces : sequence of Required
        Sorted by place.
    framing : Framing

    Returns
    -------
    tuple of Required
        No group inside another; every piece inside a group that names its boxes.
    """
    return absorb_contained(join_same_cell(pieces, framing))


def join_same_cell(pieces: Sequence[Required], framing: Framing) -> tuple[Required, ...]:
    """Join rectangles that are near enough the same: a cell that two overlapping fields have both found.

    Two become the rectangle about both where they share at least half of the smaller, and where one frame on
    allowed ground shows it and costs no more than the two.
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
    """Drop groups that lie inside another, which takes over their boxes."""
    kept, hosts = outermost([g.rect_m for g in groups])
    boxes = {index: groups[index].boxes for index in kept}
    for index, host in hosts.items():
        boxes[host] |= groups[index].boxes
    return tuple(replace(groups[index], boxes=boxes[index]) for index in kept)


def drop_contained(scans: Sequence[Scan]) -> tuple[Scan, ...]:
    """Drop scans that lie inside another, which takes over their boxes."""
    kept, hosts = outermost([s.rect_m for s in scans])
    boxes = {index: scans[index].boxes for index in kept}
    for index, host in hosts.items():
        boxes[host] |= scans[index].boxes
    return tuple(replace(scans[index], boxes=boxes[index]) for index in kept)


def outermost(rects: Sequence[RectM]) -> tuple[list[int], dict[int, int]]:
    """Find which rectangles lie inside another.

    Parameters
    ----------
    rects : sequence of RectM

    Returns
    -------
    kept : list of int
        Rectangles inside no other, in their order; of equal ones the first.
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
    """Rectangles that share enough with `rect` to be the same cell, most first."""
    sides = np.minimum(others[:, 2:], rect[2:]) - np.maximum(others[:, :2], rect[:2])
    shared = sides.clip(min=0).prod(axis=1)
    areas = (others[:, 2:] - others[:, :2]).prod(axis=1)
    # Rounded, so that what float rounding alone tells apart is a tie.
    part = np.round(shared / np.minimum(areas, area_m2(rect)), 9)
    candidates = np.nonzero(part >= SAME_CELL_OVERLAP)[0]
    return [int(n) for n in candidates[np.argsort(-part[candidates], kind="stable")]]


def _joined(a: Required, b: Required, framing: Framing) -> Required | None:
    """Return one group for two; None where one frame cannot hold it or costs more than two."""
    rect = hull(a.rect_m, b.rect_m)
    apart_s = framing.cost_s(a.scan) + framing.cost_s(b.scan)
    if framing.least_cost_s(rect) > apart_s:
        return None
    scan = framing.frame(rect)
    if scan is None or framing.cost_s(scan) > apart_s:
        return None
    return Required(rect, scan, a.boxes | b.boxes)
