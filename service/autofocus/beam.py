"""Focus of the beam, once for each section: on saved ground that no cell needs, and in the exposure ledger.

The spot is a job of a kind of its own, without cells: its intent is in the ledger before the beam, the
machine focuses on it, and it is scanned once, so that its image shows how sharp the section is. A focus far
off the plane of the sections about it is a mistake of the machine, and the plane is used instead. Where there
is no focus, the plane serves, or the height of the nearest section. All of it is in the store, for a restart
to go on with.
"""

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
from service.autofocus.expected_height import expected, likely_m, measured, strangers
from service.autofocus.spot import choose_spot, spot_px
from service.errors import StoreError
from service.logs import get_logger
from service.model.focus import Focus, FocusBeam, FocusState
from service.model.jobs import Job, JobKind
from service.model.specimen import FieldState
from service.model.work import Step
from service.session.context import Context

log = get_logger(__name__)

TIMEOUT_S = 300.0


def ready(context: "Context", job: Job) -> bool:
    """Have the beam focused for a job, as far as that needs no beam.

    Returns
    -------
    bool
        False where a focus was queued, to be done first.
    """
    focus, section = context.devices.focus, job.section
    wanted = context.config.session.autofocus and focus is not None and context.focused.beam != section
    if job.kind is JobKind.FOCUS or not wanted or focus is None:
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
            log.error("focus not set", section=section, wanted_m=known.used_m, error=str(error))
    context.focused.beam = section
    return True


def scan(context: "Context", job: Job, request: ScanRequest, timeout_s: float) -> ScanImage:
    """Scan a job, whose intent is in the ledger; one that begins with a focus is focused on before.

    Raises
    ------
    NotReadyError, OutOfRangeError
        Refused, and the ground was not touched.
    DriverError
    """
    sem, focus = context.devices.sem, context.devices.focus
    if job.kind is JobKind.FRAME or focus is None:
        return sem.scan(request, timeout_s)
    begun = _begin(context, focus, job)
    begun_s = context.clock.now_s()
    found_m, reason = None, None
    try:
        found_m = focus.autofocus(request, TIMEOUT_S)
    except FocusNotFoundError as error:
        reason = str(error)
    took_s = context.clock.now_s() - begun_s
    kept = _judged(context, replace(begun, found_m=found_m, exposed_s=took_s, reason=reason))
    try:
        if kept.used_m is not None and kept.used_m != found_m:
            focus.set_focus(kept.used_m)
        image = sem.scan(request, timeout_s)
        if image.pixels.ndim == 2:
            kept = replace(kept, score=sharpness(image.pixels, 0.0))
    except (NotReadyError, OutOfRangeError) as error:
        # To the ledger a refusal means that nothing was exposed.
        raise DriverError(f"refused after the focus had exposed it: {error}") from error
    finally:
        _keep(context, kept)
    context.focused.beam = job.section
    return image


def longest_s(job: Job) -> float:
    """How much longer than its scan a job may take because it begins with a focus, s."""
    return TIMEOUT_S if job.kind is JobKind.FOCUS else 0.0


def beam_s(context: "Context", job: Job) -> float:
    """Time that a job which was scanned was under the beam, s: its dwell, and as long as its focus took."""
    found = context.store.focus.of_job(job.id) if job.kind is JobKind.FOCUS else None
    return job.beam_s + (found.exposed_s if found is not None else 0.0)


def name_strangers(context: "Context", latest: Focus) -> None:
    """Mark the focuses about the latest of a beam that it shows to be wrong, though they were used."""
    store = context.store.focus
    for wrong in strangers(measured(store.all(latest.beam)), latest.place_m):
        reason = "off the plane of the sections about it, as these show: its images may be out of focus"
        log.warning("focus was wrong", beam=wrong.beam.value, section=wrong.section, reason=reason)
        store.change(replace(wrong, state=FocusState.OUTLIER, reason=reason))


