"""The command `ilemtrack align`."""

import math
from pathlib import Path
from typing import Annotated

import typer

from config.choices import DEFAULT_PROFILE
from service.cli.options import ConfigFile, Json, OtherPixelSize
from service.cli.output import print_json, tell_written
from service.errors import InputError

_LARGEST_OFFSET_UM = 6.0
"""Two moves of a stage, each up to 3 um off."""


def align(
    frame: Annotated[Path, typer.Argument(help="Fluorescence frame of a field; its first page is used.")],
    overview: Annotated[
        Path, typer.Argument(help="Electron image of the same field, upright and without a data bar.")
    ],
    config: ConfigFile = DEFAULT_PROFILE,
    pixel_size_nm: OtherPixelSize = None,
    overview_pixel_size_nm: Annotated[
        float | None,
        typer.Option(min=10, max=5000, help="Pixel size of the overview, where its file does not state it."),
    ] = None,
    largest_offset_um: Annotated[
        float,
        typer.Option(min=0.1, max=10, help="Largest distance between the two that the machine can cause."),
    ] = _LARGEST_OFFSET_UM,
    overlay: Annotated[
        Path | None, typer.Option(help="Picture, PNG, of the overview with the outlines of the cells.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Find a field in an electron overview, and prove how accurately."""
    from config.loading import load
    from service.analysis.detectors import open_detector
    from service.archive.alignment import align_recorded, alignment_document, first_frame, picture_of
    from service.archive.frames import detect_recorded
    from service.cli.consoles import results
    from service.pictures.alignment import draw_alignment
    from service.pictures.overlay import write_png

    settings = load(config).detection
    light = first_frame(frame, pixel_size_nm)
    electrons = first_frame(overview, overview_pixel_size_nm)
    detection = detect_recorded(light, settings, open_detector(settings))
    found = align_recorded(light, detection, electrons, largest_offset_um)
    if overlay is not None:
        cells = [cell.box_px for cell in detection.cells if cell.image_box_px is not None]
        try:
            write_png(overlay, draw_alignment(picture_of(light), cells, picture_of(electrons), found))
        except OSError as error:
            raise InputError(f"{overlay}: cannot be written ({error.strerror})") from error
    document = alignment_document(light, electrons, found)
    if as_json:
        print_json(document)
        return
    results.print(f"{document['says']}; {len(detection.cells)} cells")
    if found.motion is not None:
        x, y = found.motion.shift_um
        turn, scale = math.degrees(found.motion.rotation_rad), found.motion.scale
        trust = "" if found.proven_um is not None else "not to be used: "
        results.print(f"{trust}shift {x:+.2f}, {y:+.2f} um, rotation {turn:+.2f} deg, scale {scale:.4f}")
    if overlay is not None:
        tell_written([overlay])
