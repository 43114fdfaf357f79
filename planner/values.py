"""What goes into a plan and what comes out of it. Frozen values, SI units."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from config.model import Config
from planner.errors import PlannerError
from planner.rects import RectM

Method = Literal["per-box", "raster"]
METHODS: tuple[str, ...] = get_args(Method)


@dataclass(frozen=True, slots=True)
class Field:
    """Ground whose fluorescence is saved."""

    id: str
    rect_m: RectM


@dataclass(frozen=True, slots=True)
class Box:
    """A cell to image.

    Attributes
    ----------
    id : str
    rect_m : RectM
        The cell as found, undilated.
    keep_m : RectM or None
        What the recall policy wants imaged as well, usually larger than `rect_m`.
    """

    id: str
    rect_m: RectM
    keep_m: RectM | None = None


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """Numbers that a plan depends on.

    Attributes
    ----------
    method : {'per-box', 'raster'}
    pixel_size_m, dwell_s : float
        Of every frame; above zero.
    max_frame_px : (int, int)
        Largest width and height of a frame, px, rows that show specimen only (no data bar).
    context_m : float
        Surroundings wanted around a cell.
    guard_m : float
        Largest distance between where the stage stands and where it should.
    halo_m : float
        How far beyond the scanned rectangle electrons bleach.
    tile_overlap_m : float
        Least overlap of the tiles of ground larger than a frame; at most 0.9 of a side of the frame.
    raster_overlap_fraction : float
        Overlap of a full raster as a part of the frame's side, 0 to 0.5.
    overhead_s : float
        Time that a frame costs beside its dwell and the move to it.
    stage_speed_m_per_s : float
        Above zero.

    Raises
    ------
    PlannerError
        Raised when a number is outside its range; names it.
    """

    method: Method
    pixel_size_m: float
    dwell_s: float
    max_frame_px: tuple[int, int]
    context_m: float
    guard_m: float
    halo_m: float
    tile_overlap_m: float
    raster_overlap_fraction: float
    overhead_s: float
    stage_speed_m_per_s: float

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise PlannerError(f"method must be one of {', '.join(METHODS)}, not {self.method!r}")
        for name in ("pixel_size_m", "dwell_s", "stage_speed_m_per_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise PlannerError(f"{name} must be a number above zero, not {value}")
        for name in ("context_m", "guard_m", "halo_m", "tile_overlap_m", "overhead_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise PlannerError(f"{name} must be a number from zero up, not {value}")
        if not 0 <= self.raster_overlap_fraction <= 0.5:
            raise PlannerError(
                f"raster_overlap_fraction must be from 0 to 0.5, not {self.raster_overlap_fraction}"
            )
        if min(self.max_frame_px) < 1:
            raise PlannerError(f"max_frame_px must be two numbers above zero, not {self.max_frame_px}")
        shortest_m = min(self.max_frame_px) * self.pixel_size_m
        if self.tile_overlap_m > 0.9 * shortest_m:
            raise PlannerError(
                f"a tile overlap of {self.tile_overlap_m * 1e6:g} um needs frames with sides of at least "
                f"{self.tile_overlap_m / 0.9 * 1e6:g} um, not {shortest_m * 1e6:g} um"
            )

    @property
    def seconds_per_m2(self) -> float:
        """Beam time of a square metre, s: the dwell time over the area of a pixel."""
        return self.dwell_s / self.pixel_size_m**2


def settings_from(config: Config) -> PlanSettings:
    """Return the settings of a plan that a configuration asks for."""
    return PlanSettings(
        method=config.planner.method,
        pixel_size_m=config.sem.pixel_size_m,
        dwell_s=config.sem.dwell_s,
        max_frame_px=config.sem.specimen_px,
        context_m=config.planner.context_um * 1e-6,
        guard_m=config.planner.guard_um * 1e-6,
        halo_m=config.sem.beam_halo_um * 1e-6,
        tile_overlap_m=config.planner.tile_overlap_um * 1e-6,
        raster_overlap_fraction=config.planner.raster_overlap_percent / 100,
        overhead_s=config.sem.overhead_s,
        stage_speed_m_per_s=config.stage.speed_mm_per_s * 1e-3,
    )


@dataclass(frozen=True, slots=True)
class Frame:
    """One SEM frame to scan.

    Attributes
    ----------
    id : str
        ``J000001``, in the order of the route.
    rect_m : RectM
        Ground that is scanned: `size_px` pixels about `center_m`.
    center_m : (float, float)
    size_px : (int, int)
        Width and height.
    pixel_size_m, dwell_s, beam_s : float
    covers : tuple of str
        The boxes that count on this frame, sorted.
    """

    id: str
    rect_m: RectM
    center_m: tuple[float, float]
    size_px: tuple[int, int]
    pixel_size_m: float
    dwell_s: float
    beam_s: float
    covers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A box that no frame images, and why."""

    box: str
    reason: str


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a plan.

    Attributes
    ----------
    frames : int
    beam_s, overhead_s : float
    travel_m : float
        Length of the route over the centres of the frames, from the start if one was given.
    total_s : float
        Beam, overhead and travel.
    exposed_m2 : float
        Ground under at least one frame; what lies under several counts once. The halo is not in it.
    bound_beam_s : float
        Beam time of the ground that all boxes require, each point once: no plan can need less.
    raster_total_s : float
        `total_s` of a full raster of the same fields.
    """

    frames: int
    beam_s: float
    overhead_s: float
    travel_m: float
    total_s: float
    exposed_m2: float
    bound_beam_s: float
    raster_total_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Frames in the order of the route, and the boxes that get none."""

    method: Method
    frames: tuple[Frame, ...]
    skipped: tuple[Skipped, ...]
    totals: Totals
