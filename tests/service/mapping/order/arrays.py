"""Section lists of simulated arrays, in a random order and with errors of an image."""

import math

import numpy as np

from service.mapping.values import MappedSection, SectionList, Unit, first_edge_deg
from simulators.overview.values import SectionArray


def listed(array: SectionArray, seed: int, error_px: float = 0.0, turns: int = 1) -> SectionList:
    """Return the sections as an image shows them.

    `turns` 2: each may be turned by 180 degrees, 4: by any quarter, as a shape that fits itself then may be.
    """
    rng = np.random.default_rng(seed)
    found = []
    for n in rng.permutation(len(array.sections)):
        one = array.sections[n]
        polygon = np.roll(one.polygon_px, int(rng.integers(turns)) * (4 // turns), axis=0)
        turn = math.radians(rng.normal(0, 0.7)) if error_px else 0.0
        rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
        polygon = (polygon - one.center_px) @ rotation.T + one.center_px + rng.normal(0, error_px or 1e-9, 2)
        corners = tuple((float(x), float(y)) for x, y in polygon)
        center = (float(one.center_px[0]), float(one.center_px[1]))
        found.append(MappedSection(f"S{one.cut:04d}", center, first_edge_deg(corners, Unit.PX), corners))
    return SectionList(Unit.PX, tuple(found))


def true_pairs(array: SectionArray) -> set[tuple[str, str]]:
    """Return the pairs of neighbours of one ribbon, the earlier first."""
    return {
        (f"S{one.cut:04d}", f"S{two.cut:04d}")
        for one, two in zip(array.sections, array.sections[1:], strict=False)
        if one.ribbon == two.ribbon and one.ribbon is not None
    }
