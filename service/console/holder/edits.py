"""Corrections of the sections of a holder: functions from values to values."""

import math
import re
from collections.abc import Callable
from dataclasses import replace

from service.console.computer.holder import HolderMap, HolderSection, Point, Polygon

_NUMBER = re.compile(r"S(\d{4,6})")
_LAST = 999_999
"""Largest number of a section that a list may have."""


def moved(shown: HolderMap, name: str, by: Point) -> HolderMap:
    """Move a section with all that belongs to it."""
    return _changed(shown, name, lambda one: _mapped(one, lambda p: (p[0] + by[0], p[1] + by[1])))


def turned(shown: HolderMap, name: str, degrees: float) -> HolderMap:
    """Turn a section about its centre, counter-clockwise as one sees it."""

    def turn(one: HolderSection) -> HolderSection:
        (cx, cy), way = one.center, math.radians(degrees)
        cos, sin = math.cos(way), math.sin(way)

        def point(p: Point) -> Point:
            x, y = p[0] - cx, p[1] - cy
            return cx + cos * x + sin * y, cy - sin * x + cos * y

        rotation = one.rotation_deg
        new = None if rotation is None else math.remainder(rotation + degrees, 360.0)
        return replace(_mapped(one, point), center=one.center, rotation_deg=new)

    return _changed(shown, name, turn)


def added(shown: HolderMap, at: Point) -> tuple[HolderMap, str]:
    """Add a section of the common shape, turned as its nearest neighbour is; also return its id.

    Nothing changes, and the id is empty, where no outline is known.
    """
    common, name = common_shape(shown), next_id(shown)
    if common is None or not name:
        return shown, ""
    neighbour = min((one for one in shown.sections if one.outline), key=lambda one: math.dist(one.center, at))
    x, y = common.center
    outline = tuple((px - x + at[0], py - y + at[1]) for px, py in common.outline)
    one = HolderSection(name, at, common.rotation_deg, outline)
    grown = replace(shown, sections=(*shown.sections, one), stage_order=())
    if common.rotation_deg is None or neighbour.rotation_deg is None:
        return grown, name
    return turned(grown, name, neighbour.rotation_deg - common.rotation_deg), name


def removed(shown: HolderMap, name: str) -> HolderMap:
    """Remove a section or a doubtful outline."""
    return replace(
        shown,
        sections=tuple(one for one in shown.sections if one.id != name),
        doubtful=tuple(one for one in shown.doubtful if one.id != name),
        stage_order=tuple(one for one in shown.stage_order if one != name),
    )


def accepted(shown: HolderMap, name: str) -> tuple[HolderMap, str]:
    """Take a doubtful outline for a section, the last one; also return its id."""
    one, number = next((one for one in shown.doubtful if one.id == name), None), next_id(shown)
    if one is None or not number:
        return shown, name
    taken = replace(one, id=number, doubt="")
    left = tuple(other for other in shown.doubtful if other.id != name)
    return replace(shown, sections=(*shown.sections, taken), doubtful=left, stage_order=()), number


def placed(shown: HolderMap, name: str, place: int) -> HolderMap:
    """Put a section at a place of the order, counted from 1."""
    one = next((one for one in shown.sections if one.id == name), None)
    if one is None:
        return shown
    others = [other for other in shown.sections if other.id != name]
    others.insert(min(max(place, 1), len(shown.sections)) - 1, one)
    return replace(shown, sections=tuple(others))


def next_id(shown: HolderMap) -> str:
    """Return the id of the next section; empty if there can be none."""
    numbers = [int(found[1]) for one in shown.sections if (found := _NUMBER.fullmatch(one.id))]
    number = max(numbers, default=0) + 1
    return f"S{number:04d}" if number <= _LAST else ""


def common_shape(shown: HolderMap) -> HolderSection | None:
    """Return the section whose outline has the median area; None if no outline is known."""
    outlined = sorted((one for one in shown.sections if one.outline), key=lambda one: area(one.outline))
    return outlined[len(outlined) // 2] if outlined else None


def area(outline: Polygon) -> float:
    """Return the area of a polygon."""
    pairs = zip(outline, (*outline[1:], outline[0]), strict=True)
    return abs(math.fsum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs)) / 2


def outside(shown: HolderMap, safe: Polygon) -> frozenset[str]:
    """Return the ids of sections that leave a convex area; none while it is unknown."""
    if not safe:
        return frozenset()
    return frozenset(one.id for one in shown.sections if not all(_inside(p, safe) for p in one.corners))


def _inside(point: Point, safe: Polygon) -> bool:
    sides = [
        (x1 - x0) * (point[1] - y0) - (y1 - y0) * (point[0] - x0)
        for (x0, y0), (x1, y1) in zip(safe, (*safe[1:], safe[0]), strict=True)
    ]
    return min(sides) >= 0 or max(sides) <= 0


def _changed(shown: HolderMap, name: str, change: Callable[[HolderSection], HolderSection]) -> HolderMap:
    def each(group: tuple[HolderSection, ...]) -> tuple[HolderSection, ...]:
        return tuple(change(one) if one.id == name else one for one in group)

    return replace(shown, sections=each(shown.sections), doubtful=each(shown.doubtful))


def _mapped(one: HolderSection, point: Callable[[Point], Point]) -> HolderSection:
    def polygon(points: Polygon) -> Polygon:
        return tuple(map(point, points))

    return replace(
        one,
        center=point(one.center),
        outline=polygon(one.outline),
        regions=tuple(map(polygon, one.regions)),
        focus_points=polygon(one.focus_points),
        magnet=polygon(one.magnet),
    )
