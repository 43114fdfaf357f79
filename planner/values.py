"""Input and output of a plan: frozen values in SI units."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, get_args

from config.instrument import SemConfig, StageConfig
from config.work import PlannerConfig
from planner.errors import PlannerError
from planner.geometry.rects import RectM

Method = Literal["exact", "greedy", "per-box", "raster"]
METHODS: tuple[str, ...] = get_args(Method)

_NOT_NEGATIVE = (
    "context_m",
    "guard_m",
    "halo_m",
    "tile_overlap_m",
    "overhead_s",
    "outline_margin_m",
    "beam_shift_range_m",
    "move_s",
    "exact_limit_s",
    "whole_worth_s",
)


@dataclass(frozen=True, slots=True)
class Field:
    """A fluorescence field that is saved."""

    id: str
    rect_m: RectM


@dataclass(frozen=True, slots=True)
class Box:
    """A cell to image.

    Attributes
    ----------
    id : str
    rect_m : RectM
        The cell as detected, not dilated.
    keep_m : RectM or None
        Ground that the recall policy adds, usually larger than `rect_m`.
    """

    id: str
    rect_m: RectM
    keep_m: RectM | None = None


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """Settings of a plan.

    Attributes
    ----------
    method : {'exact', 'greedy', 'per-box', 'raster'}
    pixel_size_m, dwell_s : float
        Pixel size and dwell time of every frame; above zero.
    max_frame_px : (int, int)
        Largest width and height of a frame, without data bar.
    context_m : float
        Margin of surroundings around a cell.
    guard_m : float
        Largest distance of a frame from its planned place.
    halo_m : float
        Distance beyond the scanned rectangle within which electrons bleach.
    tile_overlap_m : float
        Overlap that stitching needs where frames meet inside a required rectangle, twice the largest error
        between them or more; at most 0.9 of a side of the frame.
    raster_overlap_fraction : float
        Overlap of a full raster as a share of the side of a frame, 0 to 0.5; more,
        up to `tile_overlap_m`, as far as no more frames have it.
    overhead_s : float
        Time of a frame beside its dwell and stage move.
    stage_speed_m_per_s : float
        Above zero.
    presets_px : tuple of (int, int)
        The only frame sizes of the machine, without data bar; empty if it scans any size up to
        `max_frame_px`, which is ignored with presets.
    outline_margin_m : float
        Distance by which a frame may leave the outline of its section, if there is one.
    beam_shift_range_m : float
        Largest distance of the centre of a frame from the stage position; zero: a stage move to every frame.
    approach_m : (float, float)
        Detour from which the stage comes to every position, against backlash; zeros for none.
    move_s : float
        Time of a stage move beside its travel: the detour of the approach.
    exact_limit_s : float
        Longest search of ``exact`` for the optimum of a section; it then returns its best cover.
    whole_worth_s : float
        Time that ``exact`` may spend to keep a required rectangle whole in one frame, not stitched.
    raster_where_cheaper : bool
        True to take the full raster of a section where it takes less time than frames around cells.

    Raises
    ------
    PlannerError
        Raised when a number is out of range; names it.
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
    whole_worth_s: float = 0.0
    raster_where_cheaper: bool = True

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise PlannerError(f"method must be one of {', '.join(METHODS)}, not {self.method!r}")
        for name in ("pixel_size_m", "dwell_s", "stage_speed_m_per_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise PlannerError(f"{name} must be a number above zero, not {value}")
        for name in _NOT_NEGATIVE:
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
        """Beam time per area, s/m2: the dwell time over the area of a pixel."""
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
        Distance by which a scanned frame may differ from its upright rectangle; added to the guard, and twice
        to the overlap.
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
        tile_overlap_m=planner.overlap_um(stage.position_error_um) * 1e-6 + 2 * misfit_m,
        raster_overlap_fraction=planner.raster_overlap_percent / 100,
        overhead_s=sem.overhead_s,
        whole_worth_s=planner.whole_cell_worth_s,
        raster_where_cheaper=planner.raster_where_cheaper,
        stage_speed_m_per_s=stage.speed_mm_per_s * 1e-3,
        presets_px=sem.scan_presets_px,
        outline_margin_m=planner.outline_margin_um * 1e-6,
        beam_shift_range_m=sem.beam_shift_range_um * 1e-6,
        approach_m=approach_m,
        # Settling is in the overhead of a frame.
        move_s=stage.approach_s if any(approach_m) else 0.0,
    )


