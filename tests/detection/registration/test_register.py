import math
from dataclasses import replace

import numpy as np
import pytest

from detection.registration.correlation import refine, search_rotations
from detection.registration.register import prepare, register
from detection.registration.rigid import Rigid
from detection.registration.section_frame import SectionFrame
from tests.detection import real_frames
from tests.detection.stacks import PIXEL_UM, SIZE_PX, Block

BLOCK = Block(3, cells=150)
FIELD_UM = SIZE_PX * PIXEL_UM


def pair(motion: Rigid, step_um: float = 0.2) -> tuple[SectionFrame, SectionFrame]:
    """Two sections, the second laid so that `motion` takes the first onto it."""
    there = Rigid(0.3, (-10.0, 5.0))
    first = BLOCK.section("S0001", 1.0, there, 1)
    return first, BLOCK.section("S0002", 1.0 + step_um, there.after(motion.inverse()), 2)


@pytest.mark.parametrize(
    ("degrees", "x", "y"),
    [
        (0, 0, 0),
        (0, 0.5, 0.2),
        (0, 0.6, 0),
        (35, -0.3, 0.2),
        (90, 0.1, 0.3),
        (180, 0, -0.4),
        (-140, 0.2, 0.2),
    ],
)
def test_shift_and_rotation_are_found(degrees: float, x: float, y: float) -> None:
    motion = Rigid(math.radians(degrees), (x * FIELD_UM, y * FIELD_UM))
    first, second = pair(motion)
    link = register(prepare(first), prepare(second))
    assert not link.bad, link.reason
    assert link.motion is not None
    # At the middle of what both show.
    shared = motion.inverse().apply(np.array([motion.shift_um]) / 2)
    off_um = float(np.hypot(*(link.motion.apply(shared) - motion.apply(shared))[0]))
    assert off_um <= 2 * PIXEL_UM
    assert abs(math.remainder(link.motion.rotation_rad - motion.rotation_rad, math.tau)) < math.radians(1)


@pytest.mark.parametrize("degrees", [0, 44, 77, 90, 91, 135, 168, 180, -100, -135])
def test_correlation_alone_finds_it_too(degrees: float) -> None:
    motion = Rigid(math.radians(degrees), (20.0, -12.0))
    first, second = (prepare(frame) for frame in pair(motion))
    found = refine(first.raster, second.raster, search_rotations(first.raster, second.raster)[0])
    assert found is not None
    assert found.distance_um(motion, 20) < 1.5


def test_a_start_angle_is_not_needed_but_tried_first() -> None:
    motion = Rigid(math.radians(120), (10.0, 0.0))
    first, second = pair(motion)
    for angle in (motion.rotation_rad, 0.0):
        link = register(
            prepare(replace(first, section_angle_rad=0.0)), prepare(replace(second, section_angle_rad=angle))
        )
        assert not link.bad
        assert link.motion is not None
        assert link.motion.distance_um(motion, 20) < 1.5


@pytest.mark.parametrize("seed", range(4))
def test_sections_of_different_blocks_are_not_linked(seed: int) -> None:
    first = Block(seed, cells=150).section("S0001", 1.0, Rigid(), 1)
    second = Block(seed + 50, cells=150).section("S0002", 1.0, Rigid(), 2)
    link = register(prepare(first), prepare(second))
    assert link.bad
    assert link.reason


def test_empty_sections_are_not_linked() -> None:
    empty = [Block(1, cells=0).section(f"S000{n}", 1.0, Rigid(), n) for n in (1, 2)]
    assert register(prepare(empty[0]), prepare(empty[1])).bad


def test_dust_on_the_camera_does_not_pull() -> None:
    first, second = pair(Rigid(0.0, (25.0, 0.0)))
    for frame in (first, second):
        frame.pixels[40:80, 40:60] += 200
    link = register(prepare(first), prepare(second))
    assert not link.bad
    assert link.motion is not None
    assert link.motion.shift_um == pytest.approx((25, 0), abs=1)


def dusty(frame: SectionFrame) -> SectionFrame:
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:SIZE_PX, :SIZE_PX]
    pixels = frame.pixels.copy()
    for column, row in rng.uniform(10, SIZE_PX - 10, (14, 2)):
        pixels[np.hypot(x - column, y - row) < rng.uniform(4, 9)] += 300
    return replace(frame, pixels=pixels)


def test_much_dust_does_not_pull_either() -> None:
    motion = Rigid(math.radians(100), (15.0, -20.0))
    link = register(*(prepare(dusty(frame)) for frame in pair(motion)))
    assert not link.bad, link.reason
    assert link.motion is not None
    assert link.motion.distance_um(motion, 20) < 1


def test_dust_on_the_camera_links_no_sections_of_different_blocks() -> None:
    frames = [Block(seed, cells=150).section(f"S000{seed}", 1.0, Rigid(), seed) for seed in (1, 2)]
    link = register(*(prepare(dusty(frame)) for frame in frames))
    assert link.bad
    assert link.reason == "only what is fixed in the camera agrees"


@pytest.mark.parametrize("step_um", [0.0, 0.2, 0.6])
def test_a_specimen_that_does_not_move_is_linked(step_um: float) -> None:
    link = register(*(prepare(dusty(frame)) for frame in pair(Rigid(), step_um)))
    assert not link.bad, link.reason
    assert link.motion is not None
    assert link.motion.distance_um(Rigid(), 40) < 0.5


@real_frames.needed
def test_real_frames_close_a_loop() -> None:
    frames = [
        prepare(SectionFrame(name, real_frames.pixels(name), real_frames.PIXEL_SIZE_UM))
        for name in real_frames.NAMES
    ]
    there, on, across = (register(frames[a], frames[b]) for a, b in ((0, 1), (1, 2), (0, 2)))
    assert [link.bad for link in (there, on, across)] == [False, False, False]
    assert there.motion is not None
    assert on.motion is not None
    assert across.motion is not None
    gap_um = on.motion.after(there.motion).distance_um(across.motion, frames[0].radius_um)
    assert gap_um / real_frames.PIXEL_SIZE_UM <= 6
