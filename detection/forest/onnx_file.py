"""Forests as ONNX files, of which every number is checked.

The file is an ONNX model of one node, a ``TreeEnsembleRegressor``, so that other programs can run it too;
what it was trained on is in its metadata. A file from elsewhere is taken apart into plain arrays, these are
checked, and only a model made anew from them ever runs: no code, no other operator and no other file can
come in with it.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from pydantic import BaseModel, ConfigDict, Field

from detection.errors import DetectionError
from detection.forest.calibration import OFFSETS, SLOPES, Calibration
from detection.forest.ilastik_features import PER_SCALE
from detection.forest.model import ForestModel, TrainingSummary, Tree
from detection.image.frames import PIXEL_SIZES_UM
from detection.onnx_metadata import about_of, model_of

VERSION = 2
"""Version of the file; another one means other features or another meaning of their numbers."""
KEY = "ilemtrack.forest"
"""Key of the metadata in the model."""
DOMAIN = "ai.onnx.ml"
"""Domain of the operator in the ONNX-ML standard."""
OPERATOR = "TreeEnsembleRegressor"
"""The only operator: a regressor, whose leaves hold the probability of a cell."""
MAX_BYTES = 256 * 2**20
"""Bounds the memory that a file from elsewhere can take. Chosen by hand."""
MAX_TREES = 1000
"""Bounds the time that a file from elsewhere can take; training makes 60. Chosen by hand."""
_NOT_OURS = "it is no forest of `ilemtrack train`"
_ATTRIBUTES = {
    "nodes_treeids": "ints",
    "nodes_nodeids": "ints",
    "nodes_featureids": "ints",
    "nodes_values": "floats",
    "nodes_modes": "strings",
    "nodes_truenodeids": "ints",
    "nodes_falsenodeids": "ints",
    "target_treeids": "ints",
    "target_nodeids": "ints",
    "target_ids": "ints",
    "target_weights": "floats",
}


class _Summary(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    frames: int = Field(ge=1)
    cells: int = Field(ge=1)
    pixels: int = Field(ge=2)
    cell_share: float = Field(ge=0, le=1)
    oob_recall: float = Field(ge=0, le=1)
    oob_precision: float = Field(ge=0, le=1)


class _Calibration(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    slope: float = Field(ge=SLOPES[0], le=SLOPES[1])
    offset: float = Field(ge=OFFSETS[0], le=OFFSETS[1])
    hits: int = Field(ge=0)
    real: int = Field(ge=0)


class _About(BaseModel):
    """Metadata of a forest."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    version: int
    pixel_size_um: float = Field(ge=PIXEL_SIZES_UM[0], le=PIXEL_SIZES_UM[1])
    scales_um: tuple[float, ...] = Field(min_length=1, max_length=16)
    summary: _Summary
    calibration: _Calibration


def model_bytes(model: ForestModel) -> bytes:
    """Return a forest as an ONNX model, the same bytes for the same forest."""
    features = len(model.scales_um) * PER_SCALE
    node = helper.make_node(
        OPERATOR,
        ["features"],
        ["probability"],
        domain=DOMAIN,
        n_targets=1,
        aggregate_function="AVERAGE",
        **_attributes(model.trees),
    )
    graph = helper.make_graph(
        [node],
        "forest",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["pixels", features])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["pixels", 1])],
    )
    made = helper.make_model(
        graph,
        producer_name="ilemtrack",
        ir_version=8,
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 3)],
    )
    about = {
        "version": VERSION,
        "pixel_size_um": model.pixel_size_um,
        "scales_um": model.scales_um,
        "summary": asdict(model.summary),
        "calibration": asdict(model.calibration),
    }
    helper.set_model_props(made, {KEY: json.dumps(about)})
    return bytes(made.SerializeToString(deterministic=True))


def model_from_bytes(data: bytes) -> ForestModel:
    """Read a forest that `model_bytes` wrote; nothing in the data is run.

    Raises
    ------
    DetectionError
        Raised when it is damaged, no forest of this program, of another version, or not a proper forest.
    """
    if len(data) > MAX_BYTES:
        raise DetectionError(f"it has {len(data)} bytes; a forest has at most {MAX_BYTES}")
    proto = model_of(data, _NOT_OURS)
    about = _about(proto)
    trees = _trees(_only_node(proto.graph), len(about.scales_um) * PER_SCALE)
    summary = TrainingSummary(**about.summary.model_dump())
    calibration = Calibration(**about.calibration.model_dump())
    return ForestModel(trees, about.pixel_size_um, about.scales_um, summary, calibration)


