"""Fit the second look to frames that the network has not seen: `python -m training.second_look`.

It writes the file of `detection.second_look`. Fit it again after each training of the network. The file in
the package is from an earlier script on nearly the same frames, see `docs/network.md`.
"""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from detection.combined.detector import Combined
from detection.evaluation.scores import is_real
from detection.image.frames import check_frame
from detection.network.shipped import shipped_network
from detection.second_look.company import COMPANY
from detection.second_look.light import LIGHT
from detection.second_look.look import evidence_of
from detection.second_look.model import FIRST, JOINED, LIMIT, NETWORKS, OWN, SECOND
from detection.second_look.shipped import PATH
from training.calibrate import truth_of
from training.labelled import LabelledFrame
from training.samples import Kind, frames_of

FIRST_SEED = 400_000
"""Seeds of the network are below, those of the calibration above."""
SEEDS: dict[Kind, int] = {"hard": 360, "sparse": 240, "scenes": 360, "realistic": 60}
"""Seeds of each kind; all but scenes have four frames each."""
ROUNDS = 40
FRAMES = 32
"""Frames of a batch."""
RATE, DECAY = 3e-3, 1e-2
"""Largest learning rate, and decay of the weights (AdamW)."""
DROPPED = 0.15
"""Share of the numbers inside the network that are left out at random while it is trained."""
BLURRED = 0.05
"""Noise that is added to its input then, in deviations."""


@dataclass(frozen=True, slots=True, eq=False)
class JudgedFrame:
    """Hits of one frame beside the truth.

    Attributes
    ----------
    company : (hits, COMPANY) array of float32
    chosen : (chosen hits,) array of intp
        Numbers of the doubtful ones.
    light : (chosen hits, LIGHT) array of float32
    real : (chosen hits,) array of bool
        True for a cell.
    """

    company: NDArray[np.float32]
    chosen: NDArray[np.intp]
    light: NDArray[np.float32]
    real: NDArray[np.bool_]


class Look(nn.Module):  # type: ignore[misc]
    """One of the networks of `detection.second_look.model`."""

    def __init__(self) -> None:
        super().__init__()
        self.own = nn.Linear(COMPANY + LIGHT, OWN)
        self.first, self.second = nn.Linear(COMPANY, FIRST), nn.Linear(FIRST, SECOND)
        self.joined, self.last = nn.Linear(OWN + 2 * SECOND, JOINED), nn.Linear(JOINED, 1)
        self.drop = nn.Dropout(DROPPED)

    def forward(self, company: Tensor, own: Tensor, is_hit: Tensor) -> Tensor:
        """Return the log-odds of each hit.

        Parameters
        ----------
        company : (frames, hits, COMPANY)
        own : (frames, hits, COMPANY + LIGHT)
        is_hit : (frames, hits)
            0 for what only fills up.
        """
        says = functional.relu(self.second(functional.relu(self.first(company)))) * is_hit[..., None]
        total = torch.log1p((says.sum(1, keepdim=True) - says).clamp(min=0))
        two = torch.topk(functional.pad(says, (0, 0, 0, 1)), 2, dim=1).values
        highest = torch.where(says >= two[:, :1], two[:, 1:], two[:, :1])
        joined = torch.cat([functional.relu(self.own(own)), total, highest], dim=-1)
        return self.last(functional.relu(self.joined(self.drop(joined))))[..., 0]


def main() -> None:
    """Judge the doubtful hits of all frames, fit, and write the file."""
    parser = argparse.ArgumentParser(prog="python -m training.second_look", description=__doc__)
    parser.add_argument("--out", type=Path, default=PATH, help="file of the second look")
    parser.add_argument("--share", type=float, default=1.0, help="share of the usual number of frames")
    parser.add_argument("--seed", type=int, default=7, help="seed of the fit")
    options = parser.parse_args()
    frames = (
        frame
        for kind, seeds in SEEDS.items()
        for seed in range(FIRST_SEED, FIRST_SEED + max(round(options.share * seeds), 1))
        for frame in frames_of(kind, seed)
    )
    judged = list(judged_in(frames))
    print(f"{sum(len(one.real) for one in judged)} doubtful hits of {len(judged)} frames", flush=True)
    np.savez(options.out, allow_pickle=False, **fitted(judged, options.seed))


