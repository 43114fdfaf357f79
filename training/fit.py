"""Training of the network."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.loss import loss_of
from training.network import Network
from training.samples import Kind, Sample, read_samples, turned

BATCH = 16
RATE = 2e-3
"""Largest learning rate of Adam."""
WARM_UP = 200
"""Steps until that rate."""
AVERAGED_STEPS = 400
"""Steps over which the weights are averaged; their average is the result."""
SHARES: dict[Kind, float] = {"scenes": 0.35, "realistic": 0.25, "paper": 0.1, "hard": 0.3}
"""Shares of the kinds of frames."""


class Samples:
    """Samples of all kinds in memory; files that appear later join in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: set[Path] = set()
        self.of_kind: dict[Kind, list[Sample]] = {kind: [] for kind in SHARES}
        self.refresh()

    def refresh(self) -> None:
        """Read new files."""
        for kind, samples in self.of_kind.items():
            for path in sorted(self._folder.glob(f"{kind}-*.npz")):
                if path not in self._read:
                    self._read.add(path)
                    samples.extend(read_samples(path))

    def draw(self, rng: np.random.Generator) -> list[Sample]:
        """Draw a batch."""
        kinds = [kind for kind, samples in self.of_kind.items() if samples]
        shares = np.array([SHARES[kind] for kind in kinds])
        kinds = rng.choice(kinds, BATCH, p=shares / shares.sum()).tolist()
        return [self.of_kind[kind][int(rng.integers(len(self.of_kind[kind])))] for kind in kinds]


def batch_of(samples: list[Sample], turns: list[int]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return planes, labels, boxes and the places of each cell, each frame turned or mirrored (0..7)."""
    planes, labels, boxes, before = [], [], [], 0
    for sample, turn in zip(samples, turns, strict=True):
        seen = turned(sample, turn)
        number = seen.labels.astype(np.int64)
        labels.append(torch.from_numpy(np.where(number > 0, number + before, number)))
        planes.append(torch.from_numpy(seen.planes.astype(np.float32)))
        boxes.append(torch.from_numpy(seen.boxes))
        before += len(seen.boxes)
    all_labels = torch.stack(labels)
    places = torch.bincount(all_labels[all_labels > 0] - 1, minlength=before).float().clamp(min=1)
    return torch.stack(planes), all_labels, torch.cat(boxes), places


def train(
    samples: Samples,
    presentations: int,
    seed: int,
    save: Callable[[Network], None],
    begin_from: Network | None = None,
    rate: float = RATE,
    *,
    bfloat16: bool = False,
) -> Network:
    """Train a network and return the average of its last weights.

    Parameters
    ----------
    samples : Samples
    presentations : int
        Frames shown in all; the learning rate falls to 0 by then.
    seed : int
    save : callable
        Is given the average now and then.
    begin_from : Network, optional
        Network to go on from; its weights change. A new one otherwise.
    rate : float
        Largest learning rate of Adam.
    bfloat16 : bool
        Compute the layers in bfloat16; weights, their steps and the loss stay float32. On processors that
        multiply such numbers it takes a third less time, and the loss is the same to .3 %.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng([seed, 44])
    network = begin_from or Network()
    average = Network()
    average.load_state_dict(network.state_dict())
    network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-4)
    steps = presentations // BATCH
    begin = time.monotonic()
    sums = np.zeros(2)
    for step in range(steps):
        share = min((step + 1) / WARM_UP, 0.5 + 0.5 * math.cos(math.pi * step / steps))
        for group in optimiser.param_groups:
            group["lr"] = rate * share
        drawn = samples.draw(rng)
        planes, labels, boxes, places = batch_of(drawn, rng.integers(0, 8, BATCH).tolist())
        planes = planes.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            logits, sides = network(planes)
        entropy, pinball = loss_of(logits.float(), sides.float(), labels, boxes, places)
        optimiser.zero_grad(set_to_none=True)
        (entropy + pinball).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        share = min(1 / AVERAGED_STEPS, 1.0) if step >= AVERAGED_STEPS else 1 / (step + 1)
        with torch.no_grad():
            for kept, own in zip(average.parameters(), network.parameters(), strict=True):
                kept.lerp_(own, share)
        sums += (entropy.item(), pinball.item())
        if (step + 1) % 100 == 0:
            passed_min = (time.monotonic() - begin) / 60
            entropy_mean, sides_mean = sums / 100
            print(
                f"step {step + 1} of {steps}, {passed_min:.1f} min,"
                f" entropy {entropy_mean:.4f}, sides {sides_mean:.4f}",
                flush=True,
            )
            sums[:] = 0
            if (step + 1) % 300 == 0:
                samples.refresh()
                save(average)
    save(average)
    return average
