"""Expected focus of a section from the heights of its neighbours, and outliers among them.

Only the nearest sections count, so that the plane follows a bent plate.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from planner.focus_plane import FocusPlane, fit_focus_plane, leverage
from service.model.focus import Focus, FocusBeam, FocusState

TOLERANCE_M = {FocusBeam.ELECTRON: 5e-6, FocusBeam.LIGHT: 2e-6}
"""Distance of good focuses from the plane around them: folds, dust, adhesive, noise. Chosen by hand."""
NEAREST = 8
"""Sections to which a plane is fitted. Chosen by hand."""
ENOUGH = 4
"""Sections that must agree before a plane overrules a measurement: any three lie on one."""
_SURE = 3.0
"""Largest leverage (`planner.focus_plane.leverage`) near the sections: 2.7 one step beyond a row of five."""
_BESIDE = 4
"""Sections beside one that may explain its height alone, where the plate bends. On 36 simulated rows of 30
with a bend or a step and 8 % wrong focuses, 36 good ones were reported in place of 188, and all 29 wrong ones
still were; with 2 and 3 nothing changed, as their plane is not sure."""
_FURTHEST = 25.0
"""Largest leverage of a usable plane: its error is then five times that of a single focus."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Height that the plane of other sections gives a place.

    Attributes
    ----------
    height_m : float
    leverage : float
        Its uncertainty, by `planner.focus_plane.leverage`.
    """

    height_m: float
    leverage: float

    @property
    def sure(self) -> bool:
        """True if it is about as certain as a focus."""
        return self.leverage <= _SURE

    def off_m(self, focus: Focus) -> float | None:
        """Return the distance of a focus from the plane, m; None if it is within the errors of both."""
        if focus.found_m is None:
            return None
        off_m = focus.found_m - self.height_m
        return off_m if abs(off_m) > TOLERANCE_M[focus.beam] * math.sqrt(1 + self.leverage) else None


def measured(focuses: Sequence[Focus]) -> list[Focus]:
    """Return the last focus of each section that found a height, oldest first."""
    last = {focus.section: focus for focus in focuses if focus.found_m is not None}
    return sorted(last.values(), key=lambda focus: focus.id)


def expected(found: Sequence[Focus], place_m: tuple[float, float]) -> Expected | None:
    """Return the height that other sections give a place; None if they are too few, far or inconsistent.

    Parameters
    ----------
    found : sequence of Focus
        Focuses of one beam, from `measured`.
    place_m : (float, float)
    """
    plane, good = _plane(_nearest(found, place_m))
    if plane is None:
        return None
    height = Expected(plane.at(place_m), leverage([one.place_m for one in good], place_m))
    return height if height.leverage <= _FURTHEST else None


def likely_m(found: Sequence[Focus], place_m: tuple[float, float]) -> float | None:
    """Return the height at which to start, m: that of the plane, else of the nearest section that has one."""
    plane = expected(found, place_m)
    if plane is not None:
        return plane.height_m
    good = [one for one in found if one.state is FocusState.USED]
    return _nearest(good, place_m)[0].found_m if good else None


def outliers(found: Sequence[Focus], place_m: tuple[float, float]) -> list[Focus]:
    """Return the focuses near a place that were used, but are off the plane of those around them.

    On a bent plate that plane is the one of the larger part: a focus that fits the few beside it is right.
    """
    near = _nearest(found, place_m)
    wrong = []
    for one in near:
        plane = expected([other for other in near if other is not one], one.place_m)
        off = one.state is FocusState.USED and plane is not None and plane.off_m(one) is not None
        if off and not _fits_beside(one, found):
            wrong.append(one)
    return wrong


def _fits_beside(one: Focus, found: Sequence[Focus]) -> bool:
    """Return True if a focus lies on the plane of the sections beside it, as far as these make it sure."""
    others = [other for other in found if other is not one]
    beside = sorted(others, key=lambda other: (math.dist(other.place_m, one.place_m), other.id))[:_BESIDE]
    heights = [other.found_m for other in beside if other.found_m is not None]
    places = [other.place_m for other in beside]
    fit = fit_focus_plane(places, heights, TOLERANCE_M[one.beam])
    height = Expected(fit.plane.at(one.place_m), leverage(places, one.place_m))
    return height.sure and height.off_m(one) is None


def _nearest(found: Sequence[Focus], place_m: tuple[float, float]) -> list[Focus]:
    return sorted(found, key=lambda one: (math.dist(one.place_m, place_m), one.id))[:NEAREST]


def _plane(near: Sequence[Focus]) -> tuple[FocusPlane | None, list[Focus]]:
    """Return the plane that most agree on, and these; None while they are too few or inconsistent."""
    if len(near) < ENOUGH:
        return None, []
    heights = [one.found_m for one in near if one.found_m is not None]
    fit = fit_focus_plane([one.place_m for one in near], heights, TOLERANCE_M[near[0].beam])
    good = [one for n, one in enumerate(near) if n not in fit.outliers]
    if len(good) < ENOUGH or 2 * len(good) <= len(near):
        return None, []
    return fit.plane, good
