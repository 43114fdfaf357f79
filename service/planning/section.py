"""From the cells of a section to the jobs of its queue."""

from dataclasses import asdict

from config.model import Config
from drivers.pose import RectM
from planner.alternatives import Alternative, alternatives
from planner.errors import PlannerError
from planner.estimate import summed
from planner.geometry.rects import grown, hull
from planner.values import Box, Plan, settings_from
from planner.values import Field as Ground
from service.logs import get_logger
from service.model.jobs import Job
from service.model.specimen import Field, FieldState, Section
from service.model.work import WayTotals
from service.planning.durations import session_pace
from service.session.exposure_map import imaged, waiting
from service.session.stage_frame import plan_settings, safe_area_m, sem_position_m
from service.store.store import Store

log = get_logger(__name__)

ROOM_FOR_JOBS = 1_000_000
"""Places in the queue for each section, in the order in which the beam visits them."""


def plan_section(config: Config, store: Store, section: str) -> None:
    """Plan a section whose fields were all seen or given up; its frames stay on saved ground.

    What the beam has imaged before is not imaged again, and fluorescence that is still to be taken, of this
    or of other sections, is kept clear of. A plan that cannot be made fails its fields, with the reason; a
    section without any field seen has none.
    """
    seen = store.specimen.fields(section=section, state=FieldState.DETECTED)
    if not seen:
        return
    place = next(s for s in store.specimen.sections() if s.id == section)
    try:
        found = _plans(config, store, place, seen)
    except PlannerError as error:
        log.error("planning failed", section=section, error=str(error))
        for field in seen:
            store.specimen.set_field(field.id, FieldState.FAILED, reason=f"planning failed: {error}")
        return
    planned = found[0].plan
    frames = [frame for frame in planned.frames if _reachable(config, frame.stage_m)]
    covered = {box for frame in frames for box in frame.covers}
    first = store.queue.next_number()
    # Those of a plan that was withdrawn keep their places.
    behind = len(store.queue.jobs(section=section))
    jobs = [
        Job(
            id=f"J{first + n:06d}",
            section=section,
            position=place.visit * ROOM_FOR_JOBS + behind + n,
            rect_m=frame.rect_m,
            center_m=frame.center_m,
            size_px=frame.size_px,
            pixel_size_m=frame.pixel_size_m,
            dwell_s=frame.dwell_s,
            covers=frame.covers,
            beam_shift_m=frame.beam_shift_m,
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
    skipped |= {
        cell.id: cell.reason for cell in store.specimen.cells(section=section) if cell.image_rect_m is None
    }
    store.queue.add_plan(section, jobs, skipped)
    store.durations.add_plan(section, [_totals(one, config) for one in found])
    store.events.note("plan", section, _told(planned))
    log.info("planned", section=section, jobs=len(jobs), skipped=len(skipped))


def _plans(config: Config, store: Store, section: Section, seen: list[Field]) -> tuple[Alternative, ...]:
    """Plan in the chosen way, and in those that a person may want to compare it with."""
    cells = store.specimen.cells(section=section.id)
    settings = plan_settings(config)
    return alternatives(
        section.id,
        [Ground(field.id, field.rect_m) for field in seen],
        [Box(cell.id, cell.rect_m, cell.image_rect_m) for cell in cells if cell.image_rect_m is not None],
        settings,
        session_pace(config, store).electron,
        _comes_from(store, section),
        exposed=imaged(store, section.id),
        unsaved=_unsaved(config, store, seen),
        outline_m=section.outline_m,
    )


def _comes_from(store: Store, section: Section) -> tuple[float, float] | None:
    """Where the stage comes from: the section that is visited before, its last frame if it is planned."""
    before = next((s for s in store.specimen.sections() if s.visit == section.visit - 1), None)
    if before is None:
        return None
    jobs = store.queue.jobs(section=before.id)
    return jobs[-1].stage_m if jobs else before.center_m


def _unsaved(config: Config, store: Store, seen: list[Field]) -> list[RectM]:
    """Ground of fields, of this or of other sections, that are still to be taken near these.

    Grown by the error of the stage, which stands for them only when they are taken.
    """
    whole = seen[0].rect_m
    for field in seen:
        whole = hull(whole, field.rect_m)
    error_m = config.stage.position_error_um * 1e-6
    return [grown(field.rect_m, error_m) for field in waiting(store, grown(whole, error_m))]


def _totals(one: Alternative, config: Config) -> WayTotals:
    approach_m = settings_from(config).approach_m
    chosen = one.method == config.planner.method
    return WayTotals(one.method, chosen, summed(one.plan.frames, approach_m), one.plan.totals.exposed_m2)


def _told(planned: Plan) -> dict[str, object]:
    """What the events say of a plan."""
    clipped = {item.box: item.reason for item in planned.clipped}
    return {
        "method": planned.method,
        "optimal": planned.optimal,
        "clipped": clipped,
        **asdict(planned.totals),
    }


def _reachable(config: Config, stage_m: tuple[float, float]) -> bool:
    """Whether the stage may go to where it stands for a frame, as the SEM sees it."""
    (x, y), (x0, y0, x1, y1) = sem_position_m(config, stage_m), safe_area_m(config)
    return x0 <= x <= x1 and y0 <= y <= y1
