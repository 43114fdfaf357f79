"""Faults of single scans: what beam, column, stage, detector and scan generator do to an image.

Sizes are those that show: each is drawn in pixels of the scan, or in parts of full scale.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from config.simulator import ScanFaultsConfig
from simulators.specimen.grid import Floats, Grid

BLUR_PX = (2.5, 6.0)
"""Smallest and largest standard deviation of the disc of a beam out of focus, px. All ranges are chosen by
hand."""
DRIFT_PX = (6.0, 40.0)
"""Way of the specimen from the first row to the last, px."""
JUMP_PX = (4.0, 30.0)
"""Way of the specimen between two rows, px."""
STEP = (0.06, 0.2)
"""Step of grey between two rows of a charging specimen, of full scale."""
_STEP_ROWS = (0.05, 0.5)
"""Rows after which a step has fallen to its e-th part, of all rows."""
_STEPS = 4
"""Most steps in an image."""
_CLIPPED = (0.6, 0.98)
"""Share of pixels that are saturated."""
_DARK, _DARK_NOISE = 0.02, 0.003
"""Grey level without a beam and noise of the detector, of full scale."""
_EDGE = 0.1
"""Part of the rows at either end within which no beam is lost, and no step begins: less would hardly show."""
_EDGE_OF_JUMP = 0.25
"""The same for jumps: an end of a frame that is displaced is a narrower frame."""


class ScanFault(StrEnum):
    """Fault of a scan; `config.simulator.ScanFaultsConfig` has the share of each."""

    BLANK = "blank"
    TRUNCATED = "truncated"
    FROZEN = "frozen"
    SATURATED = "saturated"
    DEFOCUS = "defocus"
    DRIFT = "drift"
    JUMP = "jump"
    CHARGING = "charging"


@dataclass(frozen=True, slots=True)
class Faults:
    """Faults of one scan, with the random numbers that give them their size.

    Attributes
    ----------
    kinds : frozenset of ScanFault
    rng : numpy.random.Generator
    """

    kinds: frozenset[ScanFault]
    rng: np.random.Generator

    @classmethod
    def drawn(cls, config: ScanFaultsConfig, seed: int, scan: int) -> "Faults":
        """Draw the faults of a scan."""
        rng = np.random.default_rng([seed, 11, scan])
        chances = 100 * rng.random(len(ScanFault))
        kinds = (
            one for one, chance in zip(ScanFault, chances, strict=True) if chance < _percent(config, one)
        )
        return cls(frozenset(kinds), rng)

    def blur_px(self) -> float | None:
        """Return the blur by a change of the height of the specimen, px; None if its height stays."""
        return float(self.rng.uniform(*BLUR_PX)) if ScanFault.DEFOCUS in self.kinds else None

    def sampled(self, stain: Callable[[Grid], Floats], grid: Grid) -> Floats:
        """Return the grey of a specimen that drifts, or jumps, while it is scanned."""
        rows = grid.shape[0]
        if ScanFault.DRIFT in self.kinds:
            drift_px = self._way(DRIFT_PX)
            matrix = grid.matrix_um.copy()
            matrix[:, 1] += matrix[:, :2] @ drift_px / rows
            grid = replace(grid, matrix_um=matrix)
        grey = stain(grid)
        if ScanFault.JUMP in self.kinds:
            row = self._row(rows, _EDGE_OF_JUMP)
            matrix = grid.matrix_um.copy()
            matrix[:, 2] += matrix[:, :2] @ self._way(JUMP_PX)
            grey[row:] = stain(replace(grid, matrix_um=matrix))[row:]
        return grey

    def shown(self, grey: Floats) -> Floats:
        """Return the grey that the detector shows of it, of full scale."""
        rows = grey.shape[0]
        if ScanFault.CHARGING in self.kinds:
            grey = grey + self._charged(rows)
        if ScanFault.SATURATED in self.kinds:
            grey = grey + np.float32(1 - np.quantile(grey, 1 - self.rng.uniform(*_CLIPPED)))
        if self.kinds & {ScanFault.BLANK, ScanFault.TRUNCATED}:
            row = 0 if ScanFault.BLANK in self.kinds else self._row(rows)
            noise = self.rng.standard_normal((rows - row, grey.shape[1]), dtype=np.float32)
            grey = np.concatenate([grey[:row], np.float32(_DARK) + np.float32(_DARK_NOISE) * noise])
        return grey

    def _charged(self, rows: int) -> Floats:
        change = np.zeros((rows, 1), np.float32)
        for _ in range(self.rng.integers(1, _STEPS + 1)):
            row, size = self._row(rows), self.rng.uniform(*STEP) * self.rng.choice([-1, 1])
            after = np.arange(rows - row, dtype=np.float32)[:, None]
            change[row:] += np.float32(size) * np.exp(
                -after / np.float32(rows * self.rng.uniform(*_STEP_ROWS))
            )
        return change

    def _way(self, range_px: tuple[float, float]) -> np.ndarray:
        length, angle = self.rng.uniform(*range_px), self.rng.uniform(0, 2 * math.pi)
        return np.array([length * math.cos(angle), length * math.sin(angle)])

    def _row(self, rows: int, edge: float = _EDGE) -> int:
        return int(rows * self.rng.uniform(edge, 1 - edge))


def _percent(config: ScanFaultsConfig, fault: ScanFault) -> float:
    return float(getattr(config, f"{fault.value}_percent"))
