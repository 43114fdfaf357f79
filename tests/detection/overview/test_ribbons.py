"""Sections in a row without gaps are told from one section."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detection.overview.common_shape.across import halved, middle_line
from detection.overview.common_shape.doubts import shape_doubt
from detection.overview.common_shape.joints import CLEAR_TEETH, joints_of, saw_teeth
from detection.overview.common_shape.parts import WHOLE, usual_division
from detection.overview.common_shape.regions import Region
from detection.overview.common_shape.rows import with_rows
from detection.overview.common_shape.shape import candidate_shapes, shape_of
from detection.overview.common_shape.strips import Strip, likeness, strip_of, strips_in
from detection.overview.find import find_sections
from detection.overview.ground import Ground, ground_of
from detection.overview.quads import facing_deg, overlap, placed
from detection.overview.settings import OverviewSettings, ShapeSettings
from detection.overview.values import Corners, ShapeDoubt
from tests.detection.overview.pictures import SIZE, drawn, outlines, rectangle

SETTINGS = OverviewSettings()
WIDTH, HEIGHT = 44.0, 30.0


def row(count: int, x: float = 100, y: float = 130, turn: float = 20) -> list[Corners]:
    """Return sections edge to edge, one below the other."""
    shifts = [(number - (count - 1) / 2) * HEIGHT for number in range(count)]
    return [placed(rectangle(WIDTH, HEIGHT) + np.array([0, shift]), x, y, turn) for shift in shifts]


def with_tissue(picture: NDArray[np.uint8], sections: list[Corners], joint: int | None = 110) -> None:
    """Paint the same tissue into each section, and a line at each first side."""
    for corners in sections:
        centre = 0.3 * corners[[0, 3]].mean(0) + 0.7 * corners[[1, 2]].mean(0)
        cv2.circle(picture, np.round(centre).astype(int).tolist(), 6, 60, -1)
        centre = 0.7 * corners.mean(0) + 0.3 * corners[3]
        cv2.circle(picture, np.round(centre).astype(int).tolist(), 4, 75, -1)
        if joint is not None:
            ends = np.round(corners[:2]).astype(int).tolist()
            cv2.line(picture, ends[0], ends[1], joint, 1)


def ground(picture: NDArray[np.uint8]) -> Ground:
    found = ground_of(picture[:, :, None].astype(np.float32), 1.0, SETTINGS.ground)
    assert found is not None
    return found


def hull(sections: list[Corners]) -> Corners:
    """Return the outline of a whole row."""
    return np.stack([sections[0][0], sections[0][1], sections[-1][2], sections[-1][3]])


def test_a_single_ribbon_is_parted_into_its_sections() -> None:
    truth = row(5)
    picture = drawn(truth, (260, 240))
    with_tissue(picture, truth)
    found = find_sections(picture)
    assert len(found.sections) == 5
    assert found.shape_doubt is None
    for corners in truth:
        assert max(overlap(np.array(one.corners_px), corners) for one in found.sections) > 0.85


@pytest.mark.parametrize("count", [2, 3, 4])
def test_outlines_around_several_sections_divide(count: int) -> None:
    rows = [row(count, x, 80, turn) for x, turn in ((70, 10), (190, -25))]
    picture = drawn([one for each in rows for one in each], (160, 260))
    for each in rows:
        with_tissue(picture, each)
    division = usual_division(ground(picture), [hull(one) for one in rows], SETTINGS.parts)
    assert (division.parts, division.sure) == (count, True)
    for corners in (one for each in rows for one in each):
        assert max(overlap(one, corners) for one in division.corners) > 0.8


def test_a_section_with_a_line_in_its_middle_is_no_pair() -> None:
    sections = [placed(rectangle(WIDTH, 2 * HEIGHT), x, 60, turn) for x, turn in ((50, 10), (150, -25))]
    picture = drawn(sections, (120, 210))
    with_tissue(picture, sections, None)
    for corners in sections:
        middle = np.round((corners[[0, 1]] + corners[[3, 2]]) / 2).astype(int).tolist()
        cv2.line(picture, middle[0], middle[1], 130, 1)
    assert usual_division(ground(picture), sections, SETTINGS.parts).parts == 1


@pytest.mark.parametrize(("other_px", "expected"), [(0, (2, True)), (3, (1, False)), (9, (1, True))])
def test_pairs_without_a_line_are_told_by_tissue_that_is_the_same(
    other_px: int, expected: tuple[int, bool]
) -> None:
    rows = [row(2, x, 60, turn) for x, turn in ((50, 10), (150, 10))]
    picture = drawn([one for each in rows for one in each], (120, 210))
    for each in rows:
        with_tissue(picture, each, None)
        if other_px:
            # What only one of the two shows.
            place = 0.7 * each[1].mean(0) + 0.3 * each[1][1]
            cv2.circle(picture, np.round(place).astype(int).tolist(), other_px, 100, -1)
    division = usual_division(ground(picture), [hull(one) for one in rows], SETTINGS.parts)
    assert (division.parts, division.sure) == expected


def test_plain_pieces_with_a_line_between_them_are_doubtful() -> None:
    rows = [row(2, x, 60, turn) for x, turn in ((50, 10), (150, -25))]
    picture = drawn([one for each in rows for one in each], (120, 210))
    for each in rows:
        ends = np.round(each[1][:2]).astype(int).tolist()
        cv2.line(picture, ends[0], ends[1], 100, 1)
    division = usual_division(ground(picture), [hull(one) for one in rows], SETTINGS.parts)
    assert (division.parts, division.sure) == (1, False)


def test_one_plain_outline_is_doubtful_unless_a_person_gave_its_shape() -> None:
    truth = outlines(((60, 60, 30),))
    picture = drawn(truth, (120, 120))
    assert find_sections(picture).shape_doubt is ShapeDoubt.PARTS
    assert find_sections(picture, shape_of(truth, ShapeSettings())).shape_doubt is None


@pytest.mark.parametrize(("count", "doubt"), [(2, ShapeDoubt.FEW), (3, None)])
def test_a_shape_that_fewer_than_three_sections_have_is_doubtful(
    count: int, doubt: ShapeDoubt | None
) -> None:
    truth = outlines(((60, 60, 30), (150, 60, 70), (60, 140, 110))[:count], rectangle(WIDTH, HEIGHT))
    picture = drawn(truth, (200, 220))
    with_tissue(picture, truth, None)
    assert find_sections(picture).shape_doubt is doubt


@pytest.mark.parametrize(
    ("sure", "whole", "expected"), [(True, 0, True), (False, 0, False), (False, 3, True)]
)
def test_a_shape_of_parts_is_sure_by_evidence_or_by_whole_sections(
    sure: bool, whole: int, expected: bool
) -> None:
    places = outlines(tuple((100 * number, 50, 0) for number in range(9)), rectangle(WIDTH, HEIGHT))
    regions = [
        Region(one, WIDTH * HEIGHT, 1.0, False, np.zeros((0, 1, 2), np.int32), sure=sure or number < whole)
        for number, one in enumerate(places)
    ]
    (shape,) = candidate_shapes(regions, 1.0, SETTINGS.shape)
    assert shape.sure is expected


def test_a_shape_that_is_not_sure_is_doubtful() -> None:
    truth = outlines([(x, y, 0) for y in (50, 140) for x in (40, 100, 160, 220)])
    picture = drawn(truth)
    places = [one - 0.5 for one in truth]
    shape = shape_of(truth, SETTINGS.shape)
    doubts = [
        shape_doubt(ground(picture), one, places[:seen], places[seen:], WHOLE, SETTINGS)
        for one, seen in ((shape, 8), (replace(shape, sure=False), 8), (shape, 3), (shape, 0))
    ]
    assert doubts == [None, ShapeDoubt.PARTS, ShapeDoubt.ANOTHER, ShapeDoubt.ANOTHER]


@pytest.mark.parametrize(("halves", "doubt"), [(0, None), (1, None), (2, ShapeDoubt.PARTS)])
def test_one_half_among_many_sections_is_torn_and_more_leave_a_doubt(
    halves: int, doubt: ShapeDoubt | None
) -> None:
    truth = outlines([(x, y, 0) for y in range(40, 240, 40) for x in range(40, 640, 50)])
    picture = drawn(truth, (300, 680))
    half = np.array([[0, 0], [SIZE[0], 0], [SIZE[0], SIZE[1] / 2], [0, SIZE[1] / 2]])
    others = [half + np.array([60 * number, 250]) for number in range(halves)]
    places = [one - 0.5 for one in truth]
    assert len(truth) == 60
    assert (
        shape_doubt(ground(picture), shape_of(truth, SETTINGS.shape), places, others, WHOLE, SETTINGS)
        is doubt
    )


def test_a_row_without_lines_is_parted_by_a_known_shape() -> None:
    truth = row(4, 80, 90, 10)
    _, places = with_rows(ground(drawn(truth, (180, 160))), rectangle(WIDTH, HEIGHT), False, SETTINGS)
    assert len(places) == 4
    for corners in truth:
        assert max(overlap(one, corners) for one in places) > 0.85


def test_a_bent_ribbon_is_made_straight() -> None:
    picture = np.full((200, 200), 190, np.uint8)
    cv2.ellipse(picture, (20, 100), (120, 120), 0, -35, 35, 90, 40)
    found = ground(picture)
    contours, _ = cv2.findContours(
        found.foreground.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    contour = max(contours, key=len)[:, 0].astype(np.float64)
    strip = strip_of(found, contour, np.array([0.0, 1.0]))
    assert strip is not None
    # OpenCV draws round ends.
    assert strip.length == pytest.approx(120 * np.radians(70) + 40, rel=0.1)
    assert strip.width == pytest.approx(40, rel=0.1)


def trapezoids(count: int, x: float = 100, y: float = 130, turn: float = 20) -> list[Corners]:
    """Return plain trapezoids edge to edge, one below the other, each wider at its lower side."""
    half, upper = WIDTH / 2, 0.75 * WIDTH / 2
    one = np.array([[-upper, -HEIGHT / 2], [upper, -HEIGHT / 2], [half, HEIGHT / 2], [-half, HEIGHT / 2]])
    shifts = [(number - (count - 1) / 2) * HEIGHT for number in range(count)]
    return [placed(one + np.array([0, shift]), x, y, turn) for shift in shifts]


def strip_of_row(sections: list[Corners], size: tuple[int, int]) -> tuple[Ground, Strip]:
    """Return the ribbon of some sections as one strip along it."""
    made = ground(drawn(sections, size))
    strips = [strip for each in strips_in(made, 200.0) for strip in each]
    return made, max(strips, key=lambda one: one.length / one.width)


def test_plain_trapezoids_in_a_ribbon_are_told_by_the_steps_of_its_width() -> None:
    truth = trapezoids(6)
    found = find_sections(drawn(truth, (260, 240)))
    assert found.shape_doubt is None
    assert found.shape is not None
    assert found.shape.symmetry_deg == 360
    assert len(found.sections) == 6
    for corners in truth:
        best = max(
            (np.array(one.corners_px) for one in found.sections), key=lambda one: overlap(one, corners)
        )
        assert overlap(best, corners) > 0.78
        # The longer side is the first of the shape, and the lower one of the truth: none lies upside down.
        turned = (facing_deg(best) - facing_deg(corners)) % 360
        assert turned == pytest.approx(180, abs=5)


@pytest.mark.parametrize("count", [2, 5, 8])
def test_saw_teeth_count_the_sections_and_show_where_they_join(count: int) -> None:
    _, strip = strip_of_row(trapezoids(count, 140, 140), (280, 280))
    teeth = [saw_teeth(strip, parts) for parts in range(1, 12)]
    assert int(np.argmax(teeth)) + 1 == count
    assert max(teeth) > CLEAR_TEETH
    assert sum(one > CLEAR_TEETH for one in teeth) == 1
    ends = [(strip.length - count * HEIGHT) / 2, (strip.length + count * HEIGHT) / 2]
    assert np.abs(np.diff([ends[0], *joints_of(strip, count), ends[1]]) - HEIGHT).max() < 4


def test_rectangles_and_a_single_trapezoid_have_no_saw_teeth_between_parts() -> None:
    _, strip = strip_of_row(row(5), (260, 240))
    assert max(saw_teeth(strip, parts) for parts in range(1, 9)) < CLEAR_TEETH
    _, strip = strip_of_row([placed(2 * trapezoids(1, 0, 0, 0)[0], 100, 100, 20)], (200, 200))
    assert max(saw_teeth(strip, parts) for parts in range(2, 9)) < CLEAR_TEETH


def test_a_long_row_has_as_many_sections_as_teeth_though_their_height_is_off() -> None:
    truth = trapezoids(12, 210, 210, 45)
    made = ground(drawn(truth, (420, 420)))
    taller = trapezoids(1, 0, 0, 0)[0] * np.array([1.0, 1.06])
    _, places = with_rows(made, taller, True, SETTINGS)
    assert len(places) == 2 * len(truth), "each of them both ways"


def test_tilted_stripes_are_no_parts_that_look_alike() -> None:
    truth = [placed(rectangle(60, 26), 60, 60, 20)]
    picture = drawn(truth, (120, 120))
    # A line that is nearly parallel to the long sides, as the side of a neighbour would be.
    near, far = 0.8 * truth[0][0] + 0.2 * truth[0][3], 0.55 * truth[0][1] + 0.45 * truth[0][2]
    cv2.line(picture, np.round(near).astype(int).tolist(), np.round(far).astype(int).tolist(), 40, 2)
    long_side_first = np.roll(
        truth[0], -int(np.argmax(np.linalg.norm(np.roll(truth[0], -1, 0) - truth[0], axis=1))), 0
    )
    strip = strip_of(ground(picture), long_side_first, long_side_first[1] - long_side_first[0])
    assert strip is not None
    assert max(likeness(strip, parts)[0] for parts in range(4, 7)) < SETTINGS.parts.alike


def test_a_line_across_the_middle_of_most_outlines_parts_them_and_tissue_does_not() -> None:
    pairs = outlines([(60, 60, 20), (200, 60, 70), (130, 160, 140)], rectangle(44, 60))
    truth = [half for one in pairs for half in halved(one[None], 0)]
    picture = drawn(pairs, (240, 270))
    lined, tissue = picture.copy(), picture.copy()
    for one in pairs:
        left, right = np.round((one + one[[3, 2, 1, 0]]) / 2).astype(int)[:2].tolist()
        cv2.line(lined, left, right, 60, 1)
        for share in np.linspace(0.25, 0.75, 7):
            first, last = np.round(one[:2] + share * (one[[3, 2]] - one[:2])).astype(int).tolist()
            cv2.line(tissue, first, last, 60, 1)
    for shown, parted in ((lined, True), (tissue, False), (picture, False)):
        clear, axis = middle_line(ground(shown), np.array(pairs) - 0.5, SETTINGS.fit)
        assert (clear >= SETTINGS.parts.middle_line) is parted
        assert axis == 0 or not parted
    found = find_sections(lined)
    assert len(found.sections) == len(truth)
    assert found.shape_doubt is ShapeDoubt.PARTS
    for corners in truth:
        assert max(overlap(np.array(one.corners_px), corners) for one in found.sections) > 0.8
