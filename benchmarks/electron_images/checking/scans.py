"""A simulated microscope over a specimen: sections of overlapping frames, and the check of each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.electron_images.checking.groups import GROUPS, Where
from config.model import Config
from config.simulator import ScanFaultsConfig
from drivers.chamber import VacuumState
from drivers.pose import Pose
from drivers.sem import ScanImage, ScanRequest
from service.image_checks.electron import Checked, Measured, Others, Requested, judge, measure
from service.image_checks.seams import Strips
from simulators.clock import FastClock
from simulators.devices.scan_faults import ScanFault
from simulators.microscope import SimulatedMicroscope
from simulators.specimen.grid import Grid

GRID = (3, 2)
"""Columns and rows of the frames of a section."""
BAD = (1, 1)
"""Place of the bad frame."""
OVERLAP_PX = 96
_LEVELS_OF_ITS_OWN = (ScanFault.BLANK, ScanFault.TRUNCATED, ScanFault.SATURATED)
_AWAY_UM = 150.0
"""Distance from the middle of a section, 182 um wide, towards a corner, where the support is bare."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """An image, and the column and row of its frame in the section."""

    image: ScanImage
    asked: Requested
    place: tuple[int, int]


class Bench:
    """Microscopes over one specimen: one that is in order, and one for each fault.

    Parameters
    ----------
    group : str
    seed : int
        Of the specimen.
    spots : int
        Number of sections of frames, around different cells.
    """

    def __init__(self, group: str, seed: int, spots: int) -> None:
        self._group = GROUPS[group]
        self._seed = seed
        self._config = self._configured(None)
        good = SimulatedMicroscope(self._config, FastClock())
        self._specimen = good.specimen
        self._microscopes: dict[ScanFault | None, SimulatedMicroscope] = {None: _pumped(good)}
        stands_m = np.array(good.devices.stage.position())
        rng = np.random.default_rng([seed, 12])
        self._shifts_m = [self._middle_m(rng, stands_m) - stands_m for _ in range(spots)]

    def section(self, spot: int) -> list[Scanned]:
        """Scan the good frames around a spot."""
        places = [(column, row) for row in range(GRID[1]) for column in range(GRID[0])]
        return [self._scan(spot, place, None) for place in places]

    def faulty(self, spot: int, fault: ScanFault, last: Measured) -> tuple[Scanned, Measured]:
        """Scan the bad frame with a fault; return it, and what the image before it shows."""
        if fault is ScanFault.FROZEN:
            last = measured(self._scan(spot, (BAD[0] - 1, BAD[1]), fault))
        return self._scan(spot, BAD, fault), last

    def _configured(self, fault: ScanFault | None) -> Config:
        faults = {} if fault is None else {f"{fault.value}_percent": 100.0}
        group = self._group
        return Config.model_validate(
            {
                "layout": {"kind": "grid", "sections": 1, "fields": [1, 1], "pitch_um": 300},
                "sem": {"max_scan_px": (3072, 2048), "beam_reach_um": (999, 999), "databar_px": 0}
                | dict(group.sem),
                "simulator": {
                    "scan_overhead_s": 0,
                    "specimen": {"seed": self._seed} | dict(group.specimen),
                    "scan_faults": ScanFaultsConfig(**faults).model_dump(),
                }
                | dict(group.simulator),
            }
        )

    def _middle_m(self, rng: np.random.Generator, stands_m: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._group.where is Where.SUPPORT:
            return np.asarray(stands_m + _AWAY_UM * 1e-6 * rng.choice([-1, 1], 2), np.float64)
        if self._group.where is Where.BORDER:
            pose = Pose((float(stands_m[0]), float(stands_m[1])), (1e-6, 1e-6))
            grid = Grid.of_pose(pose, (400, 400))
            _, _, face = max(self._specimen.faces(grid), key=lambda one: one[2].sum())
            along = rng.integers(2)
            inner, outer = (face[:, :-1], face[:, 1:]) if along else (face[:-1], face[1:])
            rows, columns = np.nonzero(inner != outer)
            pick = rng.integers(len(rows))
            return np.asarray(grid.matrix_um @ (columns[pick], rows[pick], 1) * 1e-6, np.float64)
        cells = self._specimen.truth("S0001")
        if not cells:
            return np.asarray(stands_m + rng.uniform(-50e-6, 50e-6, 2), np.float64)
        return np.asarray(cells[rng.integers(len(cells))].points_m.mean(axis=0), np.float64)

    def _scan(self, spot: int, place: tuple[int, int], fault: ScanFault | None) -> Scanned:
        if fault not in self._microscopes:
            config = self._configured(fault)
            microscope = SimulatedMicroscope(config, FastClock(), specimen=self._specimen)
            self._microscopes[fault] = _pumped(microscope)
        sem, pixel_m = self._config.sem, self._config.sem.pixel_size_m
        size_px = self._group.size_px
        step_m = (np.array(size_px) - OVERLAP_PX) * pixel_m
        off = (np.array(place) - (np.array(GRID) - 1) / 2) * step_m * (1, -1)
        x_m, y_m = (self._shifts_m[spot] + off).tolist()
        request = ScanRequest(size_px, pixel_m, sem.dwell_s, "bench", (x_m, y_m))
        for _ in range(2 if self._group.twice and fault is not ScanFault.FROZEN else 1):
            image = self._microscopes[fault].devices.sem.scan(request, 1e9)
        image = replace(image, pixels=self._changed(image.pixels, place[1] * GRID[0] + place[0], fault))
        return Scanned(image, Requested(size_px, pixel_m, image.center_m, 1e-6), place)

    def _changed(self, pixels: Any, number: int, fault: ScanFault | None) -> Any:
        """Return an image after what its group does to it; the same for the same image."""
        group = self._group
        rng = np.random.default_rng(int(pixels.sum(dtype=np.int64)))
        if fault is not None:
            # Whatever image it gives, it has the bits of the frame that was asked for.
            number = BAD[1] * GRID[0] + BAD[0]
        if group.change is not None and fault not in _LEVELS_OF_ITS_OWN:
            # Levels between those of 8 bits, so that less contrast is no coarser.
            fine = pixels.astype(np.float32) + rng.uniform(-0.5, 0.5, pixels.shape).astype(np.float32)
            grey = group.change(fine / np.float32(255), number, rng)
            pixels = np.clip(np.rint(grey * 255), 0, 255).astype(np.uint8)
        if group.bits[number % len(group.bits)] == 8:
            return pixels
        fine = pixels.astype(np.uint16) * np.uint16(256) + rng.integers(0, 256, pixels.shape, dtype=np.uint16)
        return np.where(pixels == 255, np.uint16(65535), np.where(pixels == 0, np.uint16(0), fine))


def measured(one: Scanned) -> Measured:
    """Make the checks of an image that need no other."""
    return measure(one.image, one.asked)


def check(
    one: Scanned, by_itself: Measured, others: Sequence[tuple[Scanned, Measured]], last: Measured
) -> Checked:
    """Check a frame beside others of its section."""
    alike = [found for other, found in others if other.image.pixels.dtype == one.image.pixels.dtype]
    return judge(
        by_itself,
        Others(
            [found.noise for found in alike if found.noise is not None],
            [found.sharpness for _, found in others if found.sharpness is not None],
            last.marks,
            [_strips(one, other) for other, _ in others if _is_beside(one, other)],
        ),
    )


def _pumped(microscope: SimulatedMicroscope) -> SimulatedMicroscope:
    microscope.devices.chamber.go_to(VacuumState.HIGH, 1e6)
    return microscope


def _is_beside(one: Scanned, other: Scanned) -> bool:
    return one.place[1] == other.place[1] and abs(one.place[0] - other.place[0]) == 1


def _strips(one: Scanned, other: Scanned) -> Strips:
    here, there = (image.image.pixels.astype(np.float32) for image in (one, other))
    if one.place[0] > other.place[0]:
        return Strips(here[:, :OVERLAP_PX], there[:, -OVERLAP_PX:])
    return Strips(here[:, -OVERLAP_PX:], there[:, :OVERLAP_PX])
