"""Required ground of every box: grown by context and guard, clipped to ground that scans can show."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from planner.cover.framing import Framing
from planner.cover.imaged_ground import Imaged
from planner.cover.tiles import Scan
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import RectM, cut, grown, hull, overlap
from planner.settings import PlanSettings
from planner.values import Box, Clipped, Field, Skipped

OUTSIDE = "outside the saved fluorescence"
NOTHING_LEFT = "nothing of it is left inside the saved fluorescence after guard and beam halo"
IMAGED = "already imaged: earlier frames show all of it"
NO_PRESET = "no frame size of the machine fits on the allowed ground around it"

FIELD_EDGE = "the edge of the saved fluorescence"
UNSAVED = "fluorescence still to be taken"
OUTLINE = "the outline of the section"
PRESETS = "the frame sizes of the machine"
EARLIER_FRAMES = "earlier frames"


@dataclass(frozen=True, slots=True)
class Required:
    """Ground that must be imaged in one frame.

    Attributes
    ----------
    rect_m : RectM
    scan : Scan
        The frame that shows it by itself.
    boxes : frozenset of str
        The boxes that require it.
    """

    rect_m: RectM
    scan: Scan
    boxes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Region:
    """Required ground in one piece, which may be larger than a frame.

    Attributes
    ----------
    rect_m : RectM
    scans : tuple of Scan
        The frames that show it by themselves: one, or tiles.
    boxes : frozenset of str
        The boxes that require it.
    """

    rect_m: RectM
    scans: tuple[Scan, ...]
    boxes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Demand:
    """Required ground of boxes, and the boxes that are skipped or clipped.

    Attributes
    ----------
    regions : tuple of Region
        One for most boxes; several for a box at an inner corner of the ground. Sorted by position.
    pieces : tuple of Required
        The same in pieces of at most a frame: tiles for a region larger than that. Sorted by position.
    skipped, clipped
        As in `planner.values.Plan`.
    """

    regions: tuple[Region, ...]
    pieces: tuple[Required, ...]
    skipped: tuple[Skipped, ...]
    clipped: tuple[Clipped, ...]


def guard_m(box: Box, fields: Sequence[Field], settings: PlanSettings) -> float:
    """Return the guard of a box: the largest of the fields that it touches, or that of the settings."""
    found = box.rect_m if box.keep_m is None else hull(box.rect_m, box.keep_m)
    guards = [field.guard_m for field in fields if overlap(field.rect_m, found)]
    return max((settings.guard_m if g is None else g for g in guards), default=settings.guard_m)


def required_rect(box: Box, context_m: float, guard_m: float) -> RectM:
    """Return the required rectangle of a box before it is clipped.

    It is the box with its context, joined with `keep_m` of the recall policy and grown by the guard, so that
    a frame that lands off by the guard still shows all of it.
    """
    wanted = grown(box.rect_m, context_m)
    if box.keep_m is not None:
        wanted = hull(wanted, box.keep_m)
    return grown(wanted, guard_m)


def required(boxes: Iterable[Box], fields: Sequence[Field], framing: Framing, imaged: Imaged) -> Demand:
    """Return the required ground of boxes, clipped to `Framing.required_ground`.

    Parameters
    ----------
    boxes : iterable of Box
        In any order; the result does not depend on it.
    fields : sequence of Field
        In which they were found.
    framing : Framing
        On the ground of the section.
    imaged : Imaged
        Ground that need not be imaged again.

    Returns
    -------
    Demand
    """
    boxes = tuple(boxes)
    ground, settings = framing.required_ground, framing.settings
    own = any(field.guard_m is not None for field in fields)
    guards = {box.id: guard_m(box, fields, settings) if own else settings.guard_m for box in boxes}
    wanted = {box.id: required_rect(box, settings.context_m, guards[box.id]) for box in boxes}
    shared = _shared(boxes, wanted, framing)
    regions: dict[RectM, tuple[tuple[Scan, ...], set[str]]] = {}
    pieces: list[Required] = []
    skipped: list[Skipped] = []
    clipped: list[Clipped] = []
    for box in boxes:
        found = box.rect_m if box.keep_m is None else hull(box.rect_m, box.keep_m)
        if not ground.saved(found):
            skipped.append(Skipped(box.id, OUTSIDE))
            continue
        if not ground.allowed_within(box.rect_m, 0.0):
            # Only surroundings lie on allowed ground: a frame of them would not show the cell.
            skipped.append(Skipped(box.id, _reason_of_nothing(box, ground)))
            continue
        rect = shared.get(box.keep_m) or wanted[box.id]
        allowed = ground.allowed_within(rect, settings.tile_overlap_m, box.rect_m)
        if not ground.inside_outline(box.rect_m):
            allowed = tuple(part for part in allowed if _shows_some_of(part, box.rect_m))
            if not allowed:
                skipped.append(Skipped(box.id, _reason_of_nothing(box, ground)))
                continue
        rest = (imaged.left_of(part, guards[box.id], settings.tile_overlap_m) for part in allowed)
        left = [part for part in rest if part is not None]
        framed, lost = _framed(left, framing)
        if lost and left == list(allowed):
            shown = [scan.rect_m for _, scans in framed for scan in scans]
            partial = framing.partial_frames(box.rect_m, shown)
            framed += [(cut(scan.rect_m, rect), (scan,)) for scan in partial]
        for part, scans in framed:
            regions.setdefault(part, (scans, set()))[1].add(box.id)
            pieces += [Required(cut(scan.rect_m, part), scan, frozenset({box.id})) for scan in scans]
        if not left:
            skipped.append(Skipped(box.id, IMAGED))
        elif not framed:
            skipped.append(Skipped(box.id, NO_PRESET if settings.presets_px else NOTHING_LEFT))
        else:
            causes = [*_limits(rect, ground), *([PRESETS] if lost else [])]
            if left != list(allowed):
                causes.append(EARLIER_FRAMES)
            if causes:
                clipped.append(Clipped(box.id, _explained(box, ground, lost, causes)))
    pieces.sort(key=lambda p: (p.rect_m, sorted(p.boxes)))
    skipped.sort(key=lambda s: s.box)
    clipped.sort(key=lambda c: c.box)
    whole = (Region(rect, scans, frozenset(names)) for rect, (scans, names) in sorted(regions.items()))
    return Demand(tuple(whole), tuple(pieces), tuple(skipped), tuple(clipped))


def _shared(boxes: Iterable[Box], wanted: Mapping[str, RectM], framing: Framing) -> dict[RectM | None, RectM]:
    """Return the joint required ground of boxes with the same `keep_m`, where it is larger than a frame.

    Such boxes are parts of one detection. Each by itself would have its own tiles, which overlap those of the
    others; together they share tiles. The keys are `keep_m`.
    """
    found: dict[RectM, list[RectM]] = {}
    for box in boxes:
        if box.keep_m is not None:
            found.setdefault(box.keep_m, []).append(wanted[box.id])
    return {
        keep: reduce(hull, rects)
        for keep, rects in found.items()
        if len(rects) > 1 and not all(map(framing.fits, rects))
    }


def _framed(rects: Sequence[RectM], framing: Framing) -> tuple[list[tuple[RectM, tuple[Scan, ...]]], bool]:
    """Return rectangles with the frames that show them; and True if no frame can show some of them."""
    found: list[tuple[RectM, tuple[Scan, ...]]] = []
    lost = False
    for rect in rects:
        scans = framing.frames(rect)
        found += [(rect, scans)] if scans else []
        lost |= not scans
    return found, lost


def _shows_some_of(rect: RectM, cell: RectM) -> bool:
    """Return True if `rect` shows some of the ellipse in the box of a cell, not only an empty corner."""
    square = 0.0
    for low, high, first, last in (
        (rect[0], rect[2], cell[0], cell[2]),
        (rect[1], rect[3], cell[1], cell[3]),
    ):
        middle = (first + last) / 2
        square += ((min(max(middle, low), high) - middle) / ((last - first) / 2)) ** 2
    return square < 1


def _reason_of_nothing(box: Box, ground: Ground) -> str:
    """Return the reason why no frame may lie on a box."""
    if not ground.inside_outline(box.rect_m):
        return f"{NOTHING_LEFT}, and inside {OUTLINE}"
    if ground.touches_unsaved(box.rect_m):
        return f"{NOTHING_LEFT}, away from {UNSAVED}"
    return NOTHING_LEFT


def _limits(rect: RectM, ground: Ground) -> list[str]:
    """Return the causes that keep frames off a part of a rectangle."""
    if ground.allows(rect):
        return []
    causes = []
    if not ground.inside_fields(rect):
        causes.append(FIELD_EDGE)
    if ground.touches_unsaved(rect):
        causes.append(UNSAVED)
    if not ground.inside_outline(rect):
        causes.append(OUTLINE)
    return causes


def _explained(box: Box, ground: Ground, lost: bool, causes: list[str]) -> str:
    """Return the reason of a partly imaged box."""
    if causes == [EARLIER_FRAMES]:
        return "partly imaged anew: earlier frames show the rest"
    whole = not lost and ground.allows(box.rect_m)
    part = "surroundings partly imaged" if whole else "partly imaged"
    return f"{part}, limited by {', '.join(causes)}"
