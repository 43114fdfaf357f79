"""Electron dose of cells by the ledger, and how often ground was scanned."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from drivers.pose import RectM
from planner.dose import ELEMENTARY_CHARGE_C
from planner.geometry.rects import area_m2
from service.model.jobs import Exposure, ExposureState

_PER_NM2 = 1e-18


@dataclass(frozen=True, slots=True)
class ScannedDose:
    """Mean dose over the rectangle of a cell.

    Attributes
    ----------
    electrons_per_nm2 : float
    at_most : bool
        True if it is not known whether all scans of the cell came to their end.
    """

    electrons_per_nm2: float
    at_most: bool


def dose_of(rect_m: RectM, exposures: Sequence[Exposure], beam_current_a: float) -> ScannedDose | None:
    """Return the mean dose of a rectangle by the scans of a ledger; None where nothing has scanned it.

    Parameters
    ----------
    rect_m : RectM
    exposures : sequence of Exposure
        None of them void. One with an unknown end counts as complete.
    beam_current_a : float
        Of all scans.
    """
    scans, at_most = 0.0, False
    for row in exposures:
        x0, y0 = max(rect_m[0], row.rect_m[0]), max(rect_m[1], row.rect_m[1])
        x1, y1 = min(rect_m[2], row.rect_m[2]), min(rect_m[3], row.rect_m[3])
        if x1 > x0 and y1 > y0 and row.s_per_m2 is not None:
            scans += row.s_per_m2 * (x1 - x0) * (y1 - y0)
            at_most = at_most or row.state is not ExposureState.CLOSED
    if not scans:
        return None
    electrons_per_m2 = scans / area_m2(rect_m) * beam_current_a / ELEMENTARY_CHARGE_C
    return ScannedDose(electrons_per_m2 * _PER_NM2, at_most)


def scanned_m2(rects_m: Sequence[RectM]) -> tuple[float, float]:
    """Return the ground scanned at all, and the part of it scanned more than once, m2."""
    if not rects_m:
        return 0.0, 0.0
    # In um: shapely's tolerance is absolute.
    boxes = np.array([shapely.box(x0 * 1e6, y0 * 1e6, x1 * 1e6, y1 * 1e6) for x0, y0, x1, y1 in rects_m])
    first, second = shapely.STRtree(boxes).query(boxes, predicate="intersects")
    # One group of frames that lie together after the other: a union of all takes 100 MB for 24,000.
    links = coo_array((np.ones(len(first), np.bool_), (first, second)), shape=(len(boxes), len(boxes)))
    _, group_of = connected_components(links, directed=False)
    once_um2 = sum(map(_union_um2, _groups(boxes, group_of)))
    pairs = first < second
    shared = shapely.intersection(boxes[first[pairs]], boxes[second[pairs]])
    twice_um2 = sum(map(_union_um2, _groups(shared, group_of[first[pairs]])))
    return once_um2 * 1e-12, twice_um2 * 1e-12


def _groups(shapes: NDArray[np.object_], group_of: NDArray[np.int32]) -> list[NDArray[np.object_]]:
    """Return the shapes of each group."""
    order = np.argsort(group_of, kind="stable")
    return np.split(shapes[order], np.flatnonzero(np.diff(group_of[order])) + 1)


def _union_um2(shapes: NDArray[np.object_]) -> float:
    return float(shapely.union_all(shapes).area)
