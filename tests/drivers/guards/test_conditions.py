"""Changes of the microscope during a scan, and the places where the beam may have been."""

import dataclasses
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.guards.conditions import (
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


def test_conditions_cross_a_process_boundary() -> None:
    assert of(plain_of(BEFORE)) == BEFORE


def test_a_field_that_only_the_magnification_tells_becomes_wider_with_it() -> None:
    told = [Conditions((0.0, 0.0), settings={"magnification": m}) for m in (1000.0, 250.0, None)]
    known = [with_field(one, (25e-6, 17e-6), 1000.0) for one in told]
    assert [one.field_m for one in known] == [(25e-6, 17e-6), (100e-6, 68e-6), (25e-6, 17e-6)]
    assert swept(known)[1] == (100e-6, 68e-6)
    assert misplaces(told[0], told[1])
    assert not misplaces(told[0], Conditions((0.0, 0.0), settings={"magnification": 1000.0, "spot size": 5}))
    assert with_field(BEFORE, (1.0, 1.0), 5.0) == BEFORE


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


def test_a_watch_sees_what_is_over_again_and_blanks_once() -> None:
    away = now(stage_m=(1e-3, 2.06e-3))
    readings = iter([BEFORE, away, setting("blanker", "closed"), BEFORE])
    done, blanked = threading.Event(), []

    def read() -> Conditions:
        found = next(readings, None)
        if found is None:
            done.set()
            raise OSError("no answer")
        return found

    watch = Watch(BEFORE, read, lambda: blanked.append(True), every_s=0.001)
    with watch:
        assert done.wait(200)
    # The blanker was closed by the watch itself.
    assert watch.seen == [BEFORE, away]
    assert disturbance(watch.seen) is not None
    assert blanked == [True]
