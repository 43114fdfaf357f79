"""Networks as ONNX files, read as data only.

The file is an ordinary ONNX model, which other programs can run too. Of a file nothing is ever run: its
weights are taken out, their names, shapes and values are checked, and a model made anew from them runs.
"""

import json
from dataclasses import asdict

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from pydantic import BaseModel, ConfigDict, Field

from detection.errors import DetectionError
from detection.network.graph import onnx_model, shapes
from detection.network.model import Calibration, NetworkModel, TrainingNote, Weights
from detection.onnx_metadata import about_of, model_of

VERSION = 1
"""Version of the file; another one means another input or another meaning of the numbers."""
KEY = "ilemtrack.network"
"""Key of the metadata in the model."""
MAX_BYTES = 8 * 2**20
"""More than three times what a network takes; bounds the memory of a file from elsewhere."""
_NOT_OURS = "it is no network of ilemtrack"


class _Calibration(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    base: float = Field(ge=-20, le=20)
    per_score: float = Field(gt=0, le=20)
    per_size: float = Field(ge=-20, le=20)
    side_stretch: float = Field(gt=0, le=10)


class _Note(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    frames: int = Field(ge=1)
    presentations: int = Field(ge=1)
    seeds: str = Field(max_length=200)
    tuned_cells: int = Field(ge=0)


class _About(BaseModel):
    """Metadata of a network."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    calibration: _Calibration
    note: _Note


def model_bytes(model: NetworkModel) -> bytes:
    """Return a network as an ONNX model, the same bytes for the same network."""
    made = onnx_model(model.weights)
    about = {"version": VERSION, "calibration": asdict(model.calibration), "note": asdict(model.note)}
    helper.set_model_props(made, {KEY: json.dumps(about)})
    return bytes(made.SerializeToString(deterministic=True))


def model_from_bytes(data: bytes) -> NetworkModel:
    """Read a network that `model_bytes` wrote; nothing in the data is run.

    Raises
    ------
    DetectionError
        Raised when it is damaged, no network of this program, of another version, or not a proper network.
    """
    if len(data) > MAX_BYTES:
        raise DetectionError(f"it has {len(data)} bytes; a network has at most {MAX_BYTES}")
    proto = model_of(data, _NOT_OURS)
    about = about_of(proto, KEY, VERSION, _About, "network", _NOT_OURS)
    calibration = Calibration(**about.calibration.model_dump())
    return NetworkModel(_weights(proto.graph), calibration, TrainingNote(**about.note.model_dump()))


def _weights(graph: onnx.GraphProto) -> Weights:
    given = {tensor.name: tensor for tensor in graph.initializer}
    found: dict[str, NDArray[np.float32]] = {}
    for name, shape in shapes().items():
        tensor = given.get(name)
        if tensor is None:
            raise DetectionError(f"it is a damaged network: {name} is missing")
        floats = tensor.data_type == TensorProto.FLOAT and not tensor.external_data
        if not floats or tuple(tensor.dims) != shape or len(tensor.raw_data) != 4 * int(np.prod(shape)):
            raise DetectionError(f"it is a damaged network: {name} has not the size that it must have")
        values = np.frombuffer(tensor.raw_data, dtype="<f4").astype(np.float32).reshape(shape)
        if not np.isfinite(values).all():
            raise DetectionError(f"it is a damaged network: {name} has values that are no numbers")
        found[name] = values
    return found
