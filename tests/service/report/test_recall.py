import numpy as np
import pytest

from service.report.recall import shows_whole

UM = 1e-6
LEFT = (0.0, 0.0, 12 * UM, 12 * UM)


def cell() -> np.ndarray:
    """Points of a cell of 8 um, 2 to 10 um from the corner of the first frame."""
    x, y = np.meshgrid(np.linspace(6, 14, 81) * UM, np.linspace(2, 10, 81) * UM)
    return np.column_stack((x.ravel(), y.ravel()))


@pytest.mark.parametrize(("overlap_um", "whole"), [(2.1, True), (2.0, True), (1.8, False), (0.5, False)])
def test_a_stitched_cell_is_whole_only_with_the_overlap_that_its_seam_needs(
    overlap_um: float, whole: bool
) -> None:
    right = ((12 - overlap_um) * UM, 0.0, 20 * UM, 12 * UM)
    assert shows_whole(cell(), [LEFT, right], 2 * UM) is whole
    assert shows_whole(cell(), [LEFT, right], 0.0)


def test_a_cell_whole_in_one_frame_needs_no_seam() -> None:
    assert shows_whole(cell(), [(5 * UM, 1 * UM, 15 * UM, 11 * UM)], 2 * UM)
    assert not shows_whole(cell(), [LEFT], 2 * UM)
    assert not shows_whole(cell(), [], 2 * UM)


def test_four_frames_that_meet_in_a_cell_overlap_at_all_their_seams() -> None:
    frames = [(x * UM, y * UM, (x + 7) * UM, (y + 7) * UM) for x in (5, 10) for y in (1, 6)]
    assert shows_whole(cell(), frames, 2 * UM)
    assert not shows_whole(cell(), frames, 2.2 * UM)
    assert not shows_whole(cell(), frames[:3], 2 * UM)
