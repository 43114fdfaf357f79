"""Order of ribbons among themselves, by the fluorescence at their ends."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from detection.registration.section_frame import SectionFrame
from service.mapping.lists.files import write_list
from service.mapping.order.between import order_ribbons_by_similarity
from service.mapping.order.ribbons import order_ribbons
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
        sections.append(_at(name, 300.0 * (1, 0, 2)[n // 2], 45.0 * (n % 2), n in turned))
    return SectionList(Unit.PX, tuple(sections))


def _at(name: str, x: float, y: float, turned: bool = False) -> MappedSection:
    corners = ((x, y), (x + 60, y), (x + 60, y + 42), (x, y + 42))
    if turned:
        corners = corners[2:] + corners[:2]
    return MappedSection(name, (x + 30, y + 21), first_edge_deg(corners, Unit.PX), corners)


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


def test_two_ribbons_that_lie_end_to_end_by_chance_are_parted(frames: list[SectionFrame]) -> None:
    """The third ribbon is stuck to the first one; by their outlines alone all four are one ribbon."""
    sections = list(_ribbons().sections)
    for n in (4, 5):
        sections[n] = _at(IDS[n], 300.0, 90.0 + 45.0 * (n % 2))
    stuck = SectionList(Unit.PX, tuple(sections))
    assert ("S0001", "S0004") in pairwise(order_ribbons(stuck).ids)
    found = order_ribbons_by_similarity(stuck, frames)
    assert found.ids == IDS


def test_a_ribbon_whose_sections_show_nothing_stays_one(frames: list[SectionFrame]) -> None:
    rng = np.random.default_rng(5)
    empty = [replace(one, pixels=rng.poisson(100, (64, 64)).astype(np.uint16)) for one in frames]
    found = order_ribbons_by_similarity(_ribbons(), empty)
    along = [link for link in found.links if link.kind is LinkKind.EDGES]
    assert {(link.before, link.after) for link in along} == {(IDS[n], IDS[n + 1]) for n in (0, 2, 4)}
    between = [link for link in found.links if link.kind is LinkKind.BETWEEN_RIBBONS]
    assert [link.doubt for link in between] == [Doubt.UNREGISTERED] * 2


def test_ribbons_without_frames_are_refused(say: Said, tmp_path: Path) -> None:
    write_list(tmp_path / "a.yaml", _ribbons())
    status, _, error = say(
        "sections", "order", str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml"), "--ribbons"
    )
    assert status == 2
    assert "--ribbons needs --frames" in error
