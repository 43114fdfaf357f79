"""Tracks of cells through the sections.

Detections are assigned to tracks by the overlap of their boxes in registered coordinates and by the
continuity of their size. It is linear assignment as in Jaqaman et al., Nat. Methods 5 (2008) 695, but gaps
are closed on the way, because sections come one by one. Detections that may be of the same cells as others
come last, and only for tracks that are left, like those of low score in ByteTrack (Zhang et al., ECCV 2022).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from detection.registration.rigid import Ellipse, Rigid
from detection.tracking.settings import SETTINGS


@lru_cache(maxsize=1024)
def _between(source: Rigid, target: Rigid) -> Rigid:
    """Return the motion between two planes; kept, as every cell of a section asks for the same few."""
    return target.inverse().after(source)


@dataclass(frozen=True, slots=True)
class Place:
    """Position of a section: sections of one chain are joined by good links.

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
        """Return the motion from the plane of this section to that of another one of its chain."""
        return _between(self.to_chain, other.to_chain)


@dataclass(frozen=True, slots=True)
class Spot:
    """One detection, as input of the tracker.

    Attributes
    ----------
    ellipse : Ellipse
        In the plane of the frame.
    cut : bool
        True if the edge of the frame cuts it, so that its size says little.
    confident : bool
    outline_um2 : float or None
        Area within its outline; None where only the ellipse is known.
    covered : bool
        True if it may be of the same cells as others.
    own : Ellipse or None
        What belongs to this cell alone, where `ellipse` may hold a neighbour too; None where it is not known.
    """

    ellipse: Ellipse
    cut: bool
    confident: bool = True
    outline_um2: float | None = None
    covered: bool = False
    own: Ellipse | None = None

    @property
    def linked(self) -> Ellipse:
        """The ellipse by which it is linked."""
        return self.ellipse if self.own is None else self.own

    @property
    def area_um2(self) -> float:
        """Area within its outline; of the ellipse where that is not known."""
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
        All that show it.
    missed : int
        Sections since the last sighting whose frame covers its place.
    areas : list of (int, float)
        Index of the section and area, um2, of sightings that the frame does not cut.
    cut_areas : list of (int, float)
        The same of those that it cuts.
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
        self.sightings = [*self.sightings, sighting][-SETTINGS.kept_sightings :]
        self.missed = 0
        self.sections.append(sighting.place.section)
        entry = sighting.place.index, sighting.spot.area_um2
        (self.cut_areas if sighting.spot.cut else self.areas).append(entry)


class Tracker:
    """Links detections section by section.

    Attributes
    ----------
    active : list of Track
        Those that may continue, and those that ended so recently that predictions may need them.
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
            Half of the width and height of the frame; a cell beyond is not counted as missed.

        Returns
        -------
        list of str
            The track of each detection; empty for covered ones that continue none.
        """
        self._retire(place)
        tracks = [track for track in self.active if track.last.place.chain == place.chain]
        predicted = [track.last.spot.linked.moved(track.last.place.onto(place)) for track in tracks]
        gaps = np.array([track.missed for track in tracks])
        shared, cost = _costs(predicted, tracks, gaps, spots)
        ids = [""] * len(spots)
        missed = set(range(len(tracks)))
        covered = np.array([spot.covered for spot in spots], dtype=np.bool_)
        for of_stage in (~covered, covered):
            rest = np.array(sorted(missed), dtype=np.intp)
            columns = np.flatnonzero(of_stage)
            for at, number in _assigned(cost[np.ix_(rest, columns)]):
                row, column = int(rest[at]), int(columns[number])
                tracks[row]._see(Sighting(place, spots[column]))
                ids[column] = tracks[row].id
                missed.discard(row)
        for row in missed:
            tracks[row].missed += _lies_within(predicted[row], tracks[row].last.spot.cut, half_size_um)
        for column, spot in enumerate(spots):
            if ids[column] or spot.covered:
                continue
            parent = _split_from(spot, tracks, missed, shared[:, column])
            self._count += 1
            track = Track(f"T{self._count:04d}", None if parent is None else parent.id)
            track._see(Sighting(place, spot))
            self.active.append(track)
            ids[column] = track.id
        return ids

    def _retire(self, place: Place) -> None:
        # Predictions look back by a gap, and sections come out late by another.
        late = place.index - 2 * SETTINGS.longest_gap - 1
        oldest = place.index - SETTINGS.longest_absence
        goes_on = [
            track.last.place.index >= late
            or (track.missed <= SETTINGS.longest_gap and track.last.place.index >= oldest)
            for track in self.active
        ]
        self.ended += [track for track, on in zip(self.active, goes_on, strict=True) if not on]
        self.active = [track for track, on in zip(self.active, goes_on, strict=True) if on]


