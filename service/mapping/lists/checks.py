"""Checks of what a section list says; an error names the field, and the reader adds the line."""

import math
import re
from collections.abc import Sequence
from typing import Any

from shapely import Polygon as Shape
from shapely import is_valid_reason

from service.mapping.values import (
    MappedSection,
    Point,
    Polygon,
    SectionList,
    Unit,
    first_edge_deg,
    rotation_of,
)

MOST_SECTIONS = 100_000
_MOST_CORNERS = 1000
_LARGEST = 1e9
"""Pixels or um; no holder is a kilometre wide."""
_ID = re.compile(r"S(\d{4,6})")


class FieldError(ValueError):
    """Raised when a field of a list is wrong.

    Parameters
    ----------
    message : str
        What is wrong, and what would be right.
    path : tuple of str or int
        Keys and numbers that lead to the field.
    """

    def __init__(self, message: str, *path: str | int) -> None:
        super().__init__(message)
        self.path = path

    def below(self, *parents: str | int) -> "FieldError":
        """Return the same error of a field that lies deeper in the file."""
        return FieldError(str(self), *parents, *self.path)


def number(value: Any) -> float:
    """Return a number; of text only where it is a plain decimal number.

    Raises
    ------
    FieldError
        Raised when it is none.
    """
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise FieldError(f"{_short(value)} is not a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FieldError(f"{_short(value)} is not a number")
    if not math.isfinite(value) or abs(value) > _LARGEST:
        raise FieldError(f"{_short(value)} is not a number of a position or an angle")
    return float(value)


def numbers(values: Sequence[Any]) -> list[float]:
    """Return numbers; the error says which is wrong."""
    found = []
    for n, value in enumerate(values, 1):
        try:
            found.append(number(value))
        except FieldError as error:
            raise FieldError(f"number {n} of {len(values)}: {error}") from None
    return found


def point(value: Any) -> Point:
    """Return a point from two numbers."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise FieldError("a point is two numbers, x and y")
    x, y = numbers(value)
    return x, y


def polygon(value: Any) -> Polygon:
    """Return a polygon from a list of points.

    Raises
    ------
    FieldError
        Raised when it has too few or too many corners, crosses itself, or has no area.
    """
    if not isinstance(value, list | tuple):
        raise FieldError("a polygon is a list of points [x, y]")
    if len(value) > _MOST_CORNERS:
        raise FieldError(f"has {len(value)} corners; at most {_MOST_CORNERS} are read")
    corners = []
    for n, one in enumerate(value, 1):
        try:
            corners.append(point(one))
        except FieldError as error:
            raise FieldError(f"corner {n}: {error}") from None
    if len(corners) > 3 and corners[0] == corners[-1]:
        corners.pop()
    if len(corners) < 3:
        raise FieldError(f"has {len(corners)} corners; a polygon needs three or more")
    shape = Shape(corners)
    if shape.convex_hull.area == 0:
        raise FieldError("has no area: its corners lie on a line")
    if not shape.is_valid:
        raise FieldError(f"crosses or touches itself{_crossing(shape)}; list its corners one after another")
    return tuple(corners)


def _crossing(shape: Shape) -> str:
    """Return where a polygon crosses itself, for a message; GEOS has it in brackets."""
    found = re.search(r"\[(\S+) (\S+)\]", is_valid_reason(shape))
    return f" at ({float(found[1]):.6g}, {float(found[2]):.6g})" if found else ""


def section_id(value: Any) -> str:
    """Return the id of a section: S0012 from 12, "12" or "S0012".

    Raises
    ------
    FieldError
        Raised when it is none of these.
    """
    if isinstance(value, str) and _ID.fullmatch(value):
        return value
    if isinstance(value, str) and value.isascii() and value.strip().isdecimal() and len(value) < 10:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**6:
        return f"S{value:04d}"
    raise FieldError(
        f"{_short(value)} is not the id of a section; it is a number, or S and four to six digits"
    )


def section_number(section: str) -> int:
    """Return the number of a section from its id."""
    return int(section[1:])


def section(
    unit: Unit,
    name: str,
    outline: Polygon | None,
    center: Point | None,
    angle_deg: float | None,
    regions: Sequence[Polygon] = (),
) -> MappedSection:
    """Return a section of which some fields may be missing.

    Raises
    ------
    FieldError
        Raised when it has neither outline nor centre, or its centre lies outside the box of its outline.
    """
    if outline is None and center is None:
        raise FieldError("needs a polygon or a center")
    if outline is not None:
        xs, ys = zip(*outline, strict=True)
        if center is None:
            center = (math.fsum(xs) / len(xs), math.fsum(ys) / len(ys))
        elif not (min(xs) <= center[0] <= max(xs) and min(ys) <= center[1] <= max(ys)):
            raise FieldError(f"({center[0]:g}, {center[1]:g}) lies outside of the polygon", "center")
        rotation = first_edge_deg(outline, unit) if angle_deg is None else rotation_of(angle_deg)
        return MappedSection(name, center, rotation, outline, tuple(regions))
    assert center is not None
    rotation_or_none = None if angle_deg is None else rotation_of(angle_deg)
    return MappedSection(name, center, rotation_or_none, None, tuple(regions))


def ordered(found: SectionList, cutting_order: Sequence[str]) -> SectionList:
    """Return a list with its sections in a given order of cutting.

    Raises
    ------
    FieldError
        Raised when the order does not name each section once.
    """
    check_order(found, cutting_order)
    if len(cutting_order) < len(found.sections):
        left = next(s.id for s in found.sections if s.id not in set(cutting_order))
        raise FieldError(f"does not name section {left}; it must name each section once")
    by_id = {one.id: one for one in found.sections}
    return SectionList(
        found.unit, tuple(by_id[name] for name in cutting_order), True, found.stage_order, found.landmarks
    )


def check_order(found: SectionList, order: Sequence[str]) -> None:
    """Refuse an order that names a section twice, or one that is not in the list."""
    known = {one.id for one in found.sections}
    seen: set[str] = set()
    for name in order:
        if name not in known:
            raise FieldError(f"names section {name}, which is not in the list")
        if name in seen:
            raise FieldError(f"names section {name} twice")
        seen.add(name)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:36]}...'"
