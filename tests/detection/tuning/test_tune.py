from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from config.work import DetectionConfig
from detection.errors import DetectionError
from detection.evaluation.annotated import AnnotatedFrame
from detection.network.detector import Network
from detection.network.onnx_file import model_bytes, model_from_bytes
from detection.tuning.judging import Figures, is_better
from detection.tuning.settings import TUNING
from detection.tuning.tune import Tuned, tune
from tests.detection.forests import annotate
from tests.detection.network.networks import blind_network
from tests.detection.synthetic import Section, make_section

FEW = replace(TUNING, ridges=(1e-5,), turns=2, iterations=40)
POLICY = DetectionConfig()


def section_of(seed: int) -> Section:
    """Bright cells that simple features show."""
    return make_section(seed, cells=4, size_px=220, brightness=(400, 50), nucleus_share=0)


def marked(seed: int) -> AnnotatedFrame:
    return annotate(section_of(seed))


@cache
def adapted() -> Tuned:
    return tune(blind_network(), [marked(1), marked(2), marked(3)], POLICY, FEW)


def test_a_network_learns_marks_that_it_missed() -> None:
    tuned = adapted()
    assert tuned.model is not None
    assert (tuned.frames, tuned.folds) == (3, 3)
    assert tuned.cells == tuned.before.cells == tuned.model.note.tuned_cells
    assert tuned.before.contained == 0
    assert tuned.after.contained >= 0.9
    assert tuned.after.imaged_over_cells < 4
    # So it does on a frame that took no part at all.
    other = marked(9)
    hits, _ = Network(tuned.model).find(other.frame)
    outer = [hit.outer for hit in hits if hit.confidence > 0.3]
    for cell in other.truth:
        assert any(box is not None and box.dilated(6, (220, 220)).contains(cell.box) for box in outer)


def test_only_the_last_layer_and_the_calibration_change() -> None:
    before, after = blind_network().model, adapted().model
    assert after is not None
    changed = {
        name for name, array in before.weights.items() if not np.array_equal(array, after.weights[name])
    }
    assert changed == {"head.weight", "head.bias"}
    assert after.calibration != before.calibration
    assert model_bytes(model_from_bytes(model_bytes(after))) == model_bytes(after)


def test_the_same_marks_give_the_same_network() -> None:
    few = replace(FEW, iterations=5, turns=1)
    first, second = (tune(blind_network(), [marked(1)], POLICY, few) for _ in range(2))
    assert first.after == second.after
    assert first.folds == 2
    assert (first.model is None) == (second.model is None)
    if first.model and second.model:
        assert model_bytes(first.model) == model_bytes(second.model)


def test_where_nothing_gets_better_there_is_no_network() -> None:
    # The same marks again and again: soon there is nothing left to gain.
    network = adapted().model
    for _ in range(4):
        assert network is not None
        again = tune(Network(network), [marked(1), marked(2)], POLICY, replace(FEW, ridges=(1e6,)))
        assert again.after.contained >= again.before.contained - 0.01
        network = again.model
        if network is None:
            break
    assert network is None


def test_frames_without_marked_cells_are_refused() -> None:
    empty = replace(marked(1), truth=())
    for frames in ([], [empty], [replace(empty, truth=(replace(marked(1).truth[0], counted=False),))]):
        with pytest.raises(DetectionError, match="no cell is marked"):
            tune(blind_network(), frames, POLICY, FEW)


BEFORE = Figures(50, 0.90, 1.50, 0.010, 0.1)


@pytest.mark.parametrize(
    ("change", "better"),
    [
        ({}, False),
        ({"imaged_over_cells": 1.30}, True),
        ({"imaged_over_cells": 1.495}, False),
        ({"contained": 0.92}, True),
        ({"contained": 0.92, "imaged_over_cells": 1.65}, True),
        ({"contained": 0.92, "imaged_over_cells": 1.67}, False),
        ({"contained": 0.88, "imaged_over_cells": 1.0}, False),
        ({"contained": 0.92, "false_area": 0.011}, True),
        ({"contained": 0.92, "false_area": 0.017}, False),
        ({"imaged_over_cells": 1.3, "false_area": 0.013}, False),
        ({"contained": float("nan")}, False),
        ({"reliability_gap": 0.0}, False),
        ({"imaged_over_cells": 1.30, "reliability_gap": 0.14}, True),
        ({"imaged_over_cells": 1.30, "reliability_gap": 0.16}, False),
    ],
)
def test_better_is_no_cell_lost_and_hardly_more_area(change: dict[str, Any], better: bool) -> None:
    assert is_better(replace(BEFORE, **change), BEFORE, TUNING) is better
