"""Changes of the microscope during a scan, and the places where the beam may have been."""

import dataclasses
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.guards.conditions import (
    STILL_M,
    Conditions,
    Watch,
    changes,
    disturbance,
    misplaces,
    of,
    plain_of,
    swept,
    with_field,
)

BEFORE = Conditions(
    (1e-3, 2e-3),
    (25e-6, 17e-6),
    (0.0, 0.0),
    {"blanker": "open", "spot size": 3.5, "beam current": 1e-10, "light power": [0.0, 0.05]},
)


def now(**other: Any) -> Conditions:
    return dataclasses.replace(BEFORE, **other)


def setting(name: str, value: object) -> Conditions:
    return now(settings={**BEFORE.settings, name: value})


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (now(), []),
        (now(stage_m=(1e-3 + 1e-7, 2e-3)), []),
        (now(stage_m=(1e-3, 2e-3 - 60e-6)), ["the stage moved by 60.0 um"]),
        (now(stage_m=(float("nan"), 2e-3)), ["the stage moved by nan um"]),
        (now(stage_m=None), ["the position of the stage is not known any more"]),
        (now(shift_m=(3e-6, 0.0)), ["the beam shift moved by 3.0 um"]),
        (now(field_m=(50e-6, 34e-6)), ["the scanned field changed from 25 x 17 um to 50 x 34 um"]),
        (setting("blanker", "closed"), ["blanker changed from open to closed"]),
        (setting("spot size", 5.0), ["spot size changed from 3.5 to 5"]),
        (setting("spot size", None), ["spot size changed from 3.5 to unknown"]),
        (setting("beam current", 1.1e-10), []),
        (setting("beam current", 2e-10), ["beam current changed from 1e-10 to 2e-10"]),
        (setting("light power", [0.0, 0.0]), ["light power changed from [0.0, 0.05] to [0.0, 0.0]"]),
        (Conditions(), ["nothing could be read any more"]),
    ],
)
def test_a_change_is_named_and_noise_is_none(later: Conditions, said: list[str]) -> None:
    assert changes(BEFORE, later) == said


def test_what_was_not_known_before_is_not_compared() -> None:
    assert changes(Conditions((0.0, 0.0)), now(stage_m=(0.0, 0.0))) == []
    # Each for itself: a beam shift is compared although the stage is not.
    shifted = Conditions(None, None, (0.0, 0.0))
    assert changes(shifted, now(shift_m=(2e-6, 0.0))) == ["the beam shift moved by 2.0 um"]


def test_a_field_that_is_not_known_any_more_has_changed() -> None:
    (said,) = changes(BEFORE, now(field_m=None))
    assert said == "the scanned field changed from 25 x 17 um to an unknown one"


def test_what_stands_still_within_the_tolerance_has_not_moved() -> None:
    at = Conditions((0.0, 0.0))
    assert changes(at, Conditions((STILL_M, 0.0))) == []
    moved = Conditions((5e-7, 0.0))
    assert misplaces(at, moved)
    assert disturbance([at, moved])
    assert not misplaces(at, moved, still_m=1e-6)
    assert disturbance([at, moved], still_m=1e-6) is None


def test_a_setting_of_nothing_stays_so_within_rounding() -> None:
    at = Conditions(settings={"tilt": 0.0})
    assert changes(at, Conditions(settings={"tilt": 1e-13})) == []
    assert changes(at, Conditions(settings={"tilt": 1e-3})) == ["tilt changed from 0 to 0.001"]


@pytest.mark.parametrize(
    "later", [now(stage_m=(1e-3, 3e-3)), now(field_m=(50e-6, 34e-6)), now(shift_m=(3e-6, 0.0))]
)
def test_the_beam_goes_elsewhere_with_stage_field_or_shift(later: Conditions) -> None:
    assert misplaces(BEFORE, later)
    assert not misplaces(BEFORE, setting("spot size", 5.0))


@pytest.mark.parametrize(
    "one", [BEFORE, Conditions(), Conditions((1.0, 2.0)), Conditions(field_m=(1.0, 2.0))]
)
def test_conditions_cross_a_process_boundary(one: Conditions) -> None:
    assert of(plain_of(one)) == one


