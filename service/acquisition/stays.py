"""Stays of the stage: frames scanned without a move between them share its error.

Seams of a position have the overlap that the error of the beam needs. If the stage has to come back to a
position, after a pause or a crash, its remaining frames are widened by what the error of the stage needs.
"""

import math
from dataclasses import replace

from drivers.guards.scan_guard import within_reach
from drivers.pose import RectM
from drivers.sem import ScanRequest
from planner.geometry.rects import center
from service.logs import get_logger
from service.model.event import SEAM, STAY
from service.model.jobs import Exposure, ExposureState, Job, JobKind, JobOrigin
from service.model.specimen import Cell
from service.session.context import Context
from service.session.exposure_map import unsaved

log = get_logger(__name__)

_SAME_M = 1e-9
"""Positions of a plan closer than this are one."""


def note_stay(context: Context, exposure: Exposure) -> None:
    """Note the first exposure of a stay, where the beam moves."""
    if context.config.sem.beam_moves and context.last_move.first_exposure is None:
        context.last_move.first_exposure = exposure.id
        context.store.events.note(STAY, exposure.job, {"exposure": exposure.id})


def widened_on_return(context: Context, job: Job) -> Job:
    """Widen a planned frame if others of its position were scanned in an earlier stay.

    Each side is widened as far as the largest scan, the reach of the beam and saved fluorescence allow. Where
    scan or reach do not, a stitched cell may have a gap, and an event says so.
    """
    planned = job.origin is JobOrigin.PLAN and job.kind is JobKind.FRAME
    if not (context.config.sem.beam_moves and planned and _returned(context, job)):
        return job
    wider = job
    # Both frames may lie off by the error of the stage.
    whole_px = math.ceil(2e-6 * context.config.stage.position_error_um / job.pixel_size_m)
    narrow = 0
    for side in range(4):
        half, whole = (_with_side(wider, side, pixels) for pixels in (whole_px // 2, whole_px))
        narrow += not _fits(context, half)
        for tried in (whole, half):
            if _fits(context, tried) and _is_saved(context, tried):
                wider = tried
                break
    if narrow and any(len(cell.jobs) > 1 for cell in _cells_of(context, job)):
        log.warning("not widened, though the stage came back to its position", job=job.id, sides=narrow)
        context.store.events.note(SEAM, job.id, {"sides": narrow})
    if wider is not job:
        log.info("widened, as the stage came back to its position", job=job.id, size_px=wider.size_px)
        context.store.queue.resize(wider)
    return wider


def _returned(context: Context, job: Job) -> bool:
    if context.last_move.returned is None:
        first = context.last_move.first_exposure or math.inf
        context.last_move.returned = any(
            row.id < first and row.state is not ExposureState.VOID
            for other in context.store.queue.jobs(section=job.section)
            if other.id != job.id and other.kind is not JobKind.OVERVIEW
            if math.dist(other.stage_m, job.stage_m) < _SAME_M
            for row in context.store.ledger.exposures(job=other.id)
        )
    return context.last_move.returned


def _with_side(job: Job, side: int, pixels: int) -> Job:
    """Return a job with more pixels at one side: 0 left, 1 below, 2 right, 3 above."""
    rect = list(job.rect_m)
    rect[side] += pixels * job.pixel_size_m * (1 if side >= 2 else -1)
    width, height = job.size_px
    size_px = (width + pixels, height) if side % 2 == 0 else (width, height + pixels)
    rect_m: RectM = (rect[0], rect[1], rect[2], rect[3])
    center_m, stage_m = center(rect_m), job.stage_m
    shift_m = center_m[0] - stage_m[0], center_m[1] - stage_m[1]
    return replace(job, rect_m=rect_m, center_m=center_m, size_px=size_px, beam_shift_m=shift_m)


def _cells_of(context: Context, job: Job) -> list[Cell]:
    return [cell for cell in context.store.specimen.cells(section=job.section) if cell.id in job.covers]


def _fits(context: Context, job: Job) -> bool:
    """Return True if the machine scans a frame of that size at its place."""
    sem, frame = context.config.sem, context.stage_frame
    most = sem.specimen_px
    if job.size_px[0] > most[0] or job.size_px[1] > most[1]:
        return False
    window_um = sem.beam_window_um(context.config.stage.arrival_tolerance_um)
    (x0, y0), (x1, y1) = frame.sem_position_m(job.stage_m), context.sem_position_m(job.center_m)
    request = ScanRequest(job.size_px, job.pixel_size_m, job.dwell_s, "", (x1 - x0, y1 - y0))
    return within_reach(request, (window_um[0] * 1e-6, window_um[1] * 1e-6))


def _is_saved(context: Context, job: Job) -> bool:
    return unsaved(context.store, job.section, job.rect_m, context.stage_frame.reach_m) is None
