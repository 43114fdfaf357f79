"""Time, data and dose of frames: one sum for plans, for what is left of a session, for alternatives."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.dose import Dose, scan_dose
from planner.errors import PlannerError
from planner.values import Frame, PlanSettings

CAUTIOUS_QUANTILE = 0.9
"""Of measured durations: an estimate that is wrong should be too long rather than too short."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What frames and moves take beside the beam's dwell.

    Attributes
    ----------
    overhead_s : float
        Of every frame.
    move_s : float
        Of every stage move, beside its way.
    speed_m_per_s : float
        Of the stage; infinite where `move_s` was measured and holds the way.
    approach_m : (float, float)
        Detour of every move, against backlash.
    """

    overhead_s: float
    move_s: float
    speed_m_per_s: float
    approach_m: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Stop:
    """A frame to take, as far as time, data and dose go.

    Attributes
    ----------
    stage_m : (float, float)
        Where the stage stands for it.
    size_px : (int, int)
    pixel_size_m, dwell_s : float
    """

    stage_m: tuple[float, float]
    size_px: tuple[int, int]
    pixel_size_m: float
    dwell_s: float


@dataclass(frozen=True, slots=True)
class Work:
    """What there is to do, whatever it takes; a sum over frames.

    Attributes
    ----------
    frames, stage_moves : int
    beam_s : float
    travel_m : float
        Way of the stage, with the detours of the approach.
    pixels : int
    """

    frames: int = 0
    stage_moves: int = 0
    beam_s: float = 0.0
    travel_m: float = 0.0
    pixels: int = 0

    def plus(self, other: "Work") -> "Work":
        """Both, one after the other."""
        return Work(
            self.frames + other.frames,
            self.stage_moves + other.stage_moves,
            self.beam_s + other.beam_s,
            self.travel_m + other.travel_m,
            self.pixels + other.pixels,
        )

    def times(self, factor: float) -> "Work":
        """So many times as much; counts are rounded up."""
        return Work(
            math.ceil(self.frames * factor),
            math.ceil(self.stage_moves * factor),
            self.beam_s * factor,
            self.travel_m * factor,
            math.ceil(self.pixels * factor),
        )


@dataclass(frozen=True, slots=True)
class Estimate:
    """What frames take in their order.

    Attributes
    ----------
    frames, stage_moves : int
    beam_s, overhead_s : float
    travel_m, travel_s : float
        Way and time of the stage moves.
    total_s : float
        Beam, overhead and travel; begun now, it ends so much later.
    data_bytes : int
    dose : Dose or None
        Highest of any single scan; where frames overlap it is more (`planner.dose.cell_doses`). None where
        no beam current was given.
    """

    frames: int
    stage_moves: int
    beam_s: float
    overhead_s: float
    travel_m: float
    travel_s: float
    total_s: float
    data_bytes: int
    dose: Dose | None


def profile_pace(settings: PlanSettings) -> Pace:
    """Return the pace of a profile, for as long as nothing is measured."""
    return Pace(settings.overhead_s, settings.move_s, settings.stage_speed_m_per_s, settings.approach_m)


def measured_pace(profile: Pace, overheads_s: Sequence[float], moves_s: Sequence[float]) -> Pace:
    """Return the pace of a session: the 90th percentile of what was measured in it.

    Parameters
    ----------
    profile : Pace
        Holds for what was not measured.
    overheads_s : sequence of float
        Of frames, beside their dwell and their stage move.
    moves_s : sequence of float
        Of whole stage moves: way, settling and approach.

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


def estimate(
    stops: Iterable[Stop | Frame],
    pace: Pace,
    start_m: tuple[float, float] | None = None,
    bytes_per_pixel: int = 1,
    beam_current_a: float | None = None,
) -> Estimate:
    """Sum up frames in the order in which they are taken.

    Parameters
    ----------
    stops : iterable of Stop or Frame
        The frames of a plan, or what is left of a queue.
    pace : Pace
    start_m : (float, float), optional
        Where the stage stands before; without it the way to the first frame does not count.
    bytes_per_pixel : int
    beam_current_a : float, optional
        For the dose.

    Raises
    ------
    PlannerError
        Raised when the beam current is out of range.
    """
    taken = list(stops)
    work = summed(taken, pace.approach_m, start_m)
    dose: Dose | None = None
    if beam_current_a is not None:
        doses = {scan_dose(beam_current_a, dwell_s, size_m) for dwell_s, size_m in _kinds(taken)}
        dose = max(doses, key=lambda d: d.electrons_per_nm2, default=None)
    return Estimate(
        frames=work.frames,
        stage_moves=work.stage_moves,
        beam_s=work.beam_s,
        overhead_s=work.frames * pace.overhead_s,
        travel_m=work.travel_m,
        travel_s=_travel_s(work, pace),
        total_s=time_of(work, pace),
        data_bytes=work.pixels * bytes_per_pixel,
        dose=dose,
    )


def summed(
    stops: Iterable[Stop | Frame], approach_m: tuple[float, float], start_m: tuple[float, float] | None = None
) -> Work:
    """Add frames up in the order in which they are taken.

    Parameters
    ----------
    stops : iterable of Stop or Frame
    approach_m : (float, float)
        As of `Pace`.
    start_m : (float, float), optional
        As of `estimate`.
    """
    detour_m = math.hypot(*approach_m)
    frames = moves = pixels = 0
    beam_s = travel_m = 0.0
    here = start_m
    for stop in stops:
        frames += 1
        size = stop.size_px[0] * stop.size_px[1]
        pixels += size
        beam_s += size * stop.dwell_s
        if stop.stage_m != here:
            moves += 1
            target = (stop.stage_m[0] + approach_m[0], stop.stage_m[1] + approach_m[1])
            travel_m += (0.0 if here is None else math.dist(here, target)) + detour_m
            here = stop.stage_m
    return Work(frames, moves, beam_s, travel_m, pixels)


def time_of(work: Work, pace: Pace) -> float:
    """Time that work takes, beam, overhead and moves, s."""
    return work.beam_s + work.frames * pace.overhead_s + _travel_s(work, pace)


def _travel_s(work: Work, pace: Pace) -> float:
    return work.travel_m / pace.speed_m_per_s + work.stage_moves * pace.move_s


def _kinds(stops: Sequence[Stop | Frame]) -> set[tuple[float, float]]:
    """Dwell time and pixel size of each kind of frame among them."""
    return {(stop.dwell_s, stop.pixel_size_m) for stop in stops}
