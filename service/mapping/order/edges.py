"""Edges of sections that face each other, as in a ribbon."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from service.errors import InputError
from service.mapping.values import MappedSection, Unit

_GAP = 0.25
"""Gap, of a section's extent across the edge, at which a link becomes doubtful; like all here chosen by hand
on simulated ribbons, whose gaps are 0 to 10 percent."""
_SLIP = 0.3
"""Shift along the edge, of the edge's length."""
_TURN_RAD = math.radians(15)
_LENGTH = 0.35
"""Difference of the lengths of the two edges, as a share; ribbons of trapezoids have unequal ones."""
MOST_COST = 4.0
"""Links of a higher cost are none."""
_MOST_MISSING = 2
"""Sections that may be missing within a ribbon."""


@dataclass(frozen=True, slots=True)
class Facing:
    """Two edges that face each other.

    Attributes
    ----------
    one, other : int
        Indices of the sections; `one` is the smaller.
    edge_of_one, edge_of_other : int
        0 top, 1 right, 2 bottom, 3 left, as the section's own corners say.
    cost : float
        0 is perfect, 1 doubtful.
    missing : int
        Sections for which there is room between them.
    """

    one: int
    other: int
    edge_of_one: int
    edge_of_other: int
    cost: float
    missing: int = 0


def quadrilaterals(sections: Sequence[MappedSection], unit: Unit) -> NDArray[np.float64]:
    """Return the corners (N, 4, 2) of sections, the first edge along their rotation, clockwise on the screen.

    Outlines with more corners are replaced by the rectangle of their size and rotation.

    Raises
    ------
    InputError
        Raised when a section has no outline.
    """
    flip = np.array([1.0, 1.0 if unit is Unit.PX else -1.0])  # as on the screen: y down
    found = []
    for one in sections:
        if one.outline is None or one.rotation_deg is None:
            raise InputError(f"section {one.id} has no outline; ribbons are followed along outlines")
        turn = math.radians(one.rotation_deg)
        right, down = np.array([math.cos(turn), -math.sin(turn)]), np.array([math.sin(turn), math.cos(turn)])
        points = np.array(one.outline) * flip
        u, v = points @ right, points @ down
        u0, u1, v0, v1 = u.min(), u.max(), v.min(), v.max()
        box = [right * a + down * b for a, b in ((u0, v0), (u1, v0), (u1, v1), (u0, v1))]
        if len(points) == 4:
            nearest = [int(np.hypot(*(points - corner).T).argmin()) for corner in box]
            if len(set(nearest)) == 4:
                box = [points[n] for n in nearest]
        found.append(np.array(box))
    return np.array(found)


def facing_edges(corners: NDArray[np.float64]) -> list[Facing]:
    """Return pairs of edges that face each other, the best first.

    Parameters
    ----------
    corners : (N, 4, 2) array
    """
    starts, ends = corners, np.roll(corners, -1, axis=1)
    middles = (starts + ends) / 2
    along = ends - starts
    lengths = np.hypot(along[..., 0], along[..., 1])
    along = along / lengths[..., None]
    outward = np.stack([along[..., 1], -along[..., 0]], axis=-1)  # clockwise on the screen
    across = np.hypot(*np.moveaxis(middles - np.roll(middles, 2, axis=1), -1, 0))
    reach = float(np.median(across.max(axis=1))) * (_MOST_MISSING + 1.5)
    pairs = cKDTree(corners.mean(axis=1)).query_pairs(reach, output_type="ndarray")
    if len(pairs) == 0:
        return []
    found = []
    for a in range(4):
        for b in range(4):
            i, j = pairs.T
            between = middles[j, b] - middles[i, a]
            turn = np.abs(np.arccos(np.clip(-(along[i, a] * along[j, b]).sum(axis=1), -1, 1)))
            gap = ((between * outward[i, a]).sum(axis=1) - (between * outward[j, b]).sum(axis=1)) / 2
            slip = ((between * along[i, a]).sum(axis=1) - (between * along[j, b]).sum(axis=1)) / 2
            depth = (across[i, a] + across[j, b]) / 2
            length = (lengths[i, a] + lengths[j, b]) / 2
            missing = np.clip(np.round(gap / depth), 0, _MOST_MISSING)
            # A slip across a gap is a turn of the ribbon between them.
            slack = 1 + missing
            cost = (
                (np.abs(gap - missing * depth) / (_GAP * depth * slack)) ** 2
                + (slip / (_SLIP * length * slack)) ** 2
                + (turn / (_TURN_RAD * slack)) ** 2
                + ((lengths[i, a] - lengths[j, b]) / (_LENGTH * length)) ** 2
            )
            found += [
                Facing(int(i[n]), int(j[n]), a, b, float(cost[n]), int(missing[n]))
                for n in np.flatnonzero((cost < MOST_COST) & (turn < math.pi / 4))
            ]
    return sorted(found, key=lambda one: (one.missing, one.cost, one.one, one.other))
