"""Light engine, emission filter, objective and camera."""

import time
from typing import Any, cast

from config.model import Config
from drivers.errors import DisturbedError, DriverError
from drivers.fluorescence import FmFrame, FmSettings
from simulators.devices.light import MAX_POWER_W_PER_CM2
from simulators.microscope import SimulatedMicroscope
from simulators.odemis_backend.faults import Faults
from simulators.odemis_backend.names import MD_ACQ_DATE, MD_BASELINE, MD_EXP_TIME, MD_PIXEL_SIZE, MD_POS
from simulators.odemis_backend.settings import Component, HwError, Setting, kept

_LINES_M = (405e-9, 488e-9, 594e-9)
_HALF_M = 10e-9
_SENSOR_PIXEL_M = 16e-6
BANDS = {1: (420e-9, 460e-9), 2: (500e-9, 550e-9), 3: (500e-9, 700e-9), 4: "pass-through"}


class Fluorescence:
    """The fluorescence half.

    Parameters
    ----------
    config : Config
    microscope : SimulatedMicroscope
    faults : Faults
    """

    def __init__(self, config: Config, microscope: SimulatedMicroscope, faults: Faults) -> None:
        self._config = config
        self._devices = microscope.devices
        self._faults = faults
        # A back-end switches its sources off when it starts.
        self._devices.light.off()
        self._power = [0.0] * len(_LINES_M)
        self._band = 4
        self._values: dict[str, Any] = {"resolution": config.fluorescence.frame_px}

    def components(self, light: str, emission: str, camera: str) -> list[Component]:
        """Return light, filter, objective and camera."""
        fm, most = self._config.fluorescence, self._most_w()
        spectra = tuple((c - _HALF_M, c - _HALF_M / 2, c, c + _HALF_M / 2, c + _HALF_M) for c in _LINES_M)
        count = len(_LINES_M)
        light_settings = {
            "power": Setting(
                lambda: list(self._power), self._set_power, ((0.0,) * count, (most,) * count), unit="W"
            ),
            "spectra": Setting(lambda: spectra, unit="m"),
        }
        camera_settings = {
            "exposureTime": kept(self._values, "exposureTime", 1.0, limits=(1e-5, 600), unit="s"),
            "emGain": kept(self._values, "emGain", None, choices=(None, *range(301))),
            "binning": kept(self._values, "binning", (1, 1), limits=((1, 1), (8, 8))),
            "resolution": Setting(
                lambda: self._values["resolution"], self._set_resolution, ((1, 1), fm.frame_px), unit="px"
            ),
            "pixelSize": Setting(lambda: (_SENSOR_PIXEL_M, _SENSOR_PIXEL_M), unit="m"),
        }
        lens = {"magnification": Setting(lambda: _SENSOR_PIXEL_M / fm.pixel_size_m)}
        position = Setting(lambda: {"band": self._band})
        axes = {"band": {"choices": BANDS, "unit": "m"}}
        return [
            Component(light, "Light Engine", light_settings),
            Component(emission, "Emission Filter", {"position": position}, axes, move=self._turn),
            Component("lens", "Objective", lens),
            Component(camera, "Camera", camera_settings, shape=(*fm.frame_px, 65536), frame=self.frame),
        ]

    def frame(self, written: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Take one frame."""
        fm, exposure_s = self._config.fluorescence, self._values["exposureTime"]
        x_m, y_m = self._devices.stage.position()
        off_m = self._faults.of("stale_position") or (0.0, 0.0)
        metadata = dict(written) | {
            MD_POS: (x_m + off_m[0], y_m + off_m[1]),
            MD_PIXEL_SIZE: (fm.pixel_size_m, fm.pixel_size_m),
            MD_EXP_TIME: exposure_s,
            MD_BASELINE: fm.offset_adu,
            MD_ACQ_DATE: time.time(),
        }
        gain = max(1.0, float(self._values["emGain"] or 1))
        settings = FmSettings(exposure_s, gain, fm.excitation_nm, fm.power_density_w_per_cm2)
        try:
            pixels = self._devices.camera.expose(settings, timeout_s=1e9).pixels
        except DisturbedError as error:
            # Odemis notices nothing, and gives the frame.
            pixels = cast(FmFrame, error.image).pixels
        except DriverError as error:
            raise HwError(str(error)) from None
        width, height = self._values["resolution"]
        return pixels[:height, :width], metadata

    def _most_w(self) -> float:
        return MAX_POWER_W_PER_CM2 * self._config.odemis.light_w_for_1_w_per_cm2

    def _set_power(self, power: list[float]) -> None:
        if self._faults.of("light_stuck"):
            return
        self._power = list(power)
        shining = [n for n, value in enumerate(power) if value > 0]
        if not shining:
            self._devices.light.off()
            return
        brightest = max(shining, key=lambda n: power[n])
        density = power[brightest] / self._config.odemis.light_w_for_1_w_per_cm2
        self._devices.light.on(_LINES_M[brightest] * 1e9, density, timeout_s=5)

    def _set_resolution(self, size: tuple[int, int]) -> None:
        self._values["resolution"] = tuple(size)

    def _turn(self, position: dict[str, Any], timeout_s: float) -> None:  # noqa: ARG002
        self._band = int(position["band"])
