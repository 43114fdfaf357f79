"""The networks of `detection.second_look.model`, to be trained."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from detection.second_look.company import COMPANY
from detection.second_look.features import FEATURES
from detection.second_look.light import LIGHT
from detection.second_look.model import FIRST, JOINED, NETWORKS, OWN, READ, SECOND, SHAPES
from training.second_look.batches import Batch

DROPPED = 0.15
"""Share of the numbers inside a network that are left out at random while it is trained."""
DROPPED_FEATURES = 0.3
"""The same of the features of the network. Both were chosen by hand."""


class Look(nn.Module):  # type: ignore[misc]
    """One of the networks."""

    def __init__(self) -> None:
        super().__init__()
        self.own = nn.Linear(COMPANY + LIGHT, OWN)
        self.read = nn.Linear(FEATURES, READ)
        self.first, self.second = nn.Linear(COMPANY, FIRST), nn.Linear(FIRST, SECOND)
        self.joined, self.last = nn.Linear(OWN + 2 * SECOND + READ, JOINED), nn.Linear(JOINED, 1)
        self.drop, self.drop_features = nn.Dropout(DROPPED), nn.Dropout(DROPPED_FEATURES)

    def forward(self, batch: Batch) -> Tensor:
        """Return the log-odds of each doubtful hit."""
        says = functional.relu(self.second(functional.relu(self.first(batch.company))))
        says = says * batch.is_hit[..., None]
        total = torch.log1p((says.sum(1, keepdim=True) - says).clamp(min=0))
        two = torch.topk(functional.pad(says, (0, 0, 0, 1)), 2, dim=1).values
        highest = torch.where(says >= two[:, :1], two[:, 1:], two[:, :1])
        at = batch.frame, batch.hit
        seen = functional.relu(self.own(torch.cat([batch.company[at], batch.light], dim=-1)))
        read = functional.relu(self.read(self.drop_features(batch.features)))
        joined = torch.cat([seen, total[at], highest[at], read], dim=-1)
        return self.last(functional.relu(self.joined(self.drop(joined))))[..., 0]


class Looks(nn.Module):  # type: ignore[misc]
    """All of them."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = nn.ModuleList([Look() for _ in range(NETWORKS)])

    def forward(self, batch: Batch) -> Tensor:
        """Return the log-odds of each doubtful hit by each network, (networks, doubtful hits)."""
        return torch.stack([look(batch) for look in self.looks])


def weights_of(
    looks: Looks, middle: NDArray[np.float32], spread: NDArray[np.float32]
) -> Mapping[str, NDArray[np.float32]]:
    """Return the weights by name, see `detection.second_look.model.SHAPES`."""
    states = [look.state_dict() for look in looks.looks]
    found = {name: np.stack([state[name].numpy() for state in states]) for name in states[0]}
    found |= {"middle": middle, "spread": spread}
    return {name: np.ascontiguousarray(found[name].reshape(shape)) for name, shape in SHAPES.items()}
