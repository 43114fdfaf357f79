"""Paths through ribbons, each of which may be turned end for end unless its direction is known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STARTS = 6
"""Greedy paths that are improved, the shortest. Chosen by hand."""
_MOST_MOVED = 3
"""Most ribbons that change place at once."""
_LEAST_GAIN = 1e-9
"""Smaller gains are rounding."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A ribbon of a path: its number, and True if it is passed from its last section to its first."""

    ribbon: int
    turned: bool = False


Path = tuple[Placed, ...]


def shortest_join(costs: Floats, turnable: Sequence[bool]) -> Path:
    """Return a short path through all ribbons.

    Parameters
    ----------
    costs : (N, 2, N, 2) array
        Of one ribbon, turned or not, before another one, turned or not; finite.
    turnable : sequence of bool
        Ribbons that may be turned.
    """
    count = len(turnable)
    starts = [Placed(n, turned) for n in range(count) for turned in _turns(n, turnable)]
    greedy = sorted(
        (_greedy(start, costs, turnable) for start in starts), key=lambda path: length(path, costs)
    )
    return min(
        (_improved(path, costs, turnable) for path in greedy[:_STARTS]), key=lambda p: length(p, costs)
    )


def length(path: Path, costs: Floats) -> float:
    """Return the sum of the costs along a path."""
    numbers = np.array([(one.ribbon, one.turned) for one in path], dtype=np.int_)
    before, after = numbers[:-1], numbers[1:]
    return float(costs[before[:, 0], before[:, 1], after[:, 0], after[:, 1]].sum())


def join_margins(path: Path, costs: Floats, turnable: Sequence[bool]) -> tuple[Floats, Floats]:
    """Return by how much a path grows if it loses a link, and if a ribbon is turned where it lies.

    Returns
    -------
    links : (N - 1,) array
        Least growth over the changes of the path that part the two ribbons; infinite without any.
    turns : (N,) array
        For each ribbon of the path; infinite if it may not be turned.
    """
    now = length(path, costs)
    links, turns = np.full(max(len(path) - 1, 0), np.inf), np.full(len(path), np.inf)
    joined = {frozenset((_end(a), _start(b))): n for n, (a, b) in enumerate(pairwise(path))}
    for changed in _changes(path, turnable):
        grown = length(changed, costs) - now
        kept = {frozenset((_end(a), _start(b))) for a, b in pairwise(changed)}
        for link, n in joined.items():
            if link not in kept:
                links[n] = min(links[n], grown)
    for n, one in enumerate(path):
        if turnable[one.ribbon]:
            turned = (*path[:n], Placed(one.ribbon, not one.turned), *path[n + 1 :])
            turns[n] = length(turned, costs) - now
    return links, turns


def _start(one: Placed) -> tuple[int, bool]:
    """Return an end of a ribbon: its number, and True for the end of its last section."""
    return one.ribbon, one.turned


def _end(one: Placed) -> tuple[int, bool]:
    return one.ribbon, not one.turned


def _turns(ribbon: int, turnable: Sequence[bool]) -> tuple[bool, ...]:
    return (False, True) if turnable[ribbon] else (False,)


def _greedy(start: Placed, costs: Floats, turnable: Sequence[bool]) -> Path:
    path, left = [start], set(range(len(turnable))) - {start.ribbon}
    while left:
        at = path[-1]
        choices = [Placed(n, turned) for n in sorted(left) for turned in _turns(n, turnable)]
        row = costs[at.ribbon, int(at.turned)]
        path.append(min(choices, key=lambda one: float(row[one.ribbon, int(one.turned)])))
        left.remove(path[-1].ribbon)
    return tuple(path)


def _improved(path: Path, costs: Floats, turnable: Sequence[bool]) -> Path:
    best, gained = length(path, costs), True
    while gained:
        gained = False
        for changed in _changes(path, turnable):
            found = length(changed, costs)
            if found < best - _LEAST_GAIN:
                path, best, gained = changed, found, True
                break
    return path


def _changes(path: Path, turnable: Sequence[bool]) -> Iterator[Path]:
    """Yield paths in which some ribbons lie elsewhere or are turned, or two parts have changed places."""
    count = len(path)
    for start in range(count):
        for stop in range(start + 1, count + 1):
            part = path[start:stop]
            back = tuple(Placed(one.ribbon, not one.turned) for one in reversed(part))
            may_turn = all(turnable[one.ribbon] for one in part)
            if may_turn:
                yield (*path[:start], *back, *path[stop:])
            if stop - start > _MOST_MOVED:
                continue
            rest = path[:start] + path[stop:]
            for at in range(len(rest) + 1):
                if at != start:
                    yield (*rest[:at], *part, *rest[at:])
                    if may_turn:
                        yield (*rest[:at], *back, *rest[at:])
    for at in range(1, count):
        yield path[at:] + path[:at]
