from collections.abc import Sequence

import numpy as np

from detection.image.boxes import BoxPx
from detection.registration.rigid import Rigid
from detection.registration.section_frame import SectionFrame
from detection.serial.fixed_pattern import CameraFrames, find_fixed
from detection.serial.pooling import split_background
from detection.tracking.tracker import Place

DUST = BoxPx(40, 40, 60, 60)
SIZE_PX, PIXEL_UM = 200, 0.5


def section(
    index: int,
    shift_um: float,
    *boxes: BoxPx,
    level: float = 120.0,
    fields: Sequence[BoxPx] = (),
    chain: int = 1,
    also: Sequence[BoxPx] = (),
) -> CameraFrames:
    """A section with light in its boxes and those of `also`; only the former are detected."""
    rows = max([SIZE_PX, *(field.y1 for field in fields)])
    columns = max([SIZE_PX, *(field.x1 for field in fields)])
    values = np.random.default_rng(index).normal(500, 10, (rows, columns))
    for box in (*boxes, *also):
        values[box.slices] += level
    name = f"S{index:04d}"
    frame = SectionFrame(name, np.rint(values).astype(np.uint16), PIXEL_UM, 400.0, fields=tuple(fields))
    return CameraFrames(
        Place(index, name, chain, Rigid(0.0, (shift_um, 0.0))), boxes, split_background(frame)
    )


def test_what_stays_while_the_specimen_moves_is_fixed() -> None:
    own, *others = [section(n, 15.0 * n, DUST) for n in range(4)]
    assert find_fixed(own, others) == (DUST,)


def test_it_is_also_where_others_did_not_detect_it() -> None:
    others = [section(n, 15.0 * n, also=[DUST]) for n in range(1, 4)]
    assert find_fixed(section(0, 0, DUST), others) == (DUST,)


def test_one_other_section_is_not_enough() -> None:
    assert find_fixed(section(0, 0, DUST), [section(1, 15, DUST)]) == ()


def test_nothing_is_fixed_where_the_specimen_did_not_move() -> None:
    own, *others = [section(n, 0.5 * n, DUST) for n in range(6)]
    assert find_fixed(own, others) == ()


def test_a_cell_that_moves_with_the_specimen_is_none() -> None:
    # Each shows something at the same pixels by chance, and the cell where the specimen has moved it.
    own = section(0, 0, DUST)
    others = [
        section(n, 12.5 * n, DUST, BoxPx(40 - 25 * n, 40, 60 - 25 * n, 60))
        if n == 1
        else section(n, -12.5 * n, DUST, BoxPx(40 + 25 * n, 40, 60 + 25 * n, 60))
        for n in range(1, 5)
    ]
    assert find_fixed(own, others) == ()


def test_two_others_are_enough_only_if_none_shows_it_moved() -> None:
    own = section(0, 0, DUST)
    assert find_fixed(own, [section(1, -15, DUST), section(2, -30, DUST)]) == (DUST,)
    moved = section(1, -15, DUST, BoxPx(70, 40, 90, 60))
    assert find_fixed(own, [moved, section(2, -30, DUST)]) == ()


def test_a_cell_over_it_is_kept() -> None:
    others = [section(n, 15.0 * n, DUST) for n in range(1, 5)]
    dim = section(0, 0, DUST, level=150.0)
    beside = section(0, 0, BoxPx(40, 40, 75, 75))
    small = section(0, 0, DUST, also=[BoxPx(50, 50, 56, 56)])
    for own in (dim, beside, small):
        assert find_fixed(own, others) == ()


def test_what_is_seen_in_few_of_many_sections_is_none() -> None:
    own = section(0, 0, DUST)
    others = [section(n, 15.0 * n, *([DUST] if n < 3 else [])) for n in range(1, 8)]
    assert find_fixed(own, others) == ()


def test_the_light_path_is_no_reason_to_leave_a_dim_cell_out() -> None:
    # All frames are brighter there, in a wide hump; only this one has a cell on it.
    own = section(0, 0, DUST, also=[BoxPx(20, 20, 80, 80)], level=25.0)
    others = [section(n, 15.0 * n, also=[BoxPx(20, 20, 80, 80)], level=40.0) for n in range(1, 6)]
    assert find_fixed(own, others) == ()


def test_other_chains_say_nothing() -> None:
    others = [section(n, 15.0 * n, DUST, chain=2) for n in (1, 2, 3)]
    assert find_fixed(section(0, 0, DUST), others) == ()


def test_fields_of_a_mosaic_are_compared_each_in_the_coordinates_of_the_camera() -> None:
    """The mosaics have no two shapes alike, and one section alone has fields enough."""
    for count in (1, 2):
        stack = []
        for n in range(count):
            corners = [(0, 0), (190 + n, 0), (0, 185 + 2 * n), (190 + n, 185 + 2 * n)]
            fields = [BoxPx(x, y, x + SIZE_PX, y + SIZE_PX) for x, y in corners]
            dust = [BoxPx(x + 40, y + 40, x + 60, y + 60) for x, y in corners]
            cell = BoxPx(300, 120, 320, 140)
            stack.append(section(n, 20.0 * n, *dust, cell, fields=fields))
        for own in stack:
            found = find_fixed(own, [one for one in stack if one is not own])
            assert set(found) == set(own.boxes[:4])


def test_a_cell_across_fields_is_left_alone() -> None:
    fields = [BoxPx(200 * n, 0, 200 * n + 200, 200) for n in range(4)]
    boxes = [BoxPx(200 * n - 10, 40, 200 * n + 10, 60) for n in range(1, 4)]
    assert find_fixed(section(0, 0, *boxes, fields=fields), []) == ()


def test_what_is_smaller_than_a_block_is_left_alone() -> None:
    speck = BoxPx(41, 41, 42, 42)
    own, *others = [section(n, 15.0 * n, speck) for n in range(4)]
    assert find_fixed(own, others) == ()
