"""Focus of the beam, once for each section, on saved ground that no cell needs.

The spot is a job of its own kind, without cells: its intent is in the ledger before the beam, the SEM focuses
on it, and it is scanned once, so that its image shows how sharp the section is. A focus far off the plane of
the sections around it is wrong, and the plane is used instead. Without a focus the plane is used, or the
height of the nearest section. All of it is in the store, so that a restart can continue.
"""

from collections.abc import Sequence
from dataclasses import replace

from detection.image_quality.sharpness import sharpness
from drivers.errors import (
    DriverError,
    FocusNotFoundError,
    InterruptedCallError,
    NotReadyError,
    OutOfRangeError,
)
from drivers.sem import ElectronFocus, ScanImage, ScanRequest
from planner.geometry.rects import center
from service.autofocus.expected_height import expected, likely_m, measured, outliers
from service.autofocus.spot import choose_spot, spot_px
from service.errors import StoreError
from service.logs import get_logger
from service.model.focus import Focus, FocusBeam, FocusState
from service.model.jobs import Job, JobKind, JobState
from service.model.specimen import FieldState
from service.model.work import Step
from service.session.context import Context

log = get_logger(__name__)

TIMEOUT_S = 300.0
"""Longest automatic focus. Chosen by hand; not measured."""


def focus_for(context: Context, job: Job) -> bool:
    """Set the focus of the beam for a frame, as far as that needs no beam.

    Returns
    -------
    bool
        False if a focus was queued that must be done first.
    """
    focus, section = context.devices.focus, job.section
    if focus is None or not context.config.session.autofocus or context.focused.beam == section:
        return True
    store = context.store
    known = store.focus.latest(FocusBeam.ELECTRON, section)
    if known is None:
        name = store.focus.job_of(section)
        if name is None and _queue(context, job):
            return False
        reason = "there is no saved ground that no cell needs"
        if name is not None:
            reason = f"its focus, {name}, is '{store.queue.job(name).state}'"
        known = _without(context, section, reason)
    if known.used_m is not None:
        try:
            focus.set_focus(known.used_m)
        except DriverError as error:
            log.error("focus not set", section=section, requested_m=known.used_m, error=str(error))
    context.focused.beam = section
    return True


def refocus(context: Context, job: Job) -> bool:
    """Queue another focus of the section of a frame that is out of focus; return False if there is none.

    One that is in the queue serves all frames of its section.
    """
    name = context.store.focus.job_of(job.section)
    to_come = name is not None and context.store.queue.job(name).state in (JobState.QUEUED, JobState.HELD)
    return to_come or focus_elsewhere(context, job)


def focus_elsewhere(context: Context, job: Job) -> bool:
    """Queue a focus on a spot of its own before a frame; return False if there is none."""
    if context.devices.focus is None or not context.config.session.autofocus:
        return False
    return _queue(context, job)


class FocusScan:
    """A job that focuses on its spot before it scans it."""

    # It is not repeated: the frames that it was for are taken without it.
    unexposed = JobState.FAILED
    extra_s = TIMEOUT_S

    def prepare(self, context: Context, job: Job) -> bool:  # noqa: ARG002
        """Return True: a focus needs no preparation."""
        return True

    def execute(self, context: Context, job: Job, request: ScanRequest, timeout_s: float) -> ScanImage:
        """Focus on the spot, then scan it.

        Raises
        ------
        NotReadyError, OutOfRangeError
            Raised when it is refused; the ground was not exposed.
        DriverError
            Raised when the focus or the scan failed.
        """
        sem, focus = context.devices.sem, context.devices.focus
        if focus is None:
            return sem.scan(request, timeout_s)
        begun = _begin(context, focus, job)
        begun_s = context.clock.now_s()
        found_m, reason = None, None
        try:
            found_m = focus.autofocus(request, TIMEOUT_S)
        except FocusNotFoundError as error:
            reason = str(error)
        exposed_s = context.clock.now_s() - begun_s
        result = _judged(context, replace(begun, found_m=found_m, exposed_s=exposed_s, reason=reason))
        try:
            if result.used_m is not None and result.used_m != found_m:
                focus.set_focus(result.used_m)
            image = sem.scan(request, timeout_s)
            if image.pixels.ndim == 2:
                result = replace(result, score=sharpness(image.pixels, 0.0))
        except (NotReadyError, OutOfRangeError) as error:
            # In the ledger a refusal means that nothing was exposed.
            raise DriverError(f"refused after the focus had exposed it: {error}") from error
        finally:
            _keep(context, result)
        context.focused.beam = job.section
        return image

    def beam_s(self, context: Context, job: Job) -> float:
        """Return the dwell time of the spot and the beam time of the automatic focus, s."""
        found = context.store.focus.of_job(job.id)
        return job.beam_s + (found.exposed_s if found is not None else 0.0)

    def record(self, context: Context, job: Job, duration_s: float) -> None:
        """Record nothing: the automatic focus is recorded where it runs."""


