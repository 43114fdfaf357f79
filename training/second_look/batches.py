"""Batches of judged frames, as the networks of the second look take them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detection.second_look.company import COMPANY
from detection.second_look.evidence import Evidence
from detection.second_look.light import LIGHT
from detection.second_look.model import LIMIT

BLURRED = 0.05
"""Noise that is added to the numbers in training, in deviations. Chosen by hand."""


@dataclass(frozen=True, slots=True, eq=False)
class JudgedFrame:
    """Doubtful hits of one frame beside the truth.

    Attributes
    ----------
    evidence : Evidence
    real : (doubtful hits,) array of bool
        True for a cell.
    counts : float
        Weight of the frame.
    """

    evidence: Evidence
    real: NDArray[np.bool_]
    counts: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some frames.

    Attributes
    ----------
    company : (frames, most hits of a frame, COMPANY)
        In deviations.
    is_hit : (frames, most hits of a frame)
        0 for what only fills up.
    frame, hit : (doubtful hits,)
        Place of each doubtful hit in these.
    light : (doubtful hits, LIGHT)
        In deviations.
    features : (doubtful hits, FEATURES)
        In deviations.
    real : (doubtful hits,)
        1 for a cell.
    weight : (doubtful hits,)
        A frame counts as the square root of its doubtful hits, times its own weight.
    """

    company: Tensor
    is_hit: Tensor
    frame: Tensor
    hit: Tensor
    light: Tensor
    features: Tensor
    real: Tensor
    weight: Tensor


def usual_of(judged: Sequence[JudgedFrame]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean of each number of the doubtful hits, and its standard deviation."""
    looks = (one.evidence for one in judged)
    own = np.concatenate([np.concatenate([e.company[e.chosen], e.light, e.features], axis=1) for e in looks])
    return own.mean(axis=0), own.std(axis=0) + np.float32(1e-3)


def batch_of(
    judged: Sequence[JudgedFrame], middle: NDArray[np.float32], spread: NDArray[np.float32]
) -> Batch:
    """Return a batch; see `usual_of` for the numbers that are usual."""
    looks = [one.evidence for one in judged]
    company = np.zeros((len(looks), max(len(e.company) for e in looks), COMPANY), np.float32)
    is_hit = np.zeros(company.shape[:2], np.float32)
    for number, e in enumerate(looks):
        company[number, : len(e.company)] = (e.company - middle[:COMPANY]) / spread[:COMPANY]
        is_hit[number, : len(e.company)] = 1
    counts = np.array([len(e.chosen) for e in looks])
    own = np.concatenate([np.concatenate([e.light, e.features], axis=1) for e in looks])
    own = np.clip((own - middle[COMPANY:]) / spread[COMPANY:], -LIMIT, LIMIT)
    arrays = (
        np.clip(company, -LIMIT, LIMIT),
        is_hit,
        np.repeat(np.arange(len(looks)), counts),
        np.concatenate([e.chosen for e in looks]),
        own[:, :LIGHT],
        own[:, LIGHT:],
        np.concatenate([one.real for one in judged]).astype(np.float32),
        np.repeat(np.array([one.counts for one in judged]) * counts**-0.5, counts).astype(np.float32),
    )
    return Batch(*map(torch.from_numpy, arrays))


def varied(batch: Batch) -> Batch:
    """Return a batch with noise on its numbers."""
    company, light, features = (
        numbers + BLURRED * torch.randn_like(numbers)
        for numbers in (batch.company, batch.light, batch.features)
    )
    return replace(batch, company=company, light=light, features=features)
