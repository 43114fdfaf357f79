"""The decision: from the frames, SBEMimage's settings and what was offered before, to the commands.

Pure: it reads nothing and keeps nothing. These must never happen:

- beam before fluorescence: one section or field that is not finished pauses everything, as the dialect shows
  neither the tiles nor the overviews that SBEMimage would expose beside ours;
- beam that nobody planned: all grids that are not ours, and all overviews, are switched off first;
- a frame twice: a tile that SBEMimage's logs show as begun is switched off; where its logs cannot be seen,
  every tile that was offered counts as begun.
"""

from collections.abc import Mapping, Sequence

from service.sbemimage.grids import MOST_OVERLAP, grid_of
from service.sbemimage.placing import Placing
from service.sbemimage.theirs.dialect import (
    Command,
    State,
    activate_tiles,
    add_grid,
    deactivate_grids,
    deactivate_overview,
    pause,
)
from service.sbemimage.theirs.logs import Tile
from service.sbemimage.theirs.session_file import SessionFile, Tiles
from service.sbemimage.values import Answer, Frame, Grid, Number, Offer, Past, Verdict, Work

FIRST_ROI = 1000
"""ROI indices of our grids begin here; those of a section list of a person begin at 0."""
MOST_WIDER = 2.0
"""Most by which a tile may exceed the largest frame, in width and in height. Chosen by hand: SBEMimage scans
whole tiles, so that a larger one burns ground that nobody wants."""

_NONE: frozenset[int] = frozenset()

Begun = Mapping[str, frozenset[Tile] | None]
"""Tiles that SBEMimage has begun, by the folder of its logs; None where they cannot be seen."""


def paused(verdict: Verdict, detail: str = "") -> Answer:
    """Return the answer that pauses SBEMimage."""
    return Answer(verdict, (pause(),), (), detail)


def decide(
    state: State,
    work: Work,
    session: SessionFile,
    placing: Placing,
    past: Past,
    begun: Begun,
    base_dir: str,
) -> Answer:
    """Return the answer to a state.

    Parameters
    ----------
    state : State
    work : Work
    session : SessionFile
        Of SBEMimage.
    placing : Placing
    past : Past
    begun : Begun
        For `base_dir` and those of `past`.
    base_dir : str
        Where the logs of this stack are.

    Returns
    -------
    Answer
        The same for the same values: SBEMimage adds no grid twice, as each has its own numbers.
    """
    refusal = _refusal(work, session, past)
    if refusal is not None:
        return refusal
    placed = {
        frame.name: grid_of(frame.rect_m, placing, session.coordinates, session.template)
        for frame in work.frames
    }
    numbers = _numbers(work.frames, past)
    gone = _gone(past, begun)
    offers, adding = [], []
    switched_off = {
        (one.array_index, one.roi_index)
        for one in session.grids
        if not one.active and one.roi_index is not None and one.roi_index >= FIRST_ROI
    }
    for frame in work.frames:
        grid, number = placed[frame.name], numbers[frame.name]
        mask = _mask(grid, gone.get(number, _NONE))
        if number in switched_off or not any(map(any, mask)):
            continue
        offers.append(Offer(frame.name, number, frame.rect_m, grid.rows, grid.columns, base_dir))
        adding += [_added(number, grid, session), activate_tiles(*number, mask)]
    if not offers:
        return paused(Verdict.NOTHING_LEFT)
    offered = {one.number for one in offers}
    finished = [
        activate_tiles(*one.number, [[0] * one.columns for _ in range(one.rows)])
        for one in past.by_number.values()
        if one.number not in offered
    ]
    commands = [*_others_off(state, session), *finished, *adding]
    return Answer(Verdict.GRIDS, tuple(commands), tuple(offers))


def _refusal(work: Work, session: SessionFile, past: Past) -> Answer | None:
    if work.at_work:
        return paused(Verdict.SESSION_AT_WORK)
    if work.unfinished:
        return paused(Verdict.FLUORESCENCE_MISSING, work.unfinished[0])
    if session.microtome:
        return paused(Verdict.MICROTOME)
    if session.focuses_elsewhere:
        return paused(Verdict.FOCUS_ELSEWHERE)
    standing = past.standing
    for frame in work.frames:
        before = standing.get(frame.name)
        if before is not None and before.rect_m != frame.rect_m:
            return paused(Verdict.PLAN_CHANGED, frame.name)
    return _unfit(work.frames, session.template) or _strange(session, past)


