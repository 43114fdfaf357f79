"""Boxes and hits by the thousand: the same as one by one."""

import numpy as np
import pytest

from detection.errors import DetectionError
from detection.image.boxes import BoxPx, boxes_from, sides_of, union_of
from detection.image.highest import highest_in
from detection.image.hit_table import HitTable, joined, table_of
from detection.image.hits import Hit, SeenBy

SHAPE = (90, 130)


def drawn(rng: np.random.Generator, count: int, largest: int) -> np.ndarray:
    """Boxes of very different sizes, some of them partly or wholly beside the frame."""
    low = rng.integers(-20, 140, (count, 2))
    return np.concatenate([low, low + rng.integers(1, largest, (count, 2))], axis=1)


@pytest.mark.parametrize(("count", "largest"), [(5, 200), (700, 6), (700, 40), (1500, 200)])
def test_the_union_and_the_highest_values_of_many_boxes_are_those_of_each(count: int, largest: int) -> None:
    rng = np.random.default_rng(count + largest)
    sides, plane = drawn(rng, count, largest), rng.normal(size=SHAPE).astype(np.float32)
    mask = np.zeros(SHAPE, np.bool_)
    highest = []
    for x0, y0, x1, y1 in np.maximum(sides, 0).tolist():
        mask[y0:y1, x0:x1] = True
        part = plane[y0:y1, x0:x1]
        highest.append(part.max() if part.size else -np.inf)
    assert np.array_equal(union_of(sides, SHAPE), mask)
    assert np.array_equal(highest_in(plane, sides), np.array(highest, np.float32))


def test_boxes_made_at_once_are_boxes_like_others() -> None:
    sides = np.array([[1, 2, 3, 4], [0, 0, 9, 5]])
    made = boxes_from(sides)
    assert made == [BoxPx(1, 2, 3, 4), BoxPx(0, 0, 9, 5)]
    assert [type(side) for side in made[0].as_tuple()] == [int] * 4
    assert np.array_equal(sides_of(made), sides)
    assert boxes_from(sides[:0]) == []
    with pytest.raises(DetectionError, match=r"\(5, 0, 5, 5\) is empty"):
        boxes_from(np.array([[1, 2, 3, 4], [5, 0, 5, 5]]))


HITS = (
    Hit(BoxPx(1, 2, 3, 4), 0.25),
    Hit(BoxPx(0, 0, 9, 5), 0.5, 1.5, BoxPx(0, 0, 12, 8), SeenBy.BOTH),
    Hit(BoxPx(7, 7, 9, 9), 1.0, seen_by=SeenBy.UNDECIDED),
)


def test_a_table_gives_the_hits_that_it_was_made_of() -> None:
    table = table_of(HITS)
    assert list(table) == list(HITS)
    assert (table[1], table[-1]) == (HITS[1], HITS[2])
    assert table[1:] == HITS[1:]
    assert isinstance(table[:1], HitTable)
    assert table != HITS[:2]
    assert table_of(table) is table
    with pytest.raises(IndexError):
        table[3]


def test_rows_are_chosen_and_tables_joined() -> None:
    table = table_of(HITS)
    assert table.chosen(np.array([True, False, True])) == [HITS[0], HITS[2]]
    assert joined(table.chosen(slice(0, 1)), table.chosen(np.array([2, 1]))) == [HITS[0], HITS[2], HITS[1]]
    assert not joined(table_of(()), table_of(()))