def _attributes(trees: Iterable[Tree]) -> dict[str, Any]:
    lists: dict[str, list[Any]] = {name: [] for name in _ATTRIBUTES}
    for number, tree in enumerate(trees):
        nodes = len(tree.left)
        leaf = tree.left < 0
        leaves = np.flatnonzero(leaf).tolist()
        lists["nodes_treeids"] += [number] * nodes
        lists["nodes_nodeids"] += range(nodes)
        lists["nodes_featureids"] += np.where(leaf, 0, tree.feature).tolist()
        lists["nodes_values"] += np.where(leaf, 0, tree.threshold).tolist()
        lists["nodes_modes"] += ["LEAF" if is_leaf else "BRANCH_LEQ" for is_leaf in leaf.tolist()]
        lists["nodes_truenodeids"] += np.where(leaf, 0, tree.left).tolist()
        lists["nodes_falsenodeids"] += np.where(leaf, 0, tree.right).tolist()
        lists["target_treeids"] += [number] * len(leaves)
        lists["target_nodeids"] += leaves
        lists["target_ids"] += [0] * len(leaves)
        lists["target_weights"] += tree.probability[leaves].tolist()
    return lists


def _about(proto: onnx.ModelProto) -> _About:
    about = about_of(proto, KEY, VERSION, _About, "forest", _NOT_OURS)
    if not all(0.01 <= scale <= 100 for scale in about.scales_um):
        raise DetectionError("it is a damaged forest: its scales_um are not from 0.01 to 100 um")
    return about


def _only_node(graph: onnx.GraphProto) -> onnx.NodeProto:
    if len(graph.node) != 1 or graph.initializer or graph.sparse_initializer:
        raise DetectionError(f"{_NOT_OURS}: it holds more than one forest")
    node: onnx.NodeProto = graph.node[0]
    if (node.domain, node.op_type) != (DOMAIN, OPERATOR):
        raise DetectionError(f"{_NOT_OURS}: it holds the operator {node.op_type[:40]!r}")
    return node


def _trees(node: onnx.NodeProto, features: int) -> tuple[Tree, ...]:
    """Read the trees of a node and check every number."""
    given = {attribute.name: attribute for attribute in node.attribute}
    lists: dict[str, NDArray[Any]] = {}
    for name, kind in _ATTRIBUTES.items():
        if name not in given:
            raise _damaged(f"{name} is missing")
        values = list(getattr(given[name], kind))
        lists[name] = np.asarray(values, dtype={"ints": "i8", "floats": "f4", "strings": "S16"}[kind])
    nodes, targets = len(lists["nodes_treeids"]), len(lists["target_treeids"])
    if not nodes or any(
        len(values) != (nodes if name.startswith("nodes") else targets) for name, values in lists.items()
    ):
        raise _damaged("its lists differ in length")
    tree_of = lists["nodes_treeids"]
    count = int(tree_of[-1]) + 1
    steps = np.diff(tree_of)
    if tree_of[0] != 0 or not 1 <= count <= MAX_TREES or steps.min(initial=0) < 0 or steps.max(initial=0) > 1:
        raise _damaged(f"its trees are not numbered from 0 to at most {MAX_TREES - 1}")
    firsts = np.searchsorted(tree_of, np.arange(count + 1))
    place = np.arange(nodes) - firsts[tree_of]
    leaf = lists["nodes_modes"] == b"LEAF"
    if not (leaf | (lists["nodes_modes"] == b"BRANCH_LEQ")).all():
        raise _damaged("it has nodes that are neither leaf nor branch")
    if not np.array_equal(lists["nodes_nodeids"], place):
        raise _damaged("its nodes are out of order")
    if not (
        np.array_equal(lists["target_treeids"], tree_of[leaf])
        and np.array_equal(lists["target_nodeids"], place[leaf])
        and not lists["target_ids"].any()
    ):
        raise _damaged("its leaves do not fit its values")
    if not ((lists["target_weights"] >= 0) & (lists["target_weights"] <= 1)).all():
        raise _damaged("it has probabilities outside 0 to 1")
    if not np.isfinite(lists["nodes_values"]).all():
        raise _damaged("it has thresholds that are no numbers")
    if not ((lists["nodes_featureids"] >= 0) & (lists["nodes_featureids"] < features)).all():
        raise _damaged(f"it asks for features beyond its {features}")
    probability = np.zeros(nodes, dtype=np.float32)
    probability[leaf] = lists["target_weights"]
    trees = []
    for first, last in pairwise(firsts.tolist()):
        own = slice(first, last)
        left = np.where(leaf[own], -1, lists["nodes_truenodeids"][own])
        right = np.where(leaf[own], -1, lists["nodes_falsenodeids"][own])
        _check_branches(left, right)
        trees.append(
            Tree(left, right, lists["nodes_featureids"][own], lists["nodes_values"][own], probability[own])
        )
    return tuple(trees)


def _check_branches(left: NDArray[np.int64], right: NDArray[np.int64]) -> None:
    """Check that every node but the root hangs on exactly one node before it, so there is no circle."""
    branch = np.flatnonzero((left != -1) | (right != -1))
    children = np.concatenate([left[branch], right[branch]])
    after = (left[branch] > branch).all() and (right[branch] > branch).all()
    if not after or not np.array_equal(np.sort(children), np.arange(1, len(left))):
        raise _damaged("the branches of a tree do not fit together")


def _damaged(what: str) -> DetectionError:
    return DetectionError(f"it is a damaged forest: {what}")
