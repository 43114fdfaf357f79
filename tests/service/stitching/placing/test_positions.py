"""Positions from the stage and from measured distances."""

import numpy as np
import pytest

from service.stitching.placing.positions import Groups, Shift, settled

STEP_M = 100e-6
ERROR_M = 1e-6


def _grid(seed: int, side: int = 6) -> tuple[np.ndarray, np.ndarray, list[Shift]]:
    """Return true and read positions, and shifts of neighbours with .05 um of error."""
    rng = np.random.default_rng(seed)
    true = np.array([(column, -row) for row in range(side) for column in range(side)]) * STEP_M
    read = true + rng.standard_normal(true.shape) * ERROR_M
    shifts = []
    for n in range(side * side):
        for step in (1, side):
            if n + step < side * side and (step == side or (n + 1) % side):
                off = true[n + step] - true[n] + rng.standard_normal(2) * 5e-8
                shifts.append(Shift(n, n + step, (float(off[0]), float(off[1])), 0.9))
    return true, read, shifts


def _errors(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    off = found - true
    return np.asarray(np.hypot(*(off - off.mean(axis=0)).T))


def test_measured_distances_correct_the_stage() -> None:
    true, read, shifts = _grid(1)
    found = settled(read, shifts, ERROR_M)
    assert np.sqrt((_errors(read, true) ** 2).mean()) > 1e-6
    assert _errors(found.centers_m, true).max() < 4e-7
    assert found.centers_m.mean(axis=0) == pytest.approx(read.mean(axis=0), abs=1e-12)
    assert found.agree.all()


def test_wrong_distances_are_left_out() -> None:
    true, read, shifts = _grid(2)
    for n in (3, 20, 41):
        one = shifts[n]
        shifts[n] = Shift(one.first, one.second, (one.off_m[0] + 3e-6, one.off_m[1] - 2e-6), 0.9)
    found = settled(read, shifts, ERROR_M)
    assert np.flatnonzero(~found.agree).tolist() == [3, 20, 41]
    assert _errors(found.centers_m, true).max() < 5e-7


def test_without_distances_the_stage_counts() -> None:
    _, read, _ = _grid(3)
    assert np.array_equal(settled(read, [], ERROR_M).centers_m, read)


def test_tiles_that_nothing_joins_stay_where_the_stage_has_them() -> None:
    _, read, shifts = _grid(4, side=3)
    alone = np.vstack([read, [[1e-3, 1e-3]]])
    found = settled(alone, shifts, ERROR_M)
    assert np.hypot(*(found.centers_m[-1] - alone[-1])) < 1e-6


def test_images_of_one_stay_move_together() -> None:
    """Three images of a stay and one of another; only one of the three is measured against that."""
    true = np.array([(0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (0.0, -1.0)]) * STEP_M
    read = true + np.array([(0, 0), (0, 0), (0, 0), (8e-7, -6e-7)])
    shift = Shift(0, 3, (0.0, -STEP_M), 0.9)
    found = settled(read, [shift], ERROR_M, Groups(np.array([0, 0, 0, 1]), 5e-8))
    off = found.centers_m - true
    assert np.hypot(*(off[1:] - off[0]).T).max() < 2e-8
    alone = settled(read, [shift], ERROR_M)
    assert np.hypot(*(alone.centers_m[1] - alone.centers_m[0] - (true[1] - true[0]))) > 3e-7