def mark_outliers(context: Context, latest: Focus) -> None:
    """Mark earlier focuses that were used and turn out to be wrong, now that the latest is known."""
    store = context.store.focus
    for wrong in outliers(measured(store.all(latest.beam)), latest.place_m):
        if wrong.section == latest.section:
            # It was judged beside the same sections a moment ago.
            continue
        reason = "off the plane of the sections around it, as these now show: images may be out of focus"
        log.warning("focus was wrong", beam=wrong.beam.value, section=wrong.section, reason=reason)
        store.change(replace(wrong, state=FocusState.OUTLIER, reason=reason))


def _queue(context: Context, job: Job) -> bool:
    """Queue a focus before the first job of a section; return False if there is no ground for it."""
    store, sem = context.store, context.config.sem
    spot = choose_spot(
        sem,
        context.stage_frame,
        next(one for one in store.specimen.sections() if one.id == job.section),
        store.specimen.fields(section=job.section),
        store.specimen.fields(state=FieldState.PENDING),
        store.specimen.cells(section=job.section),
        store.queue.jobs(section=job.section),
    )
    if spot is None:
        return False
    with store.transaction():
        focus_job = Job(
            id=f"J{store.queue.next_number():06d}",
            section=job.section,
            position=store.steering.free_before(job.position),
            rect_m=spot,
            center_m=center(spot),
            size_px=spot_px(sem),
            pixel_size_m=sem.pixel_size_m,
            dwell_s=sem.dwell_s,
            covers=(),
            kind=JobKind.FOCUS,
        )
        store.queue.add_plan(job.section, [focus_job], {})
    return True


def _without(context: Context, section: str, reason: str) -> Focus:
    """Choose the working distance of a section that is not focused on; see `_height_m`."""
    place_m = next(one.center_m for one in context.store.specimen.sections() if one.id == section)
    height_m = _height_m(context, place_m)
    log.warning("section without a focus of its own", section=section, reason=reason, used_m=height_m)
    return context.store.focus.add(
        Focus(FocusBeam.ELECTRON, section, place_m, FocusState.NOT_FOUND, used_m=height_m, reason=reason)
    )


def _begin(context: Context, focus: ElectronFocus, job: Job) -> Focus:
    """Set the expected working distance, from which the automatic focus starts.

    Raises
    ------
    NotReadyError, OutOfRangeError
        Raised when it cannot be set; nothing was exposed.
    """
    start_m = _height_m(context, job.center_m)
    try:
        focus.set_focus(start_m)
    except (NotReadyError, OutOfRangeError, InterruptedCallError):
        raise
    except DriverError as error:
        raise NotReadyError(f"the working distance cannot be set: {error}") from error
    return Focus(FocusBeam.ELECTRON, job.section, job.center_m, FocusState.BEGUN, job=job.id, start_m=start_m)


def _height_m(context: Context, place_m: tuple[float, float]) -> float:
    """Return the working distance of the plane, else of the nearest section, else as configured, m."""
    likely = likely_m(measured(context.store.focus.all(FocusBeam.ELECTRON)), place_m)
    return context.config.sem.working_distance_mm * 1e-3 if likely is None else likely


def _judged(context: Context, focus: Focus) -> Focus:
    """Choose the working distance to use: as found, or that of the plane if it is far off."""
    if focus.found_m is None:
        log.warning("no focus found", section=focus.section, used_m=focus.start_m, reason=focus.reason)
        return replace(focus, state=FocusState.NOT_FOUND, used_m=focus.start_m)
    store = context.store.focus
    others = measured(store.all(FocusBeam.ELECTRON))
    plane = expected(others, focus.place_m)
    off_m = None if plane is None else plane.off_m(focus)
    if plane is None or off_m is None:
        return replace(focus, state=FocusState.USED, used_m=focus.found_m)
    before = store.latest(FocusBeam.ELECTRON)
    if before is not None and _off_m(before, others) * off_m > 0:
        # Two in a row to the same side: the plate is more likely bent than the focus wrong twice.
        reason = f"{off_m * 1e6:+.1f} um off the plane, like the one before: used, as the plate may be bent"
        log.warning("focus off the plane of the others", section=focus.section, reason=reason)
        return replace(focus, state=FocusState.USED, used_m=focus.found_m, reason=reason)
    reason = f"{off_m * 1e6:+.1f} um off the plane of the sections around it, which is used"
    log.warning("focus off the plane of the others", section=focus.section, reason=reason)
    return replace(focus, state=FocusState.OUTLIER, used_m=plane.height_m, reason=reason)


def _off_m(focus: Focus, found: Sequence[Focus]) -> float:
    """Return the distance of a focus from the plane of the others, m; 0 if it is on it, or there is none.

    Of one that was overruled and of one that was believed alike: the plane follows a bent plate only once
    most sections near it lie on the bent part.
    """
    plane = expected([one for one in found if one.section != focus.section], focus.place_m)
    return 0.0 if plane is None else plane.off_m(focus) or 0.0


def _keep(context: Context, focus: Focus) -> None:
    """Record a focus, and mark earlier ones that turn out to be wrong.

    A failure to write costs neither the image nor the end of its row in the ledger.
    """
    try:
        context.store.durations.record(Step.FOCUS, focus.exposed_s)
        context.store.focus.add(focus)
        mark_outliers(context, focus)
    except StoreError as error:
        log.error("focus not recorded", section=focus.section, used_m=focus.used_m, error=str(error))
