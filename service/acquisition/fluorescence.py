"""Fluorescence of every field: move, expose, save; detection runs beside it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import groupby

from detection.image_quality.levels import is_flat, shows_light
from drivers.chamber import VacuumState
from drivers.errors import DisturbedError, DriverError, InterruptedCallError
from drivers.fluorescence import FmFrame, FmSettings
from drivers.pose import inner_rect
from service import wording
from service.acquisition.disk_space import shortage
from service.acquisition.retry import NOT_AS_CONFIGURED, repeat_harmless
from service.acquisition.stage_moves import move_to
from service.acquisition.vacuum import look
from service.autofocus.light import focus_section
from service.errors import (
    FrameRefusedError,
    HungDeviceError,
    ImageError,
    SessionFaultError,
    StageError,
)
from service.image_checks.fluorescence import validate_frame
from service.image_files.facts import Acquisition, LightPath
from service.image_files.saving import save_fm
from service.logs import get_logger
from service.model.phases import PauseCause
from service.model.specimen import Field, FieldState, FramePlace
from service.model.work import Step
from service.safety.deadlines import timeout_of
from service.session.context import Context
from service.session.exposure_map import touched
from service.session.interrupts import Interrupt, InterruptSession
from service.session.provenance import provenance_of
from service.store.database import utc_now

log = get_logger(__name__)


def take_fluorescence(context: Context, on_saved: Callable[[], None], section: str | None) -> None:
    """Take every pending field of the array, or of one section.

    A field that fails is tried again after the next section, as many faults pass by themselves.

    Parameters
    ----------
    context : Context
    on_saved : callable
        Called after each frame that was saved, to start its detection.
    section : str or None
        None for the whole array.

    Raises
    ------
    InterruptSession
        A person asked for it, or the disk is full.
    SessionFaultError
        Too many fields failed in a row or none could be taken, the light does not switch off, or the vapour
        is lost.
    """
    pending = context.store.specimen.fields(section=section, state=FieldState.PENDING)
    failed: list[Field] = []
    for _, fields in groupby(pending, key=lambda field: field.section):
        failed_now = _take_all(context, on_saved, fields, last=False)
        _take_all(context, on_saved, failed, last=True)
        failed = failed_now
    _take_all(context, on_saved, failed, last=True)
    _require_any(context)


def _require_any(context: Context) -> None:
    """Refuse to go on without any fluorescence: with nothing to image, the run would end.

    Raises
    ------
    SessionFaultError
        The fields are pending again, to be taken when the session goes on.
    """
    fields = context.store.specimen.fields()
    untaken = [field for field in fields if field.untaken]
    if not untaken or any(field.image is not None or field.state is FieldState.PENDING for field in fields):
        return
    for field in untaken:
        context.store.specimen.set_field(field.id, FieldState.PENDING, reason=field.reason)
    raise SessionFaultError(f"none of the fields could be taken; {untaken[-1].id}: {untaken[-1].reason}")


def _take_all(
    context: Context, on_saved: Callable[[], None], fields: Iterable[Field], *, last: bool
) -> list[Field]:
    """Take fields and return those that failed; they stay pending, but with `last` they are failed."""
    failed = []
    for field in fields:
        context.checkpoint()
        lack = shortage(context.folder.path, _frame_bytes(context), context.config.session.min_free_disk_gb)
        if lack is not None:
            raise InterruptSession(Interrupt.PAUSE, lack, PauseCause.DISK)
        burnt = _burnt(context, field)
        if burnt is not None:
            context.store.specimen.set_field(field.id, FieldState.FAILED, reason=burnt)
            continue
        try:
            _take_and_save(context, field)
        except InterruptedCallError:
            raise
        except (OSError, ImageError) as error:
            reason = wording.frame_not_saved(field.id, error)
            raise InterruptSession(Interrupt.PAUSE, reason, PauseCause.IMAGE_NOT_SAVED) from error
        except (DriverError, StageError, FrameRefusedError) as error:
            log.error("field failed", field=field.id, error=str(error), last=last)
            failed.append(field)
            if last:
                context.store.specimen.set_field(field.id, FieldState.FAILED, reason=str(error))
            context.streak.failure(f"field {field.id}: {error}")
            continue
        context.streak.success()
        on_saved()
    return failed


def _take_and_save(context: Context, field: Field) -> None:
    """Take one field, from the stage move to the file on the disk."""
    move_to(context, field.center_m)
    focus_section(context, field, lambda: _expose(context, _settings(context)))
    begun_s = context.clock.now_s()
    frame, taken_at, pressure_pa = _take(context, field)
    if context.store.kind() == "replay":
        # A recorded frame was taken in another chamber.
        pressure_pa = None
    saved = save_fm(
        context.folder.fm_image(field.id),
        frame,
        field.section,
        field.id,
        LightPath.of(context.config),
        Acquisition(taken_at, provenance_of(context.config, context.store), pressure_pa),
        context.config.session.compress_images,
    )
    shape = (frame.pixels.shape[0], frame.pixels.shape[1])
    context.store.specimen.set_field(
        field.id,
        FieldState.SAVED,
        center_m=frame.pose.center_m,
        rect_m=inner_rect(frame.pose, shape),
        image=context.folder.relative(saved.path),
        sha256=saved.sha256,
        frame=FramePlace((shape[1], shape[0]), frame.pose),
    )
    context.store.durations.record(Step.FLUORESCENCE, context.clock.now_s() - begun_s)


def _settings(context: Context) -> FmSettings:
    fluorescence = context.config.fluorescence
    return FmSettings(
        exposure_s=fluorescence.exposure_s,
        em_gain=fluorescence.em_gain,
        excitation_nm=fluorescence.excitation_nm,
        power_density_w_per_cm2=fluorescence.power_density_w_per_cm2,
    )


def _take(context: Context, field: Field) -> tuple[FmFrame, datetime, float | None]:
    """Take one good frame of a field, with time and pressure (Pa); harmless, so repeated when it fails.

    Raises
    ------
    SessionFaultError
        The hardware is not as configured, so that no field can be taken, or the vapour is lost.
    """
    wanted = _settings(context)

    def take() -> tuple[FmFrame, datetime]:
        # Another program may have moved the stage: no light on another place. A stage that is there stays.
        move_to(context, field.center_m)
        asked_s, asked_at = context.clock.now_s(), utc_now()
        with context.step(f"fluorescence of {field.id}", context.config.fluorescence.exposure_s):
            frame = _expose(context, wanted)
        tolerance_m = context.config.stage.arrival_tolerance_um * 1e-6
        try:
            validate_frame(frame, field.center_m, field.rect_m, asked_s, tolerance_m)
        except NOT_AS_CONFIGURED as error:
            _refuse_contradiction(context, error)
            raise
        _require_light(context, frame, wanted)
        return frame, asked_at

    _require_vapour(context)
    taken = repeat_harmless(context, f"fluorescence of {field.id}", take, (DriverError, FrameRefusedError))
    return *taken, _require_vapour(context)


def _require_light(context: Context, frame: FmFrame, settings: FmSettings) -> None:
    """Refuse a frame that is no brighter than one without light: a lamp may be dead that says it is on.

    Only a frame that shows nothing is compared; the light stays off for that, so nothing is bleached.

    Raises
    ------
    FrameRefusedError
    """
    if context.store.kind() == "replay" or not is_flat(frame.pixels):
        return
    with context.step("a frame without light", settings.exposure_s):
        dark = context.devices.camera.expose(settings, timeout_of(settings.exposure_s))
    if not shows_light(frame.pixels, dark.pixels):
        raise FrameRefusedError("the frame is as dark as one without light, though the light says it was on")


def _require_vapour(context: Context) -> float | None:
    """Return the pressure, Pa; refuse a wrong one: without water vapour cells are dim and would be missed.

    Raises
    ------
    SessionFaultError
        The chamber is not at the partial pressure; the field is taken again when it is.
    """
    found = look(context.devices.chamber, VacuumState.PARTIAL, context.config.chamber)
    if found.problem is not None:
        raise SessionFaultError(f"no fluorescence: {found.problem}")
    return found.pressure_pa


def _expose(context: Context, settings: FmSettings) -> FmFrame:
    """Switch the light on for one exposure, and off in every case.

    Raises
    ------
    SessionFaultError
        The light does not switch off: it would bleach whatever comes next. Or light or camera are not as
        configured: each further field would only be bleached.
    """
    light, camera = context.devices.light, context.devices.camera
    timeout_s = timeout_of(settings.exposure_s)
    context.view.note(light_on=True)
    try:
        light.on(settings.excitation_nm, settings.power_density_w_per_cm2, timeout_s)
        frame = camera.expose(settings, timeout_s)
        if not light.is_on():
            # A dark frame shows no cells: all of them would be missed.
            raise DisturbedError("the light went off during the exposure, and not by this program")
        return frame
    except NOT_AS_CONFIGURED as error:
        _refuse_contradiction(context, error)
        raise
    finally:
        try:
            light.off()
            lit = light.is_on()
        except (DriverError, HungDeviceError, OSError) as error:
            raise SessionFaultError(f"the light may still be on: {error}") from error
        context.view.note(light_on=lit)
        if lit:
            raise SessionFaultError("the light does not switch off")


def _refuse_contradiction(context: Context, error: Exception) -> None:
    """Fault where hardware and configuration contradict each other.

    One odd frame after good ones is the failure of its field. The first frame of all, or a second in a row,
    would be followed by nothing better, and every field would be bleached for it.

    Raises
    ------
    SessionFaultError
    """
    counts = context.store.specimen.field_counts()
    good = sum(n for state, n in counts.items() if state not in (FieldState.PENDING, FieldState.FAILED))
    if not good or context.streak.lasts():
        raise SessionFaultError(wording.not_as_configured(error)) from error


def _burnt(context: Context, field: Field) -> str | None:
    """Return why no fluorescence can be taken of a field; None if the beam was not there."""
    if touched(context.store, field.rect_m):
        return "refused: the electron beam was there before its fluorescence was taken"
    if context.config.beam_is_parked and context.store.ledger.exposures(limit=1):
        return "refused: a beam without a blanker was parked beside its frames, and may have been there"
    return None


def _frame_bytes(context: Context) -> int:
    width, height = context.config.fluorescence.frame_px
    return width * height * 2