def _box_um2(ellipse: Ellipse) -> float:
    """Return the area of the box around an ellipse, um2."""
    return 4 * ellipse.half_um[0] * ellipse.half_um[1]


def _sides(ellipses: Sequence[Ellipse]) -> NDArray[np.float64]:
    """Return left, lower, right and upper sides (N, 4), um."""
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
    """Return the areas that the boxes around ellipses share, (N, M), um2."""
    a, b = _sides(first)[:, None], _sides(second)[None]
    width = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    height = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    return np.asarray(np.maximum(width, 0) * np.maximum(height, 0))


def _costs(
    predicted: Sequence[Ellipse], tracks: Sequence[Track], gaps: NDArray[np.int64], spots: Sequence[Spot]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return shared areas, um2, and costs, both (tracks, detections); infinite where a link is ruled out."""
    ellipses = [spot.linked for spot in spots]
    shared = shared_um2(predicted, ellipses)
    before = np.array([_box_um2(ellipse) for ellipse in predicted]).reshape(-1, 1)
    after = np.array([_box_um2(ellipse) for ellipse in ellipses]).reshape(1, -1)
    overlap = shared / np.minimum(before, after)
    union = shared / (before + after - shared)
    growth = np.abs(np.log(after / before))
    cut = np.array([track.last.spot.cut for track in tracks], dtype=np.bool_)[:, None] | np.array(
        [spot.cut for spot in spots], dtype=np.bool_
    )
    cost = 1 - (union + overlap) / 2 + SETTINGS.size_weight * np.where(cut, 0, growth)
    cost += SETTINGS.gap_weight * gaps[:, None]
    allowed = (overlap >= SETTINGS.least_shared) & (cut | (growth < math.log(SETTINGS.largest_growth)))
    allowed &= (gaps <= SETTINGS.longest_gap)[:, None] & (cost < SETTINGS.unassigned_cost)
    return shared, np.where(allowed, cost, np.inf)


def _assigned(cost: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the pairs of least total cost, without those that cost more than staying alone."""
    if cost.size == 0:
        return []
    # Each row may also take a column of its own, at the cost of staying alone.
    alone = np.full((cost.shape[0], cost.shape[0]), 1e6)
    np.fill_diagonal(alone, SETTINGS.unassigned_cost)
    rows, columns = linear_sum_assignment(np.hstack([np.where(np.isinf(cost), 1e6, cost), alone]))
    return [
        (int(row), int(column))
        for row, column in zip(rows, columns, strict=True)
        if column < cost.shape[1] and np.isfinite(cost[row, column])
    ]


def _lies_within(ellipse: Ellipse, cut: bool, half_size_um: tuple[float, float]) -> bool:
    """Return True if a frame covers the centre of a cell; all of it, for one that the frame had cut."""
    return all(
        abs(at) + (half if cut else 0.0) < limit
        for at, half, limit in zip(ellipse.center_um, ellipse.half_um, half_size_um, strict=True)
    )


def _split_from(
    spot: Spot, tracks: Sequence[Track], missed: set[int], shared: NDArray[np.float64]
) -> Track | None:
    """Return the track that a new detection lies inside."""
    if shared.size == 0:
        return None
    row = int(shared.argmax())
    return None if row in missed or shared[row] < SETTINGS.inside * _box_um2(spot.linked) else tracks[row]
