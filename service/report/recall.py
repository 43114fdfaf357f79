"""Recall of a session against the true cells of a simulated specimen."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from drivers.pose import RectM
from planner.checks import outline_polygon
from planner.cover.seams import safe_part
from planner.geometry.allowed_ground import Ground
from service.model.jobs import ExposureState, JobState
from service.model.specimen import TruthPoints
from service.store.store import Store

_WHOLE = 0.99
"""Share of a cell that frames must show for it to count as whole, as in `detection.evaluation`."""
_LEFT_OUT = 0.5
"""Share of a true cell inside cells left out by choice from which it is one of them. Chosen by hand."""


def contained_recall(
    store: Store, truth: TruthPoints, reach_m: float, outline_margin_m: float, seam_m: float = 0.0
) -> float | None:
    """Return the share of true cells that the electron images show whole.

    Cells that were left out by choice do not count: most of that part lies in cells that were left out.
    Only the part of a cell where the beam is allowed counts: inside the saved fluorescence, by `reach_m`, and
    inside the outline of the section with its margin. A cell is whole if 99 % of that part lies in one frame
    of a finished job, or in several that overlap at each of their seams.

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

    Returns
    -------
    float or None
        None if there is no cell.
    """
    scanned = _scanned(store)
    whole = total = 0
    for section in store.specimen.sections():
        saved = [
            field.rect_m for field in store.specimen.fields(section=section.id) if field.image is not None
        ]
        ground = Ground(saved, reach_m)
        outline = None
        if section.outline_m is not None:
            outline = outline_polygon(section.outline_m).buffer(outline_margin_m)
        cells = store.specimen.cells(section=section.id)
        left_out = [cell.rect_m for cell in cells if cell.left_out is not None]
        chosen = [cell.rect_m for cell in cells if cell.left_out is None]
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
                whole += shows_whole(allowed, scanned.get(section.id, []), seam_m)
    return whole / total if total else None


def shows_whole(points: NDArray[np.float64], rects: Sequence[RectM], seam_m: float) -> bool:
    """Return True if one rectangle shows the points (N, 2) of a cell, or several that overlap enough."""
    (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    near = [r for r in rects if r[0] <= x1 and r[2] >= x0 and r[1] <= y1 and r[3] >= y0]
    if any(_inside(points, [rect]).mean() >= _WHOLE for rect in near):
        return True
    parts = [safe_part((x0, y0, x1, y1), rect, seam_m / 2) for rect in near]
    return bool(_inside(points, [part for part in parts if part is not None]).mean() >= _WHOLE)


def _scanned(store: Store) -> dict[str, list[RectM]]:
    """Return the ground that finished jobs have scanned, by section."""
    done = {job.id: job.section for job in store.queue.jobs(state=JobState.DONE)}
    scanned: dict[str, list[RectM]] = {}
    for exposure in store.ledger.exposures():
        if exposure.job in done and exposure.state is ExposureState.CLOSED:
            scanned.setdefault(done[exposure.job], []).append(exposure.rect_m)
    return scanned


def _inside(points: NDArray[np.float64], rects: Sequence[RectM]) -> NDArray[np.bool_]:
    """Return which of the points (N, 2) lie in any of the rectangles."""
    found = np.zeros(len(points), dtype=np.bool_)
    for x0, y0, x1, y1 in rects:
        found |= (points[:, 0] >= x0) & (points[:, 0] <= x1) & (points[:, 1] >= y0) & (points[:, 1] <= y1)
    return found
