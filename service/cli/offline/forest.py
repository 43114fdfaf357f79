"""Training of a forest, as `ilemtrack train` shows it."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from detection.evaluation.annotated import AnnotatedFrame
from detection.forest.onnx_file import model_bytes
from detection.forest.training import train
from service.cli.consoles import people, results
from service.cli.output import print_json
from service.evaluation.training import write_model
from service.words.quantities import duration, size


def train_forest(frames: Sequence[AnnotatedFrame], out: Path, as_json: bool, started: float) -> None:
    """Train a forest on annotated frames and write it."""
    with people.status(f"training on {len(frames)} frames, about a minute", spinner="line"):
        model = train(frames)
    written = write_model(out, model_bytes(model))
    elapsed_s = time.perf_counter() - started
    if as_json:
        print_json(
            {
                "v": 1,
                "model": str(out),
                "pixel_size_um": round(model.pixel_size_um, 9),
                "scales_um": list(model.scales_um),
                **asdict(model.summary),
                "calibration": asdict(model.calibration),
                "elapsed_s": round(elapsed_s, 3),
            }
        )
        return
    summary = model.summary
    results.print(
        f"{out}: {len(model.trees)} trees from {summary.cells} cells in {summary.frames} frames,"
        f" {size(written)}, {duration(elapsed_s)}",
        soft_wrap=True,
    )
    results.print(
        f"out-of-bag score of the pixels: recall {summary.oob_recall:.1%}, precision"
        f" {summary.oob_precision:.1%}; expect less on other frames, and run `ilemtrack evaluate` on frames"
        " that were not used for training",
        soft_wrap=True,
    )
    calibration = model.calibration
    results.print(
        f"confidences calibrated by cross-validation on {calibration.hits} hits, {calibration.real} of them"
        " cells",
        soft_wrap=True,
    )
