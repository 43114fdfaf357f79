"""Order of scattered sections by the likeness of their fluorescence."""

import math

import numpy as np
import pytest

from detection.registration.section_frame import SectionFrame
from service.errors import InputError
from service.mapping.order import registering
from service.mapping.order.path import shortest_path
from service.mapping.order.pooled import link_margins, most_likely_order
from service.mapping.order.registering import UNREGISTERED, registered_dissimilarities
from service.mapping.order.similarity import dissimilarities, order_by_similarity
from service.mapping.order.values import Doubt, LinkKind
from tests.service.mapping.order.blocks import PIXEL_UM, block_of_balls


def test_scattered_sections_are_put_into_the_order_of_the_block() -> None:
    frames = block_of_balls(5)
    shuffled = [frames[n] for n in (3, 0, 2, 4, 1)]
    found = order_by_similarity(shuffled)
    names = [frame.section for frame in frames]
    assert list(found.ids) in (names, names[::-1])
    assert {link.kind for link in found.links} == {LinkKind.SIMILAR}


def test_pictures_upside_down_are_compared_where_angles_are_known_up_to_half_a_turn() -> None:
    one, two = block_of_balls(2, step_um=0.2)
    turned = SectionFrame(
        two.section, two.pixels, PIXEL_UM, section_angle_rad=(two.section_angle_rad or 0) + math.pi
    )
    right = dissimilarities([one, two])[0, 1]
    assert right < 0.3
    assert dissimilarities([one, turned])[0, 1] > right + 0.3
    assert dissimilarities([one, turned], half_turns=True)[0, 1] == pytest.approx(right, abs=0.05)


def test_an_unknown_angle_is_refused() -> None:
    frame = SectionFrame("S0004", np.ones((64, 64), np.uint16), PIXEL_UM)
    with pytest.raises(InputError, match="the angle of section S0004 is unknown"):
        order_by_similarity([frame, frame])


@pytest.mark.parametrize("count", [1, 2, 3, 12, 40])
def test_the_path_through_points_on_a_line_is_the_line(count: int) -> None:
    rng = np.random.default_rng(count)
    places = rng.permutation(count).astype(float)
    path = shortest_path(np.abs(places[:, None] - places[None, :]))
    assert sorted(path) == list(range(count))
    assert np.all(np.abs(np.diff(places[path])) == 1)


def test_neighbours_that_look_unlike_coarsely_are_compared_through_a_third_section(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frames = block_of_balls(4)
    coarse = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0))) / 10
    coarse[1, 2] = coarse[2, 1] = 0.9
    monkeypatch.setattr(registering, "_FIRST", 2)
    monkeypatch.setattr(registering, "_MORE", 2)
    found = registered_dissimilarities(frames, coarse)
    assert found[1, 2] < found[0, 2] < UNREGISTERED
    assert most_likely_order(found) == [0, 1, 2, 3]


def test_sections_with_nothing_in_common_have_doubtful_links() -> None:
    rng = np.random.default_rng(4)
    noise = [rng.poisson(100, (64, 64)).astype(np.uint16) for _ in range(3)]
    frames = [SectionFrame(f"S{n}", one, PIXEL_UM, section_angle_rad=0.0) for n, one in enumerate(noise)]
    assert {link.doubt for link in order_by_similarity(frames).links} == {Doubt.UNREGISTERED}


def test_sections_three_apart_decide_where_neighbours_do_not() -> None:
    """Dissimilarity grows by .1 with each step; by two errors of .11 the shortest path exchanges 3 and 4."""
    places = np.arange(9.0)
    exact = 0.1 * np.minimum(np.abs(np.subtract.outer(places, places)), 4)
    unlike = exact.copy()
    for one, other in ((2, 3), (4, 5)):
        unlike[one, other] = unlike[other, one] = unlike[one, other] + 0.11
    assert shortest_path(unlike) != list(range(9))
    found = most_likely_order(unlike)
    assert found == list(range(9))
    assert 0 < link_margins(found, unlike)[2] < link_margins(found, exact)[2]
