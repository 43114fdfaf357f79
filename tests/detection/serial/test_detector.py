import functools
import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from config.work import DetectionConfig
from detection.detect import detect
from detection.detectors import RecallFirst
from detection.errors import DetectionError
from detection.image.boxes import BoxPx, union_mask
from detection.image.frames import Frame
from detection.image.hits import Hit
from detection.registration.rigid import Rigid
from detection.registration.section_frame import SectionFrame
from detection.serial.detector import SerialDetector
from detection.serial.section import SerialSection
from tests.detection.stacks import OFFSET, PIXEL_UM, SIZE_PX, Block
from tests.remembered import OF_A_FRAME, Remembered, remembering

BLOCK = Block(8, cells=90)
CONFIG = DetectionConfig(dilate_um=0.5)
DUST = BoxPx(120, 100, 140, 120)


def laid(index: int) -> Rigid:
    """Sections lie anyhow, but all show the middle of the block."""
    rng = np.random.default_rng([4, index])
    x, y = rng.uniform(-14, 14, 2)
    return Rigid(float(rng.uniform(-math.pi, math.pi)), (float(x), float(y)))


@pytest.fixture(scope="module", autouse=True)
def each_frame_once() -> Iterator[None]:
    """Most tests link the same frames: what a frame shows alone is computed once, its links each time."""
    with remembering(Remembered(), OF_A_FRAME):
        yield


@pytest.fixture
def anew() -> Iterator[None]:
    """Compute everything again."""
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in OF_A_FRAME:
            patch.setattr(owner, name, inspect.unwrap(getattr(owner, name)))
        yield


@functools.cache
def frame(index: int) -> SectionFrame:
    return changed(index)


def changed(index: int, **more: object) -> SectionFrame:
    return BLOCK.section(f"S{index + 1:04d}", 1 + 0.15 * index, laid(index), index, **more)  # type: ignore[arg-type]


def run(frames: list[SectionFrame], look_ahead: bool = True) -> list[SerialSection]:
    detector = SerialDetector(CONFIG, look_ahead=look_ahead)
    found = [section for one in frames for section in detector.add(one)]
    return found + detector.finish()


def track_at(section: SerialSection, index: int, cell: int) -> str | None:
    """Track of the detection that shows a cell; of several boxes around it, the nearest one."""
    x, y = BLOCK.box(cell, 1 + 0.15 * index, laid(index))
    around = [
        (math.hypot((box.x0 + box.x1) / 2 - x, (box.y0 + box.y1) / 2 - y), one.tracks[0])
        for one in section.cells
        if one.tracks and (box := one.cell.box_px).x0 <= x < box.x1 and box.y0 <= y < box.y1
    ]
    return min(around)[1] if around else None


@functools.cache
def central_cells() -> list[int]:
    """Cells that lie well within all frames."""
    cells = set(BLOCK.cuts(1.0)) & set(BLOCK.cuts(1 + 0.15 * 7))
    places = {cell: [BLOCK.box(cell, 1 + 0.15 * n, laid(n)) for n in range(8)] for cell in cells}
    return [
        cell for cell, at in places.items() if all((p > 20).all() and (p < SIZE_PX - 20).all() for p in at)
    ]


def test_sections_come_out_once_and_in_order_and_cells_keep_their_names() -> None:
    found = run([frame(n) for n in range(8)])
    assert [section.section for section in found] == [f"S{n + 1:04d}" for n in range(8)]
    assert not any(link.bad for section in found for link in section.links)
    cells = central_cells()
    assert len(cells) >= 8
    for cell in cells:
        assert len({track_at(section, n, cell) for n, section in enumerate(found)} - {None}) == 1


