import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.work import DetectionConfig
from detection.image.boxes import BoxPx
from detection.image.hits import CellSource, Decision, Hit, SeenBy
from detection.policy import apply_policy

SHAPE = (200, 300)
CONFIG = DetectionConfig(dilate_um=1.0, doubtful_below=0.5, doubtful_extra_um=0.5, min_confidence=0.05)
BOX = BoxPx(100, 100, 120, 110)


@pytest.mark.parametrize(
    ("confidence", "decision", "reason", "margin"),
    [
        (0.9, Decision.KEPT, "kept: confident", 5),
        (0.5, Decision.KEPT, "kept: confident", 5),
        (0.49, Decision.DOUBTFUL, "kept: doubtful, grown by 0.5 um", 8),
        (0.05, Decision.DOUBTFUL, "kept: doubtful, grown by 0.5 um", 8),
    ],
)
def test_doubt_grows_a_box(confidence: float, decision: Decision, reason: str, margin: int) -> None:
    (cell,) = apply_policy([Hit(BOX, confidence)], SHAPE, 0.2, CONFIG)
    assert (cell.decision, cell.reason) == (decision, reason)
    assert cell.source is CellSource.FRAME
    assert cell.box_px == BOX
    assert cell.image_box_px == BoxPx(100 - margin, 100 - margin, 120 + margin, 110 + margin)


def test_a_hit_below_the_floor_is_kept_in_the_books_but_not_imaged() -> None:
    (cell,) = apply_policy([Hit(BOX, 0.03)], SHAPE, 0.2, CONFIG)
    assert cell.image_box_px is None
    assert cell.decision is Decision.BELOW_FLOOR
    assert cell.reason == "not imaged: confidence 0.03 below 0.05"


@pytest.mark.parametrize(
    ("seen_by", "words"),
    [
        (SeenBy.BOTH, "seen by both detectors"),
        (SeenBy.NETWORK, "seen by the network"),
        (SeenBy.RECALL_FIRST, "seen by recall-first only"),
        (SeenBy.UNDECIDED, "seen by recall-first only, against the network"),
    ],
)
def test_the_reason_tells_which_detector_saw_a_cell(seen_by: SeenBy, words: str) -> None:
    kept, left_out = apply_policy(
        [Hit(BOX, 0.9, seen_by=seen_by), Hit(BOX, 0.0, seen_by=seen_by)], SHAPE, 0.2, CONFIG
    )
    assert (kept.seen_by, left_out.seen_by) == (seen_by, seen_by)
    assert kept.reason == f"kept: confident; {words}"
    assert left_out.reason == f"not imaged: confidence 0 below 0.05; {words}"


def test_the_margin_is_rounded_up_to_whole_pixels() -> None:
    (cell,) = apply_policy([Hit(BOX, 1.0)], SHAPE, 0.178, CONFIG)
    assert cell.image_box_px is not None
    assert cell.image_box_px.x0 == 100 - 6


def test_an_unsure_outline_grows_a_box_further() -> None:
    (cell,) = apply_policy([Hit(BOX, 0.9, extent_uncertainty_um=2.0)], SHAPE, 0.2, CONFIG)
    assert cell.reason == "kept: confident; outline unsure, grown by 2.0 um"
    assert cell.box_px == BOX
    assert cell.image_box_px == BoxPx(85, 85, 135, 125)
    assert cell.extent_uncertainty_um == 2.0
    # 1.3 um are 6.5 px.
    (slightly,) = apply_policy([Hit(BOX, 0.9, extent_uncertainty_um=0.3)], SHAPE, 0.2, CONFIG)
    assert slightly.image_box_px == BoxPx(93, 93, 127, 117)
    (sure,) = apply_policy([Hit(BOX, 0.9, extent_uncertainty_um=0.0)], SHAPE, 0.2, CONFIG)
    assert sure.image_box_px == BoxPx(95, 95, 125, 115)
    assert sure.reason == "kept: confident"


hits = st.builds(
    lambda x, y, w, h, c: Hit(BoxPx(x, y, x + w, y + h), c),
    st.integers(0, 250),
    st.integers(0, 150),
    st.integers(1, 50),
    st.integers(1, 50),
    st.floats(0, 1),
)


@given(st.lists(hits, max_size=20))
def test_every_hit_is_accounted_for_in_reading_order(found: list[Hit]) -> None:
    cells = apply_policy(found, SHAPE, 0.178, CONFIG)
    assert [cell.id for cell in cells] == [f"c{n + 1:04d}" for n in range(len(found))]
    assert sorted(cell.box_px for cell in cells) == sorted(hit.box for hit in found)
    tops = [(cell.box_px.y0, cell.box_px.x0) for cell in cells]
    assert tops == sorted(tops)
    for cell in cells:
        assert (cell.image_box_px is None) == (cell.confidence < CONFIG.min_confidence)
        if cell.image_box_px is not None:
            assert cell.image_box_px.contains(cell.box_px)
            assert BoxPx(0, 0, SHAPE[1], SHAPE[0]).contains(cell.image_box_px)


SIDES = BoxPx(95, 90, 135, 110)
"""Outer sides of `BOX`: 5, 10, 15 and 0 px beyond it."""


def imaged_with_sides(quantile: float, dilate_um: float = 0.0, outer: BoxPx | None = SIDES) -> BoxPx:
    config = DetectionConfig(dilate_um=dilate_um, side_quantile=quantile)
    (cell,) = apply_policy([Hit(BOX, 0.9, outer=outer)], SHAPE, 0.2, config)
    assert cell.box_px == BOX
    assert cell.outer_px == outer
    assert cell.image_box_px is not None
    return cell.image_box_px


def test_the_outer_sides_are_imaged_at_their_own_quantile() -> None:
    assert imaged_with_sides(0.98) == SIDES
    assert imaged_with_sides(0.5) == BOX


@given(st.floats(0.5, 0.9999), st.floats(0.5, 0.9999))
def test_a_higher_quantile_never_images_less(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert imaged_with_sides(high).contains(imaged_with_sides(low))
    assert imaged_with_sides(low).contains(BOX)


def test_quantiles_follow_a_gaussian() -> None:
    # .84 is one deviation, .98 are 2.054.
    x0, y0, x1, y1 = imaged_with_sides(0.8413).as_tuple()
    assert (100 - x0, 100 - y0, x1 - 120, y1 - 110) == (3, 5, 8, 0)
    x0, y0, x1, y1 = imaged_with_sides(0.9987).as_tuple()
    assert (100 - x0, 100 - y0, x1 - 120, y1 - 110) == (8, 15, 22, 0)


def test_the_larger_of_margin_and_outer_side_counts() -> None:
    # 1.6 um are 8 px.
    assert imaged_with_sides(0.98, dilate_um=1.6) == BoxPx(92, 90, 135, 118)
    assert imaged_with_sides(0.98, dilate_um=1.6, outer=None) == BoxPx(92, 92, 128, 118)


def test_outer_sides_end_with_the_frame() -> None:
    box = BoxPx(2, 1, 298, 199)
    config = DetectionConfig(dilate_um=0, side_quantile=0.9999)
    (cell,) = apply_policy([Hit(box, 0.9, outer=BoxPx(0, 0, 300, 200))], SHAPE, 0.2, config)
    assert cell.image_box_px == BoxPx(0, 0, 300, 200)
