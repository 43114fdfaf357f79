"""'No cells' is a finding: what is said to be seen is seen."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.frames.overlooked import Empty, is_imaged, with_disc
from config.work import DetectionConfig
from detection.combined.detector import Combined
from detection.detect import detect, no_cells
from detection.detectors import Detector, Paper, RecallFirst, WithoutNetwork
from detection.image.frames import check_frame
from detection.image.hits import Overlooked
from detection.overlooked.bound import overlooked_in
from detection.overlooked.settings import OVERLOOKED
from tests.detection.combined.networks import seeing_network
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section

CONFIG = DetectionConfig()


def empty(seed: int, noise_sd: float = 20.0, lumps_adu: float = 0.0) -> Empty:
    rng = np.random.default_rng(seed)
    coarse = rng.standard_normal((16, 16)).repeat(32, axis=0).repeat(32, axis=1)
    smooth = coarse
    for axis in (0, 1):
        smooth = np.mean([np.roll(smooth, shift, axis) for shift in range(0, 32, 4)], axis=0)
    light = 600 + lumps_adu * smooth / smooth.std() + rng.normal(0, noise_sd, coarse.shape)
    return Empty(np.rint(light).astype(np.uint16), PIXEL_SIZE_UM, None)


@pytest.mark.parametrize("lumps_adu", [0.0, 40.0])
def test_discs_of_the_contrast_that_is_stated_are_found(lumps_adu: float) -> None:
    found = []
    for seed in range(10):
        frame = empty(seed, lumps_adu=lumps_adu)
        place = tuple(np.random.default_rng(seed).uniform(40, 470, 2))
        pixels = with_disc(frame, (place[0], place[1]), OVERLOOKED.recall_first)
        detection = detect(pixels, PIXEL_SIZE_UM, CONFIG, detector=RecallFirst())
        found.append(is_imaged(detection, (place[0], place[1])))
    assert np.mean(found) >= 0.95


def test_much_fainter_discs_are_not_all_found_so_the_bound_is_not_empty() -> None:
    found = []
    for seed in range(6):
        pixels = with_disc(empty(seed), (200.0, 300.0), OVERLOOKED.recall_first / 2.5)
        detection = detect(pixels, PIXEL_SIZE_UM, CONFIG, detector=RecallFirst())
        found.append(is_imaged(detection, (200.0, 300.0)))
    assert np.mean(found) < 0.8


def test_a_frame_without_cells_states_what_would_have_been_seen() -> None:
    detection = detect(empty(1).pixels, PIXEL_SIZE_UM, CONFIG, detector=RecallFirst())
    bound = detection.overlooked
    assert bound is not None
    assert bound.diameter_um == 5
    assert bound.contrast_adu == pytest.approx(bound.contrast_sd * 20, rel=0.05)
    # Averages over the 620 pixels of a disc have a noise of 20 / sqrt(620); ten times that.
    assert bound.contrast_adu == pytest.approx(8.0, rel=0.15)
    assert detection.warnings == (no_cells(bound),)
    assert no_cells(Overlooked(5.0, 26.0, 1.3)) == (
        "no cells: a disc of 5 um and 1.3 noise deviations (26 grey levels) would have been seen"
    )


@pytest.mark.parametrize("detector", [Combined(seeing_network(sees=False)), seeing_network(sees=False)])
def test_the_network_and_both_together_state_it_too(detector: Detector) -> None:
    detection = detect(empty(1).pixels, PIXEL_SIZE_UM, CONFIG, detector=detector)
    assert detection.overlooked is not None
    assert len(detection.warnings) == 1


def test_it_comes_with_the_warning_that_the_network_is_missing() -> None:
    detection = detect(empty(1).pixels, PIXEL_SIZE_UM, CONFIG, detector=WithoutNetwork("it is damaged"))
    assert detection.overlooked is not None
    assert [warning[:9] for warning in detection.warnings] == ["recall-fi", "no cells:"]


def test_noise_and_lumps_raise_the_bound_and_light_over_the_whole_frame_does_not() -> None:
    def bound(frame: Empty) -> float:
        found = overlooked_in(check_frame(frame.pixels, PIXEL_SIZE_UM), 10.0)
        assert found is not None
        return found.contrast_adu

    plain = bound(empty(2))
    assert bound(empty(2, noise_sd=60)) == pytest.approx(3 * plain, rel=0.1)
    assert bound(empty(2, lumps_adu=40)) > 3 * plain
    y, x = np.mgrid[:512, :512]
    tilted = empty(2).pixels + (x + 0.002 * (y - 256) ** 2).astype(np.uint16)
    assert bound(replace(empty(2), pixels=tilted)) == pytest.approx(plain, rel=0.1)


def test_a_frame_with_cells_or_of_a_detector_without_a_bound_states_none() -> None:
    section = make_section(1, cells=6)
    assert detect(section.pixels, PIXEL_SIZE_UM, CONFIG, detector=RecallFirst()).overlooked is None
    nothing = detect(np.full((64, 64), 7, np.uint16), PIXEL_SIZE_UM, CONFIG, detector=RecallFirst())
    assert nothing.overlooked is None
    assert detect(empty(1).pixels, PIXEL_SIZE_UM, CONFIG, detector=Paper()).overlooked is None


def test_processed_and_tiny_frames_have_no_bound() -> None:
    pixels = empty(1).pixels
    black = np.where(pixels < 590, 0, pixels).astype(np.uint16)
    assert overlooked_in(check_frame(black, PIXEL_SIZE_UM), 10.0) is None
    assert overlooked_in(check_frame(pixels[:64, :64], PIXEL_SIZE_UM), 10.0) is None


def test_of_a_large_frame_the_worst_part_counts() -> None:
    rng = np.random.default_rng(3)
    light = 600 + rng.normal(0, 10, (512, 4200))
    light[:, 2200:] += rng.normal(0, 50, (512, 2000))
    pixels = np.pad(light, ((0, 1600), (0, 0)), mode="reflect").astype(np.uint16)
    whole = overlooked_in(check_frame(pixels, PIXEL_SIZE_UM), 10.0)
    assert whole is not None
    assert whole.contrast_adu == pytest.approx(10 * np.hypot(10, 50) / 24.9, rel=0.15)
