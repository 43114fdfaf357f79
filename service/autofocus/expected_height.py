"""What the heights found in other sections say of one: the plane about it, and who does not go with that.

The nearest sections count only, so that a plate that is bent is followed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from planner.focus_plane import FocusPlane, fit_focus_plane, leverage
from service.model.focus import Focus, FocusBeam, FocusState

TOLERANCE_M = {FocusBeam.ELECTRON: 5e-6, FocusBeam.LIGHT: 2e-6}
"""Height that sections differ by from the plane about them: folds, dust, adhesive, noise of the focus."""
NEAREST = 8
"""Sections that a plane goes through."""
ENOUGH = 4
"""Sections that must agree before a plane is believed more than a measurement: three always do."""
_SURE = 3.0
"""Most leverage (`planner.focus_plane.leverage`) close to the sections of a plane: a step behind five."""
_FURTHEST = 25.0
"""Most leverage at which a plane tells anything: it is then as far off as five times a single focus."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the plane of other sections says of a place.

    Attributes
    ----------
    height_m : float
    leverage : float
        How uncertain that is, by `planner.focus_plane.leverage`.
    """

    height_m: float
    leverage: float

    @property
    def sure(self) -> bool:
        """Whether it is about as certain as a focus."""
        return self.leverage <= _SURE

    def off_m(self, focus: Focus) -> float | None:
        """How far off a focus is, m, where that is more than both can err; None where it is not."""
        if focus.found_m is None:
            return None
        off_m = focus.found_m - self.height_m
        return off_m if abs(off_m) > TOLERANCE_M[focus.beam] * math.sqrt(1 + self.leverage) else None


def measured(focuses: Sequence[Focus]) -> list[Focus]:
    """Return the last focus of each section that found a height, in the order in which they were found."""
    last = {focus.section: focus for focus in focuses if focus.found_m is not None}
    return sorted(last.values(), key=lambda focus: focus.id)


def expected(found: Sequence[Focus], place_m: tuple[float, float]) -> Expected | None:
    """Height that other sections of the same beam give a place; None where they cannot tell.

    Parameters
    ----------
    found : sequence of Focus
        Of `measured`.
    place_m : (float, float)
    """
    plane, good = _plane(_nearest(found, place_m))
    if plane is None:
        return None
    told = Expected(plane.at(place_m), leverage([one.place_m for one in good], place_m))
    return told if told.leverage <= _FURTHEST else None


def likely_m(found: Sequence[Focus], place_m: tuple[float, float]) -> float | None:
    """Height to begin with at a place, m: that of the plane, else of the nearest section that has one."""
    told = expected(found, place_m)
    if told is not None:
        return told.height_m
    good = [one for one in found if one.state is FocusState.USED]
    return _nearest(good, place_m)[0].found_m if good else None


def strangers(found: Sequence[Focus], place_m: tuple[float, float]) -> list[Focus]:
    """Focuses near a place that were used and do not go with those about them, as it turns out now."""
    near = _nearest(found, place_m)
    strange = []
    for one in near:
        told = expected([other for other in near if other is not one], one.place_m)
        if one.state is FocusState.USED and told is not None and told.off_m(one) is not None:
            strange.append(one)
    return strange


def _nearest(found: Sequence[Focus], place_m: tuple[float, float]) -> list[Focus]:
    return sorted(found, key=lambda one: (math.dist(one.place_m, place_m), one.id))[:NEAREST]


def _plane(near: Sequence[Focus]) -> tuple[FocusPlane | None, list[Focus]]:
    """Plane that most of them agree on, and these; None while they are too few or of two minds."""
    if len(near) < ENOUGH:
        return None, []
    heights = [one.found_m for one in near if one.found_m is not None]
    fit = fit_focus_plane([one.place_m for one in near], heights, TOLERANCE_M[near[0].beam])
    good = [one for n, one in enumerate(near) if n not in fit.outliers]
    if len(good) < ENOUGH or 2 * len(good) <= len(near):
        return None, []
    return fit.plane, good
