from hypothesis import given
from hypothesis import strategies as st

from planner.focus_spot import focus_spot
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import grown, touch
from tests.examples import examples

FIELD = (0.0, 0.0, 90e-6, 90e-6)
REACH = 2e-6
SIZE = (4e-6, 4e-6)


def test_an_empty_field_has_a_spot_inside() -> None:
    spot = focus_spot(Ground([FIELD], REACH), [FIELD], [], SIZE)
    assert spot is not None
    assert Ground([FIELD], REACH).allows(spot)


def test_the_spot_is_far_from_cells() -> None:
    cell = (0.0, 0.0, 30e-6, 30e-6)
    spot = focus_spot(Ground([FIELD], REACH), [FIELD], [cell], SIZE)
    assert spot is not None
    assert spot[0] > 70e-6 or spot[1] > 70e-6


def test_a_field_full_of_cells_has_none() -> None:
    cells = [(x * 5e-6, 0.0, x * 5e-6 + 3e-6, 90e-6) for x in range(18)]
    assert focus_spot(Ground([FIELD], REACH), [FIELD], cells, SIZE) is None
    assert focus_spot(Ground([FIELD], REACH), [FIELD], [FIELD], SIZE) is None


def test_a_field_too_small_or_unsaved_has_none() -> None:
    small = (0.0, 0.0, 7e-6, 90e-6)
    assert focus_spot(Ground([small], REACH), [small], [], SIZE) is None
    assert focus_spot(Ground([FIELD], REACH, [FIELD]), [FIELD], [], SIZE) is None
    assert focus_spot(Ground([], REACH), [], [], SIZE) is None


rects = st.tuples(
    st.floats(0, 85e-6), st.floats(0, 85e-6), st.floats(1e-6, 30e-6), st.floats(1e-6, 30e-6)
).map(lambda v: (v[0], v[1], v[0] + v[2], v[1] + v[3]))


@examples(40)
@given(cells=st.lists(rects, max_size=12), unsaved=st.lists(rects, max_size=2))
def test_no_cell_and_no_unsaved_fluorescence_is_in_reach(
    cells: list[tuple[float, float, float, float]], unsaved: list[tuple[float, float, float, float]]
) -> None:
    ground = Ground([FIELD], REACH, unsaved)
    spot = focus_spot(ground, [FIELD], cells, SIZE)
    if spot is not None:
        reach = grown(spot, REACH)
        assert not any(touch(reach, rect) for rect in [*cells, *unsaved])
        assert reach[0] >= FIELD[0]
        assert reach[3] <= FIELD[3]
