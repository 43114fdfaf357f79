import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.console.computer.holder import HolderMap, HolderSection, Landmark, Point
from service.console.holder import edits
from service.console.holder.draft import Draft
from service.console.holder.drawing import shapes_of, step_of, whole_of

SAFE = ((0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0))


def square(name: str, x: float, y: float, side: float = 10.0, rotation_deg: float = 0.0) -> HolderSection:
    h = side / 2
    outline = ((x - h, y - h), (x + h, y - h), (x + h, y + h), (x - h, y + h))
    return HolderSection(name, (x, y), rotation_deg, outline, (outline,), ((x, y),), ((x, y),))


SHOWN = HolderMap(
    "px",
    (square("S0001", 20, 20), square("S0002", 40, 20), square("S0003", 60, 20, 12.0, 30.0)),
    (replace(square("D0001", 80, 80), doubt="it may be torn"),),
    stage_order=("S0001", "S0002", "S0003"),
    landmarks=(Landmark("L1", (5.0, 5.0)),),
)
places = st.floats(-1e4, 1e4)


def near(one: tuple[Point, ...], other: tuple[Point, ...]) -> bool:
    return all(math.dist(a, b) < 1e-6 for a, b in zip(one, other, strict=True))


def test_a_section_moves_with_all_that_belongs_to_it() -> None:
    one = edits.moved(SHOWN, "S0002", (3.0, -4.0)).sections[1]
    assert one.center == (43.0, 16.0)
    assert one.outline[0] == (38.0, 11.0)
    assert one.regions == (one.outline,)
    assert (one.focus_points, one.magnet) == (((43.0, 16.0),), ((43.0, 16.0),))


def test_a_turn_is_counter_clockwise_as_one_sees_it_and_keeps_the_centre() -> None:
    one = edits.turned(SHOWN, "S0001", 90.0).sections[0]
    assert (one.center, one.rotation_deg) == ((20.0, 20.0), 90.0)
    # The first edge ran to the right along the upper side; now it runs up the left one.
    assert near(one.outline[:2], ((15.0, 25.0), (15.0, 15.0)))


@given(x=places, y=places, degrees=st.floats(-720, 720))
def test_moves_and_turns_are_taken_back_by_their_opposites(x: float, y: float, degrees: float) -> None:
    there = edits.turned(edits.moved(SHOWN, "S0003", (x, y)), "S0003", degrees)
    back = edits.moved(edits.turned(there, "S0003", -degrees), "S0003", (-x, -y)).sections[2]
    assert near(back.outline, SHOWN.sections[2].outline)
    assert back.rotation_deg == pytest.approx(30.0)
    assert (there.sections[:2], there.doubtful) == (SHOWN.sections[:2], SHOWN.doubtful)


def test_an_added_section_has_the_common_shape_and_the_turn_of_its_neighbour() -> None:
    grown, name = edits.added(SHOWN, (62.0, 40.0))
    assert (name, len(grown.sections), grown.stage_order) == ("S0004", 4, ())
    one = grown.sections[-1]
    assert one.center == (62.0, 40.0)
    assert edits.area(one.outline) == pytest.approx(100.0), "the median of 100, 100 and 144"
    assert one.rotation_deg == pytest.approx(30.0)
    assert (one.regions, one.focus_points, one.magnet) == ((), (), ())


def test_nothing_is_added_where_no_outline_is_known() -> None:
    bare = HolderMap("px", (HolderSection("S0001", (1.0, 2.0)),))
    assert edits.added(bare, (5.0, 5.0)) == (bare, "")
    assert edits.added(HolderMap("px"), (5.0, 5.0)) == (HolderMap("px"), "")


def test_a_doubtful_outline_is_accepted_or_removed() -> None:
    taken, name = edits.accepted(SHOWN, "D0001")
    assert (name, taken.doubtful, taken.sections[-1].doubt) == ("S0004", (), "")
    assert taken.sections[-1].outline == SHOWN.doubtful[0].outline
    assert edits.accepted(SHOWN, "S0001") == (SHOWN, "S0001")
    assert edits.removed(SHOWN, "D0001").doubtful == ()
    left = edits.removed(SHOWN, "S0002")
    assert [one.id for one in left.sections] == ["S0001", "S0003"]
    assert left.stage_order == ("S0001", "S0003")


@pytest.mark.parametrize(("place", "order"), [(1, "312"), (2, "132"), (3, "123"), (99, "123"), (-5, "312")])
def test_a_section_is_put_at_a_place_of_the_order(place: int, order: str) -> None:
    found = edits.placed(SHOWN, "S0003", place)
    assert "".join(one.id[-1] for one in found.sections) == order
    assert edits.placed(SHOWN, "D0001", place) == SHOWN


def test_ids_go_on_after_the_largest_and_end_where_a_list_ends() -> None:
    assert edits.next_id(HolderMap("px", (square("S0007", 0, 0), square("S0002", 9, 9)))) == "S0008"
    assert edits.next_id(HolderMap("px", (square("S999999", 0, 0),))) == ""


def test_sections_that_leave_the_safe_area_are_named_whatever_the_turn_of_its_corners() -> None:
    over = edits.moved(SHOWN, "S0001", (-16.0, 0.0))
    for safe in (SAFE, SAFE[::-1]):
        assert edits.outside(SHOWN, safe) == frozenset()
        assert edits.outside(over, safe) == {"S0001"}
    assert edits.outside(over, ()) == frozenset()


def test_changes_are_undone_one_by_one_and_compared_with_the_file() -> None:
    draft = Draft(SHOWN, "a.json")
    assert (draft.is_saved, draft.can_undo) == (True, False)
    assert not draft.change(SHOWN)
    draft.change(edits.moved(SHOWN, "S0001", (1.0, 0.0)))
    draft.change(edits.removed(draft.now, "S0002"))
    assert not draft.is_saved
    draft.saved_as("b.json")
    assert (draft.name, draft.is_saved) == ("b.json", True)
    draft.undo()
    assert not draft.is_saved
    draft.undo()
    draft.undo()
    assert draft.now == SHOWN
    assert not Draft(SHOWN, "").is_saved, "found just now, and in no file"


def test_the_picture_shows_order_doubts_landmarks_and_what_leaves_the_safe_area() -> None:
    over = replace(edits.moved(SHOWN, "S0001", (-16.0, 0.0)), in_cutting_order=True)
    shapes = {one.id: one for one in shapes_of(over, SAFE) if one.id}
    assert shapes["S0001"].look == "holder-section out"
    assert "leaves the safe area" in shapes["S0001"].title
    assert (shapes["S0002"].text, shapes["S0002"].look) == ("2. S0002", "holder-section")
    assert (shapes["D0001"].look, shapes["D0001"].title) == ("doubtful", "D0001: it may be torn")
    looks = [one.look for one in shapes_of(over, SAFE)]
    assert looks.count("order") == looks.count("landmark") == looks.count("safe-area") == 1
    assert "order" not in [one.look for one in shapes_of(SHOWN, ())]
    assert whole_of(over, (200, 100), ()) == (0.0, 0.0, 200.0, 100.0)
    assert step_of(SHOWN) == pytest.approx(0.2)
    assert shapes_of(HolderMap("px"), ()) == []
