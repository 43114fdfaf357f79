"""The command that trains a detector: train."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from service.cli.output import duration, people, print_json, results, size
from service.errors import InputError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(train)


def train(
    images: Annotated[list[Path], typer.Argument(help="OME-TIFF or TIFF; of several pages each is a frame.")],
    truth: Annotated[
        Path, typer.Option(help="The cells in them: Fiji ROI zip, label image, JSON, or a folder of these.")
    ],
    out: Annotated[Path, typer.Option(help="File of the model, for `--detector forest:FILE`.")],
    pixel_size_nm: Annotated[
        float | None,
        typer.Option("--pixel-size-nm", help="For frames whose file does not tell.", min=10, max=5000),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Train a random forest on annotated frames; polygons and label images teach it better than boxes."""
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise InputError(f"{out}: the model needs the name of a file in a folder that is there")
    from detection.forest.training import train as fit
    from drivers.recorded.tiff import read_frames
    from service.evaluation.training import annotated, write_model
    from service.evaluation.truth import read_truth

    started = time.perf_counter()
    known = read_truth(truth)
    frames = annotated([frame for path in images for frame in read_frames(path, pixel_size_nm)], known)
    with people.status(f"training on {len(frames)} frames, a minute or so", spinner="line"):
        model = fit(frames)
    written = write_model(out, model)
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
        f"of the cells' pixels {summary.oob_recall:.1%} are known again out of bag, and"
        f" {summary.oob_precision:.1%} of what is taken for cells is; on other frames it is less:"
        " see `ilemtrack evaluate` on frames that were not trained on",
        soft_wrap=True,
    )
    calibration = model.calibration
    results.print(
        f"confidences are calibrated on {calibration.hits} hits in frames that a forest of the others had not"
        f" seen, {calibration.real} of them cells",
        soft_wrap=True,
    )
