"""Order of ribbons among themselves, by the fluorescence at their ends."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from detection.registration.section_frame import SectionFrame
from service.mapping.lists.files import write_list
from service.mapping.order.between import order_ribbons_by_similarity
from service.mapping.order.joining import Placed, join_margins, length, shortest_join
from service.mapping.order.values import Doubt, LinkKind
from service.mapping.values import MappedSection, SectionList, Unit, first_edge_deg
from tests.service.mapping.order.blocks import block_of_balls
from tests.service.saying import Said

IDS = tuple(f"S{n:04d}" for n in range(6))


@pytest.fixture(scope="module")
def frames() -> list[SectionFrame]:
    return block_of_balls(6, step_um=0.4)


def _ribbons(turned: tuple[int, ...] = ()) -> SectionList:
    """Return three ribbons of two, cut one after another, the second one on the left.

    The sections `turned` are given with the other long edge first, as the shape alone leaves it.
    """
    sections = []
    for n, name in enumerate(IDS):
        x, y = 300.0 * (1, 0, 2)[n // 2], 45.0 * (n % 2)
        corners = ((x, y), (x + 60, y), (x + 60, y + 42), (x, y + 42))
        if n in turned:
            corners = corners[2:] + corners[:2]
        angle = first_edge_deg(corners, Unit.PX)
        sections.append(MappedSection(name, (x + 30, y + 21), angle, corners))
    return SectionList(Unit.PX, tuple(sections))


def test_ribbons_follow_each_other_as_their_ends_are_alike(frames: list[SectionFrame]) -> None:
    found = order_ribbons_by_similarity(_ribbons(), frames)
    assert found.ids == IDS
    between = [link for link in found.links if link.kind is LinkKind.BETWEEN_RIBBONS]
    assert [(link.before, link.after) for link in between] == [("S0001", "S0002"), ("S0003", "S0004")]
    assert all(link.cost < 1 for link in between)


def test_ribbons_of_unknown_direction_are_turned_as_their_neighbours_ask(frames: list[SectionFrame]) -> None:
    found = order_ribbons_by_similarity(_ribbons(turned=(2, 3)), frames, half_turns=True)
    assert found.ids in (IDS, IDS[::-1])
    along = [link.doubt for link in found.links if link.kind is LinkKind.EDGES]
    assert along == [Doubt.DIRECTION] * 3


def test_the_shortest_join_keeps_known_directions_and_knows_its_margins() -> None:
    """Ribbons 0, 1, 2 follow each other; 1 lies turned, and turning it back costs 2 on either side."""
    costs = np.full((3, 2, 3, 2), 5.0)
    costs[0, 0, 1, 1] = costs[1, 1, 2, 0] = 1.0
    costs[0, 0, 1, 0] = costs[1, 0, 2, 0] = 3.0
    path = shortest_join(costs, [False, True, False])
    assert path == (Placed(0), Placed(1, True), Placed(2))
    links, turns = join_margins(path, costs, [False, True, False])
    assert links.tolist() == [4.0, 4.0]
    assert turns.tolist() == [math.inf, 4.0, math.inf]
    known = shortest_join(costs, [False] * 3)
    assert not any(one.turned for one in known)
    assert length(known, costs) == 6.0


def test_a_path_of_many_ribbons_is_found() -> None:
    rng = np.random.default_rng(2)
    places = rng.permutation(14)
    apart = np.abs(np.subtract.outer(places, places - 1.0)) + 0.5 * (places[:, None] > places)
    costs = np.broadcast_to(apart.T[:, None, :, None], (14, 2, 14, 2)).copy()
    path = shortest_join(costs, [False] * 14)
    steps = [int(places[b.ribbon] - places[a.ribbon]) for a, b in pairwise(path)]
    assert len(set(steps)) == 1


def test_ribbons_without_frames_are_refused(say: Said, tmp_path: Path) -> None:
    write_list(tmp_path / "a.yaml", _ribbons())
    status, _, error = say(
        "sections", "order", str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml"), "--ribbons"
    )
    assert status == 2
    assert "--ribbons needs --frames" in error
