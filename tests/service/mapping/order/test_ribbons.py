"""Order along ribbons: neighbours are found, and what is not known is said."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from service.errors import InputError
from service.mapping.order.ribbons import order_ribbons
from service.mapping.order.values import Doubt, LinkKind
from service.mapping.values import MappedSection, SectionList, Unit
from simulators.overview.placing import place_array
from simulators.overview.values import ArraySettings
from tests.service.mapping.order.arrays import listed, true_pairs

RIBBONS = ArraySettings(sections=60, arrangement="ribbons", ribbon_sections=(4, 12), seed=8)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"gap_share": 0.1, "bend_deg": 4},
        {"gap_share": -0.1},
        {"taper": 0.25},
        {"width_px": 50, "height_px": 50},
        {"width_px": 30, "height_px": 60},
    ],
)
def test_neighbours_of_a_ribbon_follow_each_other(changes: dict[str, float]) -> None:
    array = place_array(replace(RIBBONS, **changes))  # type: ignore[arg-type]
    found = order_ribbons(listed(array, seed=3, error_px=1.0))
    assert true_pairs(array) <= set(pairwise(found.ids))
    assert sorted(found.ids) == [f"S{one.cut:04d}" for one in array.sections]
    wrong = [
        link for link in found.links
        if link.kind is not LinkKind.BETWEEN_RIBBONS and (link.before, link.after) not in true_pairs(array)
    ]  # fmt: skip
    assert all(link.doubt is not None for link in wrong)


def test_the_first_section_may_be_at_either_end() -> None:
    array = place_array(RIBBONS)
    found = order_ribbons(listed(array, seed=3), first_at_top=False)
    assert {(b, a) for a, b in true_pairs(array)} <= set(pairwise(found.ids))


@pytest.mark.parametrize("turns", [2, 4])
def test_without_known_rotations_neighbours_are_right_and_the_direction_is_doubtful(turns: int) -> None:
    square = {"width_px": 50.0, "height_px": 50.0} if turns == 4 else {}
    array = place_array(replace(RIBBONS, **square))  # type: ignore[arg-type]
    found = order_ribbons(listed(array, seed=3, turns=turns))
    either = set(pairwise(found.ids)) | {(b, a) for a, b in pairwise(found.ids)}
    assert true_pairs(array) <= either
    assert Doubt.DIRECTION in {link.doubt for link in found.links}


def test_a_missing_section_leaves_a_doubtful_link() -> None:
    array = place_array(replace(RIBBONS, missing_share=0, sections=9, ribbon_sections=(9, 9)))
    whole = listed(array, seed=1)
    torn = replace(whole, sections=tuple(one for one in whole.sections if one.id != "S0004"))
    found = order_ribbons(torn)
    assert found.ids == tuple(f"S{n:04d}" for n in range(9) if n != 4)
    (link,) = found.doubtful
    assert (link.before, link.after, link.doubt) == ("S0003", "S0005", Doubt.GAP)


def test_ribbons_have_no_order_among_themselves() -> None:
    array = place_array(RIBBONS)
    found = order_ribbons(listed(array, seed=3))
    between = [link for link in found.links if link.kind is LinkKind.BETWEEN_RIBBONS]
    assert between
    assert all(link.doubt is Doubt.UNKNOWN for link in between)


def test_the_stage_has_y_up() -> None:
    array = place_array(RIBBONS)
    found = listed(array, seed=3)
    flip = np.array([5.0, -5.0])
    stage = tuple(
        replace(
            one,
            center=tuple((np.array(one.center) * flip).tolist()),
            outline=tuple(map(tuple, (np.array(one.outline) * flip).tolist())),
        )
        for one in found.sections
    )
    assert true_pairs(array) <= set(pairwise(order_ribbons(SectionList(Unit.UM, stage)).ids))


def test_one_section_and_sections_without_outline() -> None:
    corners = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))
    one = MappedSection("S0001", (4.5, 4.5), 0.0, corners)
    assert order_ribbons(SectionList(Unit.PX, (one,))).ids == ("S0001",)
    with pytest.raises(InputError, match="section S0002 has no outline"):
        order_ribbons(SectionList(Unit.PX, (one, MappedSection("S0002", (50, 50)))))
