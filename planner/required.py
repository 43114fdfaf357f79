"""What has to be imaged of every box: grown by context and guard, clipped to where the beam may go."""

from collections.abc import Iterable
from dataclasses import dataclass

from planner.ground import Ground
from planner.rects import RectM, grown, hull
from planner.tiles import fitted
from planner.values import Box, PlanSettings, Skipped

OUTSIDE = "outside the saved fluorescence"
NOTHING_LEFT = "nothing of it is left inside the saved fluorescence after guard and beam halo"


@dataclass(frozen=True, slots=True)
class Required:
    """Ground that must be imaged.

    Attributes
    ----------
    rect_m : RectM
    scan_m : RectM
        The same, rounded out to whole pixels on allowed ground.
    boxes : frozenset of str
        The boxes that require it.
    """

    rect_m: RectM
    scan_m: RectM
    boxes: frozenset[str]


def required_rect(box: Box, settings: PlanSettings) -> RectM:
    """Return the required rectangle of a box before it is clipped.

    The box with its context, joined with what the recall policy wants kept, grown by the guard: a frame that
    lands off by the guard still shows all of it.
    """
    wanted = grown(box.rect_m, settings.context_m)
    if box.keep_m is not None:
        wanted = hull(wanted, box.keep_m)
    return grown(wanted, settings.guard_m)


def required(
    boxes: Iterable[Box], ground: Ground, settings: PlanSettings
) -> tuple[tuple[Required, ...], tuple[Skipped, ...]]:
    """Clip what boxes require to the allowed ground.

    Parameters
    ----------
    boxes : iterable of Box
        In any order: the result does not depend on it.
    ground : Ground
    settings : PlanSettings

    Returns
    -------
    pieces : tuple of Required
        One rectangle for most boxes, several for a box at an inner corner of the ground. Every one can be
        scanned in whole pixels (`planner.tiles.fitted`). Sorted by place.
    skipped : tuple of Skipped
        Boxes without any, sorted by name.
    """
    pieces: list[Required] = []
    skipped: list[Skipped] = []
    for box in boxes:
        found = box.rect_m if box.keep_m is None else hull(box.rect_m, box.keep_m)
        if not ground.saved(found):
            skipped.append(Skipped(box.id, OUTSIDE))
            continue
        if not ground.allowed_within(box.rect_m, 0.0):
            # Only surroundings are left where the beam may go: a frame of them would not show the cell.
            skipped.append(Skipped(box.id, NOTHING_LEFT))
            continue
        clipped = ground.allowed_within(required_rect(box, settings), settings.tile_overlap_m)
        fits = [fit for fit in (fitted(c, ground, settings) for c in clipped) if fit is not None]
        pieces += [Required(needed, scan, frozenset({box.id})) for needed, scan in fits]
        if not fits:
            skipped.append(Skipped(box.id, NOTHING_LEFT))
    pieces.sort(key=lambda p: (p.rect_m, sorted(p.boxes)))
    skipped.sort(key=lambda s: s.box)
    return tuple(pieces), tuple(skipped)
