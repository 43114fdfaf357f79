"""Places of marked frames that the last layer learns from: their features, their cells and their sides."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detection.evaluation.annotated import AnnotatedFrame, pixels_of
from detection.image.working_grid import WorkingGrid
from detection.network.detector import Network
from detection.network.graph import FINER, SIDES
from detection.network.inputs import network_input
from detection.network.settings import PLACE_PX, SIDE_UNIT_PX
from detection.tuning.settings import TuningSettings

Floats = NDArray[np.float32]
_UNKNOWN = -1
"""Label of places that are not learnt from."""


@dataclass(frozen=True, slots=True)
class Places:
    """Pixels of the network's first layer; each has `FINER` x `FINER` places.

    Attributes
    ----------
    features : (pixels, features) array of float32
    cell : (pixels, places) array of bool
        True for places in a cell.
    weight : (pixels, places) array of float32
        0 for places of which nothing is known.
    sides : (pixels, 4, places) array of float32
        Distance to the left, top, right and lower side of the cell of a place, in `SIDE_UNIT_PX`; 0 where
        there is no cell.
    """

    features: Floats
    cell: NDArray[np.bool_]
    weight: Floats
    sides: Floats

    def where(self, chosen: NDArray[Any]) -> "Places":
        """Return some of the pixels, by a mask or by their numbers."""
        return Places(self.features[chosen], self.cell[chosen], self.weight[chosen], self.sides[chosen])


def joined(parts: list[Places]) -> Places:
    """Return the pixels of all parts."""
    return Places(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.cell for part in parts]),
        np.concatenate([part.weight for part in parts]),
        np.concatenate([part.sides for part in parts]),
    )


def places_of(
    item: AnnotatedFrame, grid: WorkingGrid, network: Network, turns: int, settings: TuningSettings
) -> Iterator[Places]:
    """Yield the places of a frame, once for each turn.

    Parameters
    ----------
    item : AnnotatedFrame
    grid : WorkingGrid
        Of its frame.
    network : Network
        Gives the features.
    turns : int
        1..8.
    settings : TuningSettings
    """
    labels = _labels(item, grid)
    boxes = np.array([cell.box.as_tuple() for cell in item.truth if cell.counted], np.float32)
    boxes = boxes.reshape(-1, 4) / np.float32(grid.shrink)
    for turn in range(turns):
        seen = replace(
            grid,
            residual=_turned(grid.residual, turn),
            noise_sd=_turned(grid.noise_sd, turn),
            background=replace(grid.background, level=_turned(grid.background.level, turn)),
        )
        _, features = network.outputs(network_input(seen, processed=item.frame.processed))
        turned_boxes = _turned_boxes(boxes, grid.residual.shape, turn)
        yield _places(features, _turned(labels, turn), turned_boxes, settings)


def _labels(item: AnnotatedFrame, grid: WorkingGrid) -> NDArray[np.int32]:
    """Return 1 + number of the cell of each pixel of the working grid, 0 for ground, -1 for unknown ones."""
    rows, columns = item.cell.shape
    image = np.where(item.unknown, _UNKNOWN, 0).astype(np.int32)
    counted = [cell for cell in item.truth if cell.counted]
    # Small cells last, so that large neighbours do not hide them.
    for number in sorted(range(len(counted)), key=lambda n: -counted[n].area_px):
        image[counted[number].box.slices][pixels_of(counted[number])] = number + 1
    at = [
        np.minimum(np.arange(small) * grid.shrink + grid.shrink // 2, side - 1)
        for small, side in zip(grid.residual.shape, (rows, columns), strict=True)
    ]
    return image[np.ix_(*at)]


def _turned(image: NDArray[Any], turn: int) -> NDArray[Any]:
    """Return an image after one of the eight turns and mirrorings of a square, 0..7."""
    if turn & 1:
        image = image[:, ::-1]
    if turn & 2:
        image = image[::-1]
    return np.ascontiguousarray(image.T if turn & 4 else image)


def _turned_boxes(boxes: Floats, shape: tuple[int, ...], turn: int) -> Floats:
    x0, y0, x1, y1 = boxes.T
    if turn & 1:
        x0, x1 = shape[1] - x1, shape[1] - x0
    if turn & 2:
        y0, y1 = shape[0] - y1, shape[0] - y0
    sides = (y0, x0, y1, x1) if turn & 4 else (x0, y0, x1, y1)
    return np.stack(sides, axis=1)


def _places(features: Floats, labels: NDArray[np.int32], boxes: Floats, settings: TuningSettings) -> Places:
    """Return the places of a frame.

    Parameters
    ----------
    features : (features, rows, columns) array of float32
    labels : (rows, columns) array of int32
        On the working grid.
    boxes : (cells, 4) array of float32
        x0, y0, x1, y1 on the working grid.
    settings : TuningSettings
    """
    _, rows, columns = features.shape
    own = np.full((rows * FINER, columns * FINER), _UNKNOWN, np.int32)
    middle = labels[PLACE_PX // 2 :: PLACE_PX, PLACE_PX // 2 :: PLACE_PX]
    own[: middle.shape[0], : middle.shape[1]] = middle
    for number in np.setdiff1d(np.arange(1, len(boxes) + 1), own).tolist():
        # A cell between the middles of places has the place in its own middle.
        x0, y0, x1, y1 = boxes[number - 1].tolist()
        own[int((y0 + y1) / 2 / PLACE_PX), int((x0 + x1) / 2 / PLACE_PX)] = number
    sides = np.zeros((SIDES, *own.shape), np.float32)
    weight = (own != _UNKNOWN).astype(np.float32)
    down, across = np.nonzero(own > 0)
    if len(down):
        number = own[down, across] - 1
        x0, y0, x1, y1 = boxes[number].T
        x, y = ((at + np.float32(0.5)) * PLACE_PX for at in (across, down))
        away = np.stack([x - x0, y - y0, x1 - x, y1 - y])
        sides[:, down, across] = np.maximum(away, 0) / SIDE_UNIT_PX
        count = np.bincount(number, minlength=len(boxes))
        weight[down, across] = np.clip(settings.cell_weight / count[number], *settings.weight_limits)

    def folded(values: NDArray[Any]) -> NDArray[Any]:
        parts = values.reshape(rows, FINER, columns, FINER).transpose(0, 2, 1, 3)
        return parts.reshape(rows * columns, FINER**2)

    return Places(
        np.ascontiguousarray(features.reshape(len(features), -1).T),
        folded(own) > 0,
        folded(weight),
        np.stack([folded(side) for side in sides], axis=1),
    )
