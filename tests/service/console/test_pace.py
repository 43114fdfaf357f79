import pytest

from service.console.pace import Pace


def test_a_change_after_a_rest_is_shown_at_once_even_just_after_the_status() -> None:
    pace = Pace()
    assert pace.wait_s(100.0) == 0.05
    pace.made(100.0)
    assert pace.wait_s(100.01) == 0.05
    pace.made(100.06)
    assert pace.wait_s(102.0) == 0.05


def test_many_changes_refresh_a_page_four_times_a_second() -> None:
    pace, now_s, made = Pace(), 50.0, 0
    while now_s < 60.0:
        now_s += pace.wait_s(now_s)
        pace.made(now_s)
        made += 1
    assert made == pytest.approx(40, abs=2)
