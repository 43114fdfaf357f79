import numpy as np
import onnx
from numpy.typing import NDArray

from detection.network.graph import INWARD_BLOCKS, WIDTHS, onnx_model, shapes
from detection.network.inputs import CHANNELS
from detection.network.model import Weights
from detection.network.onnx_file import model_bytes
from tests.detection.network.networks import random_model, random_network

Floats = NDArray[np.float64]


def convolved(x: Floats, weights: Weights, name: str, stride: int = 1, pad: int = 0) -> Floats:
    """Convolution as it is defined, sums over windows."""
    weight, bias = weights[f"{name}.weight"].astype(float), weights[f"{name}.bias"].astype(float)
    side = weight.shape[-1]
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (side, side), axis=(1, 2))[:, ::stride, ::stride]
    found: Floats = np.tensordot(weight, windows, axes=([1, 2, 3], [0, 3, 4])) + bias[:, None, None]
    return found


def relu(x: Floats) -> Floats:
    return np.maximum(x, 0)


def block(x: Floats, weights: Weights, name: str) -> Floats:
    inner = relu(convolved(x, weights, f"{name}.first", pad=1))
    return relu(x + convolved(inner, weights, f"{name}.second", pad=1))


def reference(planes: Floats, weights: Weights) -> tuple[Floats, Floats]:
    x = relu(convolved(planes, weights, "stem", pad=1))
    levels = []
    for level, blocks in enumerate(INWARD_BLOCKS):
        if level:
            x = relu(convolved(x, weights, f"down.{level - 1}", stride=2))
        for number in range(blocks):
            x = block(x, weights, f"inward.{level}.{number}")
        levels.append(x)
    for level in reversed(range(len(WIDTHS) - 1)):
        x = np.kron(convolved(x, weights, f"up.{level}"), np.ones((1, 2, 2))) + levels[level]
        x = block(x, weights, f"outward.{level}")
    return convolved(x, weights, "head"), x


def test_the_graph_computes_what_its_layers_mean() -> None:
    planes = np.random.default_rng(2).normal(size=(1, CHANNELS, 8, 16)).astype(np.float32)
    found, features = random_network().outputs(planes)
    expected, expected_features = reference(planes[0].astype(float), random_model().weights)
    np.testing.assert_allclose(features, expected_features, atol=1e-4)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_graph_is_proper_onnx() -> None:
    onnx.checker.check_model(onnx_model(random_model().weights), full_check=True)


def test_the_file_has_the_size_that_fits_a_package() -> None:
    assert sum(int(np.prod(shape)) for shape in shapes().values()) * 4 < 3e6
    assert len(model_bytes(random_model())) < 3e6
