"""Checks of the input of a plan; each error is one sentence that names what is wrong."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from shapely import Polygon

from planner.errors import PlannerError
from planner.geometry.rects import RectM
from planner.values import Box, Field


def check_fields(fields: Sequence[Field]) -> None:
    """Raise PlannerError unless there is a field, and each has a unique name and a rectangle."""
    if not fields:
        raise PlannerError("there is no field; at least one with saved fluorescence is needed")
    _check_names("field", (field.id for field in fields))
    for field in fields:
        _check_rect(f"field {field.id}: rect_m", field.rect_m)
        if field.guard_m is not None and not 0 <= field.guard_m < math.inf:
            raise PlannerError(
                f"field {field.id}: guard_m must be a number from zero up, not {field.guard_m}"
            )


def check_boxes(boxes: Sequence[Box]) -> None:
    """Raise PlannerError unless each box has a unique name and rectangles."""
    _check_names("box", (box.id for box in boxes))
    for box in boxes:
        _check_rect(f"box {box.id}: rect_m", box.rect_m)
        if box.keep_m is not None:
            _check_rect(f"box {box.id}: keep_m", box.keep_m)


def check_start(start_m: tuple[float, float] | None) -> None:
    """Raise PlannerError unless the start, if any, is finite."""
    if start_m is not None and not all(math.isfinite(v) for v in start_m):
        raise PlannerError(f"the start of the route must be two finite numbers, not {start_m}")


def check_rects(what: str, rects: Sequence[RectM]) -> None:
    """Raise PlannerError unless each is a rectangle."""
    for number, rect in enumerate(rects):
        _check_rect(f"{what} ground {number}", rect)


def outline_polygon(corners_m: Sequence[tuple[float, float]]) -> Polygon:
    """Return the polygon of an outline; raise PlannerError if its corners do not form one."""
    if len(corners_m) < 3 or not all(len(c) == 2 and all(math.isfinite(v) for v in c) for c in corners_m):
        raise PlannerError("the outline must be three corners or more, each of two finite numbers")
    polygon = Polygon(corners_m)
    if not polygon.is_valid or polygon.area == 0:
        raise PlannerError("the outline must be the corners of a polygon that does not cross itself")
    return polygon


def _check_names(kind: str, names: Iterable[str]) -> None:
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise PlannerError(f"{kind} {twice} comes twice; every {kind} needs a name of its own")


def _check_rect(what: str, rect: RectM) -> None:
    if len(rect) != 4 or not all(math.isfinite(v) for v in rect):
        raise PlannerError(f"{what} must be four finite numbers, not {list(rect)}")
    x0, y0, x1, y1 = rect
    if x0 >= x1 or y0 >= y1:
        raise PlannerError(f"{what} must have x0 < x1 and y0 < y1, not {list(rect)}")
