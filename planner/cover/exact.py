"""Cheapest cover, by integer programming over all candidate frames."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from planner.cover.candidates import Candidate, candidates
from planner.cover.framing import Framing
from planner.cover.greedy import LEAST_SAVING_S, cover_cost_s, crowded
from planner.cover.per_box import absorb_contained
from planner.cover.required import Required


def exact(
    pieces: Sequence[Required], start: Sequence[Required], framing: Framing
) -> tuple[tuple[Required, ...], bool]:
    """Return the cheapest cover.

    Parameters
    ----------
    pieces : sequence of Required
    start : sequence of Required
        A cover of them, returned if nothing cheaper is found.
    framing : Framing
        Its `settings.exact_limit_s` is divided among the connected parts of the section, by their pieces.

    Returns
    -------
    cover : tuple of Required
        Costs as much as `start` or less.
    optimal : bool
        True if none costs less; False if time or room for candidates ran out.
    """
    # Pieces inside others are imaged with them.
    crowd = crowded(pieces, framing)
    pieces = absorb_contained(start if crowd else pieces)
    found, complete = candidates(pieces, framing)
    optimal = complete and not crowd
    chosen: list[Candidate] = []
    for members, part in _components(found, len(pieces)):
        limit_s = framing.settings.exact_limit_s * len(members) / len(pieces)
        best, proven = _cheapest(members, part, limit_s)
        optimal &= proven
        if best is None:
            return tuple(start), False
        chosen += best
    if sum(c.cost_s for c in chosen) > cover_cost_s(start, framing) - LEAST_SAVING_S:
        return tuple(start), optimal
    groups = [
        Required(c.rect_m, c.scan, frozenset().union(*(pieces[m].boxes for m in c.members))) for c in chosen
    ]
    return absorb_contained(sorted(groups, key=lambda g: (g.rect_m, sorted(g.boxes)))), optimal


def _components(found: Sequence[Candidate], count: int) -> list[tuple[list[int], list[Candidate]]]:
    """Return the connected parts: pieces linked by frames, with these frames. Each is solved by itself."""
    links = [(c.members[0], m) for c in found for m in c.members[1:]]
    rows, columns = zip(*links, strict=True) if links else ((), ())
    graph = csr_array((np.ones(len(links)), (rows, columns)), shape=(count, count))
    number, labels = connected_components(graph, directed=False)
    parts: list[tuple[list[int], list[Candidate]]] = [([], []) for _ in range(number)]
    for piece, label in enumerate(labels):
        parts[label][0].append(piece)
    for candidate in found:
        parts[labels[candidate.members[0]]][1].append(candidate)
    return parts


def _cheapest(
    members: Sequence[int], part: Sequence[Candidate], limit_s: float
) -> tuple[list[Candidate] | None, bool]:
    """Return the cheapest frames that hold every member, None if not found in time; and True if proven."""
    if len(part) == 1:
        return list(part), True
    row_of = {piece: row for row, piece in enumerate(members)}
    rows = [row_of[m] for c in part for m in c.members]
    columns = [n for n, c in enumerate(part) for _ in c.members]
    matrix = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(members), len(part)))
    result = milp(
        [c.cost_s for c in part],
        integrality=np.ones(len(part), dtype=np.int64),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix, 1, np.inf),
        options={"time_limit": limit_s, "mip_rel_gap": 0.0},
    )
    if result.x is None:
        return None, False
    return [c for c, x in zip(part, result.x, strict=True) if x > 0.5], result.status == 0
