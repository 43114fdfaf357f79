"""Time, finish, data and dose that are left of a session, and those of other ways to image it.

Durations measured in this session replace those of the profile as soon as there are enough.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

from config.base import Frozen
from config.model import Config
from drivers.pose import RectM
from planner.cost import Work, total_s
from planner.dose import scan_dose
from planner.plan import plan
from planner.settings import PlanSettings, settings_from
from planner.values import Field as SavedField
from service.model.phases import FINAL, Phase
from service.model.specimen import Field, FieldState
from service.model.work import Way
from service.planning.durations import SessionPace, session_pace
from service.planning.focus_cost import FocusCost
from service.planning.ways import WayFigures, data_bytes, figures_of, ways_of
from service.session.stage_frame import StageFrame
from service.store.store import Store

_MOST_PATTERNS = 16
"""Patterns of fields that are planned for an estimate. On a published wafer, 16 of 433 sections gave the
frames of all to 0.3 %, and their time to 0.1 %; a section of 24 fields takes 0.15 s."""
FM_BYTES_PER_PIXEL = 2
"""Fluorescence frames are saved with 16 bit."""

Extent = Literal["planned", "extrapolated", "full raster"]
"""Basis of the electron images: the plans of all sections; those of some sections, scaled up to all; or a
full raster of all fields, which is an upper limit."""


class WayRow(WayFigures):
    """A way to image the whole array, with the time at which it would finish."""

    finish_at: str


class SessionEstimate(Frozen):
    """Time, data and dose that are left of a session.

    Attributes
    ----------
    extent : str
        See `Extent`.
    measured : tuple of str
        Steps whose duration was measured in this session; those of the others are the profile's.
    left_s, fluorescence_s, pumping_s, electron_s : float
        Total, and its parts.
    focus_s : float
        Focusing of light and beam; part of `fluorescence_s` and `electron_s`.
    finish_at : str
        Wall clock at the end if the session never pauses, ISO 8601, UTC.
    frames_left : int
    beam_left_s : float
    data_left_bytes : int
    dose_per_nm2, dose_mc_per_cm2 : float
        Single-scan dose: electrons per nm2, and millicoulombs per cm2.
    ways : tuple of WayRow
        The chosen way first.
    """

    extent: Extent
    measured: tuple[str, ...]
    left_s: float
    fluorescence_s: float
    pumping_s: float
    electron_s: float
    focus_s: float
    finish_at: str
    frames_left: int
    beam_left_s: float
    data_left_bytes: int
    dose_per_nm2: float
    dose_mc_per_cm2: float
    ways: tuple[WayRow, ...]


def estimate_session(config: Config, store: Store, at: datetime) -> SessionEstimate:
    """Estimate what is left of a session.

    Parameters
    ----------
    config : Config
    store : Store
    at : datetime
        Wall clock, UTC.
    """
    pace = session_pace(config, store)
    focus_cost = FocusCost.of(config, pace)
    status, states = store.status(), store.specimen.field_counts()
    pending = unplanned = 0
    pumping_s, work, focus, light_focuses = 0.0, Work(), Work(), 0
    if status.phase not in FINAL:
        focus = focus_cost.beam(*store.durations.to_focus())
        light_focuses = store.durations.to_focus_light()
        work = store.durations.left()
        pending = states.get(FieldState.PENDING, 0)
        unplanned = pending + states.get(FieldState.SAVED, 0) + states.get(FieldState.DETECTED, 0)
        pumping_s = _pumping_s(config.session.order, store, status.resume_to or status.phase, pace)
    planned = store.durations.planned_fields()
    ways, extent = _ways(config, store, planned, unplanned)
    if unplanned:
        work = work.plus(ways[0].work.times(unplanned / (planned + unplanned)))
    if config.sem.overview.take and ways and work.frames:
        # Where the beam moves, each move of the stage is to a position of its own.
        left = ways[0].work.stage_moves - sum(store.overviews.counts().values())
        work = work.plus(overview_work(config, max(0, left)))
    first = store.ledger.exposures(limit=1)
    return _estimate(
        config,
        pace,
        focus_cost,
        at,
        extent,
        work,
        ways,
        focus=focus,
        light_focuses=light_focuses,
        fields=pending,
        pumping_s=pumping_s,
        spent_s=store.last_time_s() - first[0].opened_s if first else 0.0,
    )


def overview_work(config: Config, count: int) -> Work:
    """Return the work of overviews to come, each of a whole field."""
    sem, (width_m, height_m) = config.sem, config.fluorescence.field_size_m
    pixel_m = sem.overview.pixel_size_m
    pixels = (
        count
        * min(round(width_m / pixel_m), sem.specimen_px[0])
        * min(round(height_m / pixel_m), sem.specimen_px[1])
    )
    return Work(count, 0, pixels * sem.overview.dwell_s, 0.0, pixels)


def estimate_fields(config: Config, sections: Sequence[Sequence[Field]], at: datetime) -> SessionEstimate:
    """Estimate a session that has not begun, as a full raster of all fields: its upper limit."""
    pace = session_pace(config)
    focus_cost = FocusCost.of(config, pace)
    raster = raster_of(config, sections)
    rounds = len(sections) if config.session.order == "section" else 1
    return _estimate(
        config,
        pace,
        focus_cost,
        at,
        "full raster",
        raster.work,
        (raster,),
        focus=focus_cost.beam(len(sections)),
        light_focuses=len(sections),
        fields=sum(map(len, sections)),
        pumping_s=rounds * (pace.to_partial_s + pace.to_high_s),
        spent_s=0.0,
    )


def raster_of(config: Config, sections: Sequence[Sequence[Field]]) -> Way:
    """Sum up the full rasters of sections; sections with the same pattern of fields are planned once.

    Of more than `_MOST_PATTERNS` patterns, as of sections in all directions, a sample is scaled up.
    """
    misfit_m = StageFrame.of(config).misfit_m
    settings = replace(settings_from(config.planner, config.sem, config.stage, misfit_m), method="raster")
    known: dict[tuple[tuple[int, ...], ...], Way] = {}
    work, exposed_m2 = Work(), 0.0
    patterns = [_pattern(fields) for fields in sections]
    kinds = len(set(patterns))
    step = math.ceil(kinds / _MOST_PATTERNS) if kinds > _MOST_PATTERNS else 1
    sample = list(zip(sections, patterns, strict=True))[::step]
    for fields, pattern in sample:
        if pattern not in known:
            known[pattern] = _raster(settings, tuple(field.rect_m for field in fields))
        work = work.plus(known[pattern].work)
        exposed_m2 += known[pattern].exposed_m2
    factor = sum(map(len, sections)) / max(1, sum(len(fields) for fields, _ in sample))
    if step > 1:
        work, exposed_m2 = work.times(factor), exposed_m2 * factor
    return Way("raster", False, work, exposed_m2, len(sections))


# Every status asks for it, until the first section is planned.
@lru_cache(maxsize=4 * _MOST_PATTERNS)
def _raster(settings: PlanSettings, fields_m: tuple[RectM, ...]) -> Way:
    """Return the full raster of a section with these fields."""
    fields = [SavedField(f"F{n:03d}", rect_m) for n, rect_m in enumerate(fields_m)]
    (way,) = ways_of([plan("S0000", fields, [], settings)], settings.approach_m)
    return way


def _pattern(fields: Sequence[Field]) -> tuple[tuple[int, ...], ...]:
    """Return the rectangles of fields relative to the first, nm."""
    x0, y0 = fields[0].rect_m[:2]
    return tuple(
        tuple(round((v - origin) * 1e9) for v, origin in zip(f.rect_m, (x0, y0, x0, y0), strict=True))
        for f in fields
    )


def _estimate(
    config: Config,
    pace: SessionPace,
    focus_cost: FocusCost,
    at: datetime,
    extent: Extent,
    work: Work,
    ways: Sequence[Way],
    *,
    focus: Work,
    light_focuses: int,
    fields: int,
    pumping_s: float,
    spent_s: float,
) -> SessionEstimate:
    """Assemble an estimate.

    `work` and `ways` are without the focuses to come; `spent_s` was already spent on electron images.
    """
    sem = config.sem
    work = work.plus(focus)
    light_s = light_focuses * focus_cost.light_s
    dose = scan_dose(sem.beam_current_pa * 1e-12, sem.dwell_s, sem.pixel_size_m)
    fluorescence_s = fields * pace.fluorescence_s + light_s
    before_s = fluorescence_s + pumping_s
    electron_s = total_s(work, pace.electron)
    width, height = config.fluorescence.frame_px

    def finish(left_s: float) -> str:
        return (at + timedelta(seconds=max(0.0, left_s))).isoformat(timespec="seconds")

    def row(way: Way) -> WayRow:
        figures = figures_of(focus_cost.added_to(way), pace.electron, sem)
        finish_at = finish(before_s + figures.electron_s - spent_s)
        return WayRow(**figures.model_dump(), finish_at=finish_at)

    return SessionEstimate(
        extent=extent,
        measured=tuple(step.value for step in pace.measured),
        left_s=before_s + electron_s,
        fluorescence_s=fluorescence_s,
        pumping_s=pumping_s,
        electron_s=electron_s,
        focus_s=light_s + total_s(focus, pace.electron),
        finish_at=finish(before_s + electron_s),
        frames_left=work.frames,
        beam_left_s=work.beam_s,
        data_left_bytes=data_bytes(work.pixels, sem) + fields * width * height * FM_BYTES_PER_PIXEL,
        dose_per_nm2=dose.electrons_per_nm2,
        dose_mc_per_cm2=dose.mc_per_cm2,
        ways=tuple(map(row, ways)),
    )


def _ways(config: Config, store: Store, planned: int, unplanned: int) -> tuple[tuple[Way, ...], Extent]:
    """Return the ways to image the whole array, the chosen one first, and their basis."""
    ways = store.durations.ways()
    if not unplanned:
        return ways, "planned"
    if ways and planned:
        factor = 1 + unplanned / planned
        scaled = (
            replace(
                way,
                work=way.work.times(factor),
                exposed_m2=way.exposed_m2 * factor,
                sections=math.ceil(way.sections * factor),
                raster_sections=math.ceil(way.raster_sections * factor),
            )
            for way in ways
        )
        return tuple(scaled), "extrapolated"
    by_section: dict[str, list[Field]] = {}
    for field in store.specimen.fields():
        if field.state is not FieldState.FAILED:
            by_section.setdefault(field.section, []).append(field)
    return (raster_of(config, list(by_section.values())),), "full raster"


def _pumping_s(order: str, store: Store, phase: Phase, pace: SessionPace) -> float:
    """Return the time of the changes of pressure still to come, s."""
    both_s = pace.to_partial_s + pace.to_high_s
    now_s = 0.0
    match phase:
        case Phase.IDLE | Phase.PREFLIGHT | Phase.TO_PARTIAL_VACUUM:
            now_s = both_s
        case Phase.FLUORESCENCE | Phase.REVIEW | Phase.TO_HIGH_VACUUM:
            now_s = pace.to_high_s
    if order == "array":
        return now_s
    waiting = {field.section for field in store.specimen.fields(state=FieldState.PENDING)}
    # The current section is in `now_s`.
    under_way = phase in (Phase.IDLE, Phase.PREFLIGHT, Phase.TO_PARTIAL_VACUUM, Phase.FLUORESCENCE)
    return now_s + max(0, len(waiting) - under_way) * both_s
