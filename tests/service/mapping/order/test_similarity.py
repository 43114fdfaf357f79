"""Order of scattered sections by the likeness of their fluorescence."""

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from detection.registration.section_frame import SectionFrame
from service.errors import InputError
from service.mapping.order.likeness.registering import registered_likeness
from service.mapping.order.path import shortest_path
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


@pytest.mark.filterwarnings("error")
def test_frames_that_show_nothing_at_all_have_an_order_without_a_sure_link() -> None:
    dark = np.zeros((64, 64), np.uint16)
    frames = [SectionFrame(f"S{n}", dark, PIXEL_UM, section_angle_rad=0.1 * n) for n in range(4)]
    found = order_by_similarity(frames)
    assert sorted(found.ids) == ["S0", "S1", "S2", "S3"]
    assert {link.doubt for link in found.links} == {Doubt.UNREGISTERED}


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


def test_sections_that_are_not_registered_are_compared_through_a_third_one() -> None:
    """Sections 1 and 2 are the last of all by the coarse comparison, and are registered with others only."""
    frames = block_of_balls(5)
    coarse = np.abs(np.subtract.outer(np.arange(5.0), np.arange(5.0))) / 10
    coarse[1, 2] = coarse[2, 1] = 0.9
    found = registered_likeness(frames, coarse)
    assert not found.apart.any()
    unlike = found.unlike
    assert unlike[1, 2] < unlike[0, 2] < unlike[0, 3]
    assert np.all(found.error[np.triu_indices(5, 1)] < 0.1)


def test_noise_leaves_neighbours_as_alike_as_they_are() -> None:
    """Of two equal sections, one in six times the noise: the correlation falls, the unlikeness does not."""
    (section,) = block_of_balls(1)
    smooth = cv2.GaussianBlur(section.pixels.astype(np.float32), (0, 0), 2.0)
    rng = np.random.default_rng(3)
    clear, noisy, other = (
        replace(section, section=name, pixels=rng.normal(smooth + 300, sd).astype(np.uint16))
        for name, sd in (("S0000", 10), ("S0001", 60), ("S0002", 60))
    )
    found = registered_likeness([clear, noisy, other], np.zeros((3, 3)))
    assert found.unlike[0, 1] == pytest.approx(0, abs=0.08)
    assert found.unlike[1, 2] == pytest.approx(0, abs=0.1)
    assert found.error[1, 2] > 1.2 * found.error[0, 1]


def test_sections_with_nothing_in_common_have_doubtful_links() -> None:
    rng = np.random.default_rng(4)
    noise = [rng.poisson(100, (64, 64)).astype(np.uint16) for _ in range(3)]
    frames = [SectionFrame(f"S{n}", one, PIXEL_UM, section_angle_rad=0.0) for n, one in enumerate(noise)]
    assert {link.doubt for link in order_by_similarity(frames).links} == {Doubt.UNREGISTERED}


def test_a_section_without_cells_has_doubtful_links_and_the_others_none() -> None:
    frames = block_of_balls(7)
    empty = np.random.default_rng(2).poisson(100, frames[3].shape).astype(np.uint16)
    frames[3] = replace(frames[3], pixels=empty)
    found = order_by_similarity([frames[n] for n in (3, 0, 5, 2, 4, 1, 6)])
    doubtful = {name for link in found.doubtful for name in (link.before, link.after)}
    assert "S0003" in doubtful
    sure = [link for link in found.links if link.doubt is None]
    shown = [f"S{n:04d}" for n in (0, 1, 2, 4, 5, 6)]
    assert all(abs(shown.index(link.before) - shown.index(link.after)) == 1 for link in sure)
    assert len(sure) >= 2
