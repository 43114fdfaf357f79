from dataclasses import replace

import pytest

from drivers.guards.freshness import Asked, StaleFrameError

ASKED = Asked(wall_s=1_800_000_000.0, monotonic_s=500.0)
LATER = Asked(wall_s=1_800_000_300.0, monotonic_s=800.0)
"""A scan of five minutes."""
DURING = ASKED.wall_s + 1
OURS, EARLIER, NONE = ("a", "a"), ("b", "a"), (None, "a")
HOUR_S = 3600.0


def set_by(seconds: float) -> Asked:
    return replace(LATER, wall_s=LATER.wall_s + seconds)


def test_a_date_or_a_mark_proves_a_frame() -> None:
    assert ASKED.proof(DURING, NONE, LATER) == "date"
    assert ASKED.proof(DURING, OURS, LATER) == "nonce"
    assert ASKED.proof(None, OURS, LATER) == "nonce"
    assert ASKED.proof(None, NONE, LATER) is None


def test_an_earlier_frame_is_refused_by_its_date_also_under_our_mark() -> None:
    """A mark may reach a frame that had begun before."""
    for marks in (NONE, OURS, EARLIER):
        with pytest.raises(StaleFrameError, match="begun 60 s before it was asked for"):
            ASKED.proof(ASKED.wall_s - 60, marks, LATER)
    with pytest.raises(StaleFrameError, match="the mark of an earlier one"):
        ASKED.proof(DURING, EARLIER, LATER)


@pytest.mark.parametrize("by_s", [-72 * HOUR_S, -HOUR_S, -1.0, 1.0, HOUR_S, 72 * HOUR_S])
def test_a_clock_that_is_set_during_an_exposure_costs_no_image(by_s: float) -> None:
    """Its date proves nothing then: the mark does, or the order."""
    for date_s in (DURING, DURING + by_s):
        assert ASKED.proof(date_s, OURS, set_by(by_s)) == "nonce"
        assert ASKED.proof(date_s, NONE, set_by(by_s)) is None
        with pytest.raises(StaleFrameError, match="mark"):
            ASKED.proof(date_s, EARLIER, set_by(by_s))


def test_a_date_to_come_is_no_proof() -> None:
    """The clock was set back before the frame was asked for: an earlier frame has a later date."""
    assert ASKED.proof(LATER.wall_s + HOUR_S, NONE, LATER) is None


def test_both_clocks_are_read() -> None:
    first, second = Asked.now(), Asked.now()
    assert first.monotonic_s <= second.monotonic_s
    assert first.proof(first.wall_s, NONE, second) == "date"
