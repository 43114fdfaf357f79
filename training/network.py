"""The network, in PyTorch: a small U-Net whose output is four times as fine as its first layer in area."""

from torch import Tensor, nn
from torch.nn import functional

from detection.network.graph import FINER, INWARD_BLOCKS, OUTPUTS, SIDES, WIDTHS
from detection.network.inputs import CHANNELS
from detection.network.settings import QUANTILES, SIDE_UNIT_PX


class Block(nn.Module):  # type: ignore[misc]
    """Two convolutions beside a way past them; begins as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return x and its correction."""
        return functional.relu(x + self.second(functional.relu(self.first(x))))


class Network(nn.Module):  # type: ignore[misc]
    """U-Net of four levels without normalisation layers."""

    def __init__(self) -> None:
        super().__init__()
        c0, c1, c2, c3 = WIDTHS
        self.stem = nn.Conv2d(CHANNELS, c0, 3, padding=1)
        self.down = nn.ModuleList([nn.Conv2d(a, b, 2, stride=2) for a, b in ((c0, c1), (c1, c2), (c2, c3))])
        self.inward = nn.ModuleList(
            [
                nn.Sequential(*(Block(width) for _ in range(blocks)))
                for width, blocks in zip(WIDTHS, INWARD_BLOCKS, strict=True)
            ]
        )
        self.up = nn.ModuleList([nn.Conv2d(b, a, 1) for a, b in ((c0, c1), (c1, c2), (c2, c3))])
        self.outward = nn.ModuleList([Block(c0), Block(c1), Block(c2)])
        self.head = nn.Conv2d(c0, FINER**2 * OUTPUTS, 1)

    def forward(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the score and the sides of each place.

        Parameters
        ----------
        planes : (frames, CHANNELS, rows, columns)

        Returns
        -------
        logits : (frames, 2 rows, 2 columns)
            Of the chance that a place lies in a cell.
        sides : (frames, 4, quantiles, 2 rows, 2 columns)
            Distance from the middle of a place to each side of the box of its cell, px of the working grid.
        """
        x = functional.relu(self.stem(planes))
        levels = []
        for number, block in enumerate(self.inward):
            if number:
                x = functional.relu(self.down[number - 1](x))
            x = block(x)
            levels.append(x)
        for number in (2, 1, 0):
            x = functional.interpolate(self.up[number](x), scale_factor=2.0, mode="nearest") + levels[number]
            x = self.outward[number](x)
        found = functional.pixel_shuffle(self.head(x), FINER)
        steps = functional.softplus(found[:, 1:]).unflatten(1, (SIDES, len(QUANTILES)))
        return found[:, 0], steps.cumsum(2) * SIDE_UNIT_PX
