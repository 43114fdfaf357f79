"""Fine-tuning of the network, as `ilemtrack train --network` shows it."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import typer
from rich.table import Table

from config.work import DetectionConfig
from detection.errors import DetectionError
from detection.evaluation.annotated import AnnotatedFrame
from detection.network.onnx_file import model_bytes
from detection.network.shipped import shipped_network
from detection.tuning.judging import Figures
from detection.tuning.tune import Tuned, tune
from service.cli.consoles import people, results
from service.cli.exit_status import FAILURES
from service.cli.output import print_json, tell
from service.errors import InputError
from service.evaluation.training import write_model
from service.words.quantities import duration, size

NOT_BETTER = (
    "nothing written: on marks that it had not seen, the adapted network was no better than the one of the"
    " program"
)


def tune_network(frames: Sequence[AnnotatedFrame], out: Path, as_json: bool, started: float) -> None:
    """Adapt the network to marked frames; write it if it is better.

    Raises
    ------
    InputError
        Raised when the network of the program is missing or damaged.
    typer.Exit
        With `FAILURES` when it is not better.
    """
    try:
        network = shipped_network()
    except DetectionError as error:
        raise InputError(f"there is no network to adapt: {error}") from None
    with people.status("features of the frames", spinner="line") as status:
        tuned = tune(network, frames, DetectionConfig(), progress=status.update)
    written = None if tuned.model is None else write_model(out, model_bytes(tuned.model))
    elapsed_s = time.perf_counter() - started
    if as_json:
        print_json(_document(tuned, out, elapsed_s))
    else:
        _print(tuned)
        if written is not None:
            results.print(
                f"{out}: adapted to {tuned.cells} cells in {tuned.frames} frames, {size(written)},"
                f" {duration(elapsed_s)}; use it with --detector combined:{out}",
                soft_wrap=True,
            )
    if written is None:
        tell(NOT_BETTER)
        raise typer.Exit(FAILURES)


def _document(tuned: Tuned, out: Path, elapsed_s: float) -> dict[str, object]:
    return {
        "v": 1,
        "model": str(out) if tuned.model else None,
        "frames": tuned.frames,
        "cells": tuned.cells,
        "folds": tuned.folds,
        "before": _rounded(tuned.before),
        "after": _rounded(tuned.after),
        "ridge": asdict(tuned.strength),
        "calibration": asdict(tuned.model.calibration) if tuned.model else None,
        "elapsed_s": round(elapsed_s, 3),
    }


def _rounded(figures: Figures) -> dict[str, float]:
    return {name: round(value, 6) for name, value in asdict(figures).items()}


def _print(tuned: Tuned) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column(f"on marks not seen, in {tuned.folds} parts")
    for name in ("before", "after"):
        table.add_column(name, justify="right")
    rows = (
        ("cells imaged whole", "contained", "{:.1%}"),
        ("imaged area over cell area", "imaged_over_cells", "{:.2f}"),
        ("imaged for no cell, of the frame", "false_area", "{:.1%}"),
        ("confidence away from the truth", "reliability_gap", "{:.2f}"),
    )
    for says, name, text in rows:
        table.add_row(says, *(text.format(getattr(one, name)) for one in (tuned.before, tuned.after)))
    results.print(table)
