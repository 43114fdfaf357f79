"""Export of a trained network to the file that the package reads, and the way back."""

from pathlib import Path

import numpy as np
import torch

from detection.network.model import Calibration, NetworkModel, TrainingNote
from detection.network.onnx_file import model_bytes
from training.network import Network


def model_of(network: Network, note: TrainingNote, calibration: Calibration | None = None) -> NetworkModel:
    """Return the values of a network."""
    weights = {
        name: array.detach().numpy().astype(np.float32) for name, array in network.state_dict().items()
    }
    return NetworkModel(weights, calibration or Calibration(), note)


def network_of(model: NetworkModel) -> Network:
    """Return a network of the given values."""
    network = Network()
    network.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in model.weights.items()})
    return network


def write_model(path: Path, model: NetworkModel) -> None:
    """Write a network; the old file stays until the new one is whole."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(model_bytes(model))
    partial.replace(path)
