"""What goes into a plan and what comes out of it. Frozen values, SI units."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from config.instrument import SemConfig, StageConfig
from config.work import PlannerConfig
from planner.errors import PlannerError
from planner.geometry.rects import RectM

Method = Literal["exact", "greedy", "per-box", "raster"]
METHODS: tuple[str, ...] = get_args(Method)

_FROM_ZERO_UP = (
    "context_m",
    "guard_m",
    "halo_m",
    "tile_overlap_m",
    "overhead_s",
    "outline_margin_m",
    "beam_shift_range_m",
    "move_s",
    "exact_limit_s",
)


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
    method : {'exact', 'greedy', 'per-box', 'raster'}
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
    presets_px : tuple of (int, int)
        Sizes of a frame, px without data bar, where the machine has only those; empty where it scans any size
        up to `max_frame_px`, which does not count where there are presets.
    outline_margin_m : float
        How far a frame may leave the outline of its section, where there is one.
    beam_shift_range_m : float
        How far from where the stage stands the middle of a frame may lie; zero: a stage move to every frame.
    approach_m : (float, float)
        Against backlash the stage comes to every position from so far off it; zeros: straight to it.
    move_s : float
        Time of a stage move beside its way: settling, and the detour of the approach.
    exact_limit_s : float
        Most time that ``exact`` searches for the optimum of a section; then the best so far stands.

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
    presets_px: tuple[tuple[int, int], ...] = ()
    outline_margin_m: float = 0.0
    beam_shift_range_m: float = 0.0
    approach_m: tuple[float, float] = (0.0, 0.0)
    move_s: float = 0.0
    exact_limit_s: float = 10.0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise PlannerError(f"method must be one of {', '.join(METHODS)}, not {self.method!r}")
        for name in ("pixel_size_m", "dwell_s", "stage_speed_m_per_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise PlannerError(f"{name} must be a number above zero, not {value}")
        for name in _FROM_ZERO_UP:
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise PlannerError(f"{name} must be a number from zero up, not {value}")
        if len(self.approach_m) != 2 or not all(math.isfinite(v) for v in self.approach_m):
            raise PlannerError(f"approach_m must be two finite numbers, not {self.approach_m}")
        if not 0 <= self.raster_overlap_fraction <= 0.5:
            raise PlannerError(
                f"raster_overlap_fraction must be from 0 to 0.5, not {self.raster_overlap_fraction}"
            )
        if min(self.max_frame_px) < 1:
            raise PlannerError(f"max_frame_px must be two numbers above zero, not {self.max_frame_px}")
        if any(len(size) != 2 or min(size) < 1 for size in self.presets_px):
            raise PlannerError(f"presets_px must be pairs of numbers above zero, not {self.presets_px}")
        shortest_m = max(min(size) for size in self.presets_px or (self.max_frame_px,)) * self.pixel_size_m
        if self.tile_overlap_m > 0.9 * shortest_m:
            raise PlannerError(
                f"a tile overlap of {self.tile_overlap_m * 1e6:g} um needs frames with sides of at least "
                f"{self.tile_overlap_m / 0.9 * 1e6:g} um, not {shortest_m * 1e6:g} um"
            )

    @property
    def seconds_per_m2(self) -> float:
        """Beam time of a square metre, s: the dwell time over the area of a pixel."""
        return self.dwell_s / self.pixel_size_m**2


def settings_from(
    planner: PlannerConfig, sem: SemConfig, stage: StageConfig, misfit_m: float = 0.0
) -> PlanSettings:
    """Return the settings of a plan that a configuration asks for.

    Parameters
    ----------
    planner : PlannerConfig
    sem : SemConfig
    stage : StageConfig
    misfit_m : float
        Distance by which a scanned frame may differ from its upright rectangle; added to the guard.
    """
    approach_m = (stage.approach_um[0] * 1e-6, stage.approach_um[1] * 1e-6)
    return PlanSettings(
        method=planner.method,
        pixel_size_m=sem.pixel_size_m,
        dwell_s=sem.dwell_s,
        max_frame_px=sem.specimen_px,
        context_m=planner.context_um * 1e-6,
        guard_m=planner.guard_um * 1e-6 + misfit_m,
        halo_m=sem.beam_halo_um * 1e-6,
        tile_overlap_m=planner.tile_overlap_um * 1e-6,
        raster_overlap_fraction=planner.raster_overlap_percent / 100,
        overhead_s=sem.overhead_s,
        stage_speed_m_per_s=stage.speed_mm_per_s * 1e-3,
        presets_px=sem.presets_px,
        outline_margin_m=planner.outline_margin_um * 1e-6,
        beam_shift_range_m=sem.beam_shift_range_um * 1e-6,
        approach_m=approach_m,
        # Settling is in the overhead of a frame.
        move_s=stage.approach_s if any(approach_m) else 0.0,
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
    stage_m : (float, float)
        Where the stage stands, in the coordinates of `center_m`; the same for frames of one stage position.
    beam_shift_m : (float, float)
        From there to the centre. Frames of one stage position share the stage's error; what remains between
        them is the error of the beam shift.
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
    stage_m: tuple[float, float]
    beam_shift_m: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A box that no frame images, and why."""

    box: str
    reason: str


@dataclass(frozen=True, slots=True)
class Clipped:
    """A box of which frames show only a part of what it requires, and why."""

    box: str
    reason: str


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a plan.

    Attributes
    ----------
    frames, stage_moves : int
    beam_s, overhead_s : float
    travel_m : float
        Way of the stage over its positions, from the start if one was given, with the approaches.
    travel_s : float
        Time of the stage moves.
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
    stage_moves: int
    beam_s: float
    overhead_s: float
    travel_m: float
    travel_s: float
    total_s: float
    exposed_m2: float
    bound_beam_s: float
    raster_total_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Frames in the order of the route, and what they do not show.

    Attributes
    ----------
    method : {'exact', 'greedy', 'per-box', 'raster'}
    frames : tuple of Frame
    skipped : tuple of Skipped
        Boxes without a frame, sorted by name.
    clipped : tuple of Clipped
        Boxes that are imaged in part, sorted by name.
    totals : Totals
    optimal : bool
        Whether no other cover of what is required takes less beam and overhead, as far as frames about whole
        required rectangles go; proven by ``exact`` only.
    """

    method: Method
    frames: tuple[Frame, ...]
    skipped: tuple[Skipped, ...]
    clipped: tuple[Clipped, ...]
    totals: Totals
    optimal: bool
