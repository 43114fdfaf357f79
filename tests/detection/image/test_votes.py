from dataclasses import replace

import numpy as np
import pytest

from detection.image.boxes import BoxPx
from detection.image.frames import Frame
from detection.image.hit_table import HitTable, joined, table_of, votes_of
from detection.image.hits import Hit
from detection.tiles import find_in_parts
from detection.votes import OwnPart, Votes, own_parts

SIDE_PX = 4.0
LEFT, RIGHT = (8, 8, 32, 32), (32, 8, 56, 32)


def votes_in(*boxes: tuple[int, int, int, int]) -> Votes:
    """Every place of some boxes says its own box."""
    middles, says = [], []
    for x0, y0, x1, y1 in boxes:
        for y in np.arange(y0 + 2, y1, 4):
            for x in np.arange(x0 + 2, x1, 4):
                middles.append((x, y))
                says.append((x0, y0, x1, y1))
    return Votes(
        np.array(middles, np.float32).reshape(-1, 2),
        np.array(says, np.float32).reshape(-1, 4),
        np.full(len(says), 0.9, np.float32),
        SIDE_PX,
    )


def parts_of(votes: Votes, *boxes: tuple[int, int, int, int]) -> list[OwnPart | None]:
    return own_parts(votes, np.array(boxes, np.int64).reshape(-1, 4))


def test_a_box_that_holds_a_neighbour_too_has_the_area_of_its_own_cell() -> None:
    merged, beside = parts_of(votes_in(LEFT, RIGHT), (8, 8, 50, 32), RIGHT)
    assert merged is not None
    assert beside is not None
    assert merged.area == beside.area == 24 * 24
    assert merged.center == pytest.approx((20, 20))
    assert beside.center == pytest.approx((44, 20))


def test_an_ellipse_has_the_second_moments_of_its_places() -> None:
    (part,) = parts_of(votes_in(LEFT), LEFT)
    assert part is not None
    # The variance of a square is a twelfth of its side squared; the half axis is twice the root of that.
    assert part.half == pytest.approx((2 * 24 / 12**0.5,) * 2)


def test_of_equal_hits_the_first_has_the_places() -> None:
    first, second = parts_of(votes_in(LEFT), LEFT, LEFT)
    assert first is not None
    assert second is None


@pytest.mark.parametrize("boxes", [(), ((60, 60, 64, 64),)])
def test_hits_without_places_have_no_part(boxes: tuple[tuple[int, int, int, int], ...]) -> None:
    assert parts_of(votes_in(LEFT), *boxes) == [None] * len(boxes)
    assert parts_of(votes_in(), *boxes) == [None] * len(boxes)


def test_votes_stay_with_the_hits() -> None:
    hits = table_of([Hit(BoxPx(*LEFT), 0.5)])
    votes = votes_in(LEFT)
    voted = replace(hits, votes=lambda: votes)
    assert votes_of(voted.chosen(np.array([True]))) is votes
    assert votes_of(joined(voted, hits)) is votes
    assert votes_of(joined(hits, voted)) is votes
    assert votes_of(list(voted)) is None


class Even:
    """Each 4 x 4 px of a part say the box of themselves."""

    def find(self, frame: Frame) -> tuple[HitTable, list[str]]:
        rows, columns = frame.values.shape
        boxes = [(x, y, x + 4, y + 4) for y in range(0, rows, 4) for x in range(0, columns, 4)]
        return replace(table_of([Hit(BoxPx(0, 0, 4, 4), 0.5)]), votes=lambda: votes_in(*boxes)), []


def test_parts_of_a_large_frame_vote_once_for_each_place() -> None:
    values = np.random.default_rng(4).normal(100, 5, (96, 128)).astype(np.float32)
    frame = Frame(values, 0.2, constant=False, processed=False, warnings=())
    unasked, _ = find_in_parts(Even(), frame, 32, 8)
    assert votes_of(unasked) is None
    hits, _ = find_in_parts(Even(), frame, 32, 8, with_votes=True)
    votes = votes_of(hits)
    assert votes is not None
    places = sorted(map(tuple, votes.middles.tolist()))
    assert places == sorted((x + 2.0, y + 2.0) for y in range(0, 96, 4) for x in range(0, 128, 4))
    assert (votes.boxes[:, :2] + 2 == votes.middles).all()
