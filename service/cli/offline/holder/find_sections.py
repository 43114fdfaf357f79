"""The command `ilemtrack map`."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import Json
from service.cli.output import print_json, tell_written
from service.errors import InputError


def map_(
    overviews: Annotated[
        list[Path], typer.Argument(help="Optical overview, TIFF, PNG or JPEG; or several files of one.")
    ],
    layout: Annotated[
        str | None,
        typer.Option(
            help="What several files are of one overview: 'channels', a grid of tiles such as 4x3 (columns x"
            " rows), or a CSV file with name,x_px,y_px of each tile."
        ),
    ] = None,
    landmarks: Annotated[
        Path | None,
        typer.Option(help="Landmarks in overview and stage, CSV or section list: positions in um as well."),
    ] = None,
    outline: Annotated[
        Path | None, typer.Option(help="Section list with one or two outlines of sections: their shape.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Section list to write: .yaml, .json, .csv, .magc or .mass.json."),
    ] = None,
    overlay: Annotated[
        Path | None, typer.Option(help="Folder for a picture, PNG, of the overview with the outlines.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Find the sections in an optical overview."""
    from detection.overview.find import find_sections
    from service import wording_mapping
    from service.cli.consoles import results
    from service.mapping.landmarks import fit_landmarks, landmarks_document, on_stage, read_landmarks
    from service.mapping.lists.document import document_of_sections
    from service.mapping.lists.files import read_list, write_list
    from service.mapping.overview.document import document_of, list_of, shape_from
    from service.mapping.overview.joining import read_overview
    from service.mapping.overview.own_place import corner_pairs, own_stage_map
    from service.pictures.holder.overview import draw_overview_sections
    from service.pictures.overlay import write_png

    shape = None if outline is None else shape_from(read_list(outline), str(outline))
    pairs = () if landmarks is None else read_landmarks(landmarks)
    fit = None if landmarks is None else fit_landmarks(pairs, landmarks)
    pixels = read_overview(overviews, layout)
    found = find_sections(pixels, shape)
    if found.nothing is not None:
        raise InputError(f"{overviews[0]}: {wording_mapping.nothing_says(found.nothing)}")
    document = document_of(str(overviews[0]), (pixels.shape[1], pixels.shape[0]), found)
    own = own_stage_map(overviews[0]) if fit is None and len(overviews) == 1 else None
    if own is not None:
        pairs = corner_pairs(own, (pixels.shape[1], pixels.shape[0]))
    stage_map = own if fit is None else fit.map
    listed = list_of(found, pairs)
    if fit is not None:
        document["landmarks"] = landmarks_document(pairs, fit)
    if stage_map is not None:
        document["stage_from"] = "overview" if fit is None else "landmarks"
        document["stage"] = document_of_sections(on_stage(listed, stage_map))["sections"]
    written = []
    try:
        if out is not None:
            write_list(out, listed)
            written.append(out)
        if overlay is not None:
            overlay.mkdir(parents=True, exist_ok=True)
            written.append(overlay / f"{overviews[0].stem}-sections.png")
            write_png(written[-1], draw_overview_sections(pixels, found))
    except OSError as error:
        raise InputError(
            f"{error.filename or out or overlay}: cannot be written ({error.strerror})"
        ) from error
    if as_json:
        print_json(document)
        return
    results.print(f"{len(found.sections)} sections, {len(found.doubtful)} doubtful")
    if found.shape_doubt is not None:
        results.print(f"The shape is doubtful: {wording_mapping.shape_doubt_says(found.shape_doubt)}")
    for number, one in enumerate(found.doubtful, start=1):
        x, y = one.center_px
        if one.doubt is not None:
            says = wording_mapping.outline_doubt_says(one.doubt)
            results.print(f"D{number} at {x:.0f}, {y:.0f} px: {says}")
    if own is not None:
        results.print(
            f"{own.um_per_px:.4g} um per px; the overview states its place on the stage, which is true until"
            " somebody takes the holder out"
        )
    if fit is not None:
        results.print(f"{fit.map.um_per_px:.4g} um per px; landmarks fit to {fit.rms_um:.2g} um")
    tell_written(written)
