"""The command `ilemtrack detect`."""

from pathlib import Path
from typing import Annotated

import typer

from config.choices import DEFAULT_PROFILE, Denoising
from service.cli.options import ChannelOption, ConfigFile, Images, Json, OtherPixelSize
from service.cli.output import print_json, tell
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
    as_json: Json = False,
) -> None:
    """Find the cells in fluorescence frames."""
    from config.loading import load
    from detection.serial.section import as_detection
    from drivers.recorded.collection import image_files, read_collection
    from service.analysis.detectors import open_detector
    from service.archive.frames import detect_recorded, frame_document
    from service.archive.stack import detect_serial, section_names, serial_document
    from service.cli.offline.detecting import (
        chosen_settings,
        draw,
        explain_all,
        make_folder,
        print_found,
        with_progress,
    )
    from service.evaluation.fiji_writing import write_found

    if explain is not None and serial:
        raise InputError("--explain shows the steps on single frames; leave out --serial")
    settings = chosen_settings(load(config).detection, detector, denoise, any_pixel_size)
    finder = open_detector(settings)
    files = image_files(images, ordered=serial)
    read = read_collection(files.paths, pixel_size_nm, channel)
    frames = read.frames
    for notice in (*files.notices, *read.notices):
        tell(f"warning: {notice}")
    names = section_names(frames) if serial else ()
    for folder in (overlay, explain, roi):
        if folder is not None:
            make_folder(folder)
    if serial:
        sections = list(with_progress(detect_serial(frames, names, settings, finder), len(frames)))
        detections = [as_detection(section) for section in sections]
    else:
        sections = []
        detections = list(
            with_progress((detect_recorded(one, settings, finder) for one in frames), len(frames))
        )
    found = list(zip(frames, detections, strict=True))
    if overlay is not None:
        draw(overlay, files.paths, found, sections)
    if explain is not None:
        explain_all(explain, files.paths, found, settings.detector, finder)
    if roi is not None:
        write_found(roi, [(frame.path, frame.page, detection) for frame, detection in found])
    if as_json:
        if serial:
            documents = [serial_document(*one) for one in zip(frames, sections, strict=True)]
        else:
            documents = [frame_document(*one) for one in found]
        print_json({"v": 1, "detector": settings.detector, "frames": documents})
        return
    print_found(found, sections)
