"""Recall of a session against the true cells of a simulated specimen."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from drivers.pose import RectM
from planner.checks import outline_polygon
from planner.cover.seams import safe_part
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import TOLERANCE_M, grown, overlap
from planner.geometry.shapes import eroded
from service.model.event import STAY
from service.model.jobs import ExposureState, JobKind, JobState
from service.model.specimen import TruthPoints
from service.store.store import Store


@dataclass(frozen=True, slots=True)
class Scanned:
    """Ground of a frame, and the stay of the stage in which it was scanned; None: a move of its own."""

    rect_m: RectM
    stay: int | None = None


_WHOLE = 0.99
"""Share of a cell that frames must show for it to count as whole, as in `detection.evaluation`."""
_LEFT_OUT = 0.5
"""Share of a true cell inside cells left out by choice from which it is one of them. Chosen by hand."""


def contained_recall(
    store: Store,
    truth: TruthPoints,
    reach_m: float,
    outline_margin_m: float,
    seam_m: float = 0.0,
    stay_seam_m: float = 0.0,
    border_m: float = 0.0,
) -> float | None:
    """Return the share of true cells that the electron images show whole.

    Cells that were left out by choice do not count: most of that part lies in cells that were left out.
    Only the part of a cell where the beam is allowed counts: inside the saved fluorescence, by `reach_m`, and
    inside the outline of the section with its margin, both less `border_m`. A cell is whole if 99 % of that
    part lies in one frame of a finished job, or in several that overlap at each of their seams.

    Parameters
    ----------
    store : Store
    truth : callable
        Points of the true cells of a section.
    reach_m : float
        Distance beyond a planned frame within which the beam may bleach, m.
    outline_margin_m : float
        Distance by which a frame may leave the outline, m.
    seam_m : float
        Least overlap at a seam, by the positions that the stage reported, m.
    stay_seam_m : float
        The same of frames scanned without a move of the stage between them, where the beam moves.
    border_m : float
        Border that scans of whole pixels need not show, see `PlanSettings.border_m`.

    Returns
    -------
    float or None
        None if there is no cell.
    """
    begins = [int(event.data["exposure"]) for event in store.events.of(STAY)]
    whole = total = 0
    for section in store.specimen.sections():
        saved = [
            field.rect_m for field in store.specimen.fields(section=section.id) if field.image is not None
        ]
        if not saved:
            # Nothing of it counts, and the truth of a section takes long to simulate.
            continue
        ground = Ground(saved, reach_m).narrowed(border_m)
        outline = None
        if section.outline_m is not None:
            outline = eroded(outline_polygon(section.outline_m).buffer(outline_margin_m), border_m)
        cells = store.specimen.cells(section=section.id)
        left_out = [cell.rect_m for cell in cells if cell.left_out is not None]
        chosen = [cell.rect_m for cell in cells if cell.left_out is None]
        scanned = _scanned(store, section.id, begins)
        for points in truth(section.id):
            (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
            allowed = points[_inside(points, ground.allowed_within((x0, y0, x1, y1), 0.0))]
            if outline is not None:
                allowed = allowed[shapely.contains_xy(outline, allowed)]
            if len(allowed):
                share = _inside(allowed, left_out).mean()
                if share > _LEFT_OUT and share > _inside(allowed, chosen).mean():
                    continue
                total += 1
                whole += shows_whole(allowed, scanned, seam_m, stay_seam_m)
    return whole / total if total else None


def shows_whole(
    points: NDArray[np.float64], frames: Sequence[Scanned], seam_m: float, stay_seam_m: float = 0.0
) -> bool:
    """Return True if one frame shows the points (N, 2) of a cell, or several that overlap enough.

    Frames of one stay of the stage count as one if they overlap by `stay_seam_m`; it overlaps others by
    `seam_m`.
    """
    (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    cell = x0, y0, x1, y1
    near = [one for one in frames if overlap(grown(one.rect_m, TOLERANCE_M), cell)]
    if any(_inside(points, [one.rect_m]).mean() >= _WHOLE for one in near):
        return True
    stays: dict[int, list[RectM]] = {}
    for number, one in enumerate(near, start=1):
        stays.setdefault(-number if one.stay is None else one.stay, []).append(one.rect_m)
    shown = np.zeros(len(points), dtype=np.bool_)
    for rects in stays.values():
        if len(rects) == 1:
            part = safe_part(cell, rects[0], seam_m / 2)
            shown |= _inside(points, [] if part is None else [part])
            continue
        # Sides beyond the cell are no seams.
        parts = [_opened(cell, rect, seam_m + stay_seam_m) for rect in rects]
        joined = shapely.union_all([_buffered(shapely.box(*part), -stay_seam_m / 2) for part in parts])
        if shapely.contains_xy(joined, points).mean() >= _WHOLE:
            return True
        shown |= shapely.contains_xy(_buffered(joined, (stay_seam_m - seam_m) / 2), points)
    return bool(shown.mean() >= _WHOLE)


def _opened(cell: RectM, rect: RectM, by_m: float) -> RectM:
    """Return a rectangle whose sides beyond a cell are far beyond it."""
    return (
        cell[0] - by_m if rect[0] <= cell[0] else rect[0],
        cell[1] - by_m if rect[1] <= cell[1] else rect[1],
        cell[2] + by_m if rect[2] >= cell[2] else rect[2],
        cell[3] + by_m if rect[3] >= cell[3] else rect[3],
    )


def _buffered(ground: shapely.Geometry, by_m: float) -> shapely.Geometry:
    return shapely.buffer(ground, by_m, cap_style="square", join_style="mitre")


def _scanned(store: Store, section: str, begins: Sequence[int]) -> list[Scanned]:
    """Return the ground of a section that finished jobs have scanned; `begins` are first rows of stays."""
    finished = store.queue.jobs(state=JobState.DONE, section=section)
    done = {job.id for job in finished if job.kind is not JobKind.OVERVIEW}
    scanned = []
    for exposure in store.ledger.in_section(section):
        if exposure.job in done and exposure.state is ExposureState.CLOSED:
            stay = bisect_right(begins, exposure.id)
            scanned.append(Scanned(exposure.rect_m, begins[stay - 1] if stay else None))
    return scanned


def _inside(points: NDArray[np.float64], rects: Sequence[RectM]) -> NDArray[np.bool_]:
    """Return which of the points (N, 2) lie in any of the rectangles."""
    found = np.zeros(len(points), dtype=np.bool_)
    for x0, y0, x1, y1 in rects:
        found |= (points[:, 0] >= x0) & (points[:, 0] <= x1) & (points[:, 1] >= y0) & (points[:, 1] <= y1)
    return found
