"""Tiles over a rectangle, and what they cost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box, union_all

from config.model import Config
from service.errors import InputError
from service.mapping.tiles.plan import cost_of, plan_tiles
from tests.examples import MORE

CONFIG = Config.model_validate({"fluorescence": {"frame_px": [512, 400], "pixel_size_nm": 700}})


@settings(max_examples=15 * MORE)
@given(st.floats(-11, 9), st.floats(0.01, 3), st.floats(-11, 9), st.floats(0.01, 3))
def test_tiles_cover_the_rectangle_overlap_and_keep_to_the_safe_area(
    x: float, width: float, y: float, height: float
) -> None:
    plan = plan_tiles(CONFIG, (x, x + width), (y, y + height))
    assert len(plan.tiles) == plan.rows * plan.columns
    assert {(one.row, one.column) for one in plan.tiles} == {
        (row, column) for row in range(plan.rows) for column in range(plan.columns)
    }
    half_w, half_h = (size / 2 for size in CONFIG.fluorescence.field_size_m)
    x0, y0, x1, y1 = CONFIG.stage.safe_area_m
    shown = []
    for one in plan.tiles:
        cx, cy = one.center_m
        assert x0 <= cx <= x1
        assert y0 <= cy <= y1
        shown.append(box(cx - half_w, cy - half_h, cx + half_w, cy + half_h))
    assert box(*plan.rect_m).difference(union_all(shown).buffer(1e-9)).area < 1e-15
    for one, other in zip(plan.tiles[: plan.columns], plan.tiles[1 : plan.columns], strict=False):
        step = abs(other.center_m[0] - one.center_m[0])
        assert step <= 2 * half_w * (1 - CONFIG.holder.overlap_percent / 100) + 1e-12


def test_neighbours_follow_each_other() -> None:
    plan = plan_tiles(CONFIG, (-1, 1), (-0.5, 0.5))
    for one, other in zip(plan.tiles, plan.tiles[1:], strict=False):
        assert abs(one.row - other.row) + abs(one.column - other.column) == 1


def test_the_light_of_a_turned_camera_covers_less() -> None:
    turned = Config.model_validate(
        {
            "driver": "odemis",
            "fluorescence": {"frame_px": [512, 400], "pixel_size_nm": 700},
            "odemis": {"camera_rotation_mrad": 100},
        }
    )
    assert len(plan_tiles(turned, (-2, 2), (-2, 2)).tiles) > len(plan_tiles(CONFIG, (-2, 2), (-2, 2)).tiles)


def test_time_and_dose_are_those_of_the_light() -> None:
    plan = plan_tiles(CONFIG, (-1, 1), (-1, 1))
    cost = cost_of(CONFIG, plan)
    assert cost.dose_j_per_cm2 == pytest.approx(0.01 * 0.02)
    assert cost.most_dose_j_per_cm2 == pytest.approx(4 * cost.dose_j_per_cm2)
    assert cost.of_a_frame == pytest.approx(0.0002 / (0.5 * 2))
    assert cost.time_s > len(plan.tiles) * (CONFIG.stage.settle_s + 0.02)
    assert cost_of(CONFIG, plan, 0).time_s == 0
    focused = Config.model_validate(
        {"fluorescence": {"frame_px": [512, 400], "pixel_size_nm": 700, "autofocus_um": 5}}
    )
    assert cost_of(focused, plan).most_dose_j_per_cm2 > cost.most_dose_j_per_cm2
    assert cost_of(focused, plan).time_s > cost.time_s


@pytest.mark.parametrize(
    ("x_mm", "y_mm", "says"),
    [
        ((-13, 1), (0, 1), "--x-mm -13 1 leaves the safe area"),
        ((0, 1), (2, 1), "--y-mm must be two growing numbers"),
        ((0, float("nan")), (0, 1), "--x-mm must be two growing numbers"),
    ],
)
def test_bad_ground_is_refused(x_mm: tuple[float, float], y_mm: tuple[float, float], says: str) -> None:
    with pytest.raises(InputError, match=says):
        plan_tiles(CONFIG, x_mm, y_mm)


def test_too_many_tiles_are_refused() -> None:
    with pytest.raises(InputError, match="more than 20000: name less ground"):
        plan_tiles(Config(), None, None)