def _queue(context: "Context", job: Job) -> bool:
    """Queue a focus before the first job of a section; False where there is no ground for it."""
    store, sem = context.store, context.config.sem
    spot = choose_spot(
        context.config,
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
            size_px=spot_px(context.config),
            pixel_size_m=sem.pixel_size_m,
            dwell_s=sem.dwell_s,
            covers=(),
            kind=JobKind.FOCUS,
        )
        store.queue.add_plan(job.section, [focus_job], {})
    return True


def _without(context: "Context", section: str, reason: str) -> Focus:
    """Decide on the height of a section that is not focused on; see `_height_m`."""
    place_m = next(one.center_m for one in context.store.specimen.sections() if one.id == section)
    height_m = _height_m(context, place_m)
    log.warning("section without a focus of its own", section=section, reason=reason, used_m=height_m)
    return context.store.focus.add(
        Focus(FocusBeam.ELECTRON, section, place_m, FocusState.NOT_FOUND, used_m=height_m, reason=reason)
    )


def _begin(context: "Context", focus: ElectronFocus, job: Job) -> Focus:
    """Set the height that is expected, for the machine to begin with.

    Raises
    ------
    NotReadyError, OutOfRangeError
        It cannot be set; nothing was exposed.
    """
    start_m = _height_m(context, job.center_m)
    try:
        focus.set_focus(start_m)
    except (NotReadyError, OutOfRangeError, InterruptedCallError):
        raise
    except DriverError as error:
        raise NotReadyError(f"the working distance cannot be set: {error}") from error
    return Focus(FocusBeam.ELECTRON, job.section, job.center_m, FocusState.BEGUN, job=job.id, start_m=start_m)


def _height_m(context: "Context", place_m: tuple[float, float]) -> float:
    """Working distance of the plane, else that of the nearest section, else the configured one, m."""
    likely = likely_m(measured(context.store.focus.all(FocusBeam.ELECTRON)), place_m)
    return context.config.sem.working_distance_mm * 1e-3 if likely is None else likely


def _judged(context: "Context", focus: Focus) -> Focus:
    """Say whether what was found is used; where it is far off the plane of the others, that is."""
    if focus.found_m is None:
        log.warning("no focus found", section=focus.section, used_m=focus.start_m, reason=focus.reason)
        return replace(focus, state=FocusState.NOT_FOUND, used_m=focus.start_m)
    book = context.store.focus
    told = expected(measured(book.all(FocusBeam.ELECTRON)), focus.place_m)
    off_m = None if told is None else told.off_m(focus)
    if told is None or off_m is None:
        return replace(focus, state=FocusState.USED, used_m=focus.found_m)
    before = book.latest(FocusBeam.ELECTRON)
    if before is not None and _overruled_m(before) * off_m > 0:
        # Two in a row to the same side: rather is the plate bent than the machine wrong again.
        reason = f"{off_m * 1e6:+.1f} um off the plane, like the one before: used, for the plate may be bent"
        log.warning("focus off the plane of the others", section=focus.section, reason=reason)
        return replace(focus, state=FocusState.USED, used_m=focus.found_m, reason=reason)
    reason = f"{off_m * 1e6:+.1f} um off the plane of the sections about it, which is used"
    log.warning("focus off the plane of the others", section=focus.section, reason=reason)
    return replace(focus, state=FocusState.OUTLIER, used_m=told.height_m, reason=reason)


def _overruled_m(focus: Focus) -> float:
    """How far what was found is off what was used in its place, m; 0 where it was used."""
    if focus.state is not FocusState.OUTLIER or focus.found_m is None or focus.used_m is None:
        return 0.0
    return focus.found_m - focus.used_m


def _keep(context: "Context", focus: Focus) -> None:
    """Record a focus, and those before it that it shows to be wrong.

    A disk that does not take it costs neither the image nor the end of its row in the ledger.
    """
    try:
        context.store.durations.record(Step.FOCUS, focus.exposed_s)
        context.store.focus.add(focus)
        name_strangers(context, focus)
    except StoreError as error:
        log.error("focus not recorded", section=focus.section, used_m=focus.used_m, error=str(error))
