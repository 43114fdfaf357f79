"""Every cell has required ground or a reason, whatever became of others, and the guard of where it lies."""

from dataclasses import replace

import pytest

from planner.cover.required import guard_m
from planner.plan import plan
from planner.values import Box, Field
from tests.planner.strategies import UM, listing, settings

FIELD = Field("F000", (0.0, 0.0, 91 * UM, 91 * UM))


def box(name: str, x0: float, y0: float, x1: float, y1: float) -> Box:
    return Box(name, (x0 * UM, y0 * UM, x1 * UM, y1 * UM))


def test_a_cell_without_a_frame_costs_none_of_those_after_it_theirs() -> None:
    boxes = [
        box("a outside", 200, 40, 208, 48),
        box("b at the edge", 0, 40, 1.9, 48),
        box("c imaged", 60, 60, 66, 66),
        box("d whole", 20, 20, 28, 28),
    ]
    done = (50 * UM, 50 * UM, 76 * UM, 76 * UM)
    result = plan("S0001", [FIELD], boxes, settings(), exposed=[done])
    assert [(one.box, one.reason.split()[0]) for one in result.skipped] == [
        ("a outside", "outside"),
        ("b at the edge", "nothing"),
        ("c imaged", "already"),
    ]
    assert len(listing(result, "d whole")) == 1
    assert not result.clipped


@pytest.mark.parametrize(
    ("own", "keep", "expected"),
    [
        ((None, None), None, 1.5),
        ((3.0, None), None, 3.0),
        ((0.5, None), None, 0.5),
        ((None, 3.0), None, 1.5),
        # What is kept of it reaches into the other field.
        ((0.5, 3.0), (40, 40, 95, 48), 3.0),
        ((0.5, None), (40, 40, 95, 48), 1.5),
    ],
)
def test_a_cell_has_the_largest_guard_of_the_fields_that_it_touches(
    own: tuple[float | None, float | None], keep: tuple[float, ...] | None, expected: float
) -> None:
    fields = [
        replace(FIELD, guard_m=None if own[0] is None else own[0] * UM),
        Field("F001", (91 * UM, 0.0, 182 * UM, 91 * UM), None if own[1] is None else own[1] * UM),
    ]
    cell = box("c", 40, 40, 50, 48)
    if keep is not None:
        x0, y0, x1, y1 = (value * UM for value in keep)
        cell = replace(cell, keep_m=(x0, y0, x1, y1))
    assert guard_m(cell, fields, settings()) == pytest.approx(expected * UM)
    if keep is None:
        left_m = min(frame.rect_m[0] for frame in plan("S0001", fields, [cell], settings()).frames)
        assert left_m == pytest.approx((38 - expected) * UM, abs=0.02 * UM)


def test_a_cell_in_no_field_has_the_guard_of_the_settings() -> None:
    fields = [replace(FIELD, guard_m=9 * UM)]
    assert guard_m(box("c", 200, 200, 208, 208), fields, settings()) == settings().guard_m