def test_a_field_that_only_the_magnification_tells_becomes_wider_with_it() -> None:
    told = [Conditions((0.0, 0.0), settings={"magnification": m}) for m in (1000.0, 250.0, None)]
    known = [with_field(one, (25e-6, 17e-6), 1000.0) for one in told]
    assert [one.field_m for one in known] == [(25e-6, 17e-6), (100e-6, 68e-6), (25e-6, 17e-6)]
    assert swept(known)[1] == (100e-6, 68e-6)
    assert misplaces(told[0], told[1])
    assert not misplaces(told[0], Conditions((0.0, 0.0), settings={"magnification": 1000.0, "spot size": 5}))
    assert with_field(BEFORE, (1.0, 1.0), 5.0) == BEFORE


@pytest.mark.parametrize(("now_is", "times"), [(0.5, 2.0), (0, 1.0), (-1.0, 1.0), ("?", 1.0)])
def test_a_magnification_that_is_none_says_nothing_of_the_field(now_is: Any, times: float) -> None:
    found = with_field(Conditions(settings={"magnification": now_is}), (3.0, 2.0), 1.0)
    assert found.field_m == (3.0 * times, 2.0 * times)


def test_a_shift_that_was_not_known_at_first_counts_from_none() -> None:
    seen = [Conditions((1.0, 2.0)), Conditions((1.0, 2.0), shift_m=(0.25, 0.5))]
    assert swept(seen) == ([(1.0, 2.0), (1.25, 2.5)], None)


PLACES = st.tuples(st.floats(-1e-2, 1e-2), st.floats(-1e-2, 1e-2))


@given(st.lists(st.tuples(PLACES, PLACES), min_size=1))
def test_every_place_of_the_beam_is_kept(seen: list[tuple[Any, Any]]) -> None:
    places, field_m = swept([Conditions(stage_m, (1e-5, 1e-5), shift_m) for stage_m, shift_m in seen])
    first = seen[0][1]
    assert len(places) == len(seen)
    for place, (stage, shift) in zip(places, seen, strict=True):
        beam = [p + f for p, f in zip(place, first, strict=True)]
        assert beam == pytest.approx([a + b for a, b in zip(stage, shift, strict=True)], abs=1e-12)
    assert field_m == (1e-5, 1e-5)


def watched(*readings: Conditions | None) -> tuple[Watch, list[str]]:
    """Let a watch see these readings, None for one that fails; return it, and who blanked the beam."""
    left = iter(readings)
    done, blanked = threading.Event(), []

    def read() -> Conditions:
        found = next(left, done)
        if isinstance(found, threading.Event):
            done.set()
            raise OSError("no more")
        if found is None:
            raise OSError("no answer")
        return found

    def blank() -> None:
        thread = threading.current_thread()
        # A reading that never returns must not keep the program from its end.
        assert thread.daemon
        blanked.append(thread.name)

    watch = Watch(BEFORE, read, blank, every_s=0.001)
    with watch:
        assert done.wait(200)
    return watch, blanked


AWAY, FURTHER = (now(stage_m=(1e-3, 2e-3 + far_m)) for far_m in (60e-6, 90e-6))


def closed(one: Conditions) -> Conditions:
    return dataclasses.replace(one, settings={**one.settings, "blanker": "closed"})


def test_a_watch_sees_what_is_over_again_and_blanks_once() -> None:
    watch, blanked = watched(BEFORE, None, AWAY, closed(BEFORE), BEFORE)
    # The blanker was closed by the watch itself.
    assert watch.seen == [BEFORE, AWAY]
    assert disturbance(watch.seen) is not None
    assert blanked == ["watch of the conditions"]


def test_a_watch_that_has_blanked_goes_on_looking() -> None:
    watch, blanked = watched(AWAY, closed(AWAY), closed(FURTHER), FURTHER)
    assert watch.seen == [BEFORE, AWAY, FURTHER]
    assert len(blanked) == 1


def test_a_blanker_that_another_program_closed_is_a_change() -> None:
    watch, blanked = watched(closed(BEFORE), closed(AWAY), closed(FURTHER))
    assert watch.seen == [BEFORE, closed(BEFORE), closed(AWAY), FURTHER]
    assert len(blanked) == 1
