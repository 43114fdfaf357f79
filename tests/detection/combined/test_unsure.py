"""Frames that were processed before and of which the network is unsure: recall-first alone decides."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from config.work import DetectionConfig
from detection.combined.cautions import Caution
from detection.combined.detector import Combined
from detection.combined.fusion import is_unsure
from detection.detect import detect
from detection.detectors import RecallFirst
from detection.image.boxes import BoxPx
from detection.image.frames import check_frame
from detection.image.hit_table import table_of
from detection.image.hits import Hit, SeenBy
from detection.network.detector import Network
from detection.network.graph import FINER
from detection.network.model import Calibration
from tests.detection.combined.networks import seeing_network
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section

BOX = BoxPx(10, 10, 40, 40)
BOTH = Hit(BOX, 0.95, seen_by=SeenBy.BOTH)
ALONE = Hit(BOX, 0.95, seen_by=SeenBy.NETWORK)
DOUBTFUL = Hit(BOX, 0.6, seen_by=SeenBy.BOTH)


def scores(sure: int, between: int) -> NDArray[np.float32]:
    score = np.zeros((20, 20), np.float32)
    score.flat[:sure] = 0.95
    score.flat[sure : sure + between] = 0.45
    return score


@pytest.mark.parametrize(
    ("score", "hits", "unsure"),
    [
        (scores(100, 120), [BOTH, BOTH, ALONE], True),
        (scores(100, 80), [BOTH, BOTH, ALONE], False),
        (scores(100, 120), [BOTH, ALONE, ALONE], False),
        (scores(100, 120), [DOUBTFUL, DOUBTFUL], False),
        (scores(0, 120), [], False),
    ],
    ids=["unsure", "mostly sure", "recall-first has lost the cells", "only dim cells", "no cell"],
)
def test_the_network_is_unsure_by_its_scores_and_only_where_recall_first_sees_the_cells(
    score: NDArray[np.float32], hits: list[Hit], unsure: bool
) -> None:
    assert is_unsure(score, table_of(hits)) is unsure


def unsure_network() -> Network:
    """Return a network that takes what is bright for cells, with scores of .5 to .9."""
    network = seeing_network()
    weights = {name: array.copy() for name, array in network.model.weights.items()}
    weights["head.weight"][: FINER**2, 0] = 1.6
    weights["head.bias"][: FINER**2] = -0.9
    return Network(replace(network.model, weights=weights, calibration=Calibration(base=3.0)))


def test_such_a_frame_is_left_to_recall_first_with_a_warning_and_a_raw_one_is_not() -> None:
    detector = Combined(unsure_network())
    raw = make_section(3, cells=15, bell=0).pixels
    floor = np.uint16(np.percentile(raw, 30))
    subtracted = np.where(raw > floor, raw - floor, 0).astype(np.uint16)
    steps = detector.steps(check_frame(subtracted, PIXEL_SIZE_UM, None))
    assert Caution.UNSURE in steps.cautions
    assert steps.fusion.doubted
    together, alone = (
        detect(subtracted, PIXEL_SIZE_UM, DetectionConfig(), None, one) for one in (detector, RecallFirst())
    )
    assert [cell.image_box_px for cell in together.cells] == [cell.image_box_px for cell in alone.cells]
    assert Caution.UNSURE not in detector.steps(check_frame(raw, PIXEL_SIZE_UM, 500.0)).cautions
