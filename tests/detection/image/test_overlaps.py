"""Pairs of boxes that share area."""

import numpy as np
import pytest

from detection.image.boxes import pairwise_areas
from detection.image.overlaps import areas, overlapping, overlapping_each_other

LEAST = 0.45


def drawn(rng: np.random.Generator, count: int, largest: float) -> np.ndarray:
    low = rng.uniform(0, 300, (count, 2))
    # Sizes over three orders of magnitude, boxes of no area among them.
    size = largest * 10 ** rng.uniform(-3, 0, (count, 2)) * (rng.random((count, 1)) > 0.05)
    return np.concatenate([low, low + size], axis=1).astype(np.float32)


@pytest.mark.parametrize(("largest", "count"), [(3.0, 400), (40.0, 400), (300.0, 400), (40.0, 50)])
def test_no_pair_that_shares_much_is_left_out(largest: float, count: int) -> None:
    rng = np.random.default_rng(int(largest))
    a, b = drawn(rng, count, largest), drawn(rng, count * 3 // 4, largest)
    # Some nearly the same, some inside others.
    alike = count // 4
    size = np.tile(a[:alike, 2:] - a[:alike, :2], 2)
    b[:alike] = a[:alike] + size * rng.normal(0, 0.05, (alike, 4)).astype(np.float32)
    b[:, 2:] = np.maximum(b[:, 2:], b[:, :2])
    first, second, shared = overlapping(a, b, LEAST)
    inner, area_a, area_b = pairwise_areas(a, b)
    assert np.array_equal(areas(a), area_a[:, 0])
    much = (inner > 0) & ((inner >= LEAST * (area_a + area_b - inner)) | (inner >= 0.5 * area_b))
    assert much.sum() > count // 8
    found = np.zeros_like(inner)
    found[first, second] = shared
    assert len(set(zip(first.tolist(), second.tolist(), strict=True))) == len(first)
    assert np.array_equal(found[much], inner[much])
    assert np.allclose(found[found > 0], inner[found > 0])


@pytest.mark.parametrize(("largest", "count"), [(300.0, 50), (3.0, 400), (40.0, 400), (300.0, 400)])
def test_pairs_of_a_list_with_itself_come_once_the_lower_number_first(largest: float, count: int) -> None:
    rng = np.random.default_rng(count)
    boxes = drawn(rng, count, largest)
    # Some nearly the same, so that boxes of any size have a partner.
    alike = count // 2
    boxes[:alike] = boxes[-alike:] + 0.1 * (boxes[-alike:, 2:3] - boxes[-alike:, :1]) * rng.random((alike, 1))
    first, second, shared = overlapping_each_other(boxes, LEAST)
    assert (first < second).all()
    assert len(set(zip(first.tolist(), second.tolist(), strict=True))) == len(first)
    inner, area, other = pairwise_areas(boxes, boxes)
    much = (inner > 0) & (
        (inner >= LEAST * (area + other - inner)) | (inner >= 0.5 * np.minimum(area, other))
    )
    much &= np.arange(count)[:, None] < np.arange(count)
    assert much.sum() > count // 4
    found = np.zeros_like(inner)
    found[first, second] = shared
    assert np.array_equal(found[much], inner[much])


def test_lists_without_boxes_have_no_pairs() -> None:
    one, none = np.array([[0, 0, 2, 2]], np.float32), np.zeros((0, 4), np.float32)
    for a, b in ((one, none), (none, one), (none, none)):
        assert not len(overlapping(a, b, LEAST)[0])
    assert not len(overlapping_each_other(none, LEAST)[0])
