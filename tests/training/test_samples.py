"""Samples of the training: planes, labels and boxes belong together, turned or not."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from detection.network.inputs import CHANNELS, STRIDE
from detection.network.settings import PLACE_PX
from training.samples import Sample, frames_of, read_samples, sample_of, turned, write_samples
from training.scenes.scene import SIDE, draw_scene


@cache
def _crowded() -> Sample:
    for seed in range(100):
        sample = sample_of(draw_scene(seed))
        if sample is not None and len(sample.boxes) > 10:
            return sample
    raise AssertionError


def test_a_sample_has_one_label_for_each_place_of_the_output() -> None:
    sample = _crowded()
    assert sample.planes.shape == (CHANNELS, SIDE // STRIDE, SIDE // STRIDE)
    assert sample.labels.shape == (SIDE // PLACE_PX, SIDE // PLACE_PX)
    assert np.isfinite(sample.planes).all()


@pytest.mark.parametrize("turn", range(8))
def test_labels_lie_in_the_boxes_of_their_cells_after_every_turn(turn: int) -> None:
    seen = turned(_crowded(), turn)
    rows, columns = np.nonzero(seen.labels > 0)
    x0, y0, x1, y1 = seen.boxes[seen.labels[rows, columns] - 1].T
    x, y = (columns + 0.5) * PLACE_PX, (rows + 0.5) * PLACE_PX
    inside = (x > x0 - PLACE_PX) & (x < x1 + PLACE_PX) & (y > y0 - PLACE_PX) & (y < y1 + PLACE_PX)
    assert inside.all()


@pytest.mark.parametrize("turn", range(8))
def test_fine_and_coarse_planes_turn_alike(turn: int) -> None:
    seen = turned(_crowded(), turn)
    fine = seen.planes[: STRIDE**2].astype(np.float32).mean(axis=0)
    coarse = seen.planes[STRIDE**2].astype(np.float32)
    assert np.corrcoef(fine.ravel(), coarse.ravel())[0, 1] > 0.8


def test_turning_twice_about_an_axis_gives_the_sample_back() -> None:
    sample = _crowded()
    back = turned(turned(sample, 1), 1)
    assert np.array_equal(back.planes, sample.planes)
    assert np.array_equal(back.labels, sample.labels)
    assert np.allclose(back.boxes, sample.boxes)


def test_samples_come_back_from_their_file(tmp_path: Path) -> None:
    path = tmp_path / "scenes-000000.npz"
    assert write_samples(path, "scenes", range(3)) == 3
    again = read_samples(path)
    assert len(again) == 3
    expected = sample_of(draw_scene(1))
    assert expected is not None
    assert np.array_equal(again[1].planes, expected.planes)
    assert np.array_equal(again[1].boxes, expected.boxes)


def test_a_damaged_file_gives_no_samples(tmp_path: Path) -> None:
    path = tmp_path / "scenes-000000.npz"
    path.write_bytes(b"PK nothing")
    assert read_samples(path) == []


def test_lumpy_resin_has_no_cells_and_uneven_specimens_have_dim_beside_bright_ones() -> None:
    assert all(not len(frame.boxes) for frame in frames_of("lumpy", 410_000))
    above = [
        np.median(frame.pixels[frame.truth == number + 1]) - np.median(frame.pixels[frame.truth == 0])
        for frame in frames_of("uneven", 410_001)
        for number in np.flatnonzero(frame.counted)
        if (frame.truth == number + 1).any()
    ]
    dim, bright = np.percentile(above, (20, 90))
    assert 0 < 4 * dim < bright
