"""Fluorescence of every field: move, expose, save; detection runs beside it."""

import math

import numpy as np

from drivers.errors import DriverError, InterruptedCallError
from drivers.fluorescence import FmFrame, FmSettings
from drivers.pose import frame_rect, inner_rect
from service.analysis import Analysis
from service.context import Context
from service.disk import shortage
from service.errors import FrameRefusedError, ImageError, SessionFaultError, StageError
from service.exposure_map import touched
from service.images import save_fm
from service.light_focus import focus_light
from service.logs import get_logger
from service.moving import move_to
from service.records import Field, FieldState, Step
from service.requests import InterruptSession, Wish
from service.retry import repeat_harmless

log = get_logger(__name__)


def take_fluorescence(context: Context, analysis: Analysis, section: str | None) -> None:
    """Take every pending field of the array, or of one section.

    Raises
    ------
    InterruptSession
        Somebody asked for it, or the disk is full.
    SessionFaultError
        Too many fields failed in a row, or the light does not switch off.
    """
    for field in context.store.fields(section=section, state=FieldState.PENDING):
        context.checkpoint()
        lack = shortage(context.folder.path, _frame_bytes(context), context.config.session.min_free_disk_gb)
        if lack is not None:
            raise InterruptSession(Wish.PAUSE, lack)
        burnt = _burnt(context, field)
        if burnt is not None:
            context.store.set_field(field.id, FieldState.FAILED, reason=burnt)
            continue
        try:
            move_to(context, field.center_m)
            _focus(context, field)
            begun_s = context.clock.now_s()
            frame = _take(context, field)
            saved = save_fm(context.folder.fm_image(field.id), frame, field.section, field.id)
        except InterruptedCallError:
            raise
        except OSError as error:
            raise InterruptSession(Wish.PAUSE, f"the frame of {field.id} cannot be saved: {error}") from error
        except (DriverError, StageError, FrameRefusedError, ImageError) as error:
            log.error("field failed", field=field.id, error=str(error))
            context.store.set_field(field.id, FieldState.FAILED, reason=str(error))
            context.streak.failure(f"field {field.id}: {error}")
            continue
        shape = (frame.pixels.shape[0], frame.pixels.shape[1])
        kept = context.store.set_field(
            field.id,
            FieldState.SAVED,
            center_m=frame.pose.center_m,
            rect_m=inner_rect(frame.pose, shape),
            image=context.folder.relative(saved.path),
            sha256=saved.sha256,
        )
        context.store.accounts.took(Step.FLUORESCENCE, context.clock.now_s() - begun_s)
        context.streak.success()
        analysis.submit(kept, frame.pixels, frame.pose, frame.offset_adu)


def _focus(context: Context, field: Field) -> None:
    """Search the focus of the light at the first field of a section; without a clear one it stays."""
    reach_m = context.config.fluorescence.autofocus_um * 1e-6
    focus = context.devices.light_focus
    if reach_m == 0 or focus is None or field.section in context.focus.light_sections:
        return
    context.focus.light_sections.add(field.section)
    wanted = _settings(context)
    try:
        with context.busy.device():
            best = focus_light(focus, lambda: _expose(context, wanted), reach_m)
    except InterruptedCallError:
        raise
    except DriverError as error:
        log.error("focus of the light failed", field=field.id, error=str(error))
        context.store.note("light_focus", field.section, {"certain": False, "reason": str(error)})
        return
    found = {"z_m": best.z_m, "certain": best.certain, "reason": best.reason}
    context.store.note("light_focus", field.section, found)


def _settings(context: Context) -> FmSettings:
    fluorescence = context.config.fluorescence
    return FmSettings(
        exposure_s=fluorescence.exposure_s,
        em_gain=fluorescence.em_gain,
        excitation_nm=fluorescence.excitation_nm,
        power_density_w_per_cm2=fluorescence.power_density_w_per_cm2,
    )


def _take(context: Context, field: Field) -> FmFrame:
    """One good frame of a field: harmless, so repeated when it fails."""
    wanted = _settings(context)

    def take() -> FmFrame:
        with context.busy.device():
            frame = _expose(context, wanted)
        _check(context, field, frame)
        return frame

    return repeat_harmless(context, f"fluorescence of {field.id}", take, (DriverError, FrameRefusedError))


def _expose(context: Context, settings: FmSettings) -> FmFrame:
    """Light on for just one exposure, off in every exit.

    Raises
    ------
    SessionFaultError
        The light does not switch off: it would bleach whatever comes next.
    """
    light, camera = context.devices.light, context.devices.camera
    timeout_s = 1.2 * settings.exposure_s + 20
    context.view.note(light_on=True)
    try:
        light.on(settings.excitation_nm, settings.power_density_w_per_cm2, timeout_s)
        return camera.expose(settings, timeout_s)
    finally:
        try:
            light.off()
            lit = light.is_on()
        except DriverError as error:
            raise SessionFaultError(f"the light may still be on: {error}") from error
        context.view.note(light_on=lit)
        if lit:
            raise SessionFaultError("the light does not switch off")


def _check(context: Context, field: Field, frame: FmFrame) -> None:
    """Refuse a frame that cannot be the one that was asked for.

    Raises
    ------
    FrameRefusedError
        Wrong shape, size or place, or nothing but one grey level.
    """
    if frame.pixels.ndim != 2 or frame.pixels.dtype not in (np.uint8, np.uint16):
        raise FrameRefusedError(f"the camera gave {frame.pixels.dtype} of shape {frame.pixels.shape}")
    if int(frame.pixels.min()) == int(frame.pixels.max()):
        raise FrameRefusedError(f"all pixels of the frame are {int(frame.pixels.min())}")
    x, y = frame.pose.center_m
    off_m = math.hypot(x - field.center_m[0], y - field.center_m[1])
    if off_m > context.config.stage.arrival_tolerance_um * 1e-6:
        raise FrameRefusedError(f"the frame was taken {off_m * 1e6:.1f} um from its field")
    got = frame_rect(frame.pose, (frame.pixels.shape[0], frame.pixels.shape[1]))
    for axis, name in ((0, "width"), (1, "height")):
        size_m, wanted_m = got[axis + 2] - got[axis], field.rect_m[axis + 2] - field.rect_m[axis]
        if abs(size_m - wanted_m) > 0.02 * wanted_m:
            raise FrameRefusedError(
                f"the {name} of the frame is {size_m * 1e6:.2f} um, that of its field {wanted_m * 1e6:.2f} um"
            )


def _burnt(context: Context, field: Field) -> str | None:
    """Why no fluorescence can be taken there any more; None if no beam was there."""
    if touched(context.store, field.rect_m):
        return "refused: the electron beam was there before its fluorescence was taken"
    return None


def _frame_bytes(context: Context) -> int:
    width, height = context.config.fluorescence.frame_px
    return width * height * 2
