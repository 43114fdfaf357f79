"""From the cells of a section to the jobs of its queue."""

from collections.abc import Collection
from dataclasses import asdict

from config.model import Config
from drivers.pose import RectM
from planner.errors import PlannerError
from planner.geometry.rects import grown, hull
from planner.plan import compared_methods, plans
from planner.settings import PlanSettings, settings_from
from planner.values import Box, Plan
from planner.values import Field as SavedField
from service.logs import get_logger
from service.model.jobs import Job
from service.model.specimen import Field, FieldState, Section
from service.planning.ways import ways_of
from service.session.exposure_map import imaged, waiting
from service.session.stage_frame import StageFrame
from service.store.store import Store

log = get_logger(__name__)

ROOM_FOR_JOBS = 1_000_000
"""Positions in the queue reserved for each section, in the order in which the beam visits the sections."""


def plan_section(config: Config, store: Store, section: str) -> None:
    """Plan a section whose fields were all detected or failed; its frames stay on saved ground.

    The plan does not image again what the beam has imaged before, and keeps clear of fluorescence still to
    be taken, of this or other sections. A plan that cannot be made fails its fields, with the reason. A
    section without any detected field is not planned.
    """
    seen = store.specimen.fields(section=section, state=FieldState.DETECTED)
    if not seen:
        return
    place = next(s for s in store.specimen.sections() if s.id == section)
    frame = StageFrame.of(config)
    settings = settings_from(config.planner, config.sem, config.stage, frame.misfit_m)
    try:
        found = _plans(store, place, seen, settings, frame.position_error_m)
    except PlannerError as error:
        log.error("planning failed", section=section, error=str(error))
        for field in seen:
            store.specimen.set_field(field.id, FieldState.FAILED, reason=f"planning failed: {error}")
        return
    planned = found[0]
    frames = [one for one in planned.frames if frame.is_safe(frame.sem_position_m(one.stage_m))]
    covered = {box for one in frames for box in one.covers}
    first = store.queue.next_number()
    # Jobs of a withdrawn plan keep their positions.
    behind = len(store.queue.jobs(section=section))
    jobs = [
        Job(
            id=f"J{first + n:06d}",
            section=section,
            position=place.visit * ROOM_FOR_JOBS + behind + n,
            rect_m=one.rect_m,
            center_m=one.center_m,
            size_px=one.size_px,
            pixel_size_m=one.pixel_size_m,
            dwell_s=one.dwell_s,
            covers=one.covers,
            beam_shift_m=one.beam_shift_m,
        )
        for n, one in enumerate(frames)
    ]
    skipped = {item.box: item.reason for item in planned.skipped}
    skipped |= {
        box: "the stage may not go there: outside its safe area"
        for one in planned.frames
        for box in one.covers
        if box not in covered
    }
    skipped |= {
        cell.id: cell.reason for cell in store.specimen.cells(section=section) if cell.image_rect_m is None
    }
    store.queue.add_plan(section, jobs, skipped)
    store.durations.add_plan(section, ways_of(found, settings.approach_m))
    store.events.note("plan", section, _event_data(planned, {one.id for one in frames}))
    log.info("planned", section=section, jobs=len(jobs), skipped=len(skipped))


def _plans(
    store: Store, section: Section, seen: list[Field], settings: PlanSettings, error_m: float
) -> tuple[Plan, ...]:
    """Plan with the chosen method, and with those that people compare it with."""
    cells = store.specimen.cells(section=section.id)
    return plans(
        section.id,
        [SavedField(field.id, field.rect_m) for field in seen],
        [Box(cell.id, cell.rect_m, cell.image_rect_m) for cell in cells if cell.image_rect_m is not None],
        settings,
        compared_methods(settings.method),
        _start_m(store, section),
        exposed=imaged(store, section.id),
        unsaved=_unsaved(store, seen, error_m),
        outline_m=section.outline_m,
    )


def _start_m(store: Store, section: Section) -> tuple[float, float] | None:
    """Return the position before the section: the last frame of the section visited before, if planned."""
    before = next((s for s in store.specimen.sections() if s.visit == section.visit - 1), None)
    if before is None:
        return None
    jobs = store.queue.jobs(section=before.id)
    return jobs[-1].stage_m if jobs else before.center_m


def _unsaved(store: Store, seen: list[Field], error_m: float) -> list[RectM]:
    """Return the ground of fields still to be taken near those seen, in this or other sections.

    Grown by the error of the stage, which moves to them only later.
    """
    whole = seen[0].rect_m
    for field in seen:
        whole = hull(whole, field.rect_m)
    return [grown(field.rect_m, error_m) for field in waiting(store, grown(whole, error_m))]


def _event_data(planned: Plan, taken: Collection[str]) -> dict[str, object]:
    """Return the data of the event of a plan; `taken` are the frames within the safe area."""
    clipped = {item.box: item.reason for item in planned.clipped}
    clipped |= {
        one.box: "partly imaged: the stage may not go to all of its frames, outside its safe area"
        for one in planned.stitched
        if 0 < sum(frame in taken for frame in one.frames) < len(one.frames)
    }
    return {
        "method": planned.method,
        "basis": planned.basis,
        "optimal": planned.optimal,
        "gap": planned.gap,
        "clipped": clipped,
        "stitched": [one.box for one in planned.stitched],
        **asdict(planned.totals),
    }
