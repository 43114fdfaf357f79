"""Time and data of frames: one sum for plans, for the rest of a session, and for other ways to image."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.errors import PlannerError
from planner.settings import PlanSettings
from planner.values import Frame

CAUTIOUS_QUANTILE = 0.9
"""Quantile of measured durations: an estimate should rather be too long than too short. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Time of frames and moves beside the dwell time of the beam.

    Attributes
    ----------
    overhead_s : float
        Per frame.
    move_s : float
        Per stage move, travel not included.
    speed_m_per_s : float
        Speed of the stage; infinite where `move_s` was measured and includes the travel.
    approach_m : (float, float)
        Detour of every move, against backlash.
    """

    overhead_s: float
    move_s: float
    speed_m_per_s: float
    approach_m: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Work:
    """Sums over frames, independent of the pace.

    Attributes
    ----------
    frames, stage_moves : int
    beam_s : float
    travel_m : float
        Path of the stage, with the detours of the approach.
    pixels : int
    """

    frames: int = 0
    stage_moves: int = 0
    beam_s: float = 0.0
    travel_m: float = 0.0
    pixels: int = 0

    def plus(self, other: "Work") -> "Work":
        """Return the sum of both."""
        return Work(
            self.frames + other.frames,
            self.stage_moves + other.stage_moves,
            self.beam_s + other.beam_s,
            self.travel_m + other.travel_m,
            self.pixels + other.pixels,
        )

    def times(self, factor: float) -> "Work":
        """Return the work multiplied by a factor; counts are rounded up."""
        return Work(
            math.ceil(self.frames * factor),
            math.ceil(self.stage_moves * factor),
            self.beam_s * factor,
            self.travel_m * factor,
            math.ceil(self.pixels * factor),
        )


def profile_pace(settings: PlanSettings) -> Pace:
    """Return the pace of a profile, used until durations are measured."""
    return Pace(settings.overhead_s, settings.move_s, settings.stage_speed_m_per_s, settings.approach_m)


def measured_pace(profile: Pace, overheads_s: Sequence[float], moves_s: Sequence[float]) -> Pace:
    """Return the pace of a session: the 90th percentile of its measured durations.

    Parameters
    ----------
    profile : Pace
        Used where nothing was measured.
    overheads_s : sequence of float
        Time of frames without dwell and stage move.
    moves_s : sequence of float
        Time of whole stage moves: travel, settling and approach.

    Raises
    ------
    PlannerError
        Raised when a duration is negative or not finite.
    """
    for value in (*overheads_s, *moves_s):
        if not (math.isfinite(value) and value >= 0):
            raise PlannerError(f"a measured duration must be a number from zero up, not {value} s")
    pace = profile
    if overheads_s:
        pace = replace(pace, overhead_s=float(np.quantile(overheads_s, CAUTIOUS_QUANTILE)))
    if moves_s:
        move_s = float(np.quantile(moves_s, CAUTIOUS_QUANTILE))
        pace = replace(pace, move_s=move_s, speed_m_per_s=math.inf)
    return pace


def work_of(
    frames: Iterable[Frame], approach_m: tuple[float, float], start_m: tuple[float, float] | None = None
) -> Work:
    """Sum up frames in the order in which they are taken.

    Parameters
    ----------
    frames : iterable of Frame
    approach_m : (float, float)
        Detour of every move, as in `Pace`.
    start_m : (float, float), optional
        Position of the stage before the first frame; without it the path to that frame does not count.
    """
    detour_m = math.hypot(*approach_m)
    count = moves = pixels = 0
    beam_s = travel_m = 0.0
    here = start_m
    for frame in frames:
        count += 1
        size = frame.size_px[0] * frame.size_px[1]
        pixels += size
        beam_s += size * frame.dwell_s
        if frame.stage_m != here:
            moves += 1
            target = (frame.stage_m[0] + approach_m[0], frame.stage_m[1] + approach_m[1])
            travel_m += (0.0 if here is None else math.dist(here, target)) + detour_m
            here = frame.stage_m
    return Work(count, moves, beam_s, travel_m, pixels)


def total_s(work: Work, pace: Pace) -> float:
    """Return the time that work takes, beam, overhead and moves, s."""
    return work.beam_s + work.frames * pace.overhead_s + travel_s(work, pace)


def travel_s(work: Work, pace: Pace) -> float:
    """Return the time of the stage moves, s."""
    return work.travel_m / pace.speed_m_per_s + work.stage_moves * pace.move_s
