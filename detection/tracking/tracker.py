"""Which detections of neighbouring sections are the same cell.

Detections are assigned to the tracks of the last sections by the overlap of their boxes in registered
coordinates and by the continuity of their size. It is linear assignment, as in Jaqaman et al., Nat. Methods 5
(2008) 695, but gaps are closed as it goes, because sections come one by one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from detection.registration.rigid import Ellipse, Rigid

LONGEST_GAP = 3
LONGEST_ABSENCE = 40
"""Sections after which a track ends that left the frame, since sections are shifted, and may come back."""
LEAST_SHARED = 0.35
LARGEST_GROWTH = 8.0
UNASSIGNED_COST = 0.8
SIZE_WEIGHT = 0.15
GAP_WEIGHT = 0.03
INSIDE = 0.6
KEPT_SIGHTINGS = 8


@dataclass(frozen=True, slots=True)
class Place:
    """Where a section lies: sections of one chain are joined by good links.

    Attributes
    ----------
    index : int
        Number of the section in the order of cutting, from 0.
    section : str
    chain : int
    to_chain : Rigid
        From the plane of the frame to that of the first of the chain.
    """

    index: int
    section: str
    chain: int
    to_chain: Rigid

    def onto(self, other: "Place") -> Rigid:
        """From the plane of this section to that of another one of its chain."""
        return other.to_chain.inverse().after(self.to_chain)


@dataclass(frozen=True, slots=True)
class Spot:
    """One detection, as the tracker sees it.

    Attributes
    ----------
    ellipse : Ellipse
        In the plane of the frame.
    cut : bool
        The edge of the frame cuts it, so its size says little.
    confident : bool
    outline_um2 : float or None
        Area within its outline; None where only the ellipse is known.
    """

    ellipse: Ellipse
    cut: bool
    confident: bool = True
    outline_um2: float | None = None

    @property
    def area_um2(self) -> float:
        """Area within its outline, else of the ellipse."""
        return self.ellipse.area_um2 if self.outline_um2 is None else self.outline_um2


@dataclass(frozen=True, slots=True)
class Sighting:
    """One detection of a track.

    Attributes
    ----------
    place : Place
    spot : Spot
    """

    place: Place
    spot: Spot


@dataclass(slots=True)
class Track:
    """One cell through the sections.

    Attributes
    ----------
    id : str
        ``T0001``, ...
    parent : str or None
        The track that it split from.
    sightings : list of Sighting
        The last few.
    sections : list of str
        All in which it was seen.
    missed : int
        Sections since the last sighting whose frame shows its place.
    areas : list of (int, float)
        Index of the section and area, um2, where the frame does not cut it.
    cut_areas : list of (int, float)
        The same, where it does.
    """

    id: str
    parent: str | None
    sightings: list[Sighting] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)
    missed: int = 0
    areas: list[tuple[int, float]] = field(default_factory=list)
    cut_areas: list[tuple[int, float]] = field(default_factory=list)

    @property
    def last(self) -> Sighting:
        """The latest sighting."""
        return self.sightings[-1]

    def _see(self, sighting: Sighting) -> None:
        self.sightings = [*self.sightings, sighting][-KEPT_SIGHTINGS:]
        self.missed = 0
        self.sections.append(sighting.place.section)
        entry = sighting.place.index, sighting.spot.area_um2
        (self.cut_areas if sighting.spot.cut else self.areas).append(entry)


class Tracker:
    """Links detections section by section.

    Attributes
    ----------
    active : list of Track
        Those that may still go on, and those that ended so lately that they may still be carried.
    ended : list of Track
    """

    def __init__(self) -> None:
        self.active: list[Track] = []
        self.ended: list[Track] = []
        self._count = 0

    def add(
        self, place: Place, spots: Sequence[Spot], half_size_um: tuple[float, float] = (math.inf, math.inf)
    ) -> list[str]:
        """Link the detections of the next section.

        Parameters
        ----------
        place : Place
            Of a higher index than the one before.
        spots : sequence of Spot
        half_size_um : (float, float)
            Half of the width and height of the frame: a cell beyond is not missed.

        Returns
        -------
        list of str
            Id of the track of each detection.
        """
        self._retire(place)
        tracks = [track for track in self.active if track.last.place.chain == place.chain]
        predicted = [track.last.spot.ellipse.moved(track.last.place.onto(place)) for track in tracks]
        gaps = np.array([track.missed for track in tracks])
        shared, cost = _costs(predicted, tracks, gaps, spots)
        ids = [""] * len(spots)
        missed = set(range(len(tracks)))
        for row, column in _assigned(cost):
            tracks[row]._see(Sighting(place, spots[column]))
            ids[column] = tracks[row].id
            missed.discard(row)
        for row in missed:
            tracks[row].missed += _lies_within(predicted[row], tracks[row].last.spot.cut, half_size_um)
        for column, spot in enumerate(spots):
            if ids[column]:
                continue
            parent = _torn_from(spot, tracks, missed, shared[:, column])
            self._count += 1
            track = Track(f"T{self._count:04d}", None if parent is None else parent.id)
            track._see(Sighting(place, spot))
            self.active.append(track)
            ids[column] = track.id
        return ids

    def _retire(self, place: Place) -> None:
        # What is looked up of a track lies up to three sections back, and sections come out late.
        late = place.index - 2 * LONGEST_GAP - 1
        oldest = place.index - LONGEST_ABSENCE
        goes_on = [
            track.last.place.index >= late
            or (track.missed <= LONGEST_GAP and track.last.place.index >= oldest)
            for track in self.active
        ]
        self.ended += [track for track, on in zip(self.active, goes_on, strict=True) if not on]
        self.active = [track for track, on in zip(self.active, goes_on, strict=True) if on]


def _box_um2(ellipse: Ellipse) -> float:
    """Area of the box around an ellipse, um2."""
    return 4 * ellipse.half_um[0] * ellipse.half_um[1]


def _sides(ellipses: Sequence[Ellipse]) -> NDArray[np.float64]:
    """Left, low, right and upper sides (N, 4), um."""
    return np.array(
        [
            (
                ellipse.center_um[0] - ellipse.half_um[0],
                ellipse.center_um[1] - ellipse.half_um[1],
                ellipse.center_um[0] + ellipse.half_um[0],
                ellipse.center_um[1] + ellipse.half_um[1],
            )
            for ellipse in ellipses
        ]
    ).reshape(-1, 4)


def shared_um2(first: Sequence[Ellipse], second: Sequence[Ellipse]) -> NDArray[np.float64]:
    """Areas that the boxes around ellipses share, (N, M), um2."""
    a, b = _sides(first)[:, None], _sides(second)[None]
    width = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    height = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    return np.asarray(np.maximum(width, 0) * np.maximum(height, 0))


def _costs(
    predicted: Sequence[Ellipse], tracks: Sequence[Track], gaps: NDArray[np.int64], spots: Sequence[Spot]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shared areas, um2, and costs of linking, both (tracks, detections); infinite where it is ruled out."""
    ellipses = [spot.ellipse for spot in spots]
    shared = shared_um2(predicted, ellipses)
    before = np.array([_box_um2(ellipse) for ellipse in predicted]).reshape(-1, 1)
    after = np.array([_box_um2(ellipse) for ellipse in ellipses]).reshape(1, -1)
    overlap = shared / np.minimum(before, after)
    union = shared / (before + after - shared)
    growth = np.abs(np.log(after / before))
    cut = np.array([track.last.spot.cut for track in tracks], dtype=np.bool_)[:, None] | np.array(
        [spot.cut for spot in spots], dtype=np.bool_
    )
    cost = 1 - (union + overlap) / 2 + SIZE_WEIGHT * np.where(cut, 0, growth)
    cost += GAP_WEIGHT * gaps[:, None]
    allowed = (overlap >= LEAST_SHARED) & (cut | (growth < math.log(LARGEST_GROWTH)))
    allowed &= (gaps <= LONGEST_GAP)[:, None] & (cost < UNASSIGNED_COST)
    return shared, np.where(allowed, cost, np.inf)


