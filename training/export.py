"""Export of a trained network to the file that the package reads."""

from pathlib import Path

import numpy as np

from detection.network.model import Calibration, NetworkModel, TrainingNote
from detection.network.onnx_file import model_bytes
from training.network import Network


def model_of(network: Network, note: TrainingNote, calibration: Calibration | None = None) -> NetworkModel:
    """Return the values of a network."""
    weights = {
        name: array.detach().numpy().astype(np.float32) for name, array in network.state_dict().items()
    }
    return NetworkModel(weights, calibration or Calibration(), note)


def write_model(path: Path, model: NetworkModel) -> None:
    """Write a network; the old file stays until the new one is whole."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(model_bytes(model))
    partial.replace(path)
