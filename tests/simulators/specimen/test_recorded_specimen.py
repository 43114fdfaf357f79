from pathlib import Path

import cv2
import numpy as np
import pytest

from config.model import Config
from drivers.pose import to_stage
from drivers.recorded.devices import PlacedFrame, placed
from drivers.recorded.frame import RecordedFrame
from drivers.recorded.tiff import read_frames
from simulators.clock import FastClock
from simulators.microscope import recorded_microscope
from simulators.specimen.grid import Grid
from simulators.specimen.recorded_specimen import RecordedSpecimen
from tests.places import REAL_FRAMES
from tests.simulators.steps import scan


def ring_frames() -> tuple[PlacedFrame, ...]:
    """Two sections of 128 x 160 pixels, each with a ring-shaped cell of 7 um about column 60, row 100."""
    rng = np.random.default_rng(3)
    row, column = np.mgrid[:160, :128]
    away = np.hypot(column + 0.5 - 60, row + 0.5 - 100) * 0.178
    ring = np.where((away < 7) & (away > 3.5), 900.0, 0.0)
    frames = []
    for page in range(2):
        pixels = (200 + ring + rng.normal(0, 30, ring.shape)).astype(np.uint16)
        frames.append(RecordedFrame(Path("ring.tiff"), page, pixels, (178e-9, 178e-9)))
    return placed(frames)


def test_electrons_find_the_recorded_cell() -> None:
    frames = ring_frames()
    microscope = recorded_microscope(
        Config.model_validate({"simulator": {"stage_error_um": 0}}), FastClock(), frames
    )
    (x, y) = to_stage(frames[1].pose, (160, 128), np.array([[60.0, 100.0]]))[0]
    image = scan(microscope, (float(x), float(y)), (1500, 1020)).pixels
    smooth = cv2.blur(image.astype(np.float32), (31, 31))
    row, column = np.mgrid[:1020, :1500]
    away = np.hypot(column - 750, row - 510) * 0.0165
    resin = float(np.median(smooth[away > 9]))
    assert (smooth[away < 6.3] < resin - 20).mean() > 0.97
    assert (smooth[(away > 8.5)] > resin - 20).mean() > 0.97


def test_recorded_signal_comes_back_where_it_was() -> None:
    frames = ring_frames()
    signal = RecordedSpecimen(frames).fluorescence(Grid.of_pose(frames[0].pose, (160, 128)))
    pixels = frames[0].frame.pixels.astype(float)
    np.testing.assert_allclose(signal, np.maximum(pixels - np.median(pixels), 0), atol=1.0)


def test_the_truth_is_not_known() -> None:
    specimen = RecordedSpecimen(ring_frames())
    assert specimen.truth("S0001") == ()
    with pytest.raises(KeyError):
        specimen.truth("S0003")


@pytest.mark.parametrize("level", [0, 65535])
def test_a_frame_without_contrast_is_resin(level: int) -> None:
    pixels = np.full((64, 64), level, np.uint16)
    frames = placed([RecordedFrame(Path("flat.tiff"), 0, pixels, (178e-9, 178e-9))])
    microscope = recorded_microscope(Config(), FastClock(), frames)
    image = scan(microscope, (0.0, 0.0)).pixels
    assert image.mean() > 200


def test_real_frames_can_be_replayed() -> None:
    paths = sorted(REAL_FRAMES.glob("*.ome.tiff"))
    if not paths:
        pytest.skip("the real frames are not here")
    frames = placed([frame for path in paths for frame in read_frames(path)])
    microscope = recorded_microscope(Config(), FastClock(), frames)
    # The bright ring at column 118, row 290 of the first frame.
    (place,) = to_stage(frames[0].pose, (512, 512), np.array([[118.0, 290.0]]))
    image = scan(microscope, (float(place[0]), float(place[1]))).pixels
    assert np.median(image) < 190