def _assigned(cost: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs of least total cost; a pair that costs more than being alone is none."""
    if cost.size == 0:
        return []
    # Each row may also go to a place of its own, at the cost of staying alone.
    alone = np.full((cost.shape[0], cost.shape[0]), 1e6)
    np.fill_diagonal(alone, UNASSIGNED_COST)
    rows, columns = linear_sum_assignment(np.hstack([np.where(np.isinf(cost), 1e6, cost), alone]))
    return [
        (int(row), int(column))
        for row, column in zip(rows, columns, strict=True)
        if column < cost.shape[1] and np.isfinite(cost[row, column])
    ]


def _lies_within(ellipse: Ellipse, cut: bool, half_size_um: tuple[float, float]) -> bool:
    """Whether a frame shows the middle of a cell; of one that a frame has cut, all that is known of it."""
    return all(
        abs(at) + (half if cut else 0.0) < limit
        for at, half, limit in zip(ellipse.center_um, ellipse.half_um, half_size_um, strict=True)
    )


def _torn_from(
    spot: Spot, tracks: Sequence[Track], missed: set[int], shared: NDArray[np.float64]
) -> Track | None:
    """Return the track whose place a new detection lies within."""
    if shared.size == 0:
        return None
    row = int(shared.argmax())
    return None if row in missed or shared[row] < INSIDE * _box_um2(spot.ellipse) else tracks[row]
