"""What the heights found in other sections say of one: the plane about it, and who does not go with that.

The nearest sections count only, so that a plate that is bent is followed.
"""

import math
from collections.abc import Sequence

from planner.focus_plane import FocusPlane, fit_focus_plane, leverage
from service.records import Focus, FocusBeam, FocusState

TOLERANCE_M = {FocusBeam.ELECTRON: 5e-6, FocusBeam.LIGHT: 2e-6}
"""Height that sections differ by from the plane about them: folds, dust, adhesive, noise of the focus."""
NEAREST = 12
"""Sections that a plane goes through."""
_ENOUGH = 4
"""Sections that must agree before a plane is believed more than a measurement: three always do."""
_FURTHEST = 2.0
"""Most leverage (`planner.focus_plane.leverage`) at which a plane counts: a row of four, and a step on."""


def measured(focuses: Sequence[Focus]) -> list[Focus]:
    """Return the last focus of each section that found a height, in the order in which they were found."""
    last = {focus.section: focus for focus in focuses if focus.found_m is not None}
    return sorted(last.values(), key=lambda focus: focus.id)


def expected_m(found: Sequence[Focus], place_m: tuple[float, float]) -> float | None:
    """Height that other sections of the same beam give a place, m; None where they cannot tell.

    Parameters
    ----------
    found : sequence of Focus
        Of `measured`.
    place_m : (float, float)
    """
    near = _nearest(found, place_m)
    plane, good = _plane(near)
    if plane is None or leverage([one.place_m for one in good], place_m) > _FURTHEST:
        return None
    return plane.at(place_m)


def strangers(found: Sequence[Focus], place_m: tuple[float, float]) -> list[Focus]:
    """Focuses near a place that were used and do not go with those about them, as it turns out now."""
    near = _nearest(found, place_m)
    strange = []
    for one in near:
        if one.state is FocusState.USED:
            height_m = expected_m([other for other in near if other is not one], one.place_m)
            if height_m is not None and far_off(one, height_m):
                strange.append(one)
    return strange


def far_off(focus: Focus, height_m: float) -> bool:
    """Whether what a focus found is too far from a height."""
    return focus.found_m is not None and abs(focus.found_m - height_m) > TOLERANCE_M[focus.beam]


def _nearest(found: Sequence[Focus], place_m: tuple[float, float]) -> list[Focus]:
    return sorted(found, key=lambda one: (math.dist(one.place_m, place_m), one.id))[:NEAREST]


def _plane(near: Sequence[Focus]) -> tuple[FocusPlane | None, list[Focus]]:
    """Plane that most of them agree on, and these; None while they are too few or of two minds."""
    if len(near) < _ENOUGH:
        return None, []
    heights = [one.found_m for one in near if one.found_m is not None]
    fit = fit_focus_plane([one.place_m for one in near], heights, TOLERANCE_M[near[0].beam])
    good = [one for n, one in enumerate(near) if n not in fit.outliers]
    if len(good) < _ENOUGH or 2 * len(good) <= len(near):
        return None, []
    return fit.plane, good
