"""Limits belong to the range; beyond them, and without a number, a value is refused by its name and unit."""

import math
from collections.abc import Callable

import pytest

from config.light.fluorescence import FluorescenceConfig
from drivers.errors import OutOfRangeError
from drivers.guards.limits import (
    EM_GAIN,
    LONGEST_EXPOSURE_S,
    require_em_gain,
    require_exposure,
    require_in_stage_range,
    require_positive,
    require_within,
)

RANGE_M = ((-1e-3, 2e-3), (-3e-3, 4e-3))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: require_within("tilt", 5.1, -5, 5, "deg"), "tilt 5.1 deg is not from -5 to 5 deg"),
        (lambda: require_within("tilt", -6, -5, 5), "tilt -6 is not from -5 to 5"),
        (lambda: require_within("tilt", math.nan, -5, 5), "tilt nan is not from -5 to 5"),
        (lambda: require_positive("dwell", 0, 2, "us"), "dwell 0 us is not above 0 and at most 2 us"),
        (lambda: require_positive("dwell", 3, 2, "us"), "dwell 3 us is not above 0 and at most 2 us"),
        (
            lambda: require_positive("dwell", math.nan, 2, "us"),
            "dwell nan us is not above 0 and at most 2 us",
        ),
        (lambda: require_exposure(0.0), "exposure 0 s is not above 0 and at most 600 s"),
        (lambda: require_em_gain(0.5), "EM gain 0.5 is not from 1 to 300"),
        (
            lambda: require_in_stage_range((-1.5e-3, 0.0), RANGE_M),
            "x = -1.5 mm is outside the range of the stage, -1 to 2 mm",
        ),
        (
            lambda: require_in_stage_range((0.0, 5e-3), RANGE_M),
            "y = 5 mm is outside the range of the stage, -3 to 4 mm",
        ),
        (
            lambda: require_in_stage_range((0.0, math.nan), RANGE_M),
            "y = nan mm is outside the range of the stage, -3 to 4 mm",
        ),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(call: Callable[[], None], said: str) -> None:
    with pytest.raises(OutOfRangeError) as refused:
        call()
    assert str(refused.value) == said


def test_the_limits_themselves_are_allowed() -> None:
    for value in (-5, 5):
        require_within("tilt", value, -5, 5)
    require_positive("dwell", 2, 2, "us")
    require_positive("dwell", 1e-9, 2, "us")
    require_exposure(LONGEST_EXPOSURE_S)
    for gain in EM_GAIN:
        require_em_gain(gain)
    for x_m in RANGE_M[0]:
        for y_m in RANGE_M[1]:
            require_in_stage_range((x_m, y_m), RANGE_M)


def test_the_limits_are_those_of_the_configuration() -> None:
    def limits(name: str) -> list[object]:
        return FluorescenceConfig.model_fields[name].metadata

    assert str(LONGEST_EXPOSURE_S).removesuffix(".0") in str(limits("exposure_s"))
    assert all(str(gain).removesuffix(".0") in str(limits("em_gain")) for gain in EM_GAIN)
