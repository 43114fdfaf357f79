"""What is left of a session: time, finish, data and dose, and what other ways to image it would take.

Durations are those that this session has measured, once there are some, else the profile's.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from config.model import Config
from planner.dose import scan_dose
from planner.estimate import Work, summed, time_of
from planner.plan import plan
from planner.values import Field as Ground
from service.model.phases import FINAL, Phase
from service.model.specimen import Field, FieldState
from service.model.work import WayTotals
from service.planning.durations import SessionPace, session_pace
from service.planning.focus_cost import beam_focus, light_focus_s, with_focus
from service.session.stage_frame import plan_settings
from service.store.store import Store

FM_BYTES_PER_PIXEL = 2

Extent = Literal["planned", "extrapolated", "full raster"]
"""What the electron images rest on: the plans of all sections; those of some, for all; the fields alone, all
of whose ground is then imaged, which is the most that it can be."""


@dataclass(frozen=True, slots=True)
class Way:
    """What it takes to image the whole array in one way.

    Attributes
    ----------
    method : str
    chosen : bool
        Whether it is how this session does it.
    frames : int
    beam_s, electron_s : float
        Under the beam, and for all electron images with moves and overhead.
    data_bytes : int
        Of the electron images.
    exposed_m2 : float
        Ground under at least one frame.
    mean_dose_per_nm2 : float
        Electrons per nm2 of that ground, overlaps included.
    finish_at : str
        Wall clock, ISO 8601, UTC.
    """

    method: str
    chosen: bool
    frames: int
    beam_s: float
    electron_s: float
    data_bytes: int
    exposed_m2: float
    mean_dose_per_nm2: float
    finish_at: str


@dataclass(frozen=True, slots=True)
class SessionEstimate:
    """What is left of a session.

    Attributes
    ----------
    extent : str
        See `Extent`.
    measured : tuple of str
        Steps whose time was measured in this session; that of the others is the profile's.
    left_s, fluorescence_s, pumping_s, electron_s : float
        In all, and its parts.
    focus_s : float
        Of these, what focusing of light and beam takes.
    finish_at : str
        Wall clock, ISO 8601, UTC, if the session goes on without a pause.
    frames_left : int
    beam_left_s : float
    data_left_bytes : int
    dose_per_nm2, dose_mc_per_cm2 : float
        Of ground that is scanned once: electrons per nm2 and millicoulombs per cm2.
    ways : tuple of Way
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
    ways: tuple[Way, ...]