@pytest.mark.parametrize("look_ahead", [True, False])
def test_a_cell_missed_in_one_section_is_carried_with_the_reason(look_ahead: bool) -> None:
    cell = central_cells()[0]
    found = run([changed(n, faint=[cell] if n == 4 else []) for n in range(8)], look_ahead)
    x, y = BLOCK.box(cell, 1 + 0.15 * 4, laid(4))
    carried = [
        one
        for one in found[4].cells
        if not one.seen
        and one.cell.box_px.x0 <= x < one.cell.box_px.x1
        and one.cell.box_px.y0 <= y < one.cell.box_px.y1
    ]
    expected = "kept: seen in S0004 and S0006" if look_ahead else "kept: seen in S0003 and S0004"
    assert [one.cell.reason for one in carried] == [expected]
    assert carried[0].tracks[0] == track_at(found[3], 3, cell)
    assert carried[0].cell.image_box_px is not None


def test_without_look_ahead_each_section_comes_out_at_once() -> None:
    detector = SerialDetector(CONFIG, look_ahead=False)
    assert [len(detector.add(frame(n))) for n in range(3)] == [1, 1, 1]
    assert detector.finish() == []


def test_a_bad_section_is_reported_and_bridged() -> None:
    frames = [frame(n) for n in range(7)]
    frames[3] = Block(77, cells=90).section("S0004", 1.0, Rigid(), 3)
    found = run(frames)
    assert [len(section.links) for section in found] == [0, 1, 1, 3, 2, 1, 1]
    assert found[3].links[-1].bad
    assert "S0004 could not be registered on S0003" in found[3].warnings[-1]
    assert "registered on S0003 instead" in found[4].warnings[-1]
    assert found[4].place.chain == found[2].place.chain != found[3].place.chain
    cell = central_cells()[0]
    assert track_at(found[2], 2, cell) == track_at(found[5], 5, cell) is not None


def test_an_empty_stack_images_no_more_than_its_sections_alone() -> None:
    block = Block(1, cells=0)
    frames = [block.section(f"S{n + 1:04d}", 1, Rigid(), n) for n in range(6)]
    alone = [detect(one.pixels, PIXEL_UM, CONFIG, OFFSET).imaged_fraction for one in frames]
    assert [section.imaged_fraction for section in run(frames)] == alone
    assert sum(alone) < 0.01


def test_dust_on_the_camera_is_marked_and_not_imaged() -> None:
    block = Block(8, cells=40)
    frames = [block.section(f"S{n + 1:04d}", 1 + 0.15 * n, laid(n), n, dust=DUST) for n in range(8)]
    found = run(frames)
    marked = [
        one.cell
        for section in found
        for one in section.cells
        if one.cell.reason == "not imaged: fixed in the camera"
    ]
    assert len(marked) >= 4
    for cell in marked:
        assert cell.image_box_px is None
        assert abs(cell.box_px.x0 - DUST.x0) <= 4
        assert abs(cell.box_px.y0 - DUST.y0) <= 4


def two_balls(index: int) -> SectionFrame:
    """Two balls that run into each other in sections 3 to 6 and lie apart in the others, with landmarks."""
    block = Block(8, cells=0)
    rng = np.random.default_rng(2)
    for _ in range(14):
        x, y = rng.uniform(-40, 40, 2)
        if abs(y) > 12 or abs(x) > 18:
            block.centers.append((float(x), float(y), 1.5))
            block.radii.append(float(rng.uniform(2, 4)))
    gap = -1.9 if 3 <= index <= 6 else 2.5
    block.centers += [(-4.2 - gap / 2, 0.0, 1.5), (4.2 + gap / 2, 0.0, 1.5)]
    block.radii += [4.5, 4.5]
    return block.section(f"S{index + 1:04d}", 1.5, laid(index), index)


