"""Confidence of hits beside each other."""

import numpy as np
import pytest

from config.work import DetectionConfig
from detection.combined.cautions import Caution
from detection.combined.confidence import with_confidences
from detection.combined.fusion import Fusion
from detection.combined.settings import COMBINED
from detection.image.boxes import BoxPx
from detection.image.frames import check_frame
from detection.image.hit_table import table_of
from detection.image.hits import Hit
from detection.image.working_grid import WorkingGrid, on_working_grid
from detection.network.inputs import WORKING_PIXEL_UM
from tests.detection.synthetic import PIXEL_SIZE_UM


@pytest.fixture(scope="module")
def grid() -> WorkingGrid:
    pixels = np.random.default_rng(3).normal(500, 20, (256, 256)).astype(np.uint16)
    return on_working_grid(check_frame(pixels, PIXEL_SIZE_UM, 100.0), WORKING_PIXEL_UM)


def hit(number: int, confidence: float = 0.8) -> Hit:
    return Hit(BoxPx(20 + 30 * number, 40, 40 + 30 * number, 60), confidence)


def plane(grid: WorkingGrid, *peaks_sd: float) -> np.ndarray:
    """Brightness in which the hits of these numbers have such a pixel."""
    z = np.zeros(grid.residual.shape, np.float32)
    for number, peak_sd in enumerate(peaks_sd):
        z[50 // grid.shrink, (30 + 30 * number) // grid.shrink] = peak_sd
    return z


def confidences(grid: WorkingGrid, fusion: Fusion, *peaks_sd: float) -> list[float]:
    return [one.confidence for one in with_confidences(fusion, plane(grid, *peaks_sd), grid).hits]


def beside_nothing(*hits: Hit) -> Fusion:
    """Return hits of the network alone."""
    return Fusion(table_of(hits))


def test_a_hit_beside_cells_is_more_likely_to_be_one(grid: WorkingGrid) -> None:
    (alone,) = confidences(grid, beside_nothing(hit(0)), 20.0)
    beside = confidences(grid, beside_nothing(*map(hit, range(7))), *[20.0] * 7)
    assert alone == pytest.approx(1 / (1 + np.exp(-COMBINED.confidence_base) * 0.25))
    assert alone < 0.5 < beside[0] == pytest.approx(beside[6])


def test_a_hit_far_dimmer_than_the_others_is_less_likely_to_be_one(grid: WorkingGrid) -> None:
    found = confidences(grid, beside_nothing(*map(hit, range(5))), 40.0, 40.0, 20.0, 40.0, 2.0)
    assert found[0] == found[1] == found[3] > found[2] > found[4]


def test_a_hit_with_a_higher_confidence_of_its_own_stays_above(grid: WorkingGrid) -> None:
    low, high = confidences(grid, beside_nothing(hit(0, 0.5), hit(1, 0.9)), 20.0, 20.0)
    assert low < high


def test_no_hit_of_the_network_falls_below_the_floor_for_what_stands_beside_it(grid: WorkingGrid) -> None:
    fusion = beside_nothing(hit(0), hit(1, 0.5))
    assert confidences(grid, fusion, 400.0, 2.0)[1] == DetectionConfig().min_confidence


def test_hits_of_recall_first_have_the_share_that_is_real_or_less(grid: WorkingGrid) -> None:
    fusion = Fusion(table_of([hit(0)]), table_of([hit(1, 0.9), hit(2, 0.02)]))
    assert confidences(grid, fusion, 20.0, 20.0, 20.0)[1:] == [COMBINED.added_confidence, 0.02]


def test_where_a_detector_cannot_be_trusted_all_keep_their_own(grid: WorkingGrid) -> None:
    fusion = Fusion(table_of([hit(0)]), table_of([hit(1, 0.9)]), cautions=(Caution.UNLIKE,))
    assert with_confidences(fusion, plane(grid, 20.0, 1.0), grid) is fusion


def test_certainties_a_dark_hit_and_no_hits_do_no_harm(grid: WorkingGrid) -> None:
    sure, never, dark = confidences(grid, beside_nothing(hit(0, 1.0), hit(1, 0.0), hit(2)), 20.0, 20.0)
    assert 0 < never <= dark < sure < 1
    assert confidences(grid, beside_nothing()) == []
