"""Random frames for training: reproducible, and their truth fits what they show."""

from functools import cache

import numpy as np
import pytest

from training.labelled import LabelledFrame
from training.samples import frames_of, sample_of
from training.scenes.outlines import draw_outlines
from training.scenes.scene import SIDE, draw_scene

SEEDS = range(16)


@cache
def _scene(seed: int) -> LabelledFrame:
    return draw_scene(seed)


def test_the_same_seed_gives_the_same_frame() -> None:
    one, other = draw_scene(3), _scene(3)
    assert np.array_equal(one.pixels, other.pixels)
    assert np.array_equal(one.truth, other.truth)
    assert not np.array_equal(one.truth, _scene(4).truth)


@pytest.mark.parametrize("seed", SEEDS)
def test_boxes_hold_exactly_the_pixels_of_their_cells(seed: int) -> None:
    frame = _scene(seed)
    assert frame.truth.shape == (SIDE, SIDE)
    for number in np.unique(frame.truth)[1:]:
        rows, columns = np.nonzero(frame.truth == number)
        x0, y0, x1, y1 = frame.boxes[number - 1]
        assert (x0, y0, x1, y1) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_bright_cells_are_brighter_than_the_ground() -> None:
    brighter = []
    for seed in SEEDS:
        frame = _scene(seed)
        step = frame.pixels.shape[0] // SIDE
        cell = np.kron(frame.truth > 0, np.ones((step, step), bool))
        if 0.02 < cell.mean() < 0.5:
            brighter.append(frame.pixels[cell].mean() > frame.pixels[~cell].mean())
    assert len(brighter) > 4
    assert np.mean(brighter) > 0.8


@pytest.mark.parametrize(("cover", "low", "high"), [(0.1, 0.03, 0.2), (0.5, 0.3, 0.65), (0.9, 0.6, 0.95)])
def test_cells_cover_about_the_wanted_share(cover: float, low: float, high: float) -> None:
    shares = [
        (
            draw_outlines(
                np.random.default_rng(seed),
                (128, 128),
                0.36,
                cover=cover,
                radius_um=4,
                radius_sd=0.1,
                cut=False,
            ).inside_um
            > 0
        ).mean()
        for seed in range(4)
    ]
    assert low <= np.mean(shares) <= high


def test_frames_without_cells_are_among_them() -> None:
    assert any(not _scene(seed).counted.any() for seed in SEEDS)


@pytest.mark.parametrize("kind", ["realistic", "paper"])
def test_frames_of_the_simulators_have_their_cells(kind: str) -> None:
    frame = next(frames_of(kind, 3))  # type: ignore[arg-type]
    sample = sample_of(frame)
    assert sample is not None
    assert len(sample.boxes) == frame.counted.sum() > 0
    assert 0 < sample.labels.max() <= len(sample.boxes)


@pytest.mark.parametrize(("seed", "cells"), [(3, False), (5, True)])
def test_hard_frames_are_of_specks_alone_or_of_dim_cells(seed: int, cells: bool) -> None:
    frame = next(frames_of("hard", seed))
    assert frame.counted.any() == (frame.truth > 0).any() == cells
