"""The simulated scanning electron microscope: beam, blanker and scan generator."""

import math
import threading
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from config.model import Config
from drivers.chamber import Chamber
from drivers.clock import Clock
from drivers.errors import DeviceTimeoutError, InterruptedCallError, StoppedInTimeError
from drivers.guards.conditions import STILL_M, Conditions
from drivers.guards.interlock import Interlock
from drivers.guards.limits import require_within
from drivers.guards.scan_guard import require_high_vacuum, require_scan, require_undisturbed
from drivers.guards.stopping import StopSwitch
from drivers.pose import FmToSem, Pose, frame_rect
from drivers.sem import BeamSettings, ScanImage, ScanRequest
from simulators.devices.bleaching import BeamExposure, BleachedGround, dose_per_nm2
from simulators.devices.memory import Memory
from simulators.devices.plate import Autofocus, defocus_m, defocus_sigma_m, sharp_working_distance_m
from simulators.devices.scan_faults import Faults, ScanFault
from simulators.devices.stage import SimulatedStage
from simulators.specimen.grid import Floats, Grid
from simulators.specimen.specimen import Specimen

_NOISE_AT_60_US = 0.045
"""Standard deviation of a pixel at the paper's dwell time, as a fraction of full scale; chosen by hand."""
_PIXEL_SIZE_M = (0.5e-9, 1e-6)
_DWELL_S = (25e-9, 10e-3)
_FOCUS_SCANS = 5
"""Scans of one automatic focus; chosen by hand."""
_FOCUS_DWELL_S = 1e-6
_FURTHEST_ERROR = 2.0
"""Limit of the error of the beam on each axis, in standard deviations; chosen by hand."""
_SHARP_PX = 0.1
"""Standard deviation of a blur too small to show, px."""
_BEAM_LIMITS = (
    ("accelerating voltage", "V", 50.0, 30e3),
    ("spot size", "", 1.0, 10.0),
    ("aperture", "m", 1e-6, 1e-3),
    ("working distance", "m", 0.5e-3, 60e-3),
)


