"""`service.planning.review.margins` for all cells of a session at once: quick enough for a slider."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.work import DetectionConfig
from detection.image.hits import Decision
from planner.geometry.rects import overlap
from service.model.specimen import Cell
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
    """

    confidence: Floats
    extra_um: Floats
    pixel_um: Floats
    reach_um: Floats
    room_px: Floats
    shown_px: Floats
    imaged: Flags
    revivable: Flags

    @classmethod
    def of(cls, cells: Sequence[Cell], ground_of: Callable[[Cell], Ground]) -> "ManyCells":
        """Return cells as found in arrays."""
        grounds = [ground_of(cell) for cell in cells]
        boxes = _rows([cell.box_px for cell in cells])
        images = _rows([cell.image_box_px or cell.box_px for cell in cells])
        sizes = np.array([ground.frame.size_px for ground in grounds], dtype=np.float64).reshape(-1, 2)
        return cls(
            confidence=np.array([cell.confidence for cell in cells]),
            extra_um=np.array([cell.extra_um for cell in cells]),
            pixel_um=np.array([ground.pixel_um for ground in grounds]),
            reach_um=_rows([cell.reach_um or (0.0, 0.0, 0.0, 0.0) for cell in cells]),
            room_px=np.hstack([boxes[:, :2], sizes - boxes[:, 2:]]),
            shown_px=np.hstack([boxes[:, :2] - images[:, :2], images[:, 2:] - boxes[:, 2:]]),
            imaged=np.array([cell.image_rect_m is not None for cell in cells], dtype=bool),
            revivable=np.array(
                [
                    cell.image_rect_m is None
                    and cell.decision is Decision.BELOW_FLOOR
                    and overlap(cell.rect_m, ground.whole_m)
                    for cell, ground in zip(cells, grounds, strict=True)
                ],
                dtype=bool,
            ),
        )

    def under(self, old: DetectionConfig, new: DetectionConfig) -> Imaged:
        """Return what is imaged under another policy, as `under_policy` does for each cell."""
        enough = self.confidence >= new.min_confidence
        kept = self.imaged & (enough | (new.min_confidence <= old.min_confidence))
        revived = self.revivable & enough & (new.min_confidence < old.min_confidence)
        before, after = self._sides_px(old), self._sides_px(new)
        inwards = np.where(self.shown_px <= before, after - self.shown_px, 0.0)
        moved = np.where(after >= before, after - before, inwards)
        sides = np.where(revived[:, None], after, self.shown_px + moved)
        mask = kept | revived
        return Imaged(mask, np.where(mask[:, None], np.minimum(sides, self.room_px), 0.0))

    def _sides_px(self, policy: DetectionConfig) -> Floats:
        doubtful = self.confidence < policy.doubtful_below
        margin_um = policy.dilate_um + self.extra_um + np.where(doubtful, policy.doubtful_extra_um, 0.0)
        share = share_of_reach(policy.side_quantile)
        pixel_um = self.pixel_um[:, None]
        wanted = np.maximum(margin_um[:, None], share * self.reach_um)
        return np.asarray(np.ceil(wanted / pixel_um - 1e-9))


def _rows(values: Sequence[tuple[float, ...]]) -> Floats:
    return np.array(values, dtype=np.float64).reshape(-1, 4)
