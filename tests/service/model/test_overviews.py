"""Places of fields, and reasons why an overview is not used."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.alignment.reasons import NotProven
from detection.alignment.values import Similarity
from service import wording_overviews
from service.model.overviews import FieldPlace, NotUsed, Overview, OverviewState, reason_of

small = st.floats(-5e-5, 5e-5)


@given(x=small, y=small, dx=st.floats(-3, 3), dy=st.floats(-3, 3), turn=st.floats(-0.02, 0.02))
def test_what_the_sem_sees_leads_back_to_the_fluorescence(
    x: float, y: float, dx: float, dy: float, turn: float
) -> None:
    place = FieldPlace((1e-3, -2e-3), Similarity((dx, dy), turn, 1.007))
    point = (1e-3 + x, -2e-3 + y)
    assert place.shown_m(place.seen_m(point)) == pytest.approx(point, abs=1e-12)


def test_a_shift_is_seen_in_its_direction() -> None:
    place = FieldPlace((0.0, 0.0), Similarity((1.5, -0.5)))
    assert place.seen_m((1e-5, 1e-5)) == pytest.approx((1.15e-5, 0.95e-5))
    overview = Overview("S0001", (1e-4, 0.0), OverviewState.USED, place=place)
    assert overview.offset_m == pytest.approx((1.5e-6, -0.5e-6))


def test_corners_of_upright_frames_are_off_by_turn_and_scale() -> None:
    half_m = math.hypot(20e-6, 10e-6) / 2
    turned = FieldPlace((0.0, 0.0), Similarity((3.0, 0.0), 0.01, 1.0))
    assert turned.misfit_m((20e-6, 10e-6)) == pytest.approx(0.01 * half_m, rel=1e-3)
    scaled = FieldPlace((0.0, 0.0), Similarity((0.0, 0.0), 0.0, 1.01))
    assert scaled.misfit_m((20e-6, 10e-6)) == pytest.approx(0.01 * half_m)


def test_every_reason_is_stored_and_said() -> None:
    reasons: list[NotProven | NotUsed] = [*NotProven, *NotUsed]
    for reason in reasons:
        assert reason_of(reason.value) is reason
        assert wording_overviews.overview_says("not_used", reason.value, None)
    assert reason_of(None) is None
    assert len({reason.value for reason in reasons}) == len(reasons)
    assert "0.21 um" in wording_overviews.overview_says("used", None, 0.21e-6)
