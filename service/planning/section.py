"""From the cells of a section to the jobs of its queue."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace

from config.model import Config
from drivers.pose import RectM
from planner.errors import PlannerError
from planner.geometry.rects import grown, hull
from planner.plan import compared_methods, plans
from planner.settings import PlanSettings, settings_from
from planner.values import Box, Method, Plan
from planner.values import Field as SavedField
from service import wording_cells
from service.logs import get_logger
from service.model.jobs import Job
from service.model.specimen import Cell, Field, FieldState, Section
from service.model.targets import LeftOut
from service.model.work import ALL_CELLS
from service.planning.targets.beside import beside
from service.planning.targets.choose import rule_in_force
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
    section without any detected field is not planned. Cells that are left out by choice get no frames of
    their own. A plan is dropped if a person has made another choice, or has edited cells, meanwhile.
    """
    seen = store.specimen.fields(section=section, state=FieldState.DETECTED)
    if not seen:
        return
    place = next(s for s in store.specimen.sections() if s.id == section)
    frame = StageFrame.of(config)
    settings = settings_from(config.planner, config.sem, config.stage, frame.misfit_m)
    decided, rule = _decided(store), rule_in_force(config, store)
    cells = [cell for cell in store.specimen.cells(section=section) if cell.image_rect_m is not None]
    chosen = [cell for cell in cells if cell.left_out is None]
    ground = _Ground(place, seen, settings, frame.position_error_m)
    try:
        found = _plans(store, ground, chosen, compared_methods(settings.method))
        everything = (
            found[0] if len(chosen) == len(cells) else _plans(store, ground, cells, (settings.method,))[0]
        )
    except PlannerError as error:
        log.error("planning failed", section=section, error=str(error))
        for field in seen:
            store.specimen.set_field(field.id, FieldState.FAILED, reason=f"planning failed: {error}")
        return
    planned = found[0]
    frames = [
        one
        for one in planned.frames
        if frame.is_safe(frame.sem_position_m(one.stage_m))
        and frame.is_safe(frame.sem_position_m(one.center_m))
    ]
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
    rects = [one.rect_m for one in frames]
    besides = {c.id: beside(c.rect_m, rects, frame.reach_m) for c in cells if c.left_out is not None}
    skipped |= {
        cell.id: wording_cells.left_out(cell.left_out.value, besides[cell.id].value)
        for cell in cells
        # Frames that a person has skipped say so themselves.
        if cell.left_out not in (None, LeftOut.SKIPPED_BY_HAND)
    }
    ways = ways_of(found, settings.approach_m)
    if not rule.everything:
        (all_cells,) = ways_of((everything,), settings.approach_m)
        ways = (*ways, replace(all_cells, method=ALL_CELLS, chosen=False))
    with store.transaction():
        if _decided(store) != decided:
            log.info("a person has decided otherwise meanwhile", section=section)
            return
        store.queue.add_plan(section, jobs, skipped)
        store.targets.set_beside(besides)
        store.durations.add_plan(section, ways)
        store.events.note("plan", section, _event_data(planned, {one.id for one in frames}))
    log.info("planned", section=section, jobs=len(jobs), skipped=len(skipped))


def _decided(store: Store) -> tuple[int, int]:
    """Return numbers that change with each decision of a person on the cells to image."""
    return store.targets.number(), store.review.number()


@dataclass(frozen=True, slots=True)
class _Ground:
    """A section to plan: its detected fields, the settings, and the error of the stage, m."""

    section: Section
    seen: list[Field]
    settings: PlanSettings
    error_m: float


def _plans(
    store: Store, ground: _Ground, cells: Sequence[Cell], methods: Sequence[Method]
) -> tuple[Plan, ...]:
    """Plan cells that are all to be imaged, with some methods."""
    section = ground.section
    return plans(
        section.id,
        [SavedField(field.id, field.rect_m) for field in ground.seen],
        [Box(cell.id, cell.rect_m, cell.image_rect_m) for cell in cells],
        ground.settings,
        methods,
        _start_m(store, section),
        exposed=imaged(store, section.id),
        unsaved=_unsaved(store, ground.seen, ground.error_m),
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