def _unfit(frames: Sequence[Frame], tiles: Tiles) -> Answer | None:
    """Refuse tiles that leave gaps, or are far larger than the frames."""
    limit_px = MOST_OVERLAP * min(tiles.size_px)
    if not 0 <= tiles.overlap_px <= limit_px or tiles.row_shift_px:
        return paused(Verdict.TEMPLATE_UNFIT)
    if frames:
        sizes = [(x1 - x0, y1 - y0) for x0, y0, x1, y1 in (one.rect_m for one in frames)]
        # A frame may lie across: the longer side of the one counts for the longer of the other.
        longest = max(max(one) for one in sizes) * 1e6
        if max(tiles.size_um) > MOST_WIDER * longest:
            return paused(Verdict.TILE_TOO_LARGE)
    return None


def _strange(session: SessionFile, past: Past) -> Answer | None:
    """Refuse grids with our indices that are not ours, or are scanned otherwise than grid 0."""
    ours = past.by_number
    for one in session.grids[1:]:
        if one.roi_index is None or one.roi_index < FIRST_ROI:
            continue
        name = f"ROI {one.array_index}.{one.roi_index}"
        if one.array_index is None or (one.array_index, one.roi_index) not in ours:
            return paused(Verdict.FOREIGN_GRID, name)
        if one.tiles != session.template:
            return paused(Verdict.GRID_CHANGED, name)
    return None


def _numbers(frames: Sequence[Frame], past: Past) -> dict[str, Number]:
    """Return the numbers of each frame: those it was offered by, else new ones after all that were used."""
    numbers = {name: one.number for name, one in past.standing.items()}
    arrays = {one.frame.rpartition("/")[0]: one.number[0] for one in past.offers}
    following: dict[int, int] = {}
    for array, roi in past.by_number:
        following[array] = max(following.get(array, FIRST_ROI), roi + 1)
    for frame in frames:
        if frame.section not in arrays:
            arrays[frame.section] = max(arrays.values(), default=0) + 1
        if frame.name not in numbers:
            array = arrays[frame.section]
            roi = following.get(array, FIRST_ROI)
            numbers[frame.name] = array, roi
            following[array] = roi + 1
    return numbers


def _gone(past: Past, begun: Begun) -> dict[Number, frozenset[int]]:
    """Return the tiles of each number that were begun, or may have been."""
    gone: dict[Number, set[int]] = {}
    for tiles in (past.begun, *begun.values()):
        for array, roi, tile in tiles or ():
            gone.setdefault((array, roi), set()).add(tile)
    for one in past.offers:
        if begun.get(one.base_dir) is None:
            gone.setdefault(one.number, set()).update(range(one.rows * one.columns))
    return {number: frozenset(tiles) for number, tiles in gone.items()}


def _mask(grid: Grid, gone: frozenset[int]) -> list[list[int]]:
    """Return which tiles may be scanned: those that were not begun."""
    return [
        [0 if row * grid.columns + column in gone else 1 for column in range(grid.columns)]
        for row in range(grid.rows)
    ]


def _added(number: Number, grid: Grid, session: SessionFile) -> Command:
    scale = session.coordinates.scale
    size = grid.size_um[0] * scale[0], grid.size_um[1] * scale[1]
    return add_grid(*number, grid.center_um, size)


def _others_off(state: State, session: SessionFile) -> list[Command]:
    """Return the commands that switch off all that is not ours."""
    rois = {one.roi_index for one in session.grids if one.roi_index is not None}
    foreign = sorted(one for one in rois if one < FIRST_ROI)
    return [
        deactivate_grids(None),
        *(deactivate_grids(one) for one in foreign),
        *(deactivate_overview(one) for one in range(state.overviews.number_ov)),
    ]
