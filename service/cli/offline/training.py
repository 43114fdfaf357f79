"""The command `ilemtrack train`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import ChannelOption, Images, Json, OtherPixelSize
from service.cli.output import tell
from service.errors import InputError


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
    """Train a forest on your marks, or adapt the network to them.

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
        from service.cli.offline.forest import train_forest

        train_forest(frames, out, as_json, started)
