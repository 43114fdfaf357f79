"""`service.planning.review.margins` for all cells of a session at once: quick enough for a slider."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.work import DetectionConfig
from service.model.review import FoundCells
from service.planning.review.margins import Ground, share_of_reach

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Imaged:
    """Boxes to image of some cells.

    Attributes
    ----------
    mask : (cells,) array of bool
        False for a cell of which nothing is.
    sides_px : (cells, 4) array
        Distances left, top, right and bottom of the box; 0 where nothing is imaged.
    """

    mask: Flags
    sides_px: Floats


@dataclass(frozen=True, slots=True)
class Moves:
    """Changes of what is imaged of some cells.

    Attributes
    ----------
    dropped, revived : (cells,) array of bool
        Nothing of it is imaged any more; it is imaged now, and was not.
    outwards_px : (cells, 4) array
        Distances by which the left, top, right and bottom side move outwards; those of a revived cell from
        its box.
    """

    dropped: Flags
    revived: Flags
    outwards_px: Floats


@dataclass(frozen=True, slots=True)
class ManyCells:
    """Cells as found under a policy, in arrays.

    Attributes
    ----------
    confidence, extra_um, pixel_um : (cells,) array
    reach_um, room_px, shown_px : (cells, 4) array
        As in `Cell`, 0 where it is not known; distances from the box to the edges of the frame, and to the
        sides of what is imaged.
    imaged, revivable : (cells,) array of bool
        Some of it is imaged; it is below the floor only, and its fluorescence is saved.
    grounds : sequence of Ground
    of_cell : (cells,) array of int
        Index of the ground of each.
    """

    confidence: Floats
    extra_um: Floats
    pixel_um: Floats
    reach_um: Floats
    room_px: Floats
    shown_px: Floats
    imaged: Flags
    revivable: Flags
    grounds: Sequence[Ground]
    of_cell: NDArray[np.intp]

    @classmethod
    def of(cls, found: FoundCells, ground_of: Callable[[str, str], Ground]) -> "ManyCells":
        """Return cells as found in arrays; `ground_of` a section and a field."""
        index: dict[tuple[str, str], int] = {}
        keys = zip(found.sections, found.fields, strict=True)
        of_cell = np.array([index.setdefault(key, len(index)) for key in keys], dtype=np.intp)
        grounds = [ground_of(*key) for key in index]
        sizes = np.array([ground.frame.size_px for ground in grounds], dtype=np.float64).reshape(-1, 2)
        whole = _rows([ground.whole_m for ground in grounds])[of_cell]
        boxes, images, rects = _rows(found.boxes_px), _rows(found.images_px), _rows(found.rects_m)
        imaged = np.array(found.imaged, dtype=bool)
        saved = (rects[:, :2] < whole[:, 2:]).all(axis=1) & (whole[:, :2] < rects[:, 2:]).all(axis=1)
        return cls(
            confidence=np.array(found.confidence, dtype=np.float64),
            extra_um=np.array(found.extra_um, dtype=np.float64),
            pixel_um=np.array([ground.pixel_um for ground in grounds], dtype=np.float64)[of_cell],
            reach_um=_rows(found.reach_um),
            room_px=np.hstack([boxes[:, :2], sizes[of_cell] - boxes[:, 2:]]),
            shown_px=np.hstack([boxes[:, :2] - images[:, :2], images[:, 2:] - boxes[:, 2:]]),
            imaged=imaged,
            revivable=np.array(found.below_floor, dtype=bool) & ~imaged & saved,
            grounds=grounds,
            of_cell=of_cell,
        )

    def under(self, old: DetectionConfig, new: DetectionConfig) -> Imaged:
        """Return what is imaged under another policy, as `under_policy` does for each cell."""
        moves = self.moves(old, new)
        sides = np.where(moves.revived[:, None], 0.0, self.shown_px) + moves.outwards_px
        mask = (self.imaged & ~moves.dropped) | moves.revived
        return Imaged(mask, np.where(mask[:, None], np.minimum(sides, self.room_px), 0.0))

    def moves(self, old: DetectionConfig, new: DetectionConfig) -> Moves:
        """Return what changes under another policy, before the edges of the frame cut it."""
        enough = self.confidence >= new.min_confidence
        dropped = self.imaged & ~enough & (new.min_confidence > old.min_confidence)
        revived = self.revivable & enough & (new.min_confidence < old.min_confidence)
        before, after = self._sides_px(old), self._sides_px(new)
        inwards = np.where(self.shown_px <= before, after - self.shown_px, 0.0)
        moved = np.where(after >= before, after - before, inwards)
        moved[~self.imaged | dropped] = 0.0
        return Moves(dropped, revived, np.where(revived[:, None], after, moved))

    def _sides_px(self, policy: DetectionConfig) -> Floats:
        doubtful = self.confidence < policy.doubtful_below
        margin_um = policy.dilate_um + self.extra_um + np.where(doubtful, policy.doubtful_extra_um, 0.0)
        share = share_of_reach(policy.side_quantile)
        pixel_um = self.pixel_um[:, None]
        wanted = np.maximum(margin_um[:, None], share * self.reach_um)
        return np.asarray(np.ceil(wanted / pixel_um - 1e-9))


def _rows(values: Sequence[Sequence[float]]) -> Floats:
    return np.array(values, dtype=np.float64).reshape(-1, 4)
