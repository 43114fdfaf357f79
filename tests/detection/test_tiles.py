from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detection.background.estimate import average_blocks, estimate_background
from detection.detectors import RecallFirst
from detection.image.boxes import BoxPx, iou
from detection.image.frames import Frame, check_frame
from detection.image.hits import Hit, SeenBy
from detection.tiles import EVEN, find_in_parts
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section


class Bright:
    """Boxes of what is above 0; warns where there is nothing."""

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        count, _, stats, _ = cv2.connectedComponentsWithStats((frame.values > 0).astype(np.uint8))
        hits = [Hit(BoxPx(x, y, x + w, y + h), 0.5) for x, y, w, h, _ in stats[1:count].tolist()]
        return hits, ["dark"]


def frame_of(values: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> Frame:
    return Frame(values, 0.2, constant=False, processed=False, warnings=())


class Cautious(Bright):
    """The same, with outer boxes, seen by the network."""

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        shape = (frame.values.shape[0], frame.values.shape[1])
        found, _ = super().find(frame)
        return [replace(hit, outer=hit.box.dilated(3, shape), seen_by=SeenBy.NETWORK) for hit in found], []


def test_outer_boxes_and_who_saw_them_survive_the_parts() -> None:
    values = np.full((80, 120), -1, np.float32)
    values[60:66, 100:108] = 1
    values[20:24, 5:115] = 1  # Longer than a part with its overlap.
    hits, _ = find_in_parts(Cautious(), frame_of(values), 60, 20)
    assert sorted(hits, key=lambda hit: hit.box.y0) == [
        Hit(BoxPx(5, 20, 115, 24), 0.5, outer=BoxPx(2, 17, 118, 27), seen_by=SeenBy.NETWORK),
        Hit(BoxPx(100, 60, 108, 66), 0.5, outer=BoxPx(97, 57, 111, 69), seen_by=SeenBy.NETWORK),
    ]


class GivenBackground:
    """Records the background that comes with each part."""

    def __init__(self) -> None:
        self.levels: list[NDArray[np.float32]] = []

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        assert frame.background is not None
        self.levels.append(frame.background)
        return [], []


def test_a_given_background_comes_with_each_part() -> None:
    values = np.arange(80 * 120, dtype=np.float32).reshape(80, 120)
    # Blocks of 10 pixels, with their place in the frame as level.
    row, column = np.indices((8, 12)).astype(np.float32) * 10 + 5
    detector = GivenBackground()
    find_in_parts(detector, replace(frame_of(values), background=1000 * row + column), 60, 20)
    levels = detector.levels
    assert [level.shape for level in levels] == [(6, 8)] * 4
    assert levels[0] == pytest.approx((1000 * row + column)[:6, :8])
    assert levels[3] == pytest.approx((1000 * row + column)[2:, 4:])


def test_parts_use_a_given_background_as_a_whole_frame_does() -> None:
    section = make_section(0, cells=25, size_px=768)
    frame = check_frame(section.pixels, PIXEL_SIZE_UM)
    level = estimate_background(average_blocks(frame.values, PIXEL_SIZE_UM)).level
    # As bright as most cells: only the brightest stand out.
    given = replace(frame, background=level + 110)
    (whole, _), (parts, _) = RecallFirst().find(given), _in_parts(given)
    assert whole
    assert len(parts) == len(whole) < len(_in_parts(frame)[0])
    assert all(any(iou(hit.box, other.box) > 0.8 for other in parts) for hit in whole)


def _in_parts(frame: Frame) -> tuple[Sequence[Hit], list[str]]:
    return find_in_parts(RecallFirst(), frame, 400, 150)


rectangles = st.lists(
    st.tuples(st.integers(0, 99), st.integers(0, 119), st.integers(1, 24), st.integers(1, 24)),
    min_size=1,
    max_size=5,
)


@given(rectangles, st.integers(40, 70), st.integers(4, 20))
def test_parts_lose_nothing(drawn: list[tuple[int, int, int, int]], part_px: int, halo_px: int) -> None:
    values = np.zeros((100, 120), np.float32)
    for y, x, height, width in drawn:
        values[y : y + height, x : x + width] = 1
    hits, _ = find_in_parts(Bright(), frame_of(values), part_px, halo_px)
    whole, _ = Bright().find(frame_of(values))
    for expected in whole:
        assert any(hit.box.contains(expected.box) for hit in hits)
    # What fits into the overlap is found once and exactly.
    for hit in hits:
        if max(hit.box.width_px, hit.box.height_px) < halo_px:
            assert [other.box for other in hits].count(hit.box) == 1


def test_warnings_say_in_how_many_parts() -> None:
    values = np.zeros((60, 60), np.float32)
    values[5:10, 5:10] = 1
    values[35:40, 35:40] = 1
    _, warnings = find_in_parts(Bright(), frame_of(values), 30, 2)
    assert warnings == [
        "in 2 of 4 parts of the frame: dark",
        f"in 2 of 4 parts of the frame: {EVEN}",
    ]


def test_a_frame_that_fits_is_taken_as_a_whole() -> None:
    values = np.zeros((60, 60), np.float32)
    values[5:55, 5:55] = 1
    assert find_in_parts(Bright(), frame_of(values), 60) == ([Hit(BoxPx(5, 5, 55, 55), 0.5)], ["dark"])


@pytest.mark.parametrize("seed", [0, 1])
def test_cells_are_the_same_in_parts(seed: int) -> None:
    section = make_section(seed, cells=25, size_px=768)
    frame = check_frame(section.pixels, PIXEL_SIZE_UM)
    hits, _ = find_in_parts(RecallFirst(), frame, 400, 150)
    whole, _ = RecallFirst().find(frame)
    clear = [hit for hit in whole if hit.confidence > 0.9 and hit.box.area_px > 400]
    assert len(clear) > 8
    for expected in clear:
        grown = BoxPx(expected.box.x0 + 6, expected.box.y0 + 6, expected.box.x1 - 6, expected.box.y1 - 6)
        assert any(hit.box.contains(grown) for hit in hits), expected