@dataclass(frozen=True, slots=True)
class Frame:
    """A SEM frame to scan.

    Attributes
    ----------
    id : str
        ``J000001``, in the order of the route.
    rect_m : RectM
        Scanned ground: `size_px` pixels around `center_m`.
    center_m : (float, float)
    stage_m : (float, float)
        Position of the stage, in the coordinates of `center_m`; frames near each other may share it.
    beam_shift_m : (float, float)
        From there to the centre. Frames of one stage position share the error of the stage; only that of the
        beam shift remains between them.
    size_px : (int, int)
        Width and height.
    pixel_size_m, dwell_s, beam_s : float
    covers : tuple of str
        Boxes that this frame is for, sorted.
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
    """A box without a frame, with the reason."""

    box: str
    reason: str


@dataclass(frozen=True, slots=True)
class Clipped:
    """A box of which frames show only a part of the required ground, with the reason."""

    box: str
    reason: str


class Basis(StrEnum):
    """Origin of the frames of a plan."""

    CELLS = "cells"
    """Frames around cells."""
    TRIMMED_RASTER = "trimmed_raster"
    """Some of them those of a raster, trimmed to required ground: cheaper there than frames around cells."""
    RASTER = "raster"
    """Those of a full raster, since nothing is faster, or as asked."""


@dataclass(frozen=True, slots=True)
class Stitched:
    """A box that no single frame shows with all its required ground.

    Attributes
    ----------
    box : str
    frames : tuple of str
        Those to stitch, in the order of the route.
    overlap_held : bool
        True if they overlap at every seam by as much as stitching needs.
    """

    box: str
    frames: tuple[str, ...]
    overlap_held: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a plan.

    Attributes
    ----------
    frames, stage_moves : int
    beam_s, overhead_s : float
    travel_m : float
        Path of the stage over its positions, from the start if given, with the approaches.
    travel_s : float
        Time of the stage moves.
    total_s : float
        Beam, overhead and travel.
    exposed_m2 : float
        Area under at least one frame, without halo; overlaps count once.
    bound_beam_s : float
        Lower bound of the beam time: the required ground of all boxes, each point scanned once.
    bound_s : float
        Lower bound of beam time and overhead. For ``exact`` that of all frames with sides on the lines of the
        planner, by linear programming, for each part of the section planned in one piece; else beam time and
        fewest frames.
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
    bound_s: float
    raster_total_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Frames in the order of the route, and the boxes that they do not show whole.

    Attributes
    ----------
    method : {'exact', 'greedy', 'per-box', 'raster'}
    frames : tuple of Frame
    skipped : tuple of Skipped
        Boxes without a frame, sorted by name.
    clipped : tuple of Clipped
        Partly imaged boxes, sorted by name.
    stitched : tuple of Stitched
        Boxes that lie whole in no frame, sorted by name. All others that are not skipped lie in one.
    totals : Totals
    basis : Basis
    optimal : bool
        True if `totals.bound_s` proves that no other frames take less; proven by ``exact`` only.
    """

    method: Method
    frames: tuple[Frame, ...]
    skipped: tuple[Skipped, ...]
    clipped: tuple[Clipped, ...]
    stitched: tuple[Stitched, ...]
    totals: Totals
    basis: Basis
    optimal: bool

    @property
    def gap(self) -> float:
        """Share by which beam time and overhead exceed their lower bound; 0 without frames."""
        taken_s = self.totals.beam_s + self.totals.overhead_s
        return max(0.0, taken_s / self.totals.bound_s - 1) if self.totals.bound_s else 0.0
