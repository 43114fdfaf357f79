import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from config.model import Config
from drivers.errors import FrameError, OutOfRangeError
from drivers.fluorescence import FmSettings
from drivers.recorded.devices import PlacedFrame, RecordedCamera, RecordedLight, placed
from drivers.recorded.frame import RecordedFrame
from simulators.clock import FastClock
from simulators.microscope import recorded_microscope

SETTINGS = FmSettings(2.0, 100.0, 488.0, 0.5)


def frame(page: int, side_px: int = 32) -> RecordedFrame:
    return RecordedFrame(Path("a.tiff"), page, np.full((side_px, side_px), page, np.uint16), (178e-9, 178e-9))


def camera(frames: tuple[PlacedFrame, ...]) -> tuple[RecordedCamera, FastClock]:
    clock = FastClock()
    microscope = recorded_microscope(Config(), clock, frames)
    microscope.devices.stage.move_to(*frames[0].center_m, 60)
    return RecordedCamera(frames, microscope.devices.stage, clock), clock


@pytest.mark.parametrize("count", [1, 3, 10, 1000])
def test_frames_without_a_place_become_sections_apart_from_each_other(count: int) -> None:
    frames = placed([frame(n) for n in range(count)])
    assert [f.section for f in frames] == [f"S{n + 1:04d}" for n in range(count)]
    assert {f.field for f in frames} == {0}
    centers = np.array([f.center_m for f in frames])
    assert np.allclose(centers.mean(axis=0), 0, atol=100e-6)
    if count > 1:
        steps = centers[:, None] - centers[None]
        apart = np.abs(steps).max(axis=2) + np.eye(count)
        assert apart.min() > 32 * 178e-9 + 50e-6


def test_frames_keep_the_place_and_the_section_that_they_carry() -> None:
    frames = [
        replace(frame(n), section=section, center_m=(n * 1e-4, 2e-4))
        for n, section in enumerate(["S0007", "S0007", "S0009"])
    ]
    result = placed(frames)
    assert [(f.section, f.field, f.center_m) for f in result] == [
        ("S0007", 0, (0.0, 2e-4)),
        ("S0007", 1, (1e-4, 2e-4)),
        ("S0009", 0, (2e-4, 2e-4)),
    ]


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([], "no frames"),
        ([replace(frame(0), center_m=(0.0, 0.0)), frame(1)], "page 1 has no stage position"),
        ([replace(frame(0), section="S0001"), frame(1)], "page 1 names no section"),
        ([replace(frame(0), section="../x")], "page 0 names the section '../x'"),
        ([replace(frame(n), center_m=(1e-3, 0.0)) for n in range(2)], "same stage position"),
    ],
)
def test_frames_that_do_not_belong_together(frames: list[RecordedFrame], words: str) -> None:
    with pytest.raises(FrameError) as error:
        placed(frames)
    assert words in str(error.value)


def test_the_frame_recorded_here_is_given_as_recorded() -> None:
    frames = placed([replace(frame(n), exposure_s=0.5, offset_adu=200.0) for n in range(3)])
    clock = FastClock(start_s=7.0)
    devices = recorded_microscope(Config(), clock, frames).devices
    for index in (2, 0, 1):
        devices.stage.move_to(*frames[index].center_m, 60)
        given = devices.camera.expose(SETTINGS, 60)
        np.testing.assert_array_equal(given.pixels, frames[index].frame.pixels)
        assert given.pose.center_m == frames[index].center_m
        assert given.settings.exposure_s == 0.5
        assert given.offset_adu == 200.0


def test_a_frame_that_is_given_twice_is_not_shared() -> None:
    frames = placed([frame(3)])
    given, _ = camera(frames)
    given.expose(SETTINGS, 60).pixels[:] = 0
    assert given.expose(SETTINGS, 60).pixels.max() == 3


def test_nothing_is_given_where_nothing_was_recorded() -> None:
    frames = placed([frame(0), frame(1)])
    clock = FastClock()
    devices = recorded_microscope(Config(), clock, frames).devices
    x, y = frames[0].center_m
    devices.stage.move_to(x + 5e-6, y, 60)
    with pytest.raises(FrameError, match="no frame was recorded at stage x"):
        devices.camera.expose(SETTINGS, 60)


def test_the_light_keeps_its_state() -> None:
    light = RecordedLight()
    light.on(488, 0.5, 5)
    assert light.is_on()
    with pytest.raises(OutOfRangeError):
        light.on(math.nan, 0.5, 5)
    light.off()
    light.off()
    assert not light.is_on()
