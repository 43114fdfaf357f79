"""The command `ilemtrack train`."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.options import ChannelOption, Images, Json, OtherPixelSize
from service.cli.output import duration, print_json, size, tell
from service.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detection.evaluation.annotated import AnnotatedFrame


def train(
    images: Images,
    truth: Annotated[
        Path, typer.Option(help="Their cells: Fiji ROI zip, label image or JSON file, or a folder of these.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            help="File for the model; use it with `--detector forest:FILE`, or of a network `combined:FILE`."
        ),
    ],
    network: Annotated[
        bool,
        typer.Option("--network", help="Adapt the network of the program to the marks instead."),
    ] = False,
    pixel_size_nm: OtherPixelSize = None,
    channel: ChannelOption = None,
    as_json: Json = False,
) -> None:
    """Train a random forest on annotated frames, or adapt the network to them.

    Polygons and label images work better than boxes. Mark every cell of a frame. A network is written only if
    it is better on marks that it has not seen; otherwise nothing is written and the exit status is 1.
    """
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise InputError(f"{out}: --out must be a file in an existing folder")
    from drivers.recorded.collection import image_files, read_collection
    from service.evaluation.training import annotated
    from service.evaluation.truth import read_truth

    started = time.perf_counter()
    known = read_truth(truth)
    read = read_collection(image_files(images).paths, pixel_size_nm, channel)
    for notice in (*read.notices, *known.notices):
        tell(f"warning: {notice}")
    frames = annotated(read.frames, known)
    if network:
        from service.cli.offline.tuning import tune_network

        tune_network(frames, out, as_json, started)
    else:
        _train_forest(frames, out, as_json, started)


def _train_forest(frames: "Sequence[AnnotatedFrame]", out: Path, as_json: bool, started: float) -> None:
    from detection.forest.onnx_file import model_bytes
    from detection.forest.training import train as fit
    from service.cli.consoles import people, results
    from service.evaluation.training import write_model

    with people.status(f"training on {len(frames)} frames, about a minute", spinner="line"):
        model = fit(frames)
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
