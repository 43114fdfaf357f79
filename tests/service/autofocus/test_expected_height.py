"""Height of a section from those of others: noise, errors of the machine, a plate that is bent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.autofocus.expected_height import TOLERANCE_M, expected, likely_m, measured, outliers
from service.model.focus import Focus, FocusBeam, FocusState
from tests.examples import examples

PITCH_M = 0.5e-3


def truth_m(place_m: tuple[float, float]) -> float:
    return 5.8e-3 + 4e-3 * place_m[0] - 3e-3 * place_m[1]


def focus(number: int, place_m: tuple[float, float], off_m: float = 0.0) -> Focus:
    z_m = truth_m(place_m) + off_m
    name = f"S{number:04d}"
    beam = FocusBeam.ELECTRON
    return Focus(beam, name, place_m, FocusState.USED, found_m=z_m, used_m=z_m, id=number)


def block(columns: int, rows: int) -> list[tuple[float, float]]:
    return [(c * PITCH_M, r * PITCH_M) for r in range(rows) for c in range(columns)]


def test_three_sections_say_nothing_and_the_nearest_serves() -> None:
    book = [focus(n, place) for n, place in enumerate(block(3, 1), start=1)]
    place = (3 * PITCH_M, 0.0)
    assert expected(book, place) is None
    assert likely_m(book, place) == book[-1].found_m
    assert likely_m([], place) is None


def test_of_a_section_the_last_height_counts_and_one_without_does_not() -> None:
    again = focus(9, (0.0, 0.0), 1e-6)
    none = Focus(FocusBeam.ELECTRON, "S0002", (0.0, 0.0), FocusState.NOT_FOUND, used_m=5e-3, id=2)
    first = focus(1, (0.0, 0.0))
    later = Focus(
        first.beam,
        first.section,
        first.place_m,
        FocusState.USED,
        found_m=again.found_m,
        used_m=again.used_m,
        id=9,
    )
    assert measured([first, none, later]) == [later]


@examples(10)
@given(seed=st.integers(0, 10_000), bad=st.integers(0, 11), off_um=st.floats(25, 200), up=st.booleans())
def test_one_wrong_height_is_named_and_no_other(seed: int, bad: int, off_um: float, up: bool) -> None:
    rng = np.random.default_rng(seed)
    book = []
    for n, place in enumerate(block(4, 3)):
        noise = float(rng.uniform(-1e-6, 1e-6))
        book.append(focus(n + 1, place, noise + (off_um * 1e-6 * (1 if up else -1) if n == bad else 0.0)))
    corners = (0, 3, 8, 11)
    found = {one.id for n in corners for one in outliers(book, block(4, 3)[n])}
    assert found <= {bad + 1}
    # At a corner of the array others can hardly tell.
    if bad not in corners:
        assert found == {bad + 1}


def test_a_wrong_height_is_known_at_once_by_a_row_before_it() -> None:
    book = [focus(n, place) for n, place in enumerate(block(6, 1), start=1)]
    place = (6 * PITCH_M, 0.0)
    told = expected(book, place)
    assert told is not None
    assert told.sure
    assert told.height_m == pytest.approx(truth_m(place), abs=1e-9)
    assert told.off_m(focus(7, place, 30e-6)) == pytest.approx(30e-6, abs=1e-9)
    assert told.off_m(focus(7, place, 0.9 * TOLERANCE_M[FocusBeam.ELECTRON])) is None
    # Of the next row it says nothing.
    assert expected(book, (0.0, PITCH_M)) is None


def test_a_bent_plate_is_followed() -> None:
    def bent_m(place: tuple[float, float]) -> float:
        return 20e-6 * (place[0] ** 2 + place[1] ** 2) / 1e-4

    places = [(x - 5e-3, y - 5e-3) for x, y in ((c * 1e-3, r * 1e-3) for r in range(6) for c in range(10))]
    book = [focus(n + 1, place, bent_m(place)) for n, place in enumerate(places)]
    for number, one in enumerate(book):
        told = expected(book[:number], one.place_m)
        assert told is None or told.off_m(one) is None


@pytest.mark.parametrize("wrong", [None, 16, 22])
def test_beyond_a_bend_only_a_wrong_height_is_named(wrong: int | None) -> None:
    """The plate rises by 8 um from section to section, beyond the tolerance of the plane before the bend."""
    book = []
    named = set()
    for n, place in enumerate(block(30, 1)):
        bent_m = max(0.0, n - 14.5) * 8e-6
        book.append(focus(n, place, bent_m + (30e-6 if n == wrong else 0.0)))
        named |= {one.id for one in outliers(book, place)} - {n}
    assert named == (set() if wrong is None else {wrong})
