"""Settings of a plan, in SI units, and how they follow from a configuration."""

import math
from dataclasses import dataclass

from config.instrument import SemConfig, StageConfig
from config.work import PlannerConfig
from planner.errors import PlannerError
from planner.position_error import PositionErrors
from planner.values import METHODS, Method

_NOT_NEGATIVE = (
    "context_m",
    "guard_m",
    "halo_m",
    "tile_overlap_m",
    "overhead_s",
    "outline_margin_m",
    "beam_overlap_m",
    "beam_shift_range_m",
    "move_s",
    "exact_limit_s",
    "whole_worth_s",
)


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
        Overlap that stitching needs where frames of different stage positions meet inside a required
        rectangle, twice the largest error between them or more; at most 0.9 of a side of the frame.
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
    beam_window_m : (float, float)
        Width and height of the ground that the beam reaches from a stage position; zeros where the stage
        moves to the frames.
    beam_overlap_m : float
        `tile_overlap_m` for frames of one stage position, within `beam_window_m`.
    beam_shift_range_m : float
        Largest distance of the centre of a frame from the stage position, without such a window; zero: a
        stage move to every frame.
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
    beam_window_m: tuple[float, float] = (0.0, 0.0)
    beam_overlap_m: float = 0.0
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
        if len(self.beam_window_m) != 2 or not all(0 <= v < math.inf for v in self.beam_window_m):
            raise PlannerError(f"beam_window_m must be two numbers from zero up, not {self.beam_window_m}")
        if self.beam_moves and self.presets_px:
            raise PlannerError("a machine with presets has no beam window")
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
    def beam_moves(self) -> bool:
        """True where frames are scanned from shared stage positions, within `beam_window_m`."""
        return min(self.beam_window_m) > 0

    @property
    def border_m(self) -> float:
        """Width of the border of allowed ground in which nothing is required, m.

        A scan of whole pixels may end up to half a pixel before each border. Presets are placed anywhere.
        """
        return 0.0 if self.presets_px else self.pixel_size_m / 2

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
    errors = PositionErrors.of(planner, sem, stage)
    window_m, most_px = (0.0, 0.0), sem.specimen_px
    if sem.beam_moves:
        window_m = _window_m(sem, stage, misfit_m)
        _refuse_small_window(window_m, sem)
        most_px = (
            min(most_px[0], math.floor(window_m[0] / sem.pixel_size_m)),
            min(most_px[1], math.floor(window_m[1] / sem.pixel_size_m)),
        )
    return PlanSettings(
        method=planner.method,
        pixel_size_m=sem.pixel_size_m,
        dwell_s=sem.dwell_s,
        max_frame_px=most_px,
        context_m=planner.context_um * 1e-6,
        guard_m=errors.guard_um(beam_moves=sem.beam_moves) * 1e-6 + misfit_m,
        halo_m=sem.beam_halo_um * 1e-6,
        tile_overlap_m=errors.overlap_um(one_position=False) * 1e-6 + 2 * misfit_m,
        raster_overlap_fraction=planner.raster_overlap_percent / 100,
        overhead_s=sem.overhead_s,
        whole_worth_s=planner.whole_cell_worth_s,
        raster_where_cheaper=planner.raster_where_cheaper,
        stage_speed_m_per_s=stage.speed_mm_per_s * 1e-3,
        presets_px=sem.scan_presets_px,
        outline_margin_m=planner.outline_margin_um * 1e-6,
        beam_window_m=window_m,
        beam_overlap_m=errors.overlap_um(one_position=True) * 1e-6 + 2 * misfit_m,
        beam_shift_range_m=sem.beam_shift_range_um * 1e-6,
        approach_m=approach_m,
        # Settling is in the overhead of a frame.
        move_s=stage.approach_s if any(approach_m) else 0.0,
    )


def _window_m(sem: SemConfig, stage: StageConfig, misfit_m: float) -> tuple[float, float]:
    """Return the window of the beam as fluorescence sees it: an upright rectangle in the one of the SEM.

    Its corners lie off by as much more than those of the largest frame as it is larger.
    """
    window_um = sem.beam_window_um(stage.arrival_tolerance_um)
    frame_m = math.hypot(*sem.specimen_px) * sem.pixel_size_m
    off_m = misfit_m * math.hypot(*window_um) * 1e-6 / frame_m
    width_m, height_m = (max(0.0, side * 1e-6 - 2 * off_m) for side in window_um)
    return width_m, height_m


def _refuse_small_window(window_m: tuple[float, float], sem: SemConfig) -> None:
    """Refuse a reach in which a frame of the profile does not fit: each would get a position of its own.

    Raises
    ------
    PlannerError
    """
    width, height = sem.frame_px[0], sem.frame_px[1] - sem.databar_px
    frame_m = tuple(
        min(side, most) * sem.pixel_size_m
        for side, most in zip((width, height), sem.specimen_px, strict=True)
    )
    if window_m[0] < frame_m[0] or window_m[1] < frame_m[1]:
        raise PlannerError(
            f"sem.beam_reach_um, less what the stage may end off its target on each side, leaves"
            f" {window_m[0] * 1e6:.1f} x {window_m[1] * 1e6:.1f} um for frames of {frame_m[0] * 1e6:.1f} x"
            f" {frame_m[1] * 1e6:.1f} um: the beam would not save a stage move; set a larger reach, a smaller"
            " sem.max_scan_px, or a reach of [0, 0]"
        )
