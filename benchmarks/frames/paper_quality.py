"""Detection on synthetic sections after the paper, against the paper's own detector on the same frames."""

from benchmarks.frames.scenes import DETECTORS, LARGE_CELLS_UM, SMALL_CELLS_UM, judged, paper_scene
from benchmarks.measuring.rows import Row, at_least, at_most
from detection.evaluation.scores import evaluate

FRAMES = 40
TITLE = "Synthetic sections after the paper"


def run() -> list[Row]:
    """Measure the detectors on both sizes of cells and all three noises."""
    rows = []
    for radius in (SMALL_CELLS_UM, LARGE_CELLS_UM):
        for noise in (20.0, 40.0, 60.0):
            frames = list(paper_scene(radius, noise, FRAMES))
            own, *others = (evaluate(judged(frames, detector)) for detector in (*DETECTORS, "paper"))
            name = f"radius {radius[0]:g} um, noise {noise:g}"
            rows += [
                at_least(f"{name}: recall, undilated", own.recall, 0.98),
                at_least(f"{name}: precision, undilated", own.precision, 0.98),
                at_least(f"{name}: contained recall", own.contained_recall, 0.998),
                at_most(f"{name}: imaged over cell area", own.imaged_over_cells, 1.35, 2),
                *(
                    Row(
                        f"{name}: {peer}",
                        f"recall {one.recall:.3f}, precision {one.precision:.3f}, "
                        f"contained {one.contained_recall:.3f} at {one.imaged_over_cells:.2f}",
                    )
                    for peer, one in zip((*DETECTORS[1:], "paper"), others, strict=True)
                ),
            ]
    return rows
