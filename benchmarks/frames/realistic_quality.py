"""Detection on the simulated specimen: EMCCD frames with dim cells, glancing cuts, debris, uneven resin."""

import math

import numpy as np

from benchmarks.frames.scenes import DETECTORS, NO_CELLS, dim_specimen, judged, realistic_scene
from benchmarks.measuring.rows import Row, at_least, at_most
from detection.evaluation.dice import WHOLE_SHARE
from detection.evaluation.scores import JudgedFrame, evaluate
from detection.evaluation.truth import TrueCell
from simulators.specimen.fluorophores import Pattern

FRAMES = 60
TITLE = "The realistic specimen"
GOALS: dict[Pattern, tuple[float, float, float]] = {
    "cytoplasmic": (0.99, 1.35, 0.95),
    "nuclear": (0.99, 1.9, 0.8),
    "punctate": (0.98, 1.5, 0.65),
}
"""By pattern: contained share, imaged over cell area, and the contained share of dim cells."""


def run() -> list[Row]:
    """Measure by pattern and contrast, and what is imaged where there is no cell."""
    rows = []
    for pattern, (whole, area, dim_whole) in GOALS.items():
        scene = list(realistic_scene(FRAMES, pattern))
        dim_scene = list(realistic_scene(FRAMES, pattern, dim_specimen(pattern)))
        frames, dim = judged(scene), judged(dim_scene)
        figures = evaluate(frames)
        rows += [
            at_least(f"{pattern}, contrast-to-noise >= 1: contained", contained(frames, 1, math.inf), whole),
            at_least(f"{pattern}, contrast-to-noise .5 to 1: contained", contained(dim, 0.5, 1), dim_whole),
            at_most(f"{pattern}: imaged over cell area", figures.imaged_over_cells, area, 2),
            Row(
                f"{pattern}: undilated boxes",
                f"recall {figures.recall:.3f}, precision {figures.precision:.3f}",
            ),
            Row(f"{pattern}, dim: imaged over cell area", f"{evaluate(dim).imaged_over_cells:.2f}"),
            *(_beside(pattern, peer, judged(scene, peer), judged(dim_scene, peer)) for peer in DETECTORS[1:]),
        ]
    for name, more, goal in (
        ("empty", {}, 0.002),
        ("empty, resin 10 % lumpy", {"lumps_percent": 10.0}, 0.002),
        ("debris only", {"debris_per_field": 5.0}, 0.01),
        ("debris only, resin 10 % lumpy", {"debris_per_field": 5.0, "lumps_percent": 10.0}, 0.01),
        ("folds only", {"folds_per_section": 1.0}, 0.01),
    ):
        none = list(realistic_scene(FRAMES // 2, specimen=NO_CELLS | more))
        own, *others = (evaluate(judged(none, detector)).imaged_fraction for detector in DETECTORS)
        rows.append(at_most(f"{name}: imaged share of the frame", own, goal, 4))
        rows += [
            Row(f"{name}: {peer}", f"{share:.4f}") for peer, share in zip(DETECTORS[1:], others, strict=True)
        ]
    return rows


def _beside(pattern: Pattern, peer: str, frames: list[JudgedFrame], dim: list[JudgedFrame]) -> Row:
    text = (
        f"{contained(frames, 1, math.inf):.3f} at {evaluate(frames).imaged_over_cells:.2f},"
        f" dim {contained(dim, 0.5, 1):.3f} at {evaluate(dim).imaged_over_cells:.2f}"
    )
    return Row(f"{pattern}: {peer}", text)


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