def estimate_session(config: Config, store: Store, at: datetime) -> SessionEstimate:
    """Tell what is left of a session.

    Parameters
    ----------
    config : Config
    store : Store
    at : datetime
        Wall clock, UTC.
    """
    pace = session_pace(config, store)
    status, states = store.status(), store.specimen.field_counts()
    pending = unplanned = 0
    pumping_s, work, focus, light_focuses = 0.0, Work(), Work(), 0
    if status.phase not in FINAL:
        focus = beam_focus(config, pace, *store.durations.to_focus())
        light_focuses = store.durations.to_focus_light()
        work = store.durations.left()
        pending = states.get(FieldState.PENDING, 0)
        unplanned = pending + states.get(FieldState.SAVED, 0) + states.get(FieldState.DETECTED, 0)
        pumping_s = _pumping_s(config, store, status.resume_to or status.phase, pace)
    planned = store.durations.planned_fields()
    ways, extent = _ways(config, store, planned, unplanned)
    if unplanned:
        work = work.plus(ways[0].work.times(unplanned / (planned + unplanned)))
    first = store.ledger.exposures(limit=1)
    return _estimate(
        config,
        pace,
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


def estimate_fields(config: Config, sections: Sequence[Sequence[Field]], at: datetime) -> SessionEstimate:
    """Tell what a session would take that has not begun: at most a full raster of all fields."""
    pace = session_pace(config)
    raster = raster_of(config, sections)
    rounds = len(sections) if config.session.order == "section" else 1
    return _estimate(
        config,
        pace,
        at,
        "full raster",
        raster.work,
        (raster,),
        focus=beam_focus(config, pace, len(sections)),
        light_focuses=len(sections),
        fields=sum(map(len, sections)),
        pumping_s=rounds * (pace.to_partial_s + pace.to_high_s),
        spent_s=0.0,
    )


def raster_of(config: Config, sections: Sequence[Sequence[Field]]) -> WayTotals:
    """Sum of the full rasters of sections; those whose fields lie alike are planned once."""
    settings = replace(plan_settings(config), method="raster")
    known: dict[tuple[tuple[int, ...], ...], WayTotals] = {}
    work, exposed_m2 = Work(), 0.0
    for fields in sections:
        x0, y0 = fields[0].rect_m[:2]
        alike = tuple(
            tuple(round((v - origin) * 1e9) for v, origin in zip(f.rect_m, (x0, y0, x0, y0), strict=True))
            for f in fields
        )
        if alike not in known:
            made = plan(fields[0].section, [Ground(f.id, f.rect_m) for f in fields], [], settings)
            frames = summed(made.frames, settings.approach_m)
            known[alike] = WayTotals("raster", False, frames, made.totals.exposed_m2)
        work = work.plus(known[alike].work)
        exposed_m2 += known[alike].exposed_m2
    return WayTotals("raster", False, work, exposed_m2, len(sections))


def _estimate(
    config: Config,
    pace: SessionPace,
    at: datetime,
    extent: Extent,
    work: Work,
    ways: Sequence[WayTotals],
    *,
    focus: Work,
    light_focuses: int,
    fields: int,
    pumping_s: float,
    spent_s: float,
) -> SessionEstimate:
    """Put it together; `spent_s` went to electron images already, all else is left.

    `ways` and `work` are without the focuses that are to come.
    """
    sem = config.sem
    work = work.plus(focus)
    light_s = light_focus_s(config, pace, light_focuses)
    dose = scan_dose(sem.beam_current_pa * 1e-12, sem.dwell_s, sem.pixel_size_m)
    fluorescence_s = fields * pace.fluorescence_s + light_s
    before_s = fluorescence_s + pumping_s
    electron_s = time_of(work, pace.electron)
    width, height = config.fluorescence.frame_px

    def finish(left_s: float) -> str:
        return (at + timedelta(seconds=max(0.0, left_s))).isoformat(timespec="seconds")

    def way(one: WayTotals) -> Way:
        takes_s = time_of(one.work, pace.electron)
        # Each square metre takes so long once; what the beam takes longer is dose on top.
        once_s = one.exposed_m2 * sem.dwell_s / sem.pixel_size_m**2
        return Way(
            method=one.method,
            chosen=one.chosen,
            frames=one.work.frames,
            beam_s=one.work.beam_s,
            electron_s=takes_s,
            data_bytes=one.work.pixels * sem.image_bits // 8,
            exposed_m2=one.exposed_m2,
            mean_dose_per_nm2=dose.electrons_per_nm2 * one.work.beam_s / once_s if once_s else 0.0,
            finish_at=finish(before_s + takes_s - spent_s),
        )

    return SessionEstimate(
        extent=extent,
        measured=tuple(step.value for step in pace.measured),
        left_s=before_s + electron_s,
        fluorescence_s=fluorescence_s,
        pumping_s=pumping_s,
        electron_s=electron_s,
        focus_s=light_s + time_of(focus, pace.electron),
        finish_at=finish(before_s + electron_s),
        frames_left=work.frames,
        beam_left_s=work.beam_s,
        data_left_bytes=work.pixels * sem.image_bits // 8 + fields * width * height * FM_BYTES_PER_PIXEL,
        dose_per_nm2=dose.electrons_per_nm2,
        dose_mc_per_cm2=dose.mc_per_cm2,
        ways=tuple(way(with_focus(config, pace, one)) for one in ways),
    )


def _ways(config: Config, store: Store, planned: int, unplanned: int) -> tuple[tuple[WayTotals, ...], Extent]:
    """Ways to image the whole array, the chosen one first, and what that rests on."""
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
            )
            for way in ways
        )
        return tuple(scaled), "extrapolated"
    by_section: dict[str, list[Field]] = {}
    for field in store.specimen.fields():
        if field.state is not FieldState.FAILED:
            by_section.setdefault(field.section, []).append(field)
    return (raster_of(config, list(by_section.values())),), "full raster"


def _pumping_s(config: Config, store: Store, phase: Phase, pace: SessionPace) -> float:
    """Time of the changes of pressure that are still to come, s."""
    both_s = pace.to_partial_s + pace.to_high_s
    now_s = 0.0
    match phase:
        case Phase.IDLE | Phase.PREFLIGHT | Phase.TO_PARTIAL_VACUUM:
            now_s = both_s
        case Phase.FLUORESCENCE | Phase.REVIEW | Phase.TO_HIGH_VACUUM:
            now_s = pace.to_high_s
    if config.session.order == "array":
        return now_s
    waiting = {field.section for field in store.specimen.fields(state=FieldState.PENDING)}
    # The section that is under way is in `now_s`.
    under_way = phase in (Phase.IDLE, Phase.PREFLIGHT, Phase.TO_PARTIAL_VACUUM, Phase.FLUORESCENCE)
    return now_s + max(0, len(waiting) - under_way) * both_s
