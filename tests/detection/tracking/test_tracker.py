import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.registration.rigid import Ellipse, Rigid
from detection.tracking.prediction import interpolate, predict_missed
from detection.tracking.settings import SETTINGS
from detection.tracking.tracker import Place, Spot, Tracker


def place(index: int, motion: Rigid | None = None, chain: int = 1) -> Place:
    return Place(index, f"S{index + 1:04d}", chain, motion or Rigid())


def spot(x: float, y: float = 0.0, half: float = 4.0, cut: bool = False) -> Spot:
    return Spot(Ellipse((x, y), (half, half)), cut)


@given(
    st.lists(
        st.builds(Rigid, st.floats(-math.pi, math.pi), st.tuples(st.floats(-30, 30), st.floats(-30, 30))),
        min_size=2,
        max_size=6,
    )
)
def test_cells_keep_their_identity_however_sections_lie(motions: list[Rigid]) -> None:
    tracker = Tracker()
    centers = [(-20.0, 0.0), (0.0, 5.0), (9.0, 5.0), (25.0, -10.0)]
    names = ["T0001", "T0002", "T0003", "T0004"]
    for index, motion in enumerate(motions):
        spots = [Spot(Ellipse(at, (4.0, 4.0)).moved(motion.inverse()), cut=False) for at in centers]
        order = -1 if index % 2 else 1
        assert tracker.add(place(index, motion), spots[::order]) == names[::order]


@pytest.mark.parametrize("gap", range(SETTINGS.longest_gap + 2))
def test_a_gap_of_three_is_closed_and_one_of_four_is_not(gap: int) -> None:
    tracker = Tracker()
    tracker.add(place(0), [spot(0)])
    for index in range(1, gap + 1):
        assert tracker.add(place(index), []) == []
    assert tracker.add(place(gap + 1), [spot(0.5)]) == ["T0001" if gap <= SETTINGS.longest_gap else "T0002"]


def test_a_cell_that_was_beyond_the_frame_is_known_again() -> None:
    tracker = Tracker()
    tracker.add(place(0), [spot(40)], (45.0, 45.0))
    for index in range(1, 7):
        tracker.add(place(index, Rigid(0.0, (-30.0, 0.0))), [], (45.0, 45.0))
    assert tracker.add(place(7), [spot(40)], (45.0, 45.0)) == ["T0001"]


def test_sections_of_another_chain_are_not_linked() -> None:
    tracker = Tracker()
    tracker.add(place(0), [spot(0)])
    assert tracker.add(place(1, chain=2), [spot(0)]) == ["T0002"]
    assert tracker.add(place(2), [spot(0)]) == ["T0001"]


def test_what_grows_ninefold_is_another_cell_unless_the_edge_cut_it() -> None:
    for cut, name in ((False, "T0002"), (True, "T0001")):
        tracker = Tracker()
        tracker.add(place(0), [spot(0, half=2, cut=cut)])
        assert tracker.add(place(1), [spot(0, half=6)]) == [name]


def test_a_covered_detection_continues_what_others_leave_and_begins_nothing() -> None:
    tracker = Tracker()
    tracker.add(place(0), [spot(0), spot(8)])
    covered = replace(spot(0.2), covered=True)
    # It is nearer to the first track, but another detection may have that one.
    assert tracker.add(place(1), [covered, spot(0.5), spot(8)]) == ["", "T0001", "T0002"]
    assert tracker.add(place(2), [replace(spot(8), covered=True), spot(0)]) == ["T0002", "T0001"]
    assert tracker.add(place(3), [replace(spot(30), covered=True)]) == [""]


def test_a_cell_that_splits_names_its_parent() -> None:
    tracker = Tracker()
    for index in range(2):
        tracker.add(place(index), [Spot(Ellipse((0.0, 0.0), (9.0, 5.0)), cut=False)])
    halves = [Spot(Ellipse((x, 0.0), (4.5, 5.0)), cut=False) for x in (-4.5, 4.5)]
    ids = tracker.add(place(2), halves)
    assert sorted(ids) == ["T0001", "T0002"]
    assert tracker.active[1].parent == "T0001"


