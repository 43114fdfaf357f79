"""Areas exposed by the electron beam, and the fluorescence left there."""

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from drivers.pose import FmToSem, RectM
from simulators.devices.memory import Memory
from simulators.specimen.grid import Floats, Grid

_ELECTRON_C = 1.602176634e-19
_QUENCHING_DOSE_PER_NM2 = 1.0
"""Dose that leaves 1/e of the fluorescence, e/nm2: an order of magnitude, chosen below any imaging dose."""


@dataclass(frozen=True, slots=True)
class BeamExposure:
    """One rectangle scanned by the beam, in full or in part.

    Attributes
    ----------
    rect_m : RectM
        Rectangle in the SEM, stage metres.
    halo_m : float
        Width of the margin exposed by scattered electrons.
    dose_per_nm2 : float
        Dose inside, e/nm2.
    fraction : float
        Fraction of the rows scanned, from the top, 0 to 1.
    """

    rect_m: RectM
    halo_m: float
    dose_per_nm2: float
    fraction: float = 1.0

    def scanned_um(self) -> tuple[float, float, float, float]:
        """Return the rectangle of the scanned rows, um."""
        x0, y0, x1, y1 = (v * 1e6 for v in self.rect_m)
        return x0, y1 - (y1 - y0) * self.fraction, x1, y1


def dose_per_nm2(current_a: float, dwell_s: float, pixel_size_m: float) -> float:
    """Return the dose of one scan, e/nm2."""
    return current_a * dwell_s / _ELECTRON_C / (pixel_size_m * 1e9) ** 2


class BleachedGround:
    """All exposures of the specimen to the beam.

    Parameters
    ----------
    memory : Memory
        Keeps the exposures of earlier runs and new ones. A scan that was running when the program was killed
        went on without it: all of its rows count as scanned.
    calibration : FmToSem
        FM to SEM calibration.
    """

    def __init__(self, memory: Memory, calibration: FmToSem) -> None:
        self._memory = memory
        self._calibration = calibration
        self._lock = threading.Lock()
        self._running: tuple[BeamExposure, Callable[[], float]] | None = None
        orphan = memory.get("scan")
        if orphan is not None:
            memory.add_exposure(orphan)
        self._done = [
            BeamExposure(**{**value, "rect_m": tuple(value["rect_m"])}) for value in memory.exposures()
        ]

    def exposures(self) -> tuple[BeamExposure, ...]:
        """Return the finished exposures, in order."""
        with self._lock:
            return tuple(self._done)

    def begin(self, exposure: BeamExposure, fraction: Callable[[], float]) -> None:
        """Note a scan before the beam is unblanked; `fraction` returns its progress, 0 to 1."""
        with self._lock:
            self._memory.set("scan", asdict(exposure))
            self._running = exposure, fraction

    def end(self) -> None:
        """Record the part scanned so far; the beam is blanked."""
        with self._lock:
            if self._running is None:
                return
            done = self._so_far(*self._running)
            self._memory.add_exposure(asdict(done))
            self._done.append(done)
            self._running = None

    def remaining(self, grid: Grid) -> Floats:
        """Return the fraction of the fluorescence left on a grid on the stage, 0 to 1, shape of the grid."""
        with self._lock:
            exposures = [*self._done, *([self._so_far(*self._running)] if self._running else [])]
        left = np.ones(grid.shape, np.float32)
        seen = grid.mapped(lambda points: self._calibration.to_sem(points * 1e-6) * 1e6)
        center, radius_um = seen.center_um, seen.radius_um
        points: tuple[Floats, Floats] | None = None
        for exposure in exposures:
            x0, y0, x1, y1 = exposure.scanned_um()
            halo = max(exposure.halo_m * 1e6, 1e-3)
            away = np.hypot(
                max(x0 - center[0], center[0] - x1, 0.0), max(y0 - center[1], center[1] - y1, 0.0)
            )
            if y1 <= y0 or away > radius_um + halo:
                continue
            x, y = points = points or seen.points_um()
            dx = np.maximum(np.maximum(np.float32(x0) - x, x - np.float32(x1)), 0)
            dy = np.maximum(np.maximum(np.float32(y0) - y, y - np.float32(y1)), 0)
            share = np.clip(1 - np.sqrt(dx * dx + dy * dy) / np.float32(halo), 0, 1) ** 2
            left *= np.exp(-np.float32(exposure.dose_per_nm2 / _QUENCHING_DOSE_PER_NM2) * share)
        return left

    @staticmethod
    def _so_far(exposure: BeamExposure, fraction: Callable[[], float]) -> BeamExposure:
        done = min(1.0, max(0.0, fraction()))
        return BeamExposure(exposure.rect_m, exposure.halo_m, exposure.dose_per_nm2, done)
