"""Focus of the beam, once for each section: on saved ground that no cell needs, and in the exposure ledger.

The spot is a job like any other, without cells: its intent is in the ledger before the beam, the machine
focuses on it, and it is scanned once, so that its image shows how sharp the section is. What the sections
before it say is a plane; a focus far off it is a mistake of the machine, and the plane is used instead.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drivers.errors import DriverError, NotReadyError, OutOfRangeError
from drivers.sem import ElectronFocus, ScanImage, ScanRequest
from planner.focus_plane import FocusPlane, fit_focus_plane
from planner.focus_spot import focus_spot
from planner.ground import Ground
from planner.rects import center
from service.layout import reach_m
from service.logs import get_logger
from service.planning import ROOM_FOR_JOBS
from service.records import FieldState, Job

if TYPE_CHECKING:
    from service.context import Context

log = get_logger(__name__)

SPOT_PX = (256, 256)
TIMEOUT_S = 300.0
TOLERANCE_M = 5e-6
"""Height that sections differ by from the plane of the array: folds, dust, adhesive."""
_ENOUGH = 4
"""Sections before a plane is believed more than a measurement: three always fit."""


@dataclass(slots=True)
class FocusBook:
    """What is known of the focus in this process.

    Attributes
    ----------
    sections : set of str
        Focused on, or given up, since the column was set.
    light_sections : set of str
        Of which the focus of the light was searched.
    jobs : set of str
        That begin with a focus.
    points_m, working_distances_m : list
        What was measured where.
    """

    sections: set[str] = field(default_factory=set)
    light_sections: set[str] = field(default_factory=set)
    jobs: set[str] = field(default_factory=set)
    points_m: list[tuple[float, float]] = field(default_factory=list)
    working_distances_m: list[float] = field(default_factory=list)


def wants_focus(context: "Context", job: Job) -> bool:
    """Whether the section of a job is to be focused on first."""
    return context.config.session.autofocus and job.section not in context.focus.sections


def queue_focus(context: "Context", section: str) -> None:
    """Queue a focus before the other jobs of a section; where there is no ground for it, use the plane."""
    context.focus.sections.add(section)
    store, sem = context.store, context.config.sem
    reach = reach_m(context.config)
    saved = [f.rect_m for f in store.fields(section=section) if f.image is not None]
    unsaved = [f.rect_m for f in store.fields(state=FieldState.PENDING)]
    cells = store.cells(section=section)
    keep_off = [cell.rect_m for cell in cells]
    keep_off += [cell.image_rect_m for cell in cells if cell.image_rect_m is not None]
    keep_off += [job.rect_m for job in store.jobs(section=section)]
    size_m = (SPOT_PX[0] * sem.pixel_size_m, SPOT_PX[1] * sem.pixel_size_m)
    spot = focus_spot(Ground(saved, reach, unsaved), saved, keep_off, size_m)
    if spot is None:
        store.note("focus", section, {"skipped": "there is no saved ground that no cell needs"})
        _use_plane(context, section)
        return
    visit = next(s.visit for s in store.sections() if s.id == section)
    taken = {job.position for job in store.jobs(section=section)}
    position = visit * ROOM_FOR_JOBS - 1
    while position in taken:
        position -= 1
    name = f"J{store.next_job_number():06d}"
    job = Job(name, section, position, spot, center(spot), SPOT_PX, sem.pixel_size_m, sem.dwell_s, ())
    store.add_plan(section, [job], {})
    context.focus.jobs.add(name)


def scan(context: "Context", job: Job, request: ScanRequest, timeout_s: float) -> ScanImage:
    """Scan a job, whose intent is in the ledger; one that begins with a focus is focused on before.

    Raises
    ------
    NotReadyError, OutOfRangeError
        Refused, and the ground was not touched.
    DriverError
    """
    sem, focus = context.devices.sem, context.devices.focus
    if job.id not in context.focus.jobs or focus is None:
        return sem.scan(request, timeout_s)
    found_m = focus.autofocus(request, TIMEOUT_S)
    try:
        _settle(context, focus, job, found_m)
        return sem.scan(request, timeout_s)
    except (NotReadyError, OutOfRangeError) as error:
        # To the ledger a refusal means that nothing was exposed.
        raise DriverError(f"refused after the focus had exposed it: {error}") from error


def longest_s(context: "Context", job: Job) -> float:
    """How much longer than its scan a job may take because it begins with a focus, s."""
    return TIMEOUT_S if job.id in context.focus.jobs and context.devices.focus is not None else 0.0


def _settle(context: "Context", focus: ElectronFocus, job: Job, found_m: float) -> None:
    """Keep a focus, or use the plane of the others where it is far off."""
    book = context.focus
    book.points_m.append(job.center_m)
    book.working_distances_m.append(found_m)
    used_m, plane = found_m, _plane(book)
    if plane is not None and abs(found_m - plane.at(job.center_m)) > TOLERANCE_M:
        used_m = plane.at(job.center_m)
        focus.set_focus(used_m)
        log.warning("focus off the plane of the others", section=job.section, found_m=found_m, used_m=used_m)
    context.store.note("focus", job.section, {"found_m": found_m, "used_m": used_m, "job": job.id})


def _use_plane(context: "Context", section: str) -> None:
    plane, focus = _plane(context.focus), context.devices.focus
    if plane is None or focus is None:
        return
    place = next(s.center_m for s in context.store.sections() if s.id == section)
    try:
        focus.set_focus(plane.at(place))
    except DriverError as error:
        log.error("focus not set", section=section, error=str(error))


def _plane(book: FocusBook) -> FocusPlane | None:
    """Plane of the sections so far; None while they are too few to tell."""
    if len(book.points_m) < _ENOUGH:
        return None
    fit = fit_focus_plane(book.points_m, book.working_distances_m, TOLERANCE_M)
    return fit.plane if len(book.points_m) - len(fit.outliers) >= _ENOUGH - 1 else None
