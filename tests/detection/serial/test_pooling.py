import math
from dataclasses import replace

import numpy as np
import pytest

from config.work import DetectionConfig
from detection.detect import detect
from detection.image.boxes import BoxPx
from detection.image.hits import Cell, CellSource, Decision
from detection.registration.rigid import Rigid
from detection.serial.averaged_hits import join_hits
from detection.serial.pooling import Layer, Neighbour, pool, split_background
from tests.detection.stacks import OFFSET, PIXEL_UM, Block

BLOCK = Block(5, cells=60)
MOTIONS = [Rigid(math.radians(20 * n), (4.0 * n, -3.0 * n)) for n in range(5)]


def layers(brightness: float, cells: Block = BLOCK) -> list[Layer]:
    return [
        split_background(cells.section(f"S{n + 1:04d}", 1 + 0.1 * n, motion, n, brightness=brightness))
        for n, motion in enumerate(MOTIONS)
    ]


def neighbours(all_layers: list[Layer], own: int) -> list[Neighbour]:
    return [
        Neighbour(one, MOTIONS[own].inverse().after(MOTIONS[n]))
        for n, one in enumerate(all_layers)
        if n != own
    ]


def middles() -> list[tuple[float, float]]:
    """Middles, px, of the cells that all sections show."""
    places = [BLOCK.box(n, 1.2, MOTIONS[2]).tolist() for n in BLOCK.cuts(1.2)]
    return [(x, y) for x, y in places if 60 < x < 196 and 60 < y < 196]


def test_noise_stays_and_cells_stand_out_by_the_root_of_five() -> None:
    some = layers(60)
    many = split_background(pool(some[2], neighbours(some, 2)).frame)
    assert many.noise_adu == pytest.approx(some[2].noise_adu, rel=0.05)
    alone, together = (
        np.mean(
            [
                one.residual[round(y) - 3 : round(y) + 4, round(x) - 8 : round(x) + 9].mean()
                for x, y in middles()
            ]
        )
        for one in (some[2], many)
    )
    assert 1.7 < together / alone < 2.4


def test_dim_cells_are_found_in_the_average() -> None:
    some = layers(9)
    alone = detect(some[2].frame.pixels, PIXEL_UM, DetectionConfig(), OFFSET)
    frame = pool(some[2], neighbours(some, 2)).frame
    together = detect(frame.pixels, PIXEL_UM, DetectionConfig(), OFFSET)

    def met(cells: tuple[Cell, ...]) -> int:
        return sum(
            any(c.box_px.x0 <= x < c.box_px.x1 and c.box_px.y0 <= y < c.box_px.y1 for c in cells)
            for x, y in middles()
        )

    assert len(middles()) >= 4
    assert met(together.cells) > met(alone.cells)


def test_the_average_is_split_at_the_background_of_the_section() -> None:
    some = layers(60)
    average = pool(some[2], neighbours(some, 2))
    background = some[2].frame.pixels - some[2].residual
    assert np.abs(average.frame.pixels - average.residual - background).max() < 0.01
    assert average.noise_adu == some[2].noise_adu


@pytest.mark.parametrize("detector", ["combined", "recall-first"])
def test_an_average_of_empty_sections_adds_nothing(detector: str) -> None:
    """Whatever a detector sees in its noise."""
    some = layers(0, Block(1, cells=0))
    for n, own in enumerate(some):
        average = pool(own, neighbours(some, n))
        seen = detect(average.frame.pixels, PIXEL_UM, DetectionConfig(detector=detector), OFFSET).cells
        assert join_hits((), seen, own, average) == ()


def test_without_neighbours_the_frame_is_itself() -> None:
    own = layers(60)[0]
    assert np.abs(pool(own, []).frame.pixels.astype(int) - own.frame.pixels).max() <= 1


def test_noisier_sections_count_less() -> None:
    own = layers(60)[2]
    noisy = replace(own, residual=own.residual + 1000, noise_adu=1000 * own.noise_adu)
    frame = pool(own, [Neighbour(noisy, Rigid())]).frame
    assert np.abs(frame.pixels.astype(int) - own.frame.pixels).max() <= 1


def test_what_is_left_out_or_masked_does_not_count() -> None:
    own = layers(60)[2]
    other = replace(own, residual=own.residual.copy())
    other.residual[20:30, 40:50] = 5000
    frame = pool(own, [Neighbour(other, Rigid(), (BoxPx(40, 20, 50, 30),))]).frame
    assert frame.pixels[20:30, 40:50].max() < 2000
    mask = np.ones(own.frame.shape, dtype=np.bool_)
    mask[20:30, 40:50] = False
    masked = replace(other, frame=replace(other.frame, mask=mask))
    assert (pool(own, [Neighbour(masked, Rigid())]).frame.pixels == frame.pixels).all()


def cell(box: BoxPx, name: str = "c0001", imaged: bool = True) -> Cell:
    return Cell(name, box, box if imaged else None, 0.6, "kept: confident" if imaged else "not imaged: x")


def lit(box: BoxPx, level: float) -> Layer:
    own = layers(0, Block(1, cells=0))[0]
    residual = np.zeros_like(own.residual)
    residual[box.slices] = level
    return replace(own, residual=residual)


BOX = BoxPx(50, 50, 70, 70)


def test_what_the_section_shows_alone_is_never_lost() -> None:
    single = (cell(BoxPx(10, 10, 20, 20)), cell(BOX, "c0002"))
    assert join_hits(single, (), lit(BOX, 0), lit(BOX, 0)) == single


def test_the_average_adds_cells_for_which_the_section_has_some_light() -> None:
    own = lit(BOX, 5.0)
    (added,) = join_hits((), (cell(BOX),), own, lit(BOX, 10.0))
    assert added.image_box_px == BOX
    assert added.reason == "kept: seen with its neighbours"
    assert join_hits((), (cell(BOX),), lit(BOX, 0.0), lit(BOX, 10.0)) == ()


def test_what_the_policy_leaves_out_of_the_average_is_not_said_to_be_kept() -> None:
    left_out = replace(cell(BOX, imaged=False), decision=Decision.BELOW_FLOOR)
    (added,) = join_hits((), (left_out,), lit(BOX, 5.0), lit(BOX, 10.0))
    assert (added.reason, added.image_box_px) == ("not imaged: x", None)
    assert (added.source, added.decision) == (CellSource.AVERAGED, Decision.BELOW_FLOOR)


def test_the_average_adds_nothing_that_does_not_stand_out_in_it() -> None:
    """A detector that learned what cells look like may see one in noise."""
    hint, faint = lit(BOX, 4.0), lit(BOX, 3.0)
    assert len(join_hits((), (cell(BOX),), hint, lit(BOX, 6.0))) == 1
    assert join_hits((), (cell(BOX),), hint, faint) == ()


def test_a_cell_is_imaged_where_either_shows_it_and_keeps_its_own_box() -> None:
    larger = BoxPx(45, 52, 66, 74)
    (both,) = join_hits((cell(BOX),), (cell(larger),), lit(BOX, 5.0), lit(BOX, 5.0))
    assert both.box_px == BOX
    assert both.image_box_px == BoxPx(45, 50, 70, 74)
    (saved,) = join_hits((cell(BOX, imaged=False),), (cell(larger),), lit(BOX, 5.0), lit(BOX, 5.0))
    assert saved.image_box_px == larger


def test_what_is_fixed_in_the_camera_is_not_added() -> None:
    assert join_hits((), (cell(BOX),), lit(BOX, 5.0), lit(BOX, 5.0), [BoxPx(52, 52, 68, 68)]) == ()
