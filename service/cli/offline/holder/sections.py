"""Commands `ilemtrack sections ...`: convert, landmarks, order, layout."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from config.choices import DEFAULT_PROFILE
from service.cli.options import ConfigFile, Json
from service.cli.output import print_json, tell, tell_written
from service.errors import InputError
from service.mapping.values import SectionList, Unit
from service.store.durable import write_text
from service.wording import some

List = Annotated[
    Path,
    typer.Argument(
        help="Section list: .yaml, .json (also of `ilemtrack map --json`), .csv, .magc or .mass.json."
    ),
]
_MOST_LISTED = 20
"""Doubtful links that are printed."""
Result = Annotated[Path, typer.Argument(help="New section list; the ending of its name is its format.")]
Landmarks = Annotated[
    Path | None,
    typer.Option(
        help="CSV file with columns overview_x_px, overview_y_px, stage_x_um, stage_y_um and name; by default"
        " the landmarks of the list."
    ),
]


def convert(source: List, result: Result, landmarks: Landmarks = None) -> None:
    """Convert a section list; with landmarks, to stage positions."""
    from service.mapping.lists.files import read_list, write_list

    found = read_list(source)
    if landmarks is not None:
        found = _on_stage(found, source, landmarks)
    _refuse_same(source, result)
    write_list(result, found)
    order = "in cutting order" if found.in_cutting_order else "whose cutting order is not stated"
    tell(f"{result}: {len(found.sections)} sections {order}, positions in {found.unit}")


def landmarks(
    source: Annotated[
        Path,
        typer.Argument(
            help="CSV file with columns overview_x_px, overview_y_px, stage_x_um, stage_y_um and name, or a"
            " section list with landmarks."
        ),
    ],
    model: Annotated[
        Literal["similarity", "affine"] | None,
        typer.Option(help="Kind of map; by default affine where that predicts landmarks better."),
    ] = None,
    figure: Annotated[Path | None, typer.Option(help="PNG file with the residuals.")] = None,
    as_json: Json = False,
) -> int:
    """Fit the map from overview to stage, and show its errors.

    Each landmark is shown with its residual and its leave-one-out error.
    The exit status is 1 if a landmark does not agree with the others.
    """
    from rich.table import Table

    from service.cli.consoles import results
    from service.mapping.landmarks import fit_landmarks, landmarks_document, positions_of, read_landmarks
    from service.pictures.holder.landmarks import draw_landmarks

    pairs = read_landmarks(source)
    fit = fit_landmarks(pairs, source, model)
    names = [pair.id for pair in pairs]
    if figure is not None:
        draw_landmarks(figure, names, positions_of(pairs)[1], fit.residuals_um, fit.left_out_um, fit.wrong)
    document = landmarks_document(pairs, fit)
    status = 1 if fit.wrong else 0
    if as_json:
        print_json(document)
        return status
    table = Table("landmark", "residual x, um", "y, um", "leave-one-out, um", "")
    for row in document["landmarks"]:
        x, y = row["residual_um"]
        left_out = row["leave_one_out_um"]
        remark = "does not agree with the others" if row["wrong"] else ""
        table.add_row(
            row["name"], f"{x:.1f}", f"{y:.1f}", "?" if left_out is None else f"{left_out:.1f}", remark
        )
    results.print(table)
    error = "unknown" if fit.left_out_rms_um is None else f"{fit.left_out_rms_um:.1f} um"
    results.print(
        f"{fit.model}, {fit.map.um_per_px:.4g} um per pixel, rotated by {fit.map.rotated_deg(0.0):+.2f} deg;"
        f" rms {fit.rms_um:.1f} um, leave-one-out error {error}"
    )
    _warn([str(caution) for caution in fit.cautions], [names[n] for n in fit.wrong])
    if figure is not None:
        tell_written([figure])
    return status


def order(
    source: List,
    result: Result,
    first: Annotated[
        Literal["top", "bottom"],
        typer.Option(help="End of a ribbon at which its first section lies, as its sections are upright."),
    ] = "top",
    frames: Annotated[
        Path | None,
        typer.Option(
            help="Folder with a fluorescence frame of each section, S0001.ome.tiff, ...: order scattered"
            " sections by the likeness of these."
        ),
    ] = None,
    ribbons: Annotated[
        bool,
        typer.Option(
            "--ribbons", help="With --frames: follow ribbons by their edges, and order these by their ends."
        ),
    ] = False,
    half_turns: Annotated[
        bool, typer.Option("--half-turns", help="The angles are known up to half a turn only.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Put sections into their order of cutting.

    Along ribbons by their edges; with --frames, scattered sections by the likeness of their fluorescence, and
    with --ribbons the ribbons among themselves.
    Doubtful links are listed.
    """
    from service import wording_mapping
    from service.cli.consoles import people
    from service.mapping.lists.checks import ordered
    from service.mapping.lists.files import read_list, write_list
    from service.mapping.order.between import order_ribbons_by_similarity
    from service.mapping.order.frames import read_section_frames
    from service.mapping.order.ribbons import order_ribbons
    from service.mapping.order.similarity import order_by_similarity

    found = read_list(source)
    if ribbons and frames is None:
        raise InputError("--ribbons needs --frames: outlines do not show which ribbon follows which")
    if frames is None:
        ordering = order_ribbons(found, first == "top", half_turns)
    elif ribbons:
        shown = read_section_frames(frames, found)
        ordering = order_ribbons_by_similarity(found, shown, first == "top", half_turns)
    else:
        ordering = order_by_similarity(read_section_frames(frames, found), half_turns)
    _refuse_same(source, result)
    write_list(result, ordered(found, ordering.ids))
    if as_json:
        links = [
            {
                "before": one.before,
                "after": one.after,
                "kind": str(one.kind),
                "doubt": one.doubt and str(one.doubt),
                "chance": one.chance,
                "instead": [
                    {"section": section, "neighbour": other, "chance": chance}
                    for section, other, chance in one.instead
                ],
            }
            for one in ordering.links
        ]
        print_json({"v": 1, "order": list(ordering.ids), "links": links})
        return
    for link in ordering.doubtful[:_MOST_LISTED]:
        says = wording_mapping.link_doubt_says(link.doubt or "")
        if link.chance is not None:
            says += f" ({wording_mapping.link_chance_says(link.chance, link.instead)})"
        people.print(f"{link.before} to {link.after}: {says}", soft_wrap=True)
    if len(ordering.doubtful) > _MOST_LISTED:
        tell(f"and {len(ordering.doubtful) - _MOST_LISTED} more; --json lists all")
    tell(
        f"{result}: {len(ordering.ids)} sections in cutting order, links to look at: {len(ordering.doubtful)}"
    )


