"""Refit of the last layer: its score by logistic regression, its sides by quantile regression.

Both are drawn to the shipped layer by a ridge, so that few marks change little.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from detection.network.graph import FINER, SIDES
from detection.network.model import NetworkModel
from detection.network.settings import QUANTILES
from detection.tuning.places import Floats, Places
from detection.tuning.settings import TuningSettings

_PLACES = FINER**2


@dataclass(frozen=True, slots=True)
class Head:
    """Last layer of the network, a 1 x 1 convolution.

    Attributes
    ----------
    weight : (outputs, features) array of float32
    bias : (outputs,) array of float32
    """

    weight: Floats
    bias: Floats

    @classmethod
    def of(cls, model: NetworkModel) -> "Head":
        """Return the last layer of a network."""
        return cls(model.weights["head.weight"][:, :, 0, 0], model.weights["head.bias"])

    def into(self, model: NetworkModel) -> NetworkModel:
        """Return the network with this last layer."""
        weights = {**model.weights, "head.weight": self.weight[:, :, None, None], "head.bias": self.bias}
        return replace(model, weights=weights)

    def found(self, features: Floats) -> Floats:
        """Return the output of the network, (outputs, rows, columns), of its (features, rows, columns)."""
        flat = self.weight @ features.reshape(len(features), -1) + self.bias[:, None]
        return flat.reshape(-1, *features.shape[1:])


def _chance(odds: Floats) -> Floats:
    # The logistic function, without overflow.
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * odds), np.float32)


def _softplus(odds: Floats) -> Floats:
    # Ten times as fast as logaddexp.
    return np.asarray(np.maximum(odds, 0) + np.log1p(np.exp(-np.abs(odds))), np.float32)


def with_score(head: Head, places: Places, ridge: float, settings: TuningSettings) -> Head:
    """Refit the score.

    Parameters
    ----------
    head : Head
        The shipped one.
    places : Places
    ridge : float
        Weight of the squared change of the log-odds, per standard deviation of a feature, beside the mean
        cross entropy.
    settings : TuningSettings
    """
    total = float(places.weight.sum())
    if not total:
        return head

    def loss(odds: Floats) -> tuple[float, Floats]:
        entropy = places.weight * (_softplus(odds) - places.cell * odds)
        slope = places.weight * (_chance(odds) - places.cell)
        return float(entropy.sum(dtype=np.float64)) / total, slope / np.float32(total)

    own = slice(0, _PLACES)
    return _refitted(head, own, places.features, loss, ridge, settings)


def with_sides(head: Head, places: Places, ridge: float, settings: TuningSettings) -> Head:
    """Refit the sides by the pinball loss (Koenker, 'Quantile Regression', 2005), its corner rounded.

    Parameters
    ----------
    head : Head
    places : Places
    ridge : float
        As in `with_score`.
    settings : TuningSettings
    """
    inside = places.where(np.any(places.cell & (places.weight > 0), axis=1))
    weight = np.where(inside.cell, inside.weight, np.float32(0))
    total = float(weight.sum())
    if not total:
        return head
    levels = np.array(QUANTILES, np.float32)[None, None, :, None]
    width = np.float32(settings.smooth)

    def loss(flat: Floats) -> tuple[float, Floats]:
        raw = flat.reshape(-1, SIDES, len(QUANTILES), _PLACES)
        quantile = np.cumsum(_softplus(raw), axis=2)
        off = inside.sides[:, :, None, :] - quantile
        own = weight[:, None, None, :]
        pinball = own * (levels * off + width * _softplus(-off / width))
        slope = own * (_chance(-off / width) - levels)
        # Every quantile is the sum of the steps up to it.
        steps = np.flip(np.cumsum(np.flip(slope, 2), axis=2), 2) * _chance(raw)
        return float(pinball.sum(dtype=np.float64)) / total, steps.reshape(flat.shape) / np.float32(total)

    own = slice(_PLACES, len(head.bias))
    return _refitted(head, own, inside.features, loss, ridge, settings)


def _refitted(
    head: Head,
    own: slice,
    features: Floats,
    loss: Callable[[Floats], tuple[float, Floats]],
    ridge: float,
    settings: TuningSettings,
) -> Head:
    """Refit some outputs of the last layer; `loss` gives the loss of them, and its slope."""
    spread = np.maximum(features.std(axis=0), np.float32(1e-3))
    middle = features.mean(axis=0)
    normal = (features - middle) / spread
    before = features @ head.weight[own].T + head.bias[own]
    outputs = before.shape[1]

    def whole(change: NDArray[np.float64]) -> tuple[float, Any]:
        parts = change.reshape(outputs, -1)
        weight, bias = parts[:, :-1].astype(np.float32), parts[:, -1].astype(np.float32)
        value, slope = loss(before + normal @ weight.T + bias)
        gradient = np.column_stack([slope.T @ normal, slope.sum(axis=0)]).astype(np.float64)
        return value + ridge * float(change @ change), gradient.ravel() + 2 * ridge * change

    start = np.zeros(outputs * (features.shape[1] + 1))
    found = minimize(
        whole, start, jac=True, method="L-BFGS-B", options={"maxiter": settings.iterations}
    ).x.reshape(outputs, -1)
    change = (found[:, :-1] / spread).astype(np.float32)
    weight, bias = head.weight.copy(), head.bias.copy()
    weight[own] += change
    bias[own] += (found[:, -1] - change @ middle).astype(np.float32)
    return Head(weight, bias)
