"""Input and output of a plan: frozen values in SI units."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, get_args

from planner.geometry.rects import RectM

Method = Literal["exact", "greedy", "per-box", "raster"]
METHODS: tuple[str, ...] = get_args(Method)


@dataclass(frozen=True, slots=True)
class Field:
    """A fluorescence field that is saved.

    Attributes
    ----------
    id : str
    rect_m : RectM
    guard_m : float or None
        Guard of its cells, where it is not that of the settings: `planner.position_error`.
    """

    id: str
    rect_m: RectM
    guard_m: float | None = None


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
        True if `totals.bound_s` proves that none of the frames that it is for take less; by ``exact`` only.
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
