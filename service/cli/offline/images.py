"""The command `ilemtrack detect`."""

from pathlib import Path
from typing import Annotated

import typer

from config.choices import DEFAULT_PROFILE, Denoising
from service.cli.options import (
    ChannelOption,
    ConfigFile,
    Images,
    Json,
    OtherPixelSize,
    Scheduler,
    WorkersThatSaveTime,
)
from service.errors import InputError


def detect(
    images: Images,
    detector: Annotated[
        str | None,
        typer.Option(
            help="combined, network, recall-first, paper, a plug-in, or a model: forest:FILE, network:FILE,"
            " combined:FILE."
        ),
    ] = None,
    denoise: Annotated[
        Denoising | None, typer.Option(help="Noise filter before the paper's detector.")
    ] = None,
    any_pixel_size: Annotated[
        bool, typer.Option("--any-pixel-size", help="Use a forest on pixel sizes that it was not trained on.")
    ] = False,
    config: ConfigFile = DEFAULT_PROFILE,
    pixel_size_nm: OtherPixelSize = None,
    channel: ChannelOption = None,
    overlay: Annotated[Path | None, typer.Option(help="Folder for pictures of the boxes.")] = None,
    serial: Annotated[
        bool,
        typer.Option("--serial", help="Treat the frames as serial sections of one stack, in this order."),
    ] = False,
    explain: Annotated[
        Path | None, typer.Option(help="Folder for pictures of the steps of the detector, a panel each.")
    ] = None,
    roi: Annotated[Path | None, typer.Option(help="Folder for Fiji ROI zips of the boxes.")] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Folder for OME-Zarr images of the boxes, as labels.")
    ] = None,
    workers: WorkersThatSaveTime = None,
    scheduler: Scheduler = None,
    as_json: Json = False,
) -> int:
    """Find the cells in fluorescence frames."""
    from service.cluster.forking import prepare_workers

    # Before all other imports: meanwhile it makes its own.
    prepare_workers(workers, scheduler, ["service.batch.tasks"])
    from config.loading import load
    from service.cli.offline.detecting import Outputs, chosen_settings, detect_all

    if explain is not None and serial:
        raise InputError("--explain shows the steps on single frames; leave out --serial")
    settings = chosen_settings(load(config).detection, detector, denoise, any_pixel_size)
    outputs = Outputs(overlay, explain, roi, labels, as_json)
    return detect_all(images, settings, (pixel_size_nm, channel), serial, outputs, (scheduler, workers))