Noise = Callable[[np.random.Generator, tuple[int, int]], Floats]
"""Draws noise of a shape, with a standard deviation of 1."""


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Draw normal noise of a shape."""
    return rng.standard_normal(shape, dtype=np.float32)


class SimulatedSem:
    """Implements `drivers.sem.Sem` and `drivers.sem.ElectronFocus`.

    The image shows the stain of the specimen at the true position of the stage, taken through the FM to SEM
    calibration and blurred by defocus (`simulators.devices.plate`). The specimen is bleached row by row while
    the scan runs.

    Parameters
    ----------
    config : Config
    clock : Clock
    specimen : Specimen
    ground : BleachedGround
    stage : SimulatedStage
    calibration : FmToSem
    interlock : Interlock
    memory : Memory
        Keeps the blanker: a beam that was on when a program was killed is still on for the next.
    noise : Noise, optional
        Of the detector.
    """

    def __init__(
        self,
        config: Config,
        clock: Clock,
        specimen: Specimen,
        ground: BleachedGround,
        stage: SimulatedStage,
        calibration: FmToSem,
        interlock: Interlock,
        memory: Memory,
        noise: Noise = normal,
    ) -> None:
        self._config = config
        self._noise = noise
        self._clock = clock
        self._specimen = specimen
        self._ground = ground
        self._stage = stage
        self._calibration = calibration
        self._interlock = interlock
        self._memory = memory
        self._switch = StopSwitch()
        self._lock = threading.Lock()
        self._scans = 0
        self._chamber: Chamber | None = None
        self._autofocus = Autofocus(config)
        self._risen_m = 0.0
        self._last: NDArray[np.uint8] | None = None
        self._beam = BeamSettings.configured(config.sem)
        self._errors = np.random.default_rng([config.simulator.specimen.seed, 7])

    def connect(self, chamber: Chamber) -> None:
        """Set the chamber that the SEM is mounted on; without one it refuses to scan."""
        self._chamber = chamber

    def set_beam(self, settings: BeamSettings, timeout_s: float) -> BeamSettings:  # noqa: ARG002
        """Blank the beam, set the column, and return it as read back."""
        values = (
            settings.accelerating_voltage_v,
            settings.spot_size,
            settings.aperture_m,
            settings.working_distance_m,
        )
        for (name, unit, low, high), value in zip(_BEAM_LIMITS, values, strict=True):
            require_within(name, value, low, high, unit)
        with self._interlock.holding("a change of the beam"):
            self.blank()
            self._beam = settings
        return settings

    def beam(self) -> BeamSettings:
        """Read the column back."""
        return self._beam

    def max_scan_px(self) -> tuple[int, int]:
        """Return the largest width and height of a scan, px."""
        return self._config.sem.specimen_px

    def max_beam_shift_m(self) -> float:
        """Return the longest beam shift, m."""
        return self._config.sem.beam_shift_range_um * 1e-6

    def beam_reach_m(self) -> tuple[float, float]:
        """Return the ground around the stage position in which scans may lie, m."""
        width_um, height_um = self._config.sem.beam_reach_um
        return width_um * 1e-6, height_um * 1e-6

    def scan(self, request: ScanRequest, timeout_s: float) -> ScanImage:
        """Unblank, scan once, blank, and return the image; blocks on the clock."""
        require_scan(request, self.max_scan_px(), self.max_beam_shift_m(), self.beam_reach_m())
        require_within("pixel size", request.pixel_size_m, *_PIXEL_SIZE_M, "m")
        require_within("dwell time", request.dwell_s, *_DWELL_S, "s")
        overhead_s = self._config.simulator.scan_overhead_s
        with self._interlock.holding("a scan"), self._switch.running() as wake:
            require_high_vacuum(self._chamber, self._config.chamber.beam_max_pressure_pa)
            stands = self._stage.position()
            center = _shifted(stands, request.beam_shift_m)
            size = (request.pixel_size_m, request.pixel_size_m)
            shape = request.size_px[1], request.size_px[0]
            lands_m = _shifted(request.beam_shift_m, self._beam_error_m())
            true_pose = Pose(_shifted(self._stage.true_position(), lands_m), size)
            pixels = self._render(true_pose, shape, request.dwell_s)
            # The overhead passes with the beam blanked.
            if not self._clock.sleep(min(overhead_s, timeout_s), wake):
                raise StoppedInTimeError("the scan was stopped before the beam was on")
            if overhead_s > timeout_s:
                raise DeviceTimeoutError(f"the scan did not begin within {timeout_s:g} s")
            placed = replace(request, beam_shift_m=lands_m)
            try:
                self._unblank(true_pose, shape, placed, wake)
                left_s = timeout_s - overhead_s
                if not self._clock.sleep(min(request.beam_s, left_s), wake):
                    raise InterruptedCallError("the scan was stopped; part of the rows were exposed")
                if request.beam_s > left_s:
                    raise DeviceTimeoutError(f"the scan did not end within {timeout_s:g} s")
            finally:
                self.blank()
                self._ground.end()
                self._expose_elsewhere(true_pose, shape, placed)
            after = self._stage.position()
        image = ScanImage(pixels, center, request.pixel_size_m, request.dwell_s, request.nonce, self._beam)
        require_undisturbed([Conditions(stands), Conditions(after)], image)
        return image

    def autofocus(self, request: ScanRequest, timeout_s: float) -> float:
        """Scan the rectangle five times, fast, and take the working distance of the plate there."""
        quick = replace(request, dwell_s=_FOCUS_DWELL_S)
        for _ in range(_FOCUS_SCANS):
            self.scan(quick, timeout_s / _FOCUS_SCANS)
        at_m = _shifted(self._stage.true_position(), request.beam_shift_m)
        working_distance_m = self._autofocus.found_m(self._fm_m(at_m)) - self._risen_m
        self._beam = replace(self._beam, working_distance_m=working_distance_m)
        return working_distance_m

    def set_focus(self, working_distance_m: float) -> None:
        """Blank the beam and set the working distance."""
        self.set_beam(replace(self._beam, working_distance_m=working_distance_m), 60)

    def stop(self) -> None:
        """Blank the beam and end `scan` or `autofocus`; harmless when nothing runs."""
        self._switch.stop()
        self.blank()

    def blank(self) -> None:
        """Blank the beam and end a running scan; harmless when the beam is blanked."""
        self._switch.stop()
        with self._lock:
            if self._memory.get("unblanked"):
                self._memory.set("unblanked", False)

    def is_blanked(self) -> bool:
        """Return True if the beam is blanked."""
        return not self._memory.get("unblanked")

    def _beam_error_m(self) -> tuple[float, float]:
        """Return by how much a scan misses its place; nothing reports it."""
        if not self._config.sem.beam_moves:
            return 0.0, 0.0
        scatter_m = self._config.simulator.beam_error_um * 1e-6
        x, y = self._errors.standard_normal(2).clip(-_FURTHEST_ERROR, _FURTHEST_ERROR) * scatter_m
        return float(x), float(y)

    def _unblank(
        self, pose: Pose, shape: tuple[int, int], request: ScanRequest, wake: threading.Event
    ) -> None:
        exposure = self._exposure(pose, shape, request)
        begin_s = self._clock.now_s()
        self._ground.begin(exposure, lambda: (self._clock.now_s() - begin_s) / request.beam_s)
        with self._lock:
            if wake.is_set():
                raise StoppedInTimeError("the scan was stopped before the beam was on")
            self._memory.set("unblanked", True)

    def _expose_elsewhere(self, pose: Pose, shape: tuple[int, int], request: ScanRequest) -> None:
        """Expose the ground that came under the beam when another program moved the stage."""
        here = replace(pose, center_m=_shifted(self._stage.true_position(), request.beam_shift_m))
        if math.dist(here.center_m, pose.center_m) > STILL_M:
            self._ground.begin(self._exposure(here, shape, request), lambda: 1.0)
            self._ground.end()

    def _exposure(self, pose: Pose, shape: tuple[int, int], request: ScanRequest) -> BeamExposure:
        current_a = self._config.sem.beam_current_pa * 1e-12
        dose = dose_per_nm2(current_a, request.dwell_s, request.pixel_size_m)
        return BeamExposure(frame_rect(pose, shape), self._config.sem.beam_halo_um * 1e-6, dose)

    def _render(self, pose: Pose, shape: tuple[int, int], dwell_s: float) -> NDArray[np.uint8]:
        grid = Grid.of_pose(pose, shape).mapped(lambda um: self._calibration.to_fm(um * 1e-6) * 1e6)
        self._scans += 1
        seed = self._config.simulator.specimen.seed
        faults = Faults.drawn(self._config.simulator.scan_faults, seed, self._scans)
        grey = faults.sampled(self._specimen.stain, grid)
        grey = 1 - grey if self._config.sem.invert_contrast else grey
        rng = np.random.Generator(np.random.SFC64([seed, 6, self._scans]))
        noise = np.float32(_NOISE_AT_60_US * math.sqrt(60e-6 / dwell_s))
        grey = self._widened(_probe(grey), pose, faults.blur_px())
        # In place: new arrays of this size take longer than the sums.
        noisy = self._noise(rng, shape)
        noisy *= noise
        noisy += grey
        # The beam current drifts a little from line to line.
        noisy += np.float32(0.004) * rng.standard_normal((shape[0], 1), dtype=np.float32)
        if self._config.simulator.charging_percent:
            noisy += self._charging(shape)
        grey = faults.shown(noisy)
        grey *= np.float32(255)
        pixels = np.clip(np.rint(grey, out=grey), 0, 255, out=grey).astype(np.uint8)
        if ScanFault.FROZEN in faults.kinds and self._last is not None and self._last.shape == shape:
            return self._last.copy()
        self._last = pixels
        return pixels

    def _charging(self, shape: tuple[int, int]) -> Floats:
        """Return the slow change of grey across a scan: a few long waves, another one for each scan."""
        part = self._config.simulator.charging_percent / 100
        rng = np.random.default_rng([self._config.simulator.specimen.seed, 10, self._scans])
        coarse = rng.standard_normal((4, 4)).astype(np.float32)
        smooth = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
        return np.asarray(np.float32(part) * smooth, dtype=np.float32)

    def _fm_m(self, at_m: tuple[float, float]) -> tuple[float, float]:
        """Return the fluorescence position that lies under the beam at a stage position, m."""
        x_m, y_m = self._calibration.to_fm(np.array([at_m]))[0].tolist()
        return x_m, y_m

    def _widened(self, grey: Floats, pose: Pose, blur_px: float | None) -> Floats:
        """Blur by the defocus at the centre; across a frame the tilt of the plate is negligible.

        With `blur_px` the specimen rises first, until it gives that blur.
        """
        beam, pixel_m = self._beam, pose.pixel_size_m[0]
        off_m = beam.working_distance_m - sharp_working_distance_m(self._config, self._fm_m(pose.center_m))
        if blur_px is not None:
            blurred_m = defocus_m(blur_px * pixel_m, beam.aperture_m, beam.working_distance_m)
            self._risen_m = blurred_m - off_m
        sigma_m = defocus_sigma_m(off_m + self._risen_m, beam.aperture_m, beam.working_distance_m)
        sigma_px = min(sigma_m / pixel_m, max(grey.shape))
        if sigma_px < _SHARP_PX:
            return grey
        return np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE))


def _shifted(point_m: tuple[float, float], by_m: tuple[float, float]) -> tuple[float, float]:
    return point_m[0] + by_m[0], point_m[1] + by_m[1]


def _probe(grey: Floats) -> Floats:
    """Blur by the size of the probe, about one pixel at the paper's settings."""
    return np.asarray(cv2.GaussianBlur(grey, (3, 3), 0.6, borderType=cv2.BORDER_REPLICATE), dtype=np.float32)
