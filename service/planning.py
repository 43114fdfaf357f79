"""From the cells of a section to the jobs of its queue."""

from dataclasses import asdict

from config.model import Config
from planner.errors import PlannerError
from planner.plan import plan
from planner.values import Box, settings_from
from planner.values import Field as Ground
from service.layout import safe_area_m, sem_position_m
from service.logs import get_logger
from service.records import FieldState, Job
from service.store.store import Store

log = get_logger(__name__)


def plan_section(config: Config, store: Store, section: str) -> None:
    """Plan a section whose fields were all seen or given up; its frames stay on saved ground.

    A plan that cannot be made fails its fields, with the reason; a section without any field seen has none.
    """
    seen = store.fields(section=section, state=FieldState.DETECTED)
    if not seen:
        return
    cells = store.cells(section=section)
    boxes = [Box(cell.id, cell.rect_m, cell.image_rect_m) for cell in cells if cell.image_rect_m is not None]
    grounds = [Ground(field.id, field.rect_m) for field in seen]
    try:
        planned = plan(section, grounds, boxes, settings_from(config))
    except PlannerError as error:
        log.error("planning failed", section=section, error=str(error))
        for field in seen:
            store.set_field(field.id, FieldState.FAILED, reason=f"planning failed: {error}")
        return
    frames = [frame for frame in planned.frames if _reachable(config, frame.center_m)]
    covered = {box for frame in frames for box in frame.covers}
    first = store.next_job_number()
    index = next(s.index for s in store.sections() if s.id == section)
    jobs = [
        Job(
            id=f"J{first + n:06d}",
            section=section,
            position=index * 1_000_000 + n,
            rect_m=frame.rect_m,
            center_m=frame.center_m,
            size_px=frame.size_px,
            pixel_size_m=frame.pixel_size_m,
            dwell_s=frame.dwell_s,
            covers=frame.covers,
        )
        for n, frame in enumerate(frames)
    ]
    skipped = {item.box: item.reason for item in planned.skipped}
    skipped |= {
        box: "the stage may not go there: outside its safe area"
        for frame in planned.frames
        for box in frame.covers
        if box not in covered
    }
    skipped |= {cell.id: cell.reason for cell in cells if cell.image_rect_m is None}
    store.add_plan(section, jobs, skipped)
    store.note("plan", section, {"method": planned.method, **asdict(planned.totals)})
    log.info("planned", section=section, jobs=len(jobs), skipped=len(skipped))


def _reachable(config: Config, center_m: tuple[float, float]) -> bool:
    """Whether the stage may go to where the SEM sees a point."""
    (x, y), (x0, y0, x1, y1) = sem_position_m(config, center_m), safe_area_m(config)
    return x0 <= x <= x1 and y0 <= y <= y1