def test_a_cell_that_the_edge_cuts_is_not_missed_where_it_may_lie_beyond() -> None:
    tracker = Tracker()
    tracker.add(place(0), [spot(44, half=2, cut=True)], (45.0, 45.0))
    for index in range(1, 7):
        tracker.add(place(index), [], (45.0, 45.0))
    assert tracker.add(place(7), [spot(44, half=2, cut=True)], (45.0, 45.0)) == ["T0001"]


def test_the_area_within_the_outline_counts_where_it_is_known() -> None:
    tracker = Tracker()
    ellipse = Ellipse((0.0, 0.0), (4.0, 4.0))
    tracker.add(place(0), [Spot(ellipse, cut=False, outline_um2=33.0)])
    tracker.add(place(1), [Spot(ellipse, cut=False)])
    assert tracker.active[0].areas == [(0, 33.0), (1, pytest.approx(16 * math.pi))]


def test_ended_tracks_leave_the_active_ones() -> None:
    tracker = Tracker()
    for index in range(40):
        tracker.add(place(index), [spot(100.0 * index)])
    assert len(tracker.active) < 15
    assert len(tracker.active) + len(tracker.ended) == 40


def tracked(halves: dict[int, float]) -> Tracker:
    tracker = Tracker()
    for index in range(max(halves) + 1):
        tracker.add(place(index), [spot(index, half=halves[index])] if index in halves else [])
    return tracker


def test_a_cell_is_carried_between_its_neighbours() -> None:
    tracker = tracked({0: 4, 1: 4, 4: 5})
    found = predict_missed(tracker.active[0], place(2))
    assert found is not None
    ellipse, seen_in = found
    assert seen_in == ("S0002", "S0005")
    assert ellipse.center_um[0] == pytest.approx(2)
    assert ellipse.half_um[0] == pytest.approx(4 + 1 / 3)


def test_a_cell_is_carried_three_sections_beyond_its_last() -> None:
    track = tracked({0: 4, 1: 4, 7: 3}).active[0]
    assert [predict_missed(track, place(index)) is not None for index in range(2, 6)] == [
        True,
        True,
        True,
        False,
    ]
    assert predict_missed(track, place(2), most_sections=1) is not None
    assert predict_missed(track, place(3), most_sections=1) is None


def test_nothing_is_carried_where_it_was_seen_or_seen_but_once() -> None:
    assert predict_missed(tracked({0: 4, 1: 4}).active[0], place(1)) is None
    assert predict_missed(tracked({0: 4}).active[0], place(1)) is None
    assert predict_missed(tracked({0: 4, 1: 4}).active[0], place(2, chain=9)) is None


def test_a_cell_that_shrinks_to_nothing_ends() -> None:
    track = tracked({0: 6, 1: 5, 2: 4, 3: 2.4}).active[0]
    assert predict_missed(track, place(4)) is None
    steady = tracked({0: 5.0, 1: 4.9, 2: 4.8, 3: 4.7}).active[0]
    found = predict_missed(steady, place(4))
    assert found is not None
    assert 4.4 < found[0].half_um[0] < 4.7


def test_both_sides_say_how_large_a_cell_must_be_between_them() -> None:
    track = tracked({0: 4, 1: 1, 2: 5}).active[0]
    found = interpolate(track, place(1))
    assert found is not None
    assert found.half_um == (4.5, 4.5)
    assert found.center_um[0] == pytest.approx(1)
    assert interpolate(track, place(2)) is None
    assert interpolate(tracked({0: 4, 3: 4}).active[0], place(1), most_sections=1) is None


def test_a_box_that_holds_a_neighbour_too_is_linked_by_its_own_part() -> None:
    merged = spot(0, half=8.0)
    of_right = replace(merged, own=Ellipse((4.0, 0.0), (4.0, 4.0)), outline_um2=50.0)
    for one, same in ((merged, True), (of_right, False)):
        tracker = Tracker()
        (left,) = tracker.add(place(0), [spot(-4)])
        assert (tracker.add(place(1), [one]) == [left]) is same
    # What is carried to other sections is the whole box.
    newest = tracker.active[-1]
    assert newest.areas == [(1, 50.0)]
    assert newest.last.spot.ellipse == merged.ellipse
