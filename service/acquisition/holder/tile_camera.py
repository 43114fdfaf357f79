"""One tile of the holder: move, light, frame; the beam stays blanked."""

import math
from collections.abc import Callable
from datetime import datetime

from config.model import Config
from drivers.clock import Clock
from drivers.errors import DisturbedError, DriverError, InterruptedCallError
from drivers.fluorescence import FmFrame, FmSettings
from drivers.microscope import Microscope
from drivers.pose import RectM
from service.acquisition.holder.tile_focus import TileFocus
from service.acquisition.retry import NOT_AS_CONFIGURED
from service.errors import FrameRefusedError, HungDeviceError, SessionFaultError, StageError, UnsafeError
from service.image_checks.fluorescence import validate_frame
from service.logs import get_logger
from service.safety.deadlines import timeout_of
from service.store.database import utc_now

log = get_logger(__name__)


class TileCamera:
    """Takes tiles with the light of ``config.holder``.

    Parameters
    ----------
    config : Config
        With the light of the holder, see `service.mapping.tiles.taking.holder_light`.
    devices : Microscope
        With deadlines.
    clock : Clock
    check : callable
        Called before and after the exposure of a tile; raises where the tile would be worthless.

    Attributes
    ----------
    exposures : int
        Exposures so far, those for focusing included.
    """

    def __init__(
        self, config: Config, devices: Microscope, clock: Clock, check: Callable[[], None] = lambda: None
    ) -> None:
        self._config = config
        self._devices = devices
        self._clock = clock
        self._focus = TileFocus(devices.light_focus, config.fluorescence.autofocus_um * 1e-6)
        self._check = check
        self.exposures = 0

    def take(self, center_m: tuple[float, float]) -> tuple[FmFrame, datetime]:
        """Take the tile at a position, and return it with the time of its exposure.

        What fails is tried again, as often as the session would.

        Raises
        ------
        DriverError, StageError, FrameRefusedError
            This tile could not be taken; the light is off.
        SessionFaultError, UnsafeError
            No further tile can be taken.
        """
        for left in range(self._config.session.retries, 0, -1):
            try:
                return self._take(center_m)
            except (InterruptedCallError, *NOT_AS_CONFIGURED):
                raise
            except (DriverError, StageError, FrameRefusedError) as error:
                log.warning("tile repeated", center_m=center_m, error=str(error), tries_left=left)
        return self._take(center_m)

    def _take(self, center_m: tuple[float, float]) -> tuple[FmFrame, datetime]:
        self._move(center_m)
        self._focus.focus(center_m, self._expose)
        asked_s, asked_at = self._clock.now_s(), utc_now()
        self._check()
        frame = self._expose()
        self._check()
        tolerance_m = self._config.stage.arrival_tolerance_um * 1e-6
        validate_frame(frame, center_m, self._rect_m(center_m), asked_s, tolerance_m)
        return frame, asked_at

    def _move(self, target_m: tuple[float, float]) -> None:
        stage = self._config.stage
        x0, y0, x1, y1 = stage.safe_area_m
        x_m, y_m = target_m
        if not (x0 <= x_m <= x1 and y0 <= y_m <= y1):
            raise StageError(f"({x_m * 1e3:.4f}, {y_m * 1e3:.4f}) mm is outside the safe area of the stage")
        dx_um, dy_um = stage.approach_um
        if (dx_um, dy_um) != (0.0, 0.0):
            from_m = min(max(x_m + dx_um * 1e-6, x0), x1), min(max(y_m + dy_um * 1e-6, y0), y1)
            self._devices.stage.move_to(*from_m, stage.move_timeout_s)
        found_m = self._devices.stage.move_to(x_m, y_m, stage.move_timeout_s)
        self._clock.sleep(stage.settle_s)
        off_m = math.dist(found_m, target_m)
        # Not `>`: a read-back of NaN is no arrival.
        if not off_m <= stage.arrival_tolerance_um * 1e-6:
            raise StageError(f"the stage ended {off_m * 1e6:.1f} um from its target, more than allowed")

    def _expose(self) -> FmFrame:
        """Switch the light on for one exposure, and off in every case.

        Raises
        ------
        UnsafeError
            The beam is not blanked, or the light does not switch off.
        """
        if not self._devices.sem.is_blanked():
            raise UnsafeError("the beam is not blanked, and no electron may map anything")
        holder, light = self._config.holder, self._devices.light
        timeout_s = timeout_of(holder.exposure_s)
        wanted = FmSettings(
            holder.exposure_s, holder.em_gain, holder.wavelength_nm, holder.power_density_w_per_cm2
        )
        self.exposures += 1
        try:
            light.on(holder.wavelength_nm, holder.power_density_w_per_cm2, timeout_s)
            frame = self._devices.camera.expose(wanted, timeout_s)
            if not light.is_on():
                raise DisturbedError("the light went off during the exposure, and not by this program")
            return frame
        except NOT_AS_CONFIGURED as error:
            raise SessionFaultError(f"holder: {error}") from error
        finally:
            self._light_off()

    def _light_off(self) -> None:
        try:
            self._devices.light.off()
            lit = self._devices.light.is_on()
        except (DriverError, HungDeviceError, OSError) as error:
            raise UnsafeError(f"the light may still be on: {error}") from error
        if lit:
            raise UnsafeError("the light does not switch off")

    def _rect_m(self, center_m: tuple[float, float]) -> RectM:
        width_m, height_m = self._config.fluorescence.field_size_m
        x, y = center_m
        return x - width_m / 2, y - height_m / 2, x + width_m / 2, y + height_m / 2
