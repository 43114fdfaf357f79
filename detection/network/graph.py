"""The layers of the network, and their ONNX graph made from checked weights."""

from itertools import pairwise
from typing import Any

import onnx
from onnx import TensorProto, helper, numpy_helper

from detection.network.inputs import CHANNELS, STRIDE
from detection.network.model import Weights
from detection.network.settings import PLACE_PX, QUANTILES

WIDTHS = (24, 40, 64, 80)
"""Channels at 1.4, 2.8, 5.7 and 11.4 um. The first costs most of the time, the last most of the file."""
INWARD_BLOCKS = (1, 1, 2, 2)
"""Blocks at each of these scales on the way to coarser ones; one on the way back."""
FINER = STRIDE // PLACE_PX
"""Places of the output along each side of a pixel of the first layer."""
SIDES = 4
"""Left, top, right, bottom."""
OUTPUTS = 1 + SIDES * len(QUANTILES)
"""Numbers for each place: its score, and the quantiles of its four sides."""


def shapes() -> dict[str, tuple[int, ...]]:
    """Return the shape of every array of weights, by name."""
    convolutions: dict[str, tuple[int, int, int]] = {"stem": (WIDTHS[0], CHANNELS, 3)}
    for level, (width, blocks) in enumerate(zip(WIDTHS, INWARD_BLOCKS, strict=True)):
        for block in range(blocks):
            for name in ("first", "second"):
                convolutions[f"inward.{level}.{block}.{name}"] = (width, width, 3)
    for level, (fine, coarse) in enumerate(pairwise(WIDTHS)):
        convolutions[f"down.{level}"] = (coarse, fine, 2)
        convolutions[f"up.{level}"] = (fine, coarse, 1)
        for name in ("first", "second"):
            convolutions[f"outward.{level}.{name}"] = (fine, fine, 3)
    convolutions["head"] = (FINER**2 * OUTPUTS, WIDTHS[0], 1)
    found: dict[str, tuple[int, ...]] = {}
    for name, (to, of, side) in convolutions.items():
        found[f"{name}.weight"] = (to, of, side, side)
        found[f"{name}.bias"] = (to,)
    return found


def onnx_model(weights: Weights) -> onnx.ModelProto:
    """Return the network as an ONNX model: `planes` to the output of the last layer but its `features` too.

    Parameters
    ----------
    weights : Weights
        Of the names and shapes of `shapes`.
    """
    maker = _Maker(weights)
    x = maker.relu(maker.convolved("planes", "stem", pad=1))
    levels = []
    for level, blocks in enumerate(INWARD_BLOCKS):
        if level:
            x = maker.relu(maker.convolved(x, f"down.{level - 1}", stride=2))
        for block in range(blocks):
            x = maker.block(x, f"inward.{level}.{block}")
        levels.append(x)
    for level in reversed(range(len(WIDTHS) - 1)):
        larger = maker.enlarged(maker.convolved(x, f"up.{level}"))
        x = maker.block(maker.added(larger, levels[level]), f"outward.{level}")
    found = maker.convolved(x, "head")
    maker.nodes.append(helper.make_node("Identity", [found], ["found"]))
    maker.nodes.append(helper.make_node("Identity", [x], ["features"]))
    sides = ["frames", None, "rows", "columns"]

    def value(name: str, channels: int) -> onnx.ValueInfoProto:
        shape = [channels if side is None else side for side in sides]
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        maker.nodes,
        "network",
        [value("planes", CHANNELS)],
        [value("found", FINER**2 * OUTPUTS), value("features", WIDTHS[0])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()] + maker.constants,
    )
    return helper.make_model(
        graph, producer_name="ilemtrack", ir_version=8, opset_imports=[helper.make_opsetid("", 17)]
    )


class _Maker:
    """Nodes of a graph, one after the other."""

    def __init__(self, weights: Weights) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants = [helper.make_tensor("twice", TensorProto.FLOAT, [4], [1.0, 1.0, 2.0, 2.0])]
        self._weights = weights

    def convolved(self, x: str, name: str, *, stride: int = 1, pad: int = 0) -> str:
        side = self._weights[f"{name}.weight"].shape[-1]
        inputs = [x, f"{name}.weight", f"{name}.bias"]
        return self._node("Conv", inputs, kernel_shape=[side, side], strides=[stride, stride], pads=[pad] * 4)

    def block(self, x: str, name: str) -> str:
        inner = self.relu(self.convolved(x, f"{name}.first", pad=1))
        return self.relu(self.added(x, self.convolved(inner, f"{name}.second", pad=1)))

    def relu(self, x: str) -> str:
        return self._node("Relu", [x])

    def added(self, x: str, y: str) -> str:
        return self._node("Add", [x, y])

    def enlarged(self, x: str) -> str:
        return self._node(
            "Resize",
            [x, "", "twice"],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    def _node(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        output = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output
