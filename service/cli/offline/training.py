"""The command `ilemtrack train`."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import ChannelOption, Images, Json, OtherPixelSize
from service.cli.output import duration, print_json, size, tell
from service.errors import InputError


def train(
    images: Images,
    truth: Annotated[
        Path, typer.Option(help="Their cells: Fiji ROI zip, label image or JSON file, or a folder of these.")
    ],
    out: Annotated[Path, typer.Option(help="File for the model; use it with `--detector forest:FILE`.")],
    pixel_size_nm: OtherPixelSize = None,
    channel: ChannelOption = None,
    as_json: Json = False,
) -> None:
    """Train a random forest on annotated frames.

    Polygons and label images work better than boxes.
    """
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise InputError(f"{out}: --out must be a file in an existing folder")
    from detection.forest.training import train as fit
    from drivers.recorded.collection import image_files, read_collection
    from service.cli.consoles import people, results
    from service.evaluation.training import annotated, write_model
    from service.evaluation.truth import read_truth

    started = time.perf_counter()
    known = read_truth(truth)
    read = read_collection(image_files(images).paths, pixel_size_nm, channel)
    for notice in (*read.notices, *known.notices):
        tell(f"warning: {notice}")
    frames = annotated(read.frames, known)
    with people.status(f"training on {len(frames)} frames, about a minute", spinner="line"):
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
