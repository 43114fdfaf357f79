from typing import Any

import pytest

from config.odemis import OdemisConfig
from drivers.odemis.survey.bands import passes
from drivers.odemis.survey.facts import band_nm
from drivers.odemis.survey.optical import emission_filter
from drivers.offers import Fit

ONE, TWO, FIVE = [5e-7, 5.5e-7], [[4.3e-7, 4.6e-7], [5e-7, 5.3e-7]], [5e-7, 5.05e-7, 5.2e-7, 5.3e-7, 5.4e-7]


@pytest.mark.parametrize(
    ("band", "nm", "passed"),
    [
        (ONE, "500-550 nm", True),
        ((5.4e-7, 6e-7), "540-600 nm", False),
        (TWO, "430-460 nm and 500-530 nm", True),
        ([[4.3e-7, 4.6e-7], [5.5e-7, 6e-7]], "430-460 nm and 550-600 nm", False),
        (FIVE, "500-540 nm", True),
        ("pass-through", "pass-through", False),
    ],
)
def test_what_a_filter_passes(band: Any, nm: str, passed: bool) -> None:
    assert band_nm(band) == nm
    assert passes(band, 5.15e-7) is passed


def test_a_wheel_with_a_filter_of_two_bands() -> None:
    part = {"axes": {"band": {"choices": {"1": TWO, "2": "pass-through"}}}}
    offer = emission_filter(OdemisConfig(emission_nm=515), part)
    assert offer.fit is Fit.YES
    assert offer.says == "1: 430-460 nm and 500-530 nm, 2: pass-through; 515 nm wanted"
    assert emission_filter(OdemisConfig(emission_nm=480), part).fit is Fit.NO
