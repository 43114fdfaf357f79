"""Boxes to image under other margins or another threshold: functions from values to values."""

import math
from dataclasses import dataclass, replace
from functools import cache
from statistics import NormalDist

from config.work import DetectionConfig
from detection.image.hits import OUTER_QUANTILE, Decision
from drivers.pose import RectM, grown_rect
from planner.geometry.rects import hull, overlap
from service import wording_cells
from service.model.review import PolicyChange
from service.model.specimen import Cell, FramePlace

Sides = tuple[int, int, int, int]
"""Distances left, top, right and bottom of a box, px."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Frame of the field of a cell, and the ground of all frames of its section.

    Attributes
    ----------
    frame : FramePlace
    whole_m : RectM
        Around the saved frames of the section.
    """

    frame: FramePlace
    whole_m: RectM

    @property
    def pixel_um(self) -> float:
        """Width of a pixel, um."""
        return self.frame.pose.pixel_size_m[0] * 1e6


def changed(policy: DetectionConfig, change: PolicyChange | None) -> DetectionConfig:
    """Return the policy of a configuration with another one of a person."""
    if change is None:
        return policy
    given = {
        "dilate_um": change.dilate_um,
        "side_quantile": change.side_quantile,
        "min_confidence": change.min_confidence,
    }
    return policy.model_copy(update={name: value for name, value in given.items() if value is not None})


def under_policy(cell: Cell, old: DetectionConfig, new: DetectionConfig, ground: Ground, by: str) -> Cell:
    """Return a cell as it would be imaged under another policy, all else the same.

    A side that is imaged further out than `old` asks for, as neighbouring sections or another hit show, never
    moves inwards: doubt makes a box larger, never smaller. Hits that are no cells stay none.

    Parameters
    ----------
    cell : Cell
        As found under `old`.
    old, new : DetectionConfig
    ground : Ground
    by : str
        Name for the reason.
    """
    if cell.image_rect_m is None:
        revived = (
            cell.decision is Decision.BELOW_FLOOR
            and new.min_confidence < old.min_confidence
            and cell.confidence >= new.min_confidence
            and overlap(cell.rect_m, ground.whole_m)
        )
        if not revived:
            return cell
        said = wording_cells.above_floor_of(cell.confidence, new.min_confidence, by)
        return replace(imaged_with(cell, new, ground), decision=_kept(cell, new), reason=said)
    if new.min_confidence > old.min_confidence and cell.confidence < new.min_confidence:
        said = wording_cells.below_floor_of(cell.confidence, new.min_confidence, by)
        return replace(cell, image_box_px=None, image_rect_m=None, decision=Decision.BELOW_FLOOR, reason=said)
    before, after = sides_px(cell, old, ground.pixel_um), sides_px(cell, new, ground.pixel_um)
    if before == after:
        return cell
    box, image = cell.box_px, cell.image_box_px or cell.box_px
    shown = (box[0] - image[0], box[1] - image[1], image[2] - box[2], image[3] - box[3])
    grown = tuple(map(_moved, shown, before, after))
    if not any(grown):
        return cell
    return _grown(cell, grown, ground, wording_cells.margins_of(cell.reason, by))


def imaged_with(cell: Cell, policy: DetectionConfig, ground: Ground) -> Cell:
    """Return a cell with the margins that a policy asks for around its box."""
    bare = replace(cell, image_box_px=cell.box_px, image_rect_m=cell.rect_m)
    return _grown(bare, sides_px(cell, policy, ground.pixel_um), ground, cell.reason)


def sides_px(cell: Cell, policy: DetectionConfig, pixel_um: float) -> Sides:
    """Return the distances from the box to the sides of what a policy images, as `detection.policy` does."""
    margin_um = policy.dilate_um + cell.extra_um
    if cell.confidence < policy.doubtful_below:
        margin_um += policy.doubtful_extra_um
    margin = _pixels(margin_um, pixel_um)
    if cell.reach_um is None:
        return margin, margin, margin, margin
    share = share_of_reach(policy.side_quantile)
    left, top, right, bottom = cell.reach_um
    return (
        max(margin, _pixels(share * left, pixel_um)),
        max(margin, _pixels(share * top, pixel_um)),
        max(margin, _pixels(share * right, pixel_um)),
        max(margin, _pixels(share * bottom, pixel_um)),
    )


def _moved(shown: int, before: int, after: int) -> int:
    """Return the distance by which a side moves outwards, px."""
    if after >= before:
        return after - before
    return after - shown if shown <= before else 0


def _grown(cell: Cell, grown_px: tuple[int, ...], ground: Ground, reason: str) -> Cell:
    assert cell.image_rect_m is not None
    left, top, right, bottom = grown_px
    x0, y0, x1, y1 = cell.image_box_px or cell.box_px
    width, height = ground.frame.size_px
    box = max(0, x0 - left), max(0, y0 - top), min(width, x1 + right), min(height, y1 + bottom)
    rect = _inside(
        grown_rect(ground.frame.pose, cell.image_rect_m, (left, top, right, bottom)), ground.whole_m
    )
    # However it shrinks, the cell as found is imaged.
    return replace(cell, image_box_px=box, image_rect_m=hull(rect, cell.rect_m), reason=reason)


def _inside(rect: RectM, whole: RectM) -> RectM:
    x0, y0, x1, y1 = (
        max(rect[0], whole[0]),
        max(rect[1], whole[1]),
        min(rect[2], whole[2]),
        min(rect[3], whole[3]),
    )
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else rect


def _kept(cell: Cell, policy: DetectionConfig) -> Decision:
    return Decision.DOUBTFUL if cell.confidence < policy.doubtful_below else Decision.KEPT


@cache
def share_of_reach(quantile: float) -> float:
    """Return the part of `Cell.reach_um` that a side exceeds with the chance of a quantile."""
    deviations = NormalDist()
    return deviations.inv_cdf(quantile) / deviations.inv_cdf(OUTER_QUANTILE)


def _pixels(margin_um: float, pixel_um: float) -> int:
    return math.ceil(margin_um / pixel_um - 1e-9)
