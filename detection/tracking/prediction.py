"""Prediction of a cell in a section that misses it, from the sections around."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from config.work import DetectionConfig
from detection.registration.rigid import Ellipse
from detection.tracking.settings import SETTINGS
from detection.tracking.tracker import Place, Sighting, Track


def predict_missed(
    track: Track, place: Place, most_sections: int = SETTINGS.longest_gap
) -> tuple[Ellipse, tuple[str, ...]] | None:
    """Predict a cell in a section that misses it, from the sections around.

    Between two sightings the ellipse is interpolated; beyond the last it is extrapolated and shrinks as
    before (the cut of a sphere shrinks ever faster towards its end).

    Parameters
    ----------
    track : Track
    place : Place
        Of the section.
    most_sections : int
        Most sections from a sighting.

    Returns
    -------
    (Ellipse, tuple of str) or None
        The ellipse in the plane of the section, and the sections that show the cell; None if the section
        shows it itself, no sighting is near, or the cell has ended.
    """
    own = [one for one in track.sightings if one.place.chain == place.chain]
    near = [one for one in track.sightings if abs(one.place.index - place.index) <= most_sections]
    if any(one.place.index == place.index for one in near):
        return None
    before = [one for one in own if one.place.index < place.index]
    after = [one for one in own if one.place.index > place.index]
    first = before[-1] if before and place.index - before[-1].place.index <= most_sections else None
    second = after[0] if after and after[0].place.index - place.index <= most_sections else None
    if first is not None and second is not None:
        a, b = (one.spot.ellipse.moved(one.place.onto(place)) for one in (first, second))
        span = second.place.index - first.place.index
        return _between(a, b, (place.index - first.place.index) / span), (
            first.place.section,
            second.place.section,
        )
    side = before[::-1] if first is not None else after if second is not None else []
    if len(side) < 2 or abs(side[1].place.index - side[0].place.index) > most_sections:
        return None
    return _beyond(side, place)


def interpolate(
    track: Track, place: Place, most_sections: int = SETTINGS.completed_sections
) -> Ellipse | None:
    """Interpolate a cell in a section from both sides, seen there or not.

    Parameters
    ----------
    track : Track
    place : Place
        Of the section.
    most_sections : int
        Most sections from a sighting.

    Returns
    -------
    Ellipse or None
        The ellipse in the plane of the section; None if a side does not show the whole cell.
    """
    near = [
        one
        for one in track.sightings
        if one.place.chain == place.chain
        and 0 < abs(one.place.index - place.index) <= most_sections
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
    """Interpolate linearly between two ellipses."""
    center = tuple(p + (q - p) * share for p, q in zip(a.center_um, b.center_um, strict=True))
    half = tuple(p + (q - p) * share for p, q in zip(a.half_um, b.half_um, strict=True))
    return Ellipse((center[0], center[1]), (half[0], half[1]))


def _beyond(side: Sequence[Sighting], place: Place) -> tuple[Ellipse, tuple[str, ...]] | None:
    nearest, next_one = side[0], side[1]
    sizes = [one.spot.ellipse.area_um2 for one in side[: SETTINGS.sizes] if not one.spot.cut]
    steps = [abs(one.place.index - nearest.place.index) for one in side[: SETTINGS.sizes] if not one.spot.cut]
    away = abs(place.index - nearest.place.index)
    ellipse = nearest.spot.ellipse.moved(nearest.place.onto(place))
    if len(sizes) >= 3:
        # Mean growth inwards; outwards it shrinks at least as fast.
        slope = float(np.polyfit(steps, sizes, 1)[0])
        area = sizes[0] - max(slope, 0.0) * away
        share = math.sqrt(max(area, 0.0) / sizes[0])
        if share < SETTINGS.least_diameter:
            return None
        ellipse = replace(ellipse, half_um=(ellipse.half_um[0] * share, ellipse.half_um[1] * share))
    names = sorted((nearest.place, next_one.place), key=lambda one: one.index)
    return ellipse, tuple(one.section for one in names)


def prediction_margin_px(
    config: DetectionConfig, pixel_size_um: float, extent_uncertainty_um: float = 0.0
) -> int:
    """Return the margin of a predicted box, px: as for doubtful cells, since its place is a prediction."""
    margin_um = config.dilate_um + config.doubtful_extra_um + extent_uncertainty_um
    return math.ceil(margin_um / pixel_size_um - 1e-9)
