"""Loss: cross entropy of the score, and pinball loss of the sides, every cell counting about the same."""

import torch
from torch import Tensor
from torch.nn import functional

from detection.network.settings import PLACE_PX, QUANTILES, SIDE_UNIT_PX
from training.samples import UNCOUNTED

CELL_WEIGHT = 60.0
"""Weight of all places of a cell together, in places of ground, as far as the limits allow."""
WEIGHT_LIMITS = (0.5, 4.0)
"""Smallest and largest weight of one place of a cell."""
SIDE_SHARE = 0.5
"""Weight of the pinball loss beside the cross entropy."""


def loss_of(
    logits: Tensor, sides: Tensor, labels: Tensor, boxes: Tensor, places: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the cross entropy and the pinball loss of a batch.

    Parameters
    ----------
    logits : (frames, rows, columns)
    sides : (frames, 4, quantiles, rows, columns)
        Px of the working grid.
    labels : (frames, rows, columns) of int64
        1 + number of the cell in `boxes`, 0 for ground, -1 for neither.
    boxes : (cells of all frames, 4)
        x0, y0, x1, y1, px of the working grid.
    places : (cells,)
        Number of places of each cell.
    """
    cell = labels > 0
    weight = torch.where(labels == UNCOUNTED, 0.0, 1.0)
    own = labels[cell] - 1
    per_place = (CELL_WEIGHT / places[own]).clamp(*WEIGHT_LIMITS)
    weight[cell] = per_place
    entropy = functional.binary_cross_entropy_with_logits(logits, cell.float(), weight, reduction="sum")
    entropy = entropy / labels[0].numel() / len(labels)
    if not len(own):
        return entropy, entropy * 0
    frame, row, column = cell.nonzero(as_tuple=True)
    x, y = ((at.float() + 0.5) * PLACE_PX for at in (column, row))
    true = boxes[own]
    distances = torch.stack([x - true[:, 0], y - true[:, 1], true[:, 2] - x, true[:, 3] - y], dim=1)
    off = distances[:, :, None] - sides[frame, :, :, row, column]
    levels = torch.tensor(QUANTILES)
    pinball = torch.maximum(levels * off, (levels - 1) * off) / SIDE_UNIT_PX
    share = per_place / per_place.sum()
    return entropy, (pinball.sum((1, 2)) * share).sum() * SIDE_SHARE
