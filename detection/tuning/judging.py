"""Judgement of a network on marked frames, and the rule that decides if it is better."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from config.work import DetectionConfig
from detection.evaluation.annotated import AnnotatedFrame
from detection.evaluation.scores import JudgedFrame, evaluate, is_real
from detection.image.borders import clip_to_border
from detection.image.boxes import union_mask
from detection.image.hits import Hit
from detection.policy import apply_policy
from detection.tuning.settings import TuningSettings


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of a network on marked frames.

    Attributes
    ----------
    cells : int
        Marked cells; a cell that a cut between parts divides counts in each.
    contained : float
        Share of them imaged whole, 0..1.
    imaged_over_cells : float
        Imaged area over the area of the marks, in frames with cells.
    false_area : float
        Share of the frames that is imaged for hits on no cell.
    reliability_gap : float
        Mean distance between confidence and share of real hits, in tenths of confidence, weighted by hits.
    """

    cells: int
    contained: float
    imaged_over_cells: float
    false_area: float
    reliability_gap: float


def figures_of(found: Sequence[tuple[AnnotatedFrame, Sequence[Hit]]], policy: DetectionConfig) -> Figures:
    """Judge the hits in some frames by their marks, as the policy images them."""
    frames, false_px, frame_px = [], 0, 0
    confidence: list[float] = []
    real: list[bool] = []
    for number, (item, raw) in enumerate(found):
        shape = (item.cell.shape[0], item.cell.shape[1])
        hits = raw if item.frame.border is None else clip_to_border(raw, item.frame.border)
        cells = apply_policy(hits, shape, item.frame.pixel_size_um, policy)
        frames.append(JudgedFrame(str(number), shape, item.frame.pixel_size_um, cells, item.truth))
        true = [is_real(cell.box_px, item.truth) for cell in cells]
        nowhere = (
            cell.image_box_px
            for cell, is_cell in zip(cells, true, strict=True)
            if cell.image_box_px is not None and not is_cell
        )
        false_px += int(union_mask(nowhere, shape).sum())
        frame_px += item.cell.size
        confidence += [cell.confidence for cell in cells]
        real += true
    judged = evaluate(frames)
    return Figures(
        cells=judged.true_cells,
        contained=judged.contained_recall,
        imaged_over_cells=judged.imaged_over_cells,
        false_area=false_px / frame_px,
        reliability_gap=_gap(np.array(confidence), np.array(real, np.float64)),
    )


def _gap(confidence: np.ndarray, real: np.ndarray) -> float:
    if not len(confidence):
        return 0.0
    tenth = np.minimum((confidence * 10).astype(int), 9)
    off = np.bincount(tenth, confidence - real, minlength=10)
    return float(np.abs(off).sum() / len(confidence))


def worth(figures: Figures, settings: TuningSettings) -> float:
    """Return one number to choose by: the cells imaged whole, less the price of the area."""
    return figures.contained - settings.area_price * figures.imaged_over_cells


def is_better(after: Figures, before: Figures, settings: TuningSettings) -> bool:
    """Return True for a network that is no worse in any figure, and better in sum.

    No fewer cells are imaged whole. The imaged area may grow by 5 %, and by four areas of a mean cell for
    each cell gained; the area of hits on no cell by .002 of the frames, and by as much again for each percent
    of cells gained; the reliability gap by .05, and by the share of cells gained.
    """
    gained = after.contained - before.contained
    area = before.imaged_over_cells * (1 + settings.area_tolerance) + settings.area_per_cell * gained
    return (
        gained >= 0
        and after.imaged_over_cells <= area
        and after.false_area
        <= before.false_area + settings.false_tolerance + settings.false_per_gain * gained
        and after.reliability_gap <= before.reliability_gap + settings.gap_tolerance + gained
        and worth(after, settings) >= worth(before, settings) + settings.least_gain
    )
