import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from detection.errors import DetectionError
from detection.forest.detector import Forest
from detection.forest.ilastik_features import PER_SCALE
from detection.forest.onnx_file import KEY, model_bytes, model_from_bytes
from detection.forest.training import _tree
from detection.image.frames import check_frame
from tests.detection.forests import small_forest
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section

Change = Callable[[onnx.ModelProto], None]


def test_a_forest_comes_back_the_same() -> None:
    model = small_forest()
    data = model_bytes(model)
    again = model_from_bytes(data)
    assert model_bytes(again) == data
    assert replace(again, trees=()) == replace(model, trees=())
    assert model.calibration.hits > 0
    frame = check_frame(make_section(30).pixels, PIXEL_SIZE_UM)
    np.testing.assert_array_equal(Forest(model).probability(frame), Forest(again).probability(frame))


def test_the_file_is_proper_onnx() -> None:
    onnx.checker.check_model(onnx.load_model_from_string(model_bytes(small_forest())))


def test_it_answers_as_scikit_learn_does() -> None:
    rng = np.random.default_rng(1)
    features = np.round(rng.normal(size=(400, 4 * PER_SCALE)), 1).astype(np.float32)
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(5, random_state=1).fit(features, features[:, 3] + features[:, 7] > 0.1)
    trees = tuple(_tree(tree) for tree in forest.estimators_)
    ours = Forest(replace(small_forest(), trees=trees))._session.run(None, {"features": features})[0][:, 0]
    np.testing.assert_allclose(ours, forest.predict_proba(features)[:, 1], atol=1e-6)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(DetectionError, match="no forest of `ilemtrack train`"):
        model_from_bytes(data)


@given(st.data())
def test_damaged_bytes_never_crash(data: st.DataObject) -> None:
    good = bytearray(model_bytes(small_forest()))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(len(good)), st.integers(0, len(good) - 1)))
    try:
        model = model_from_bytes(bytes(good[:cut]))
    except DetectionError:
        return
    # Another number in its place: still a forest, and one that runs.
    features = np.zeros((3, len(model.scales_um) * PER_SCALE), np.float32)
    found = Forest(model)._session.run(None, {"features": features})[0]
    assert ((found >= 0) & (found <= 1.000001)).all()


class Touches:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    with pytest.raises(DetectionError, match="no forest"):
        model_from_bytes(pickle.dumps(Touches(tmp_path / "made")))
    assert not (tmp_path / "made").exists()


def attribute(model: onnx.ModelProto, name: str) -> onnx.AttributeProto:
    found: onnx.AttributeProto = next(item for item in model.graph.node[0].attribute if item.name == name)
    return found


def about(**changes: object) -> Change:
    def change(model: onnx.ModelProto) -> None:
        entry = next(item for item in model.metadata_props if item.key == KEY)
        entry.value = json.dumps(json.loads(entry.value) | changes)

    return change


def put(name: str, index: int, value: object) -> Change:
    def change(model: onnx.ModelProto) -> None:
        item = attribute(model, name)
        getattr(item, {"nodes_values": "floats", "target_weights": "floats"}.get(name, "ints"))[index] = value

    return change


def forget(name: str) -> Change:
    return lambda model: model.graph.node[0].attribute.remove(attribute(model, name))


def add_node(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Identity", ["probability"], ["more"]))


def other_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "PyOp"


def add_tensor(model: onnx.ModelProto) -> None:
    tensor = numpy_helper.from_array(np.zeros(3, np.float32), "outside")
    tensor.data_location = TensorProto.EXTERNAL
    model.graph.initializer.append(tensor)


def no_about(model: onnx.ModelProto) -> None:
    del model.metadata_props[:]


def deep_about(model: onnx.ModelProto) -> None:
    model.metadata_props[0].value = "[" * 100_000


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (no_about, "no forest"),
        (deep_about, "is no JSON"),
        (about(version=1), "a forest of version 1; this program reads 2: train again"),
        (about(pixel_size_um=-1), "its pixel_size_um is out of range"),
        (about(pixel_size_um=None), "its pixel_size_um is out of range"),
        (about(scales_um=[]), "its scales_um"),
        (about(scales_um=[1e9, 1, 1, 1]), "its scales_um are not from"),
        (about(scales_um=[1.0]), "features beyond its 8"),
        (about(summary={}), "its summary.frames"),
        (about(calibration={}), "its calibration.slope"),
        (about(calibration={"slope": -1.0, "offset": 0.0, "hits": 9, "real": 9}), "its calibration.slope"),
        (about(calibration={"slope": 1.0, "offset": 99.0, "hits": 9, "real": 9}), "its calibration.offset"),
        (about(code="import os"), "its code"),
        (add_node, "more than one forest"),
        (add_tensor, "more than one forest"),
        (other_operator, "the operator 'PyOp'"),
        (forget("nodes_modes"), "nodes_modes is missing"),
        (put("nodes_truenodeids", 0, 0), "branches of a tree do not fit"),
        (put("nodes_falsenodeids", 0, 10**15), "branches of a tree do not fit"),
        (put("nodes_featureids", 0, 32), "features beyond its 32"),
        (put("nodes_featureids", 0, -1), "features beyond its 32"),
        (put("nodes_values", 0, float("nan")), "thresholds that are no numbers"),
        (put("nodes_treeids", 0, 5), "not numbered"),
        (put("nodes_treeids", -1, 10**12), "not numbered"),
        (put("nodes_nodeids", 1, 0), "out of order"),
        (put("target_weights", 0, 1.5), "probabilities outside"),
        (put("target_weights", 0, float("nan")), "probabilities outside"),
        (put("target_ids", 0, 1), "leaves do not fit"),
        (put("target_nodeids", 0, 0), "leaves do not fit"),
    ],
)
def test_what_is_no_proper_forest_is_refused(change: Change, sentence: str) -> None:
    model = onnx.load_model_from_string(model_bytes(small_forest()))
    change(model)
    with pytest.raises(DetectionError, match=sentence):
        model_from_bytes(model.SerializeToString())
