import numpy as np
import pytest

from service.report.recall import Scanned, contained_recall, shows_whole
from service.store.store import Store
from tests.service.store.stores import add_specimen

UM = 1e-6
LEFT = Scanned((0.0, 0.0, 12 * UM, 12 * UM))


def cell() -> np.ndarray:
    """Points of a cell of 8 um, 2 to 10 um from the corner of the first frame."""
    x, y = np.meshgrid(np.linspace(6, 14, 81) * UM, np.linspace(2, 10, 81) * UM)
    return np.column_stack((x.ravel(), y.ravel()))


@pytest.mark.parametrize(("overlap_um", "whole"), [(2.1, True), (2.0, True), (1.8, False), (0.5, False)])
def test_a_stitched_cell_is_whole_only_with_the_overlap_that_its_seam_needs(
    overlap_um: float, whole: bool
) -> None:
    right = Scanned(((12 - overlap_um) * UM, 0.0, 20 * UM, 12 * UM))
    assert shows_whole(cell(), [LEFT, right], 2 * UM) is whole
    assert shows_whole(cell(), [LEFT, right], 0.0)


def test_a_cell_whole_in_one_frame_needs_no_seam() -> None:
    assert shows_whole(cell(), [Scanned((5 * UM, 1 * UM, 15 * UM, 11 * UM))], 2 * UM)
    assert not shows_whole(cell(), [LEFT], 2 * UM)
    assert not shows_whole(cell(), [], 2 * UM)


def test_four_frames_that_meet_in_a_cell_overlap_at_all_their_seams() -> None:
    frames = [Scanned((x * UM, y * UM, (x + 7) * UM, (y + 7) * UM)) for x in (5, 10) for y in (1, 6)]
    assert shows_whole(cell(), frames, 2 * UM)
    assert not shows_whole(cell(), frames, 2.2 * UM)
    assert not shows_whole(cell(), frames[:3], 2 * UM)


@pytest.mark.parametrize(
    ("overlap_um", "stays", "whole"),
    [
        (0.3, (7, 7), True),
        (0.1, (7, 7), False),
        (0.3, (7, 9), False),
        (2.1, (7, 9), True),
        (0.3, (7, None), False),
    ],
)
def test_frames_of_one_stay_need_the_overlap_of_the_beam_only(
    overlap_um: float, stays: tuple[int, int | None], whole: bool
) -> None:
    left = Scanned(LEFT.rect_m, stays[0])
    right = Scanned(((12 - overlap_um) * UM, 0.0, 20 * UM, 12 * UM), stays[1])
    assert shows_whole(cell(), [left, right], 2 * UM, 0.2 * UM) is whole


def test_two_frames_of_a_stay_and_one_of_another_meet_with_the_overlap_of_the_stage() -> None:
    """Two frames above each other on the left, one on the right."""
    for overlap_um, whole in ((2.1, True), (1.0, False)):
        left = [Scanned((0.0, y * UM, 10 * UM, (y + 6.5) * UM), 1) for y in (0, 6)]
        right = Scanned(((10 - overlap_um) * UM, 0.0, 20 * UM, 12 * UM), 2)
        assert shows_whole(cell(), [*left, right], 2 * UM, 0.2 * UM) is whole


def test_the_truth_of_sections_without_fluorescence_is_not_asked_for(store: Store) -> None:
    """A session that is stopped early ends at once, though simulating the truth of a section takes long."""

    def truth(section: str) -> list[np.ndarray]:
        raise AssertionError(section)

    add_specimen(store)
    assert contained_recall(store, truth, 0.5 * UM, 5 * UM) is None
