"""Missed cells against hours of electron beam, and confidences against the share of real hits."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from config.work import DetectionConfig
from detection.evaluation.dice import WHOLE_SHARE
from detection.evaluation.scores import JudgedFrame, is_real
from detection.image.boxes import BoxPx, union_mask
from detection.image.hits import NO_CELL, Cell, CellSource, Hit
from detection.policy import apply_policy

MARGINS_UM = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Points of a curve, closer around the default margin; chosen by hand."""
SIDE_QUANTILES = (0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995)
"""Points of a curve of hits with an outer box, closer around the default quantile; chosen by hand."""
FLOORS = (0.0, 0.05, 0.2, 0.5, 0.8)
"""Curves of a plot; chosen by hand."""
RELIABILITY_EDGES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
"""Edges of the bins: tenths, the last one halved as most hits are in it."""


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Cost and missed cells of one setting of the policy, over all frames.

    Attributes
    ----------
    margin_um : float
    side_quantile : float
        Of hits with an outer box.
    min_confidence : float
    beam_h : float
        Area imaged times the beam time per area, hours; without the planner's context, guard and overlap.
    missed_cells : int
        True cells of which less than 99 % is imaged.
    missed_share : float
        The same over all true cells, 0..1.
    dropped_cells : float
        Cells expected among the hits below the floor, by their confidence alone; needs no truth.
    session_h : float or None
        The whole session as the planner would have it, hours; None if nobody has planned it.
    """

    margin_um: float
    side_quantile: float
    min_confidence: float
    beam_h: float
    missed_cells: int
    missed_share: float
    dropped_cells: float
    session_h: float | None = None


Decided = Sequence[Sequence[Cell]]
"""Cells of each frame, as a policy has decided on them."""


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Hits of similar confidence.

    Attributes
    ----------
    low, high : float
        Limits of the confidence, 0..1; the upper one is included in the last bin only.
    hits : int
    mean_confidence : float
    real_share : float
        Share of the hits that are cells; see `detection.evaluation.scores.is_real`.
    real_low, real_high : float
        95 % interval of that share (Wilson score).
    """

    low: float
    high: float
    hits: int
    mean_confidence: float
    real_share: float
    real_low: float
    real_high: float


def operating_points(
    frames: Sequence[JudgedFrame],
    policy: DetectionConfig,
    beam_s_per_um2: float,
    margins_um: Sequence[float] = MARGINS_UM,
    floors: Sequence[float] = FLOORS,
    side_quantiles: Sequence[float] = SIDE_QUANTILES,
    session_h: Callable[[Decided], float] | None = None,
) -> list[OperatingPoint]:
    """Apply the policy to the hits of all frames with every box and confidence floor.

    The size of the boxes varies by the margin, or, if hits have an outer box (those of the network do), by
    the quantile of their sides: beside it the margin changes nearly nothing.

    Parameters
    ----------
    frames : sequence of JudgedFrame
        With all hits of the detector, also those that the policy left out.
    policy : DetectionConfig
        Settings that do not vary: which hits are doubtful, their extra margin, and the margin or the
        quantile.
    beam_s_per_um2 : float
        Dwell time over the area of a pixel: 0.2204 s/um2 at 16.5 nm and 60 us.
    margins_um, floors, side_quantiles : sequence of float
    session_h : callable, optional
        Returns the hours of the session that images some cells.

    Returns
    -------
    list of OperatingPoint
        In the order of the floors, then of the margins or quantiles.
    """
    policies = _policies(frames, policy, margins_um, floors, side_quantiles)
    return [_point(frames, one, policy, beam_s_per_um2, session_h) for one in policies]


def operating_point(
    frames: Sequence[JudgedFrame],
    policy: DetectionConfig,
    beam_s_per_um2: float,
    session_h: Callable[[Decided], float] | None = None,
) -> OperatingPoint:
    """Apply one policy to the hits of all frames; see `operating_points`."""
    return _point(frames, policy, policy, beam_s_per_um2, session_h)


def extremes(frames: Sequence[JudgedFrame], policy: DetectionConfig) -> tuple[Decided, Decided, Decided]:
    """Return the cells of all frames at three settings.

    They are the point of a curve with the fewest and smallest boxes, the policy itself, and the point with
    the most and largest boxes.
    """
    most, *_, fewest = sorted(
        _policies(frames, policy, MARGINS_UM, FLOORS, SIDE_QUANTILES),
        key=lambda one: (one.min_confidence, -one.dilate_um, -one.side_quantile),
    )
    small, present, large = (
        [_decided(frame, one, policy) for frame in frames] for one in (fewest, policy, most)
    )
    return small, present, large


def _policies(
    frames: Sequence[JudgedFrame],
    policy: DetectionConfig,
    margins_um: Sequence[float],
    floors: Sequence[float],
    side_quantiles: Sequence[float],
) -> list[DetectionConfig]:
    """Return the policy of each point of a curve."""
    quantile_decides = any(cell.outer_px is not None for frame in frames for cell in frame.cells)
    name, values = ("side_quantile", side_quantiles) if quantile_decides else ("dilate_um", margins_um)
    return [
        policy.model_copy(update={name: value, "min_confidence": floor})
        for floor in floors
        for value in values
    ]


