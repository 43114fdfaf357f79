"""Where a cell must be in a section in which it was missed, from the sections around it."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from config.work import DetectionConfig
from detection.registration.rigid import Ellipse
from detection.tracking.tracker import LONGEST_GAP, Place, Sighting, Track

LEAST_SHARE = 0.35
"""Of its last diameter; a cell that has shrunk below is taken to have ended."""
SIZES = 5


def carried(track: Track, place: Place, reach: int = LONGEST_GAP) -> tuple[Ellipse, tuple[str, ...]] | None:
    """Predict a cell in a section in which it was missed, from the sections around it.

    Between two sightings the ellipse is interpolated; beyond the last it is extrapolated, and shrinks as it
    shrank before (the cut of a sphere falls ever faster towards its end).

    Parameters
    ----------
    track : Track
    place : Place
        Of the section.
    reach : int
        Most sections from a sighting.

    Returns
    -------
    (Ellipse, tuple of str) or None
        The ellipse in the plane of the section, and where the cell was seen; None where nothing is to be
        carried: the cell was seen, is too far, or has shrunk to nothing.
    """
    own = [one for one in track.sightings if one.place.chain == place.chain]
    near = [one for one in track.sightings if abs(one.place.index - place.index) <= reach]
    if any(one.place.index == place.index for one in near):
        return None
    before = [one for one in own if one.place.index < place.index]
    after = [one for one in own if one.place.index > place.index]
    first = before[-1] if before and place.index - before[-1].place.index <= reach else None
    second = after[0] if after and after[0].place.index - place.index <= reach else None
    if first is not None and second is not None:
        a, b = (one.spot.ellipse.moved(one.place.onto(place)) for one in (first, second))
        span = second.place.index - first.place.index
        return _between(a, b, (place.index - first.place.index) / span), (
            first.place.section,
            second.place.section,
        )
    side = before[::-1] if first is not None else after if second is not None else []
    if len(side) < 2 or abs(side[1].place.index - side[0].place.index) > reach:
        return None
    return _beyond(side, place)


def expected(track: Track, place: Place, reach: int = 2) -> Ellipse | None:
    """Predict a cell in a section from the sections on both sides alone, whether or not it was seen there.

    Parameters
    ----------
    track : Track
    place : Place
        Of the section.
    reach : int
        Most sections from a sighting.

    Returns
    -------
    Ellipse or None
        The ellipse in the plane of the section; None where one side does not show the cell whole.
    """
    near = [
        one
        for one in track.sightings
        if one.place.chain == place.chain
        and 0 < abs(one.place.index - place.index) <= reach
        and not one.spot.cut
    ]
    before = [one for one in near if one.place.index < place.index]
    after = [one for one in near if one.place.index > place.index]
    if not before or not after:
        return None
    first, second = before[-1], after[0]
    span = second.place.index - first.place.index
    a, b = (one.spot.ellipse.moved(one.place.onto(place)) for one in (first, second))
    return _between(a, b, (place.index - first.place.index) / span)


def _between(a: Ellipse, b: Ellipse, share: float) -> Ellipse:
    """Ellipse between two, the larger half axes of both where in doubt."""
    center = tuple(p + (q - p) * share for p, q in zip(a.center_um, b.center_um, strict=True))
    half = tuple(p + (q - p) * share for p, q in zip(a.half_um, b.half_um, strict=True))
    return Ellipse((center[0], center[1]), (half[0], half[1]))


def _beyond(side: Sequence[Sighting], place: Place) -> tuple[Ellipse, tuple[str, ...]] | None:
    nearest, next_one = side[0], side[1]
    sizes = [one.spot.ellipse.area_um2 for one in side[:SIZES] if not one.spot.cut]
    steps = [abs(one.place.index - nearest.place.index) for one in side[:SIZES] if not one.spot.cut]
    away = abs(place.index - nearest.place.index)
    ellipse = nearest.spot.ellipse.moved(nearest.place.onto(place))
    if len(sizes) >= 3:
        # Mean growth inwards; it falls at least as fast outwards.
        slope = float(np.polyfit(steps, sizes, 1)[0])
        area = sizes[0] - max(slope, 0.0) * away
        share = math.sqrt(max(area, 0.0) / sizes[0])
        if share < LEAST_SHARE:
            return None
        ellipse = replace(ellipse, half_um=(ellipse.half_um[0] * share, ellipse.half_um[1] * share))
    names = sorted((nearest.place, next_one.place), key=lambda one: one.index)
    return ellipse, tuple(one.section for one in names)


def margin_px_of(config: DetectionConfig, pixel_size_um: float, unsure_um: float = 0.0) -> int:
    """Margin of what is carried, px: its place is a prediction, so it counts as doubtful."""
    margin_um = config.dilate_um + config.doubtful_extra_um + unsure_um
    return math.ceil(margin_um / pixel_size_um - 1e-9)
