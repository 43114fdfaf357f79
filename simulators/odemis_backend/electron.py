"""The e-beam and its detector."""

import threading
import time
from typing import Any, cast

import numpy as np

from config.model import Config
from drivers.clock import Clock
from drivers.errors import DisturbedError, DriverError, InterruptedCallError
from drivers.sem import BeamSettings, ScanImage, ScanRequest
from simulators.microscope import SimulatedMicroscope
from simulators.odemis_backend.faults import Faults
from simulators.odemis_backend.names import MD_ACQ_DATE, MD_DWELL_TIME, MD_PIXEL_SIZE, MD_POS, MD_ROTATION
from simulators.odemis_backend.settings import Component, HwError, NotSettableError, Setting, kept

SHAPE = (4096, 3536)
"""Positions of the scan generator in x and y, px."""
PRESETS = ((512, 442), (1024, 884), (2048, 1768), (4096, 3536))
"""Scan sizes of a Thermo Fisher SEM that have the shape of its field, px."""
_DWELL_S = (1e-7, 1e-2)
_FOV_M = (1e-7, 2e-3)
HFW_AT_MAGNIFICATION_1_M = 0.25
"""As in the microscope files of Odemis for a Quanta whose scan is driven by a DAQ card."""


class ElectronBeam:
    """The scan generator: it scans a part of a field of view.

    Parameters
    ----------
    config : Config
    clock : Clock
    microscope : SimulatedMicroscope
    faults : Faults
    """

    def __init__(self, config: Config, clock: Clock, microscope: SimulatedMicroscope, faults: Faults) -> None:
        self._clock = clock
        self._sem = microscope.devices.sem
        self._stage = microscope.devices.stage
        self._faults = faults
        self._config = config
        self._lock = threading.Lock()
        self._values: dict[str, Any] = {}
        v = self._values
        v |= {"scale": (8.0, 8.0), "resolution": (512, 442), "translation": (0.0, 0.0), "blanker": True}
        v["external"] = None
        self._role = config.odemis.roles.ebeam
        half = tuple(n / 2 for n in SHAPE)
        self._settings = {
            "horizontalFoV": kept(v, "horizontalFoV", 1e-3, limits=_FOV_M, unit="m"),
            "magnification": Setting(
                lambda: HFW_AT_MAGNIFICATION_1_M / v["horizontalFoV"], self._set_magnification, (1, 1e9)
            ),
            "external": Setting(lambda: v["external"], self._set_external, choices=(True, False, None)),
            "pixelSize": Setting(self._pixel_size, unit="m"),
            "scale": Setting(lambda: v["scale"], self._set_scale, ((1, 1), SHAPE)),
            "resolution": Setting(lambda: v["resolution"], self._set_resolution, ((1, 1), SHAPE), unit="px"),
            "translation": Setting(
                lambda: v["translation"], self._set_translation, (tuple(-h for h in half), half), unit="px"
            ),
            "dwellTime": kept(v, "dwellTime", 1e-5, limits=_DWELL_S, unit="s"),
            "rotation": kept(v, "rotation", 0.0, limits=(0, 6.2832), unit="rad"),
            "blanker": Setting(lambda: v["blanker"], self._set_blanker, choices=(True, False, None)),
            "accelVoltage": kept(v, "accelVoltage", 5e3, limits=(200, 30e3), unit="V"),
            "spotSize": kept(v, "spotSize", 3.0, limits=(1, 7)),
        }

    def components(self, ebeam: str, detector: str) -> list[Component]:
        """Return the e-beam and its detector."""
        contrast = kept(self._values, "contrast", 0.5, limits=(0, 1))
        affects = Setting(lambda: ["BSD", "Camera"])
        return [
            Component(ebeam, "SEM E-beam", self._settings | {"affects": affects}, shape=SHAPE),
            Component(detector, "BSD", {"contrast": contrast}, shape=(256,), frame=self.frame),
        ]

    def frame(self, written: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Scan once; a blanked scan runs and shows nothing."""
        v, size = self._values, self._pixel_size()[0]
        width, height = v["resolution"]
        shift_m = v["translation"][0] * size, -v["translation"][1] * size
        request = ScanRequest((width, height), size * v["scale"][0], v["dwellTime"], "odemis", shift_m)
        x_m, y_m = self._stage.position()
        off_m = self._faults.of("stale_position") or (0.0, 0.0)
        metadata = dict(written) | {
            MD_POS: (x_m + shift_m[0] + off_m[0], y_m + shift_m[1] + off_m[1]),
            MD_PIXEL_SIZE: (request.pixel_size_m, request.pixel_size_m),
            MD_DWELL_TIME: request.dwell_s,
            MD_ROTATION: v["rotation"],
            MD_ACQ_DATE: time.time(),
        }
        begun_s = self._clock.now_s()
        dark = np.zeros((height, width), np.uint8)
        if self.is_kept_off():
            self._clock.sleep(request.beam_s)
            return dark, metadata
        self._column()
        try:
            image = self._sem.scan(request, timeout_s=1e9)
        except DisturbedError as error:
            # Odemis notices nothing, and gives the image.
            return cast(ScanImage, error.image).pixels, metadata
        except InterruptedCallError:
            # A blanked beam goes on scanning and shows nothing.
            self._clock.sleep(request.beam_s - (self._clock.now_s() - begun_s))
            return dark, metadata
        except DriverError as error:
            raise HwError(str(error)) from None
        return image.pixels, metadata

    def is_kept_off(self) -> bool:
        """Return True if blanker or SEM keep the beam from being scanned."""
        lacks = (self._faults.of("without") or {}).get(self._role, ())
        return ("blanker" not in lacks and self._values["blanker"] is True) or (
            "external" not in lacks and self._values["external"] is False
        )

    def _column(self) -> None:
        sem = self._config.sem
        self._sem.set_beam(
            BeamSettings(
                self._values["accelVoltage"],
                self._values["spotSize"],
                sem.aperture_um * 1e-6,
                sem.working_distance_mm * 1e-3,
                sem.detector,
            ),
            timeout_s=60,
        )

    def _pixel_size(self) -> tuple[float, float]:
        size = self._values["horizontalFoV"] / SHAPE[0]
        return size, size

    def _set_magnification(self, magnification: float) -> None:
        self._values["horizontalFoV"] = HFW_AT_MAGNIFICATION_1_M / magnification

    def _set_scale(self, scale: tuple[float, float]) -> None:
        """Set the scale and rescale the resolution, so that the scanned region stays the same."""
        v = self._values
        if self._faults.of("presets"):
            self._choose(scale[0])
            return
        before, v["scale"] = v["scale"], tuple(scale)
        self._set_resolution(
            tuple(max(1, round(n * b / s)) for n, b, s in zip(v["resolution"], before, scale, strict=True))
        )

    def _choose(self, scale: float) -> None:
        """Choose the nearest scan size, as the adapter of a Thermo Fisher SEM does."""
        width, height = min(PRESETS, key=lambda size: abs(size[0] - SHAPE[0] / scale))
        self._values |= {
            "resolution": (width, height),
            "scale": (SHAPE[0] / width, SHAPE[1] / height),
            "translation": (0.0, 0.0),
        }

    def _set_resolution(self, size: tuple[int, ...]) -> None:
        """Set the resolution, clipped silently to the field."""
        if self._faults.of("presets"):
            raise NotSettableError("Value is not settable")
        clips = self._faults.of("clips") or SHAPE
        most = [min(int(n / s), c) for n, s, c in zip(SHAPE, self._values["scale"], clips, strict=True)]
        self._values["resolution"] = tuple(max(1, min(n, m)) for n, m in zip(size, most, strict=True))
        self._set_translation(self._values["translation"])

    def _set_translation(self, shift: tuple[float, ...]) -> None:
        v = self._values
        most = self._faults.of("clips_shift") or max(SHAPE)
        room = [
            min((n - r * s) / 2, most) for n, r, s in zip(SHAPE, v["resolution"], v["scale"], strict=True)
        ]
        v["translation"] = tuple(max(-r, min(t, r)) for t, r in zip(shift, room, strict=True))

    def _set_external(self, external: bool | None) -> None:
        """Hand the scan to the scan generator, or back to the SEM, which then blanks."""
        with self._lock:
            self._values["external"] = external
            if external is False:
                self._sem.blank()

    def _set_blanker(self, blanked: bool | None) -> None:
        if self._faults.of("blanker_stuck"):
            return
        with self._lock:
            self._values["blanker"] = blanked
            if blanked is True:
                self._sem.blank()
