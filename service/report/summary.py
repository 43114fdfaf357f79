"""The numbers of a session, as `dry-run --json` and `replay --json` print them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from config.model import Config
from drivers.pose import RectM
from planner.checks import outline_polygon
from planner.estimate import time_of
from planner.geometry.allowed_ground import Ground
from service.model.event import Event
from service.model.focus import Focus, FocusBeam, FocusState
from service.model.jobs import ExposureState, JobState
from service.model.phases import Phase, SessionEvent
from service.model.specimen import FieldState, TruthPoints
from service.planning.durations import session_pace
from service.planning.focus_cost import with_focus
from service.session.run_folder import RunFolder, total_bytes
from service.session.stage_frame import reach_m
from service.store.outcome import end_state
from service.store.store import Store


@dataclass(frozen=True, slots=True)
class Alternative:
    """What the same session takes with its cells imaged in another way; the way that it took comes first."""

    method: str
    chosen: bool
    frames: int
    beam_s: float
    session_s: float
    data_bytes: int


@dataclass(frozen=True, slots=True)
class Focusing:
    """What focusing did in a session: sections by what became of it, and what it cost the specimen.

    Attributes
    ----------
    beam : str
        "electron" or "light".
    used : int
        Sections whose own focus was used.
    outliers, not_found : tuple of str
        Sections whose focus was far off the plane of those about them, or that had none.
    exposures : int
        Of the light.
    exposed_s : float
        Under light or beam.
    """

    beam: str
    used: int
    outliers: tuple[str, ...]
    not_found: tuple[str, ...]
    exposures: int
    exposed_s: float


_UNDONE = (JobState.FAILED, JobState.NEEDS_REVIEW)


@dataclass(frozen=True, slots=True)
class Summary:
    """Numbers of a session; see `ilemtrack dry-run --json` in docs/documents.md."""

    run: str
    end_state: str
    sections: int
    fields: int
    cells: int
    jobs: dict[str, int]
    beam_s: float
    session_s: float
    idle_s: float
    raster_session_s: float | None
    alternatives: tuple[Alternative, ...]
    data_bytes: int
    contained_recall: float | None
    tracks: int
    focus: tuple[Focusing, ...]
    """Of the beams that were focused."""
    failed_fields: dict[str, str]
    """Why a field has no cells, by its identifier."""
    undone_jobs: dict[str, str]
    """Why a job failed, or is left for review, by its identifier."""
    clipped_cells: dict[str, str]
    """Why a cell is imaged in part only, by its identifier."""
    remarks: dict[str, str]
    """What the ledger says of images that are good all the same, by their job."""

    @property
    def well(self) -> bool:
        """Whether all was done that was to be done."""
        return self.end_state == "done"


def summarise(config: Config, store: Store, folder: RunFolder, truth: TruthPoints | None) -> Summary:
    """Count what a session did.

    Parameters
    ----------
    config : Config
    store : Store
    folder : RunFolder
    truth : callable or None
        What a section truly shows, where that is known.

    Returns
    -------
    Summary
    """
    sections = store.specimen.sections()
    fields = store.specimen.fields()
    jobs = store.queue.jobs()
    events = store.events.since(0)
    times = _times(events)
    ways = _alternatives(config, store, times)
    focus = focusing(store.focus.all())
    counts = {state: sum(job.state is state for job in jobs) for state in JobState}
    return Summary(
        run=store.run_id(),
        end_state=end_state(store),
        sections=len(sections),
        fields=len(fields),
        cells=len(store.specimen.cells()),
        jobs={
            state.value: counts[state]
            for state in (JobState.DONE, JobState.SKIPPED, JobState.FAILED, JobState.NEEDS_REVIEW)
        },
        beam_s=sum(job.beam_s for job in jobs if job.state is JobState.DONE)
        + sum(one.exposed_s for one in focus if one.beam == FocusBeam.ELECTRON),
        session_s=times.session_s,
        idle_s=max(0.0, times.session_s - times.busy_s),
        raster_session_s=next((way.session_s for way in ways if way.method == "raster"), None),
        alternatives=ways,
        data_bytes=total_bytes([folder.path / "fm", folder.path / "em"]),
        contained_recall=None if truth is None else contained_recall(config, store, truth),
        tracks=store.tracks.count(),
        focus=focus,
        remarks={
            e.job: e.note for e in store.ledger.exposures() if e.state is ExposureState.CLOSED and e.note
        },
        failed_fields={f.id: str(f.reason) for f in fields if f.state is FieldState.FAILED},
        undone_jobs={j.id: str(j.reason) for j in jobs if j.state in _UNDONE},
        clipped_cells=_clipped(events),
    )


def _clipped(events: Sequence[Event]) -> dict[str, str]:
    """Cells of which the plans leave out a part, and why."""
    found: dict[str, str] = {}
    for event in events:
        if event.kind == "plan":
            found |= event.data["clipped"]
    return found


def focusing(focuses: Sequence[Focus]) -> tuple[Focusing, ...]:
    """Sum up focuses, of each beam for itself; of a section the last one counts."""
    found = []
    for beam in FocusBeam:
        of_beam = [one for one in focuses if one.beam is beam]
        last = {one.section: one.state for one in of_beam}
        if last:
            found.append(
                Focusing(
                    beam=beam.value,
                    used=sum(state is FocusState.USED for state in last.values()),
                    outliers=tuple(name for name, state in last.items() if state is FocusState.OUTLIER),
                    not_found=tuple(
                        name
                        for name, state in last.items()
                        if state in (FocusState.NOT_FOUND, FocusState.BEGUN)
                    ),
                    exposures=sum(one.exposures for one in of_beam),
                    exposed_s=sum(one.exposed_s for one in of_beam),
                )
            )
    return tuple(found)


def _alternatives(config: Config, store: Store, times: "_Times") -> tuple[Alternative, ...]:
    """Whole sessions: what was measured of this one, with its electron images as planned in each way."""
    pace = session_pace(config, store)
    rest_s = times.session_s - times.electron_s
    return tuple(
        Alternative(
            method=way.method,
            chosen=way.chosen,
            frames=way.work.frames,
            beam_s=way.work.beam_s,
            session_s=rest_s + time_of(way.work, pace.electron),
            data_bytes=way.work.pixels * config.sem.image_bits // 8,
        )
        for way in (with_focus(config, pace, one) for one in store.durations.ways())
    )


def contained_recall(config: Config, store: Store, truth: TruthPoints) -> float | None:
    """Share of true cells that the electron images show whole.

    Counted is the part of each cell on ground where the beam may go at all: inside the saved fluorescence, by
    guard and halo, and inside the outline of the section with its margin. A cell is whole if 99 % of that
    part lies in the frames of finished jobs.

    Returns
    -------
    float or None
        None where no cell is.
    """
    reach = reach_m(config)
    done = {job.id for job in store.queue.jobs(state=JobState.DONE)}
    scanned: dict[str, list[RectM]] = {}
    section_of = {job.id: job.section for job in store.queue.jobs()}
    for exposure in store.ledger.exposures():
        if exposure.job in done and exposure.state is ExposureState.CLOSED:
            scanned.setdefault(section_of[exposure.job], []).append(exposure.rect_m)
    whole = total = 0
    for section in store.specimen.sections():
        saved = [
            field.rect_m for field in store.specimen.fields(section=section.id) if field.image is not None
        ]
        ground = Ground(saved, reach)
        outline = None
        if section.outline_m is not None:
            outline = outline_polygon(section.outline_m).buffer(config.planner.outline_margin_um * 1e-6)
        for points in truth(section.id):
            (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
            allowed = points[_inside(points, ground.allowed_within((x0, y0, x1, y1), 0.0))]
            if outline is not None:
                allowed = allowed[shapely.contains_xy(outline, allowed)]
            if len(allowed):
                total += 1
                whole += bool(_inside(allowed, scanned.get(section.id, [])).mean() >= 0.99)
    return whole / total if total else None


def _inside(points: NDArray[np.float64], rects: Sequence[RectM]) -> NDArray[np.bool_]:
    found = np.zeros(len(points), dtype=np.bool_)
    for x0, y0, x1, y1 in rects:
        found |= (points[:, 0] >= x0) & (points[:, 0] < x1) & (points[:, 1] >= y0) & (points[:, 1] < y1)
    return found


@dataclass(frozen=True, slots=True)
class _Times:
    session_s: float
    busy_s: float
    electron_s: float


def _times(events: Sequence[Event]) -> _Times:
    """Read durations from the events, so that they survive a restart."""
    begun_s: float | None = None
    last_s = busy_s = electron_s = 0.0
    electron_since_s: float | None = None
    for event in events:
        last_s = event.time_s
        if event.kind == "devices_busy":
            busy_s += float(event.data["busy_s"])
        elif event.kind == "session":
            if event.data.get("event") == SessionEvent.START:
                begun_s = event.time_s
            if electron_since_s is not None:
                electron_s += event.time_s - electron_since_s
            electron_since_s = event.time_s if event.data.get("phase") == Phase.ELECTRON else None
    return _Times(last_s - (begun_s if begun_s is not None else last_s), busy_s, electron_s)