@pytest.mark.parametrize("look_ahead", [True, False])
def test_cells_that_touch_for_a_while_keep_their_names_and_are_imaged_whole(look_ahead: bool) -> None:
    frames = [two_balls(n) for n in range(10)]
    sections = run(frames, look_ahead)
    names = []
    for index, section in enumerate(sections):
        places = laid(index).inverse().apply(np.array([[-4.9, 0.0], [4.9, 0.0]]))
        at = places / (PIXEL_UM, -PIXEL_UM) + SIZE_PX / 2
        shown = []
        for x, y in at.tolist():
            holding = [
                one
                for one in section.cells
                if one.cell.box_px.x0 <= x < one.cell.box_px.x1
                and one.cell.box_px.y0 <= y < one.cell.box_px.y1
            ]
            middle = [(one.cell.box_px.x0 + one.cell.box_px.x1) / 2 - x for one in holding]
            nearest = holding[int(np.argmin(np.abs(middle)))]
            assert nearest.cell.image_box_px is not None
            shown.append(nearest.tracks)
        names.append(shown)
    assert all(pair == names[0] for pair in names), names
    assert names[0][0] != names[0][1]
    alone = detect(frames[4].pixels, PIXEL_UM, CONFIG, OFFSET)
    assert sections[4].imaged_fraction >= alone.imaged_fraction


def test_sections_that_are_swapped_turned_and_differently_exposed_are_linked() -> None:
    frames = [changed(n, brightness=480.0, noise=40.0) if n == 1 else frame(n) for n in range(6)]
    frames[2], frames[3] = frames[3], frames[2]
    turned = np.rot90(frames[4].pixels, 2).astype(np.uint16)
    frames[4] = replace(frames[4], pixels=turned)
    found = run(frames)
    assert [one.used_link is not None for one in found] == [False, True, True, True, True, True]
    assert {one.place.chain for one in found} == {1}
    cell = central_cells()[0]
    assert track_at(found[0], 0, cell) == track_at(found[5], 5, cell) is not None


def folded(one: SectionFrame) -> SectionFrame:
    """A band of the section lies on what is beside it; all beyond has come nearer."""
    values = one.pixels.astype(np.int64) - round(OFFSET)
    left, right = values[:, :150], values[:, 180:]
    both = np.zeros_like(values)
    both[:, :150] += left
    both[:, 142 : 142 + right.shape[1]] += right
    return replace(one, pixels=(np.clip(both, 0, None) + round(OFFSET)).astype(np.uint16))


def saturated(one: SectionFrame) -> SectionFrame:
    return replace(one, pixels=np.full_like(one.pixels, 65535))


def noise_alone(one: SectionFrame) -> SectionFrame:
    noise = np.random.default_rng(3).normal(OFFSET, 20, one.shape)
    return replace(one, pixels=np.rint(noise).astype(np.uint16))


def blurred(one: SectionFrame) -> SectionFrame:
    smooth = np.asarray(cv2.GaussianBlur(one.pixels.astype(np.float32), (0, 0), 6), dtype=np.float32)
    return replace(one, pixels=np.rint(smooth).astype(np.uint16))


def mirrored(one: SectionFrame) -> SectionFrame:
    return replace(one, pixels=one.pixels[:, ::-1].copy())


@pytest.mark.parametrize("spoil", [folded, saturated, noise_alone, blurred, mirrored])
def test_a_spoilt_section_costs_no_other_its_place(spoil: Callable[[SectionFrame], SectionFrame]) -> None:
    frames = [frame(n) for n in range(7)]
    frames[3] = spoil(frames[3])
    found = run(frames)
    assert [one.section for one in found] == [f"S{n + 1:04d}" for n in range(7)]
    others = [n for n in range(7) if n != 3]
    assert {found[n].place.chain for n in others} == {1}
    for n in others[1:]:
        assert displaced_um(found[n], n, found[0], 0) < 1.0
    # Where the spoilt one is linked, it lies right, at least where it is whole.
    assert found[3].place.chain != 1 or displaced_um(found[3], 3, found[0], 0) < 5.0
    cell = central_cells()[0]
    assert track_at(found[2], 2, cell) == track_at(found[5], 5, cell) is not None


def displaced_um(one: SerialSection, index: int, other: SerialSection, base: int) -> float:
    """Return the error of the motion between two sections, at most, 30 um from the middle."""
    true = laid(base).inverse().after(laid(index))
    return one.place.onto(other.place).distance_um(true, 30)


