"""Light and camera of a SECOM."""

import math
import secrets

import numpy as np

from config.model import Config
from drivers.clock import Clock
from drivers.errors import (
    DeviceTimeoutError,
    DisturbedError,
    DriverError,
    InterruptedCallError,
    MisconfiguredError,
    OutOfRangeError,
)
from drivers.fluorescence import FmFrame, FmSettings
from drivers.guards.conditions import Conditions, disturbance, of
from drivers.guards.interlock import Interlock
from drivers.guards.limits import require_em_gain, require_exposure
from drivers.guards.stopping import StopSwitch, interrupted
from drivers.odemis.client import OdemisClient
from drivers.odemis.lane import Reply
from drivers.odemis.stage import OdemisStage
from drivers.pose import Pose

_FILTER_S = 5.0
"""Estimated time of a filter wheel, s; chosen by hand, not measured."""


class OdemisLight:
    """Implements `drivers.fluorescence.Light`; the emission filter is in place before the light is on.

    Parameters
    ----------
    config : Config
    client : OdemisClient
    interlock : Interlock
    """

    def __init__(self, config: Config, client: OdemisClient, interlock: Interlock) -> None:
        self._config = config.odemis
        self._client = client
        self._interlock = interlock
        self._switch = StopSwitch()

    def on(self, excitation_nm: float, power_density_w_per_cm2: float, timeout_s: float) -> None:
        """Move the filter in, switch one source on and all others off, and read back."""
        if not (math.isfinite(excitation_nm) and math.isfinite(power_density_w_per_cm2)):
            raise OutOfRangeError("wavelength and power of the light must be finite numbers")
        power_w = power_density_w_per_cm2 * self._config.light_w_for_1_w_per_cm2
        budget_s = self._client.budget_s(_FILTER_S, timeout_s)
        with self._interlock.holding("switching the light on"), self._switch.running() as wake:
            try:
                self._client.long(
                    "light_on",
                    budget_s,
                    wake,
                    excitation_nm=excitation_nm,
                    power_w=power_w,
                    emission_nm=self._config.emission_nm,
                    timeout_s=budget_s,
                )
            except DriverError:
                self._client.quick("light_off")
                raise

    def off(self) -> None:
        """Switch all sources off, including one that is just being switched on."""
        self._switch.stop()
        self._client.quick("light_off")
        if self._client.settle({"light_on"}):
            self._client.quick("light_off")

    def is_on(self) -> bool:
        """Return True if any source is on."""
        return bool(self._client.quick("light_state")["on"])


class OdemisCamera:
    """Implements `drivers.fluorescence.FluorescenceCamera`.

    Parameters
    ----------
    config : Config
    client : OdemisClient
    clock : Clock
    interlock : Interlock
    stage : OdemisStage
    """

    def __init__(
        self,
        config: Config,
        client: OdemisClient,
        clock: Clock,
        interlock: Interlock,
        stage: OdemisStage,
    ) -> None:
        self._config = config
        self._client = client
        self._clock = clock
        self._interlock = interlock
        self._stage = stage
        self._switch = StopSwitch()

    def expose(self, settings: FmSettings, timeout_s: float) -> FmFrame:
        """Take one frame that began after the call, and check that it is the requested one."""
        require_exposure(settings.exposure_s)
        require_em_gain(settings.em_gain)
        with self._interlock.holding("an exposure"), self._switch.running() as wake:
            begun_s = self._clock.now_s()
            here_m = self._stage.position()
            with interrupted(wake, "the exposure was stopped"):
                reply = self._client.long(
                    "expose",
                    self._client.budget_s(settings.exposure_s, timeout_s),
                    wake,
                    exposure_s=settings.exposure_s,
                    em_gain=settings.em_gain,
                    size_px=list(self._config.fluorescence.frame_px),
                    nonce=secrets.token_hex(8),
                )
            if wake.is_set():
                raise InterruptedCallError("the exposure was stopped")
            if self._clock.now_s() - begun_s > timeout_s:
                raise DeviceTimeoutError(f"the camera gave no frame within {timeout_s:g} s")
            there_m = self._stage.position()
        still_m = self._config.stage.arrival_tolerance_um * 1e-6
        around = [Conditions(here_m), Conditions(there_m)]
        told = disturbance(around, still_m) or disturbance([of(one) for one in reply.result["seen"]], still_m)
        if told is not None:
            raise DisturbedError(told)
        return self._frame(reply, settings, here_m, begun_s)

    def stop(self) -> None:
        """End `expose` by killing its process: Odemis cannot cancel an exposure."""
        self._switch.stop()
        self._client.settle({"expose"}, within_s=0.0)

    def _frame(
        self, reply: Reply, settings: FmSettings, here_m: tuple[float, float], begun_s: float
    ) -> FmFrame:
        said, pixels, wanted = reply.result, reply.pixels, self._config.fluorescence
        if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
            raise MisconfiguredError("the camera gave no frame of 8 or 16 bits")
        if pixels.shape != (wanted.frame_px[1], wanted.frame_px[0]):
            raise MisconfiguredError(
                f"the camera gave a frame of {pixels.shape[1]} x {pixels.shape[0]} pixels"
            )
        size_m = said["pixel_size_m"] or [wanted.pixel_size_m, wanted.pixel_size_m]
        if not all(math.isclose(found, wanted.pixel_size_m, rel_tol=0.02) for found in size_m):
            raise MisconfiguredError(
                f"the camera gave pixels of {size_m[0] * 1e9:.1f} nm, not {wanted.pixel_size_nm:g} nm:"
                " check fluorescence.pixel_size_nm, objective and binning"
            )
        at_m = said["position_m"]
        if at_m is not None and math.dist(at_m[:2], here_m) > self._config.stage.arrival_tolerance_um * 1e-6:
            raise DriverError(
                f"the frame reports ({at_m[0] * 1e6:.1f}, {at_m[1] * 1e6:.1f}) um, the stage"
                f" ({here_m[0] * 1e6:.1f}, {here_m[1] * 1e6:.1f}) um: it is of another place"
            )
        rotation_rad = float(said["rotation_rad"] or 0.0)
        offset = said["offset_adu"]
        return FmFrame(
            pixels,
            Pose(here_m, (float(size_m[0]), float(size_m[1])), rotation_rad),
            FmSettings(
                float(said["exposure_s"]),
                float(said["em_gain"]),
                settings.excitation_nm,
                settings.power_density_w_per_cm2,
            ),
            float(wanted.offset_adu if offset is None else offset),
            begun_s,
        )