def layout(
    source: List,
    out: Annotated[Path, typer.Option(help="Configuration to write, YAML.")],
    landmarks: Landmarks = None,
    config: ConfigFile = DEFAULT_PROFILE,
    overlap_percent: Annotated[
        float, typer.Option(min=0, max=50, help="Overlap of neighbouring fields.")
    ] = 10.0,
    margin_um: Annotated[
        float,
        typer.Option(min=0, max=500, help="Reach of fields and frames beyond the outline, for its errors."),
    ] = 20.0,
    regions: Annotated[
        bool, typer.Option("--regions", help="Cover the regions of each section, not its outline.")
    ] = False,
    regions_of: Annotated[
        str | None,
        typer.Option(metavar="SECTION", help="Cover the regions of this section, carried to all others."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a configuration with the sections of a list.

    What the session would take is shown: fields, hours and gigabytes, as a full raster.
    """
    from config.documents.comments import commented
    from config.loading import load
    from service.cli.consoles import results
    from service.cli.estimate_tables import print_estimate
    from service.mapping.fields import FieldGrid, carried, layout_of
    from service.mapping.lists.files import read_list
    from service.mapping.own_ground import with_own_ground
    from service.mapping.session_layout import estimated, with_sections

    chosen = load(config)
    found = _on_stage(read_list(source), source, landmarks)
    if regions_of is not None:
        found = carried(found, regions_of)
    found, overlapping = with_own_ground(found)
    width_m, height_m = chosen.fluorescence.field_size_m
    grid = FieldGrid((width_m * 1e6, height_m * 1e6), overlap_percent, margin_um)
    settings = with_sections(chosen, layout_of(found, grid, regions or regions_of is not None), margin_um)
    document = estimated(settings)
    if out.exists() and out.samefile(source):
        raise InputError(f"{out}: is the section list itself; choose another name")
    write_text(out, commented(settings))
    if overlapping:
        pairs = some([f"{keeps} and {loses}" for keeps, loses in overlapping])
        tell(f"warning: {len(overlapping)} pairs overlap, and the first is given their ground: {pairs}")
    if not found.in_cutting_order:
        tell("warning: the list does not state the order of cutting; the order of the list is taken for it")
    if as_json:
        print_json({"v": 1} | document)
        return
    results.print(f"{out}: {document['sections']} sections with {document['fields']} fields", soft_wrap=True)
    print_estimate(results, document["estimate"])


def _on_stage(found: SectionList, source: Path, landmarks: Path | None) -> SectionList:
    """Return a list in stage um, fitting its landmarks where it is in pixels."""
    from service.mapping.landmarks import fit_landmarks, on_stage, read_landmarks

    if found.unit is Unit.UM:
        if landmarks is not None:
            raise InputError(f"{source}: has stage positions already; leave out --landmarks")
        return found
    if landmarks is None:
        if not any(pair.stage_um for pair in found.landmarks):
            raise InputError(f"{source}: has positions in pixels; --landmarks takes them to the stage")
        landmarks = source
    pairs = read_landmarks(landmarks)
    fit = fit_landmarks(pairs, landmarks)
    _warn([str(caution) for caution in fit.cautions], [pairs[n].id for n in fit.wrong])
    return on_stage(found, fit.map)


def _warn(cautions: Sequence[str], wrong: Sequence[str]) -> None:
    from service import wording_mapping

    for caution in cautions:
        tell(f"warning: {wording_mapping.caution_says(caution, wrong)}")


def _refuse_same(source: Path, result: Path) -> None:
    if result.exists() and result.samefile(source):
        raise InputError(f"{result}: is the list itself; choose another name")