def test_a_section_taken_twice_lies_on_itself_and_its_cells_keep_their_names() -> None:
    frames = [frame(n) for n in range(6)]
    frames.insert(3, replace(frames[2], section="S0003b"))
    found = run(frames)
    assert {one.place.chain for one in found} == {1}
    assert found[3].place.onto(found[2].place).distance_um(Rigid(), 30) < 0.1
    cell = central_cells()[0]
    names = {track_at(found[n], n if n < 3 else n - 1, cell) for n in range(7)}
    assert len(names - {None}) == 1


def test_a_frame_shifted_by_60_percent_is_linked() -> None:
    side_um = SIZE_PX * PIXEL_UM
    block = Block(8, cells=220, half_um=140.0)
    places = [Rigid(0.3 * n, (0.6 * side_um * (n % 2), 2.0 * n)) for n in range(5)]
    frames = [block.section(f"S{n + 1:04d}", 1 + 0.15 * n, at, n) for n, at in enumerate(places)]
    found = run(frames)
    assert {one.place.chain for one in found} == {1}
    for one, at in zip(found, places, strict=True):
        assert one.place.onto(found[0].place).distance_um(places[0].inverse().after(at), 30) < 1.0


@pytest.mark.parametrize("error_deg", [0, 7, 90])
def test_the_angle_of_the_layout_is_a_start_and_no_more(error_deg: float) -> None:
    """Right, a little off, or wrong altogether: sections are laid where their light says."""
    frames = [
        replace(frame(n), section_angle_rad=-laid(n).rotation_rad + (n % 2) * math.radians(error_deg))
        for n in range(5)
    ]
    found = run(frames)
    assert {one.place.chain for one in found} == {1}
    for n, one in enumerate(found):
        assert displaced_um(one, n, found[0], 0) < 1.0


def test_an_empty_section_between_others_is_bridged_and_a_constant_one_too() -> None:
    frames = [frame(n) for n in range(6)]
    frames[2] = replace(frames[2], pixels=np.full((SIZE_PX, SIZE_PX), 500, np.uint16))
    found = run(frames)
    assert [one.used_link.target for one in found if one.used_link] == ["S0001", "S0002", "S0004", "S0005"]
    assert found[2].cells == ()


@pytest.mark.parametrize("look_ahead", [True, False])
@pytest.mark.parametrize(
    ("detector_name", "least", "gain"), [("combined", 0.97, 0.0), ("recall-first", 0.7, 0.4)]
)
def test_dim_cells_in_a_crowd_are_imaged_in_every_section(
    detector_name: str, least: float, gain: float, look_ahead: bool
) -> None:
    crowd = Block(3, cells=95, half_um=62.0)
    config = DetectionConfig(detector=detector_name)
    detector = SerialDetector(config, look_ahead=look_ahead)
    frames: list[SectionFrame] = []
    dim: list[NDArray[np.bool_]] = []
    for n in range(8):
        z_um, place = 1 + 0.15 * n, laid(n)
        bright = crowd.section(f"S{n + 1:04d}", z_um, place, n, faint=range(0, 95, 2))
        glow = crowd.section("dim", z_um, place, n, brightness=17, noise=0, faint=range(1, 95, 2))
        dim.append(glow.pixels > OFFSET + 8)
        frames.append(replace(bright, pixels=bright.pixels + (glow.pixels - np.uint16(OFFSET))))
    found = [section for one in frames for section in detector.add(one)] + detector.finish()
    together: list[float] = []
    alone: list[float] = []
    for one, where, section in zip(frames, dim, found, strict=True):
        single = detect(one.pixels, PIXEL_UM, config, OFFSET).cells
        for shares, cells in ((together, [cell.cell for cell in section.cells]), (alone, single)):
            boxes = [cell.image_box_px for cell in cells if cell.image_box_px is not None]
            shares.append(float(union_mask(boxes, one.shape)[where].mean()))
    assert float(np.mean(together)) > max(float(np.mean(alone)) + gain, least)


