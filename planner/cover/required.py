"""What has to be imaged of every box: grown by context and guard, clipped to where the beam may go."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

from planner.cover.framing import Framing
from planner.cover.imaged_ground import Imaged
from planner.cover.tiles import Scan, fitted
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import RectM, cut, grown, hull
from planner.values import Box, Clipped, PlanSettings, Skipped

OUTSIDE = "outside the saved fluorescence"
NOTHING_LEFT = "nothing of it is left inside the saved fluorescence after guard and beam halo"
IMAGED = "already imaged: frames taken before show all of it"
NO_PRESET = "no frame of a size that the machine has lies on allowed ground about it"

FIELD_BORDER = "the border of the saved fluorescence"
UNSAVED = "fluorescence that is still to be taken"
OUTLINE = "the outline of the section"
IMAGED_IN_PART = "frames taken before"


@dataclass(frozen=True, slots=True)
class Required:
    """Ground that must be imaged in one frame.

    Attributes
    ----------
    rect_m : RectM
    scan : Scan
        The frame that shows it alone.
    boxes : frozenset of str
        The boxes that require it.
    """

    rect_m: RectM
    scan: Scan
    boxes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Demand:
    """What boxes require, and what they cannot have.

    Attributes
    ----------
    pieces : tuple of Required
        One for most boxes; several for a box at an inner corner of the ground, and tiles for what no frame
        can hold. Sorted by place.
    skipped, clipped
        As in `planner.values.Plan`.
    """

    pieces: tuple[Required, ...]
    skipped: tuple[Skipped, ...]
    clipped: tuple[Clipped, ...]


def required_rect(box: Box, settings: PlanSettings) -> RectM:
    """Return the required rectangle of a box before it is clipped.

    The box with its context, joined with what the recall policy wants kept, grown by the guard: a frame that
    lands off by the guard still shows all of it.
    """
    wanted = grown(box.rect_m, settings.context_m)
    if box.keep_m is not None:
        wanted = hull(wanted, box.keep_m)
    return grown(wanted, settings.guard_m)


def required(boxes: Iterable[Box], framing: Framing, imaged: Imaged) -> Demand:
    """Clip what boxes require to the allowed ground.

    Parameters
    ----------
    boxes : iterable of Box
        In any order: the result does not depend on it.
    framing : Framing
        On the ground of the section.
    imaged : Imaged
        Ground that need not be imaged again.

    Returns
    -------
    Demand
    """
    boxes = tuple(boxes)
    ground = framing.ground
    shared = _shared(boxes, framing)
    pieces: list[Required] = []
    skipped: list[Skipped] = []
    clipped: list[Clipped] = []
    for box in boxes:
        found = box.rect_m if box.keep_m is None else hull(box.rect_m, box.keep_m)
        if not ground.saved(found):
            skipped.append(Skipped(box.id, OUTSIDE))
            continue
        if not ground.allowed_within(box.rect_m, 0.0):
            # Only surroundings are left where the beam may go: a frame of them would not show the cell.
            skipped.append(Skipped(box.id, _why_nothing(box, ground)))
            continue
        rect = shared.get(box.keep_m) or required_rect(box, framing.settings)
        allowed = ground.allowed_within(rect, framing.settings.tile_overlap_m, box.rect_m)
        if not ground.inside_outline(box.rect_m):
            allowed = tuple(part for part in allowed if _shows_some_of(part, box.rect_m))
            if not allowed:
                skipped.append(Skipped(box.id, _why_nothing(box, ground)))
                continue
        left = [part for part in (imaged.left_of(a, framing.settings) for a in allowed) if part is not None]
        parts, lost = _framed(left, framing)
        if lost and left == list(allowed):
            shown = [scan.rect_m for _, scan in parts]
            parts += [(cut(scan.rect_m, rect), scan) for scan in framing.partial_frames(box.rect_m, shown)]
        pieces += [Required(part, scan, frozenset({box.id})) for part, scan in parts]
        if not left:
            skipped.append(Skipped(box.id, IMAGED))
        elif not parts:
            skipped.append(Skipped(box.id, NO_PRESET if framing.settings.presets_px else NOTHING_LEFT))
        else:
            causes = [*_limits(rect, ground), *([NO_PRESET] if lost else [])]
            if left != list(allowed):
                causes.append(IMAGED_IN_PART)
            if causes:
                clipped.append(Clipped(box.id, _explained(box, ground, lost, causes)))
    pieces.sort(key=lambda p: (p.rect_m, sorted(p.boxes)))
    skipped.sort(key=lambda s: s.box)
    clipped.sort(key=lambda c: c.box)
    return Demand(tuple(pieces), tuple(skipped), tuple(clipped))


def _shared(boxes: Iterable[Box], framing: Framing) -> dict[RectM | None, RectM]:
    """Ground required by boxes that want the same kept, where it is too large for a frame.

    They are parts of one detection. Each by itself would have tiles of its own, which lie over those of the
    others; of all together they have the same. Given by what is kept.
    """
    wanted: dict[RectM, list[RectM]] = {}
    for box in boxes:
        if box.keep_m is not None:
            wanted.setdefault(box.keep_m, []).append(required_rect(box, framing.settings))
    return {
        keep: reduce(hull, rects)
        for keep, rects in wanted.items()
        if len(rects) > 1 and not all(map(framing.fits, rects))
    }


def _framed(rects: Sequence[RectM], framing: Framing) -> tuple[list[tuple[RectM, Scan]], bool]:
    """Cut rectangles into what single frames show; and whether some of them no frame can."""
    found: list[tuple[RectM, Scan]] = []
    lost = False
    for rect in rects:
        if framing.settings.presets_px:
            scans = framing.frames(rect)
            found += [(cut(scan.rect_m, rect), scan) for scan in scans]
            lost |= not scans
            continue
        fit = fitted(rect, framing.ground, framing.settings)
        if fit is not None:
            needed, rounded = fit
            found += [(cut(scan.rect_m, needed), scan) for scan in framing.frames(rounded)]
    return found, lost


def _shows_some_of(rect: RectM, cell: RectM) -> bool:
    """Whether `rect` shows more of a cell than empty corners of its box: some of the ellipse in the box."""
    square = 0.0
    for low, high, first, last in (
        (rect[0], rect[2], cell[0], cell[2]),
        (rect[1], rect[3], cell[1], cell[3]),
    ):
        middle = (first + last) / 2
        square += ((min(max(middle, low), high) - middle) / ((last - first) / 2)) ** 2
    return square < 1


def _why_nothing(box: Box, ground: Ground) -> str:
    """Why no frame may lie on any of a box."""
    if not ground.inside_outline(box.rect_m):
        return f"{NOTHING_LEFT}, and inside {OUTLINE}"
    if ground.touches_unsaved(box.rect_m):
        return f"{NOTHING_LEFT}, away from {UNSAVED}"
    return NOTHING_LEFT


def _limits(rect: RectM, ground: Ground) -> list[str]:
    """Name what keeps frames off some of a rectangle."""
    if ground.allows(rect):
        return []
    causes = []
    if not ground.inside_fields(rect):
        causes.append(FIELD_BORDER)
    if ground.touches_unsaved(rect):
        causes.append(UNSAVED)
    if not ground.inside_outline(rect):
        causes.append(OUTLINE)
    return causes


def _explained(box: Box, ground: Ground, lost: bool, causes: list[str]) -> str:
    """Say what of a box frames do not show, and why."""
    if causes == [IMAGED_IN_PART]:
        return "new frames show only a part of it: frames taken before show the rest"
    whole = not lost and ground.allows(box.rect_m)
    what = "its surroundings are" if whole else "it is"
    return f"{what} imaged in part only, because of {', '.join(causes)}"
