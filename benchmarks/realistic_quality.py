"""Detection on the simulated specimen: EMCCD frames with dim cells, glancing cuts, debris, uneven resin."""

import math

import numpy as np

from benchmarks.rows import Row, at_least, at_most
from benchmarks.scenes import NO_CELLS, dim_specimen, judged, realistic_scene
from detection.evaluation.dice import WHOLE_SHARE
from detection.evaluation.scores import JudgedFrame, evaluate
from detection.evaluation.truth import TrueCell
from simulators.specimen.fluorophores import Pattern

FRAMES = 60
PATTERNS: tuple[Pattern, ...] = ("cytoplasmic", "nuclear", "punctate")
TITLE = "The realistic specimen"


def run() -> list[Row]:
    """Measure by pattern and contrast, and what is imaged where there is no cell."""
    rows = []
    for pattern in PATTERNS:
        frames = judged(realistic_scene(FRAMES, pattern))
        dim = judged(realistic_scene(FRAMES, pattern, dim_specimen(pattern)))
        rows += [
            at_least(f"{pattern}, contrast-to-noise >= 1: contained", contained(frames, 1, math.inf), 0.99),
            at_least(f"{pattern}, contrast-to-noise .5 to 1: contained", contained(dim, 0.5, 1), 0.8),
            at_most(f"{pattern}: imaged over cell area", evaluate(frames).imaged_over_cells, 1.8, 2),
        ]
        figures = evaluate(frames)
        rows.append(
            Row(
                f"{pattern}: undilated boxes",
                f"recall {figures.recall:.3f}, precision {figures.precision:.3f}",
            )
        )
    for name, more, goal in (
        ("empty", {}, 0.005),
        ("empty, resin 10 % lumpy", {"lumps_percent": 10.0}, 0.005),
        ("debris only", {"debris_per_field": 5.0}, 0.02),
        ("debris only, resin 10 % lumpy", {"debris_per_field": 5.0, "lumps_percent": 10.0}, 0.02),
    ):
        none = judged(realistic_scene(FRAMES // 2, specimen=NO_CELLS | more))
        rows.append(at_most(f"{name}: imaged share of the frame", evaluate(none).imaged_fraction, goal, 4))
    folds = judged(realistic_scene(FRAMES // 2, specimen=NO_CELLS | {"folds_per_section": 1.0}))
    rows.append(Row("folds only: imaged share of the frame", f"{evaluate(folds).imaged_fraction:.4f}"))
    return rows


def contained(frames: list[JudgedFrame], low: float, high: float) -> float:
    """Contained recall of the cells with a contrast-to-noise from `low` to below `high`."""
    inside = [
        cell.share_inside(frame.imaged) >= WHOLE_SHARE
        for frame in frames
        for cell in frame.counted
        if low <= _contrast(cell) < high
    ]
    return float(np.mean(inside)) if inside else math.nan


def _contrast(cell: TrueCell) -> float:
    return math.inf if cell.contrast_to_noise is None else cell.contrast_to_noise
