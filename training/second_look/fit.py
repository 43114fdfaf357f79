"""Fit of the second look to judged frames."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from detection.second_look.evidence import look_at
from detection.second_look.model import SecondLook
from training.second_look.batches import Batch, JudgedFrame, batch_of, usual_of, varied
from training.second_look.frames import COUNTS, FrameOfHits, read_frames
from training.second_look.networks import Looks, weights_of

ROUNDS = 60
FRAMES = 32
"""Frames of a batch."""
RATE, DECAY = 3e-3, 1e-2
"""Largest learning rate, and decay of the weights (AdamW)."""
KEPT = 0.998
"""Share of the running average of the weights that stays at each step: the average is what is written. Fitted
to 7,875 hits, averages of 60 rounds instead of the last weights of 30 image .0114 instead of .0159 of a
development frame with debris, and lose two cells instead of three."""
_COMPARED, _MOST_APART = 50, 1e-4
"""Frames on which the weights are compared with the networks, and the largest difference of a chance."""


def judged_in(paths: Iterable[Path]) -> Iterator[JudgedFrame]:
    """Yield the frames of files of `training.second_look.frames` that have something to be looked at."""
    for path in paths:
        for frame in read_frames(path):
            judged = judged_of(frame, _counts(path))
            if judged is not None:
                yield judged


def _counts(path: Path) -> float:
    kind = path.name.split("-")[0]
    return next((weight for name, weight in COUNTS.items() if name == kind), 1.0)


def judged_of(frame: FrameOfHits, counts: float = 1.0) -> JudgedFrame | None:
    """Return the doubtful hits of a frame beside the truth; None if there are none."""
    seen = look_at(frame.hits, frame.z, frame.score, frame.features, frame)
    return None if seen is None else JudgedFrame(seen, frame.real[seen.chosen], counts)


def fitted(
    judged: Sequence[JudgedFrame], seed: int, rounds: int = ROUNDS
) -> Mapping[str, NDArray[np.float32]]:
    """Return the weights by name, see `detection.second_look.model.SHAPES`."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng([seed, 47])
    middle, spread = usual_of(judged)
    looks = Looks()
    optimiser = torch.optim.AdamW(looks.parameters(), lr=RATE, weight_decay=DECAY)
    average = AveragedModel(looks, multi_avg_fn=get_ema_multi_avg_fn(KEPT))
    batches = -(-len(judged) // FRAMES)
    course = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=rounds * batches + 1)
    counts = np.array([len(one.evidence.company) for one in judged])
    for _ in range(rounds):
        # Frames of a batch have about as many hits each.
        order = np.argsort(counts + rng.uniform(0, 4, len(judged)))
        for begin in rng.permutation(batches).tolist():
            part = [judged[number] for number in order[begin * FRAMES : (begin + 1) * FRAMES].tolist()]
            loss = loss_of(looks, varied(batch_of(part, middle, spread))) / len(part)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(looks.parameters(), 5.0)
            optimiser.step()
            course.step()
            average.update_parameters(looks)
    looks = average.module
    weights = weights_of(looks.eval(), middle, spread)
    apart = most_apart(looks, weights, judged[:_COMPARED])
    if apart > _MOST_APART:
        raise RuntimeError(f"NumPy gives other chances than PyTorch, by up to {apart:.2g}")
    return weights


def most_apart(
    looks: Looks, weights: Mapping[str, NDArray[np.float32]], judged: Sequence[JudgedFrame]
) -> float:
    """Return the largest difference of a chance by the trained networks and as the program reckons it."""
    batch = batch_of(judged, weights["middle"], weights["spread"])
    with torch.no_grad():
        trained = torch.sigmoid(looks(batch).mean(0)).numpy()
    second_look = SecondLook(weights)
    read = np.concatenate([second_look.chances(one.evidence) for one in judged])
    return float(np.abs(trained - read).max())


def loss_of(looks: Looks, batch: Batch) -> Tensor:
    """Return the cross entropy of all networks, weighed."""
    odds = looks(batch)
    real, weight = batch.real.expand_as(odds), batch.weight.expand_as(odds)
    return functional.binary_cross_entropy_with_logits(odds, real, weight, reduction="sum")
