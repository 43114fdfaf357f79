"""Overview of a stage position: its ground, its job in the queue, and its scan."""

from drivers.sem import ScanImage, ScanRequest
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import centered, grown
from planner.measured.overview_ground import best_field, overview_px
from service.logs import get_logger
from service.model.jobs import Job, JobKind, JobState
from service.model.overviews import NotUsed, Overview, OverviewState
from service.model.specimen import FieldState
from service.session.context import Context

log = get_logger(__name__)


class OverviewScan:
    """A fast scan that shows where the field of a stage position lies."""

    # It is not repeated: the frames of its position are taken as planned.
    unexposed = JobState.FAILED
    extra_s = 0.0

    def prepare(self, context: Context, job: Job) -> bool:  # noqa: ARG002
        """Return True: the frame for which it was queued has set the focus."""
        return True

    def execute(self, context: Context, job: Job, request: ScanRequest, timeout_s: float) -> ScanImage:  # noqa: ARG002
        """Scan it."""
        return context.devices.sem.scan(request, timeout_s)

    def beam_s(self, context: Context, job: Job) -> float:  # noqa: ARG002
        """Return the dwell time, s."""
        return job.beam_s

    def record(self, context: Context, job: Job, duration_s: float) -> None:
        """Record nothing: frames take longer to save."""


def queue_overview(context: Context, job: Job) -> bool:
    """Queue an overview directly before a frame; return False where there is no ground for it.

    It lies on the axis of the beam, on saved fluorescence of one field, as far away from all other ground as
    the stage may land off and the beam may bleach.
    """
    store, sem, frame = context.store, context.config.sem, context.stage_frame
    stage_m = job.stage_m
    fields = [one for one in store.specimen.fields(section=job.section) if one.image is not None]
    best = best_field([one.rect_m for one in fields], stage_m)
    size_px = None
    if best is not None:
        field = fields[best]
        most_m = field.rect_m[2] - field.rect_m[0], field.rect_m[3] - field.rect_m[1]
        # Not placed by a beam shift: it lands where the stage stops.
        off_m = frame.wider_m(most_m) + context.config.stage.arrival_tolerance_um * 1e-6
        unsaved = [
            grown(one.rect_m, frame.position_error_m)
            for one in store.specimen.fields(state=FieldState.PENDING)
        ]
        ground = Ground([one.rect_m for one in fields], frame.reach_m + off_m, unsaved)
        size_px = overview_px(ground, field.rect_m, stage_m, sem.overview.pixel_size_m, sem.specimen_px)
    if best is None or size_px is None:
        log.warning("no overview", section=job.section, reason="no saved ground around the stage position")
        overview = Overview(job.section, stage_m, OverviewState.NOT_USED, reason=NotUsed.NO_GROUND)
        store.overviews.add(overview)
        return False
    pixel_m = sem.overview.pixel_size_m
    size_m = size_px[0] * pixel_m, size_px[1] * pixel_m
    with store.transaction():
        queued = Job(
            id=f"J{store.queue.next_number():06d}",
            section=job.section,
            position=store.steering.free_before(job.position),
            rect_m=centered(stage_m, size_m),
            center_m=stage_m,
            size_px=size_px,
            pixel_size_m=pixel_m,
            dwell_s=sem.overview.dwell_s,
            covers=(),
            kind=JobKind.OVERVIEW,
        )
        store.queue.add_plan(job.section, [queued], {})
        store.overviews.add(Overview(job.section, stage_m, OverviewState.WAITING, fields[best].id, queued.id))
    return True
