"""Sections in a row without gaps: parts of a ribbon that look alike, with lines between them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detection.overview import quads
from detection.overview.common_shape.joints import CLEAR_TEETH, joint_rank, joints_of, saw_teeth
from detection.overview.common_shape.strips import Strip, likeness, strips_along
from detection.overview.ground import Ground
from detection.overview.settings import PartsSettings
from detection.overview.values import Corners


@dataclass(frozen=True, slots=True)
class Division:
    """Number of equal parts of an outline.

    Attributes
    ----------
    parts : int
        1 for an outline that is whole, as far as is known.
    sure : bool
        False where the picture does not decide.
    corners : tuple of (4, 2) array
        The parts, working pixels; none for a whole outline.
    """

    parts: int
    sure: bool
    corners: tuple[Corners, ...] = ()


WHOLE = Division(1, sure=True)


def divided(strips: Sequence[Strip], settings: PartsSettings) -> Division:
    """Return the sections in a row in a region, seen along either of its axes."""
    best = WHOLE
    for strip in strips:
        parts, sure = sections_in([strip], settings)
        if (parts, not sure) > (best.parts, not best.sure):
            best = Division(parts, sure, corners_of(strip, parts) if parts > 1 else ())
    return best


def corners_of(strip: Strip, parts: int) -> tuple[Corners, ...]:
    """Return the corners of equal parts of a strip."""
    places = [0.0, *joints_of(strip, parts), strip.length - 1.0]
    return tuple(strip.part(first, last) for first, last in pairwise(places))


def usual_division(ground: Ground, outlines: Sequence[Corners], settings: PartsSettings) -> Division:
    """Return the division of outlines of one shape on which they agree, with the parts of all of them."""
    looked_at = [_long_side_first(one) for one in outlines[: settings.most_strips]]
    each = [strips_along(ground, one, _sides(one)) for one in looked_at]
    best = WHOLE
    for axis in (0, 1):
        strips = [one[axis] for one in each if len(one) == 2]
        parts, sure = sections_in(strips, settings) if strips else (1, True)
        if (parts, not sure) > (best.parts, not best.sure):
            corners = (
                tuple(part for strip in strips for part in corners_of(strip, parts)) if parts > 1 else ()
            )
            best = Division(parts, sure, corners)
    return best if best.parts > 1 else _vote([divided(one, settings) for one in each], best)


def _vote(found: Sequence[Division], otherwise: Division) -> Division:
    """Return the division of half of the outlines: squares may lie either way."""
    votes = Counter(one.parts for one in found if one.parts > 1)
    parts, most = votes.most_common(1)[0] if votes else (1, 0)
    if not most or 2 * most < len(found):
        doubted = sum(one.parts > 1 or not one.sure for one in found)
        return Division(1, otherwise.sure and 2 * doubted <= len(found))
    same = [one for one in found if one.parts == parts]
    sure = 2 * sum(one.sure for one in same) >= len(same)
    return Division(parts, sure, tuple(corners for one in same for corners in one.corners))


def shows_nothing(ground: Ground, outlines: Sequence[Corners], settings: PartsSettings) -> bool:
    """Return True if outlines show nothing inside by which two sections could be told from one."""
    strips = [strip for one in outlines for strip in strips_along(ground, one, _sides(one))]
    return bool(strips) and float(np.median([likeness(one, 2)[2] for one in strips])) < settings.plain


def sections_in(strips: Sequence[Strip], settings: PartsSettings) -> tuple[int, bool]:
    """Return the number of sections in a row in strips of one size, and True if there is no doubt.

    Neighbouring sections look alike, and the line between them is one of the strongest across the strip. The
    halves of one section differ, as the tissue does. Where tissue has stronger edges than the line, parts
    that hardly differ are enough, and parts that are alike leave a doubt. In sections that show nothing
    inside, a line in the middle proves nothing, since all sections would have it, but several at equal
    distances do. Trapezoids need nothing inside: the width steps at each joint.
    """
    length = float(np.median([one.length for one in strips]))
    width = float(np.median([one.width for one in strips]))
    shortest = max(settings.least_px, width / settings.most_aspect)
    teeth = {
        parts: float(np.median([saw_teeth(one, parts) for one in strips]))
        for parts in range(1, int(length / shortest) + 1)
        if length / parts <= settings.most_aspect * width
    }
    toothed = max(teeth, key=lambda parts: teeth[parts], default=1)
    if toothed > 1 and teeth[toothed] >= CLEAR_TEETH:
        return toothed, True
    alike: dict[int, float] = {}
    lined: list[int] = []
    sure = True
    for parts in range(2, int(length / shortest) + 1):
        if length / parts > settings.most_aspect * width:
            continue
        correlation, repeated, structure = np.median([likeness(one, parts) for one in strips], axis=0)
        rank = float(np.median([joint_rank(one, parts) for one in strips]))
        least = settings.alike if parts > 2 else settings.halves_alike
        if correlation >= least and repeated >= settings.plain:
            if rank <= settings.any_line or correlation >= settings.same:
                alike[parts] = float(correlation)
            else:
                sure = False
        elif structure < settings.plain and rank <= settings.clear_line:
            lined.append(parts)
    if alike:
        least = settings.as_alike * max(alike.values())
        parts = max(parts for parts, one in alike.items() if one >= least)
        # Sections that are plain but for their brightness are alike in groups.
        return max([parts, *(one for one in lined if one % parts == 0)]), True
    if not lined or max(lined) < settings.least_parts:
        return 1, sure and not lined
    return max(lined), max(lined) >= settings.sure_parts


def _long_side_first(corners: Corners) -> Corners:
    return np.roll(corners, -int(np.argmax(quads.sides(corners))), axis=0)


def _sides(corners: Corners) -> list[NDArray[np.float64]]:
    first, second, third, fourth = corners
    return [second + third - first - fourth, third + fourth - first - second]