def _point(
    frames: Sequence[JudgedFrame],
    policy: DetectionConfig,
    present: DetectionConfig,
    beam_s_per_um2: float,
    session_h: Callable[[Decided], float] | None,
) -> OperatingPoint:
    area_um2, missed, cells, dropped = 0.0, 0, 0, 0.0
    decided = [_decided(frame, policy, present) for frame in frames]
    for frame, kept in zip(frames, decided, strict=True):
        imaged = union_mask((c.image_box_px for c in kept if c.image_box_px is not None), frame.shape)
        area_um2 += float(imaged.sum()) * frame.pixel_size_um**2
        missed += sum(cell.share_inside(imaged) < WHOLE_SHARE for cell in frame.counted)
        cells += len(frame.counted)
        dropped += sum(cell.confidence for cell in kept if cell.image_box_px is None)
    return OperatingPoint(
        policy.dilate_um,
        policy.side_quantile,
        policy.min_confidence,
        area_um2 * beam_s_per_um2 / 3600,
        missed,
        missed / cells if cells else math.nan,
        dropped,
        None if session_h is None else session_h(decided),
    )


def _decided(frame: JudgedFrame, policy: DetectionConfig, present: DetectionConfig) -> list[Cell]:
    """Apply a policy to the hits of a frame.

    In serial sections, carried cells are imaged at every floor. What neighbours add to a box beyond the
    `present` policy, by which it was found, is added to the box of every other policy.
    """
    decided: list[Cell] = []
    for cell in _hits(frame):
        carried = cell.source is CellSource.CARRIED
        # Carried cells are doubtful whatever their confidence.
        confidence = 0.0 if carried else cell.confidence
        hit = Hit(cell.box_px, confidence, cell.extent_uncertainty_um, cell.outer_px)
        one = _applied(hit, frame, policy, all_of_them=carried)
        if frame.serial and one.image_box_px is not None and cell.image_box_px is not None:
            plain = _applied(hit, frame, present, all_of_them=True).image_box_px
            if plain is not None:
                one = replace(
                    one, image_box_px=_extended(one.image_box_px, plain, cell.image_box_px, frame.shape)
                )
        decided.append(one)
    return decided


def _applied(hit: Hit, frame: JudgedFrame, policy: DetectionConfig, all_of_them: bool) -> Cell:
    """Apply a policy to one hit; without its floor if `all_of_them`."""
    if all_of_them:
        policy = policy.model_copy(update={"min_confidence": 0.0})
    (cell,) = apply_policy([hit], frame.shape, frame.pixel_size_um, policy)
    return cell


def _extended(box: BoxPx, plain: BoxPx, larger: BoxPx, shape: tuple[int, int]) -> BoxPx:
    """Extend each side of `box` by as much as `larger` extends beyond `plain`."""
    return BoxPx(
        max(box.x0 - max(plain.x0 - larger.x0, 0), 0),
        max(box.y0 - max(plain.y0 - larger.y0, 0), 0),
        min(box.x1 + max(larger.x1 - plain.x1, 0), shape[1]),
        min(box.y1 + max(larger.y1 - plain.y1, 0), shape[0]),
    )


def _hits(frame: JudgedFrame) -> list[Cell]:
    """Return the hits of a frame, without those that serial sections have shown to be no cell."""
    return [cell for cell in frame.cells if cell.decision not in NO_CELL]


def raster_h(frames: Sequence[JudgedFrame], beam_s_per_um2: float) -> float:
    """Return the beam time for imaging everything, hours."""
    return sum(math.prod(f.shape) * f.pixel_size_um**2 for f in frames) * beam_s_per_um2 / 3600


def dropped_by_floor(frames: Sequence[JudgedFrame], floors: Sequence[float]) -> tuple[list[float], list[int]]:
    """Count the cells below each confidence floor.

    Returns
    -------
    list of float, list of int
        The sum of the confidences of hits below the floor, and the number of these hits that are real.
    """
    hits = [(cell.confidence, is_real(cell.box_px, frame.truth)) for frame in frames for cell in _hits(frame)]
    expected = [sum(confidence for confidence, _ in hits if confidence < floor) for floor in floors]
    real = [sum(is_cell for confidence, is_cell in hits if confidence < floor) for floor in floors]
    return expected, real


def reliability(
    frames: Sequence[JudgedFrame], edges: Sequence[float] = RELIABILITY_EDGES
) -> list[ReliabilityBin]:
    """Compare the confidence of hits with the share of them that is real; empty bins are omitted."""
    hits = [(cell.confidence, is_real(cell.box_px, frame.truth)) for frame in frames for cell in _hits(frame)]
    confidence = np.array([c for c, _ in hits])
    real = np.array([r for _, r in hits], dtype=float)
    bins = []
    for low, high in pairwise(edges):
        last = high == edges[-1]
        inside = (confidence >= low) & ((confidence <= high) if last else (confidence < high))
        count = int(inside.sum())
        if count:
            share = float(real[inside].mean())
            lower, upper = _wilson(share, count)
            bins.append(
                ReliabilityBin(low, high, count, float(confidence[inside].mean()), share, lower, upper)
            )
    return bins


def _wilson(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, J. Am. Stat. Assoc. 22 (1927) 209)."""
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(middle - half, 0.0), min(middle + half, 1.0)
