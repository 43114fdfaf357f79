import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from detection.errors import DetectionError
from detection.forest.model import ForestModel, TrainingSummary, Tree
from detection.forest.onnx_file import model_bytes as forest_bytes
from detection.image.frames import check_frame
from detection.network.detector import Network
from detection.network.graph import shapes
from detection.network.onnx_file import KEY, MAX_BYTES, model_bytes, model_from_bytes
from tests.detection.network.networks import random_model, random_network
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section
from tests.examples import examples

Change = Callable[[onnx.ModelProto], None]
GOOD = model_bytes(random_model())
LEAF = ForestModel(
    (Tree(*(np.array([-1]),) * 2, np.array([0]), *(np.array([0.5], np.float32),) * 2),),
    0.178,
    (1.0,),
    TrainingSummary(1, 1, 2, 0.5, 0.5, 0.5),
)
"""The smallest forest."""


def test_a_network_comes_back_the_same() -> None:
    again = model_from_bytes(GOOD)
    assert model_bytes(again) == GOOD
    assert (again.calibration, again.note) == (random_model().calibration, random_model().note)
    frame = check_frame(make_section(30, size_px=100).pixels, PIXEL_SIZE_UM)
    assert Network(again).find(frame) == random_network().find(frame)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(DetectionError, match="no network of ilemtrack"):
        model_from_bytes(data)


@examples(40)
@given(
    places=st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=4),
    kept=st.one_of(st.just(len(GOOD)), st.integers(0, len(GOOD) - 1)),
)
def test_damaged_bytes_are_refused_or_give_finite_weights(places: list[tuple[int, int]], kept: int) -> None:
    data = bytearray(GOOD)
    for place, value in places:
        data[place] = value
    try:
        model = model_from_bytes(bytes(data[:kept]))
    except DetectionError:
        return
    assert {name: array.shape for name, array in model.weights.items()} == shapes()
    assert all(np.isfinite(array).all() for array in model.weights.values())


def tensor(model: onnx.ModelProto, name: str = "stem.weight") -> onnx.TensorProto:
    found: onnx.TensorProto = next(item for item in model.graph.initializer if item.name == name)
    return found


def about(**changes: object) -> Change:
    def change(model: onnx.ModelProto) -> None:
        entry = next(item for item in model.metadata_props if item.key == KEY)
        entry.value = json.dumps(json.loads(entry.value) | changes)

    return change


def calibration(**changes: object) -> Change:
    whole = {"base": 0.0, "per_score": 1.0, "per_size": 0.0, "side_stretch": 1.0}
    return about(calibration=whole | changes)


def no_about(model: onnx.ModelProto) -> None:
    del model.metadata_props[:]


def deep_about(model: onnx.ModelProto) -> None:
    model.metadata_props[0].value = "[" * 100_000


def twice_about(model: onnx.ModelProto) -> None:
    model.metadata_props.append(model.metadata_props[0])


def lost_layer(model: onnx.ModelProto) -> None:
    model.graph.initializer.remove(tensor(model, "head.bias"))


def other_shape(model: onnx.ModelProto) -> None:
    dims = tensor(model).dims
    dims[0], dims[1] = dims[1], dims[0]


def huge_shape(model: onnx.ModelProto) -> None:
    tensor(model).dims[0] = 2**40


def short_data(model: onnx.ModelProto) -> None:
    tensor(model).raw_data = tensor(model).raw_data[:-4]


def whole_numbers(model: onnx.ModelProto) -> None:
    tensor(model).data_type = TensorProto.INT32


def not_a_number(model: onnx.ModelProto) -> None:
    values = np.full(tensor(model).dims, np.nan, np.float32)
    tensor(model).raw_data = values.tobytes()


def endless(model: onnx.ModelProto) -> None:
    values = np.full(tensor(model).dims, np.inf, np.float32)
    tensor(model).raw_data = values.tobytes()


def outside(model: onnx.ModelProto) -> None:
    own = tensor(model)
    own.data_location = TensorProto.EXTERNAL
    own.external_data.add(key="location", value="/etc/passwd")


def outside_alone(model: onnx.ModelProto) -> None:
    outside(model)
    tensor(model).ClearField("raw_data")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (no_about, "no network of ilemtrack"),
        (twice_about, "no network of ilemtrack"),
        (deep_about, "is no JSON"),
        (about(version=2), "a network of version 2; this program reads 1"),
        (about(version="1"), "a network of version '1'"),
        (about(note={}), "its note.frames"),
        (about(code="import os"), "its code"),
        (calibration(base=float("nan")), "its calibration.base"),
        (calibration(base=1e9), "its calibration.base"),
        (calibration(per_score=0.0), "its calibration.per_score"),
        (calibration(side_stretch=-1.0), "its calibration.side_stretch"),
        (calibration(side_stretch="wide"), "its calibration.side_stretch"),
        (lost_layer, "head.bias is missing"),
        (other_shape, "stem.weight has not the size"),
        (huge_shape, "stem.weight has not the size"),
        (short_data, "stem.weight has not the size"),
        (whole_numbers, "stem.weight has not the size"),
        (not_a_number, "stem.weight has values that are no numbers"),
        (endless, "stem.weight has values that are no numbers"),
        (outside, "stem.weight has not the size"),
        (outside_alone, "stem.weight has not the size"),
    ],
)
def test_what_is_no_proper_network_is_refused(change: Change, sentence: str) -> None:
    model = onnx.load_model_from_string(GOOD)
    change(model)
    with pytest.raises(DetectionError, match=sentence):
        model_from_bytes(model.SerializeToString())


def test_other_files_and_larger_ones_are_refused() -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    other = helper.make_model(helper.make_graph([node], "other", values[:1], values[1:]))
    for data in (b"", b"a letter to a friend", other.SerializeToString(), forest_bytes(LEAF)):
        with pytest.raises(DetectionError, match="no network of ilemtrack"):
            model_from_bytes(data)
    for kept in (1, 1000, len(GOOD) // 2, len(GOOD) - 1):
        with pytest.raises(DetectionError, match=r"no network of ilemtrack, or a damaged one|is missing"):
            model_from_bytes(GOOD[:kept])
    with pytest.raises(DetectionError, match=f"a network has at most {MAX_BYTES}"):
        model_from_bytes(bytes(MAX_BYTES + 1))


def test_of_a_file_only_the_weights_are_used() -> None:
    model = onnx.load_model_from_string(GOOD)
    del model.graph.node[:]
    model.graph.node.append(helper.make_node("PyOp", ["planes"], ["found"], domain="elsewhere"))
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(3, np.float32), "more"))
    model.functions.append(onnx.FunctionProto(name="run"))
    assert model_bytes(model_from_bytes(model.SerializeToString())) == GOOD


def test_absurd_weights_are_said_and_give_no_boxes() -> None:
    large = {name: np.full_like(array, 1e30) for name, array in random_model().weights.items()}
    frame = check_frame(make_section(31, size_px=64).pixels, PIXEL_SIZE_UM)
    with pytest.raises(DetectionError, match="the network gives no numbers"):
        Network(replace(random_model(), weights=large)).find(frame)