def test_the_same_frames_give_the_same_sections(anew: None) -> None:
    frames = [frame(n) for n in range(4)]
    assert [(one.cells, one.place) for one in run(frames)] == [(one.cells, one.place) for one in run(frames)]


def test_what_no_field_of_a_mosaic_shows_is_not_imaged_though_neighbours_show_a_cell() -> None:
    cell = central_cells()[0]
    frames = [frame(n) for n in range(8)]
    x, y = BLOCK.box(cell, 1 + 0.15 * 4, laid(4)).astype(int)
    mask = np.ones((SIZE_PX, SIZE_PX), dtype=np.bool_)
    mask[y - 19 : y + 20, x - 19 : x + 20] = False
    pixels = frames[4].pixels.copy()
    pixels[~mask] = int(np.median(pixels))
    frames[4] = replace(frames[4], pixels=pixels, mask=mask)
    section = run(frames)[4]
    assert [one for one in section.cells if not mask[one.cell.box_px.slices].any() and not one.seen] == []


def test_the_window_does_not_grow() -> None:
    detector = SerialDetector(CONFIG, detector=OneBox())
    held = []
    for n in range(20):
        detector.add(frame(n % 8))
        held.append(len(detector._window))
    assert held[-1] <= 14
    assert held[-1] == held[-6]


def test_a_frame_that_cannot_be_used_is_refused_and_the_next_is_taken() -> None:
    detector = SerialDetector(CONFIG)
    detector.add(frame(0))
    with pytest.raises(DetectionError):
        detector.add(SectionFrame("S0002", np.zeros((8, 8), np.uint16), PIXEL_UM, OFFSET))
    detector.add(frame(1))
    assert [section.section for section in detector.finish()] == ["S0001", "S0002"]


class OneBox:
    """Finds the same box in every frame."""

    def find(self, frame: Frame) -> tuple[list[Hit], list[str]]:
        assert frame.pixel_size_um == PIXEL_UM
        return [Hit(BoxPx(100, 100, 120, 120), 0.9)], []


def test_a_detector_that_is_given_is_used() -> None:
    detector = SerialDetector(DetectionConfig(detector="one-box"), detector=OneBox())
    sections = [one for n in range(3) for one in detector.add(frame(n))] + detector.finish()
    boxes = [[one.cell.box_px for one in section.cells if one.seen] for section in sections]
    assert boxes == [[BoxPx(100, 100, 120, 120)]] * 3


class FailsOnce:
    """The default detector; its call of this number fails, as that of a plug-in may."""

    def __init__(self, call: int) -> None:
        self._left = call

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        self._left -= 1
        if self._left == 0:
            raise IndexError("a bug in the detector")
        return RecallFirst().find(frame)


@pytest.mark.parametrize(
    ("call", "warning"),
    [(10, "with the background of other sections"), (11, "only the cells that it shows alone")],
)
def test_a_section_that_breaks_the_detector_later_on_has_the_cells_that_it_shows_alone(
    call: int, warning: str
) -> None:
    frames = [frame(n) for n in range(8)]
    alone = detect(frames[2].pixels, PIXEL_UM, CONFIG, OFFSET)
    # Each section is detected alone when it is added, and twice when the second after it has been added: with
    # the background that others show (the first three), and averaged with them.
    detector = SerialDetector(CONFIG, detector=FailsOnce(call))
    found = [section for one in frames for section in detector.add(one)] + detector.finish()
    assert [section.section for section in found] == [f"S{n + 1:04d}" for n in range(8)]
    (broken,) = (section for section in found if any("a bug" in warning for warning in section.warnings))
    assert broken.section == "S0003"
    assert warning in broken.warnings[-1]
    imaged = [one.cell.image_box_px for one in broken.cells if one.cell.image_box_px]
    found_alone = [cell.box_px for cell in alone.cells if cell.image_box_px]
    assert found_alone
    assert all(any(box.contains(cell) for box in imaged) for cell in found_alone)
    assert all(one.tracks for one in broken.cells)
