"""The small networks of the second look: values, and the chances that they give."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.second_look.company import COMPANY, Floats
from detection.second_look.evidence import Evidence
from detection.second_look.features import FEATURES
from detection.second_look.light import LIGHT

NETWORKS = 3
"""Networks of which the log-odds are averaged."""
OWN, READ, FIRST, SECOND, JOINED = 32, 24, 16, 12, 16
"""Widths of the layers."""
SHAPES: Mapping[str, tuple[int, ...]] = {
    "middle": (COMPANY + LIGHT + FEATURES,),
    "spread": (COMPANY + LIGHT + FEATURES,),
    "own.weight": (NETWORKS, OWN, COMPANY + LIGHT),
    "own.bias": (NETWORKS, OWN),
    "read.weight": (NETWORKS, READ, FEATURES),
    "read.bias": (NETWORKS, READ),
    "first.weight": (NETWORKS, FIRST, COMPANY),
    "first.bias": (NETWORKS, FIRST),
    "second.weight": (NETWORKS, SECOND, FIRST),
    "second.bias": (NETWORKS, SECOND),
    "joined.weight": (NETWORKS, JOINED, OWN + 2 * SECOND + READ),
    "joined.bias": (NETWORKS, JOINED),
    "last.weight": (NETWORKS, JOINED),
    "last.bias": (NETWORKS,),
}
"""Names and shapes of the arrays of weights."""
LIMIT = 5.0
"""Deviations from the usual beyond which a number says no more."""


@dataclass(frozen=True, slots=True, eq=False)
class SecondLook:
    """Weights by name, as in `SHAPES`.

    Attributes
    ----------
    weights : mapping of str to array of float32
    """

    weights: Mapping[str, NDArray[np.float32]]

    def chances(self, evidence: Evidence) -> NDArray[np.float64]:
        """Return the chance of each doubtful hit of a frame that it is a cell, (doubtful hits,), 0..1."""
        return chance_of(self.odds(evidence).mean(axis=0))

    def odds(self, evidence: Evidence) -> NDArray[np.float64]:
        """Return the log-odds that each network gives each doubtful hit, (networks, doubtful hits)."""
        w, company, chosen = self.weights, evidence.company, evidence.chosen
        beside = _within(company, w["middle"][:COMPANY], w["spread"][:COMPANY])
        numbers = np.concatenate([company[chosen], evidence.light, evidence.features], axis=1)
        own = _within(numbers, w["middle"], w["spread"])
        seen = _layer(own[None, :, : COMPANY + LIGHT], w["own.weight"], w["own.bias"])
        read = _layer(own[None, :, COMPANY + LIGHT :], w["read.weight"], w["read.bias"])
        says = _layer(beside[None], w["first.weight"], w["first.bias"])
        says = _layer(says, w["second.weight"], w["second.bias"])
        total = np.log1p(np.maximum(says.sum(axis=1, keepdims=True) - says, 0))
        joined = np.concatenate([seen, total[:, chosen], _highest_other(says)[:, chosen], read], axis=2)
        last = _layer(joined, w["joined.weight"], w["joined.bias"])
        odds = np.einsum("nhw,nw->nh", last, w["last.weight"]) + w["last.bias"][:, None]
        return np.asarray(odds, np.float64)


def chance_of(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the chances, 0..1, of log-odds."""
    return np.asarray(1 / (1 + np.exp(-odds)))


def _within(values: Floats, middle: Floats, spread: Floats) -> Floats:
    return np.asarray(np.clip((values - middle) / spread, -LIMIT, LIMIT))


def _layer(values: Floats, weight: Floats, bias: Floats) -> Floats:
    """Return (networks, hits, to): a layer of each network, nothing below 0."""
    return np.asarray(np.maximum(values @ weight.transpose(0, 2, 1) + bias[:, None], 0))


def _highest_other(says: Floats) -> Floats:
    """Return the highest value of the other hits of a frame, 0 for a hit alone, for (networks, hits, of)."""
    if says.shape[1] < 2:
        return np.zeros_like(says)
    two = np.partition(says, -2, axis=1)[:, -2:]
    return np.asarray(np.where(says >= two[:, 1:], two[:, :1], two[:, 1:]))