def judged_in(frames: Iterable[LabelledFrame]) -> Iterator[JudgedFrame]:
    """Compare the doubtful hits of frames with their truth, where a second look is taken."""
    detector = Combined(shipped_network())
    for frame in frames:
        checked = check_frame(frame.pixels, frame.pixel_size_um, frame.offset_adu)
        if checked.constant or checked.processed:
            continue
        steps = detector.steps(checked)
        if steps.fusion.cautions:
            continue
        hits = steps.fusion.hits
        company, chosen, light = evidence_of(hits, steps.z, steps.network.score, steps.network.grid)
        truth = truth_of(frame)
        real = np.array([is_real(hits[number].box, truth) for number in chosen.tolist()], np.bool_)
        if chosen.size:
            yield JudgedFrame(company, chosen, light, real)


def fitted(judged: list[JudgedFrame], seed: int) -> dict[str, NDArray[np.float32]]:
    """Return the weights by name, see `detection.second_look.model.SHAPES`.

    A frame counts as the square root of its doubtful hits.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng([seed, 47])
    own = np.concatenate([np.concatenate([one.company[one.chosen], one.light], axis=1) for one in judged])
    middle, spread = own.mean(axis=0), own.std(axis=0) + np.float32(1e-3)
    looks = nn.ModuleList([Look() for _ in range(NETWORKS)])
    optimiser = torch.optim.AdamW(looks.parameters(), lr=RATE, weight_decay=DECAY)
    batches = -(-len(judged) // FRAMES)
    course = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=ROUNDS * batches + 1)
    counts = np.array([len(one.company) for one in judged])
    for _ in range(ROUNDS):
        # Frames of a batch have about as many hits each.
        order = np.argsort(counts + rng.uniform(0, 4, len(judged)))
        for begin in rng.permutation(batches).tolist():
            part = [judged[number] for number in order[begin * FRAMES : (begin + 1) * FRAMES].tolist()]
            company, light, is_hit, real, weight = _batch(part, middle, spread)
            company = company + BLURRED * torch.randn_like(company)
            light = light + BLURRED * torch.randn_like(light)
            whole = torch.cat([company, light], dim=-1)
            loss = sum(
                (
                    functional.binary_cross_entropy_with_logits(
                        look(company, whole, is_hit), real, weight, reduction="sum"
                    )
                )
                for look in looks
            )
            optimiser.zero_grad()
            (loss / len(part)).backward()
            nn.utils.clip_grad_norm_(looks.parameters(), 5.0)
            optimiser.step()
            course.step()
    states = [look.state_dict() for look in looks]
    weights = {name: np.stack([state[name].numpy() for state in states]) for name in states[0]}
    weights["last.weight"], weights["last.bias"] = weights["last.weight"][:, 0], weights["last.bias"][:, 0]
    return {"middle": middle, "spread": spread} | weights


def _batch(
    part: list[JudgedFrame], middle: NDArray[np.float32], spread: NDArray[np.float32]
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return company, light, what is a hit, what is a cell and what it counts, (frames, hits, ...) each."""
    hits = max(len(one.company) for one in part)
    company = np.zeros((len(part), hits, COMPANY), np.float32)
    light = np.zeros((len(part), hits, LIGHT), np.float32)
    is_hit, real, weight = (np.zeros((len(part), hits), np.float32) for _ in range(3))
    for number, one in enumerate(part):
        own = slice(0, len(one.company))
        company[number, own] = (one.company - middle[:COMPANY]) / spread[:COMPANY]
        light[number, one.chosen] = (one.light - middle[COMPANY:]) / spread[COMPANY:]
        is_hit[number, own] = 1
        real[number, one.chosen] = one.real
        weight[number, one.chosen] = len(one.chosen) ** -0.5
    arrays = np.clip(company, -LIMIT, LIMIT), np.clip(light, -LIMIT, LIMIT), is_hit, real, weight
    return tuple(torch.from_numpy(array) for array in arrays)


if __name__ == "__main__":
    main()
