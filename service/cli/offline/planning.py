"""Commands on the SEM frames to come: plan, estimate."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from config.choices import DEFAULT_PROFILE
from service.cli.options import ConfigFile, Connect, Json, Run
from service.cli.output import print_json, tell
from service.errors import InputError
from service.words.quantities import duration

Boxes = Annotated[
    Path,
    typer.Argument(
        help="JSON file with fields and boxes (see docs/documents.md), or the output of `ilemtrack detect"
        " --json`; - for standard input."
    ),
]
FieldCenters = Annotated[
    list[str] | None,
    typer.Option(
        "--field",
        metavar="X_UM,Y_UM",
        help="Stage position of the centre of a frame of `detect` without one, um; once for each frame.",
    ),
]
SectionName = Annotated[
    str | None, typer.Option("--section", help="Section to plan, where `detect` has found cells in several.")
]
Length = Annotated[float | None, typer.Option(min=0, max=50)]


def plan(
    boxes: Boxes = Path("-"),
    field: FieldCenters = None,
    section: SectionName = None,
    alignment: Annotated[
        list[Path] | None,
        typer.Option(help="Output of `ilemtrack align --json` for a frame of `detect`; once for each frame."),
    ] = None,
    method: Annotated[str | None, typer.Option(help="exact, greedy, per-box or raster.")] = None,
    context_um: Length = None,
    guard_um: Length = None,
    overhead_s: Annotated[float | None, typer.Option(min=0, max=600)] = None,
    config: ConfigFile = DEFAULT_PROFILE,
    figure: Annotated[
        Path | None, typer.Option(help="PNG file: fields, cells, frames, route and dose.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Plan the SEM frames for given boxes.

    `ilemtrack detect IMAGE --json | ilemtrack plan` plans them for the cells of a frame.
    """
    from config.loading import load
    from service.cli.consoles import results
    from service.planning.aligned import read_aligned
    from service.planning.boxes_file import read_boxes
    from service.planning.from_detections import Places
    from service.planning.request import PlanOverrides, planned_request
    from service.planning.result import document_of

    settings = load(config)
    aligned = [read_aligned(one, settings.sem.overview.largest_offset_um) for one in alignment or ()]
    made = planned_request(
        read_boxes(boxes, Places(_centers_m(field or ()), section, aligned)),
        settings,
        PlanOverrides(method, context_um, guard_um, overhead_s),
    )
    document = document_of(made)
    if figure is not None:
        from service.cli.offline.plan_drawing import drawing_of
        from service.pictures.plan.draw import draw_plan

        draw_plan(figure, drawing_of(made, document))
    if as_json:
        print_json(document)
        return
    _print_plan(document)
    if figure is not None:
        results.print(f"drawn in {figure}", soft_wrap=True)


def estimate(
    boxes: Annotated[
        Path | None, typer.Argument(help="JSON file as for `plan`; the whole session by default.")
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            "--config", help="Estimate a session that has not begun: YAML file or name of a profile."
        ),
    ] = None,
    connect: Connect = None,
    run: Run = None,
    as_json: Json = False,
) -> None:
    """Estimate time, data and dose, and compare ways to image.

    By default for the session of the running daemon, with --run also of a run that has ended; with --config
    for one that has not begun; with boxes for the frames that image them.
    """
    if (connect is not None or run is not None) and (boxes is not None or config is not None):
        asks = "--connect" if connect is not None else "--run"
        raise InputError(f"{asks} asks a daemon and cannot be combined with boxes or --config")
    if boxes is not None:
        _estimate_boxes(boxes, config or DEFAULT_PROFILE, as_json)
        return
    phase, driven = None, True
    if config is not None:
        found = _of_config(config)
    else:
        from service.api.client import Client
        from service.cli.reading import reading
        from service.model.phases import Phase

        with reading(connect, None, run) as reader:
            found, named = reader.call("estimate"), reader.call("status")["phase"]
            # A daemon of a later version may have phases that are unknown here.
            phase = Phase(named) if named in list(Phase) else None
            driven = isinstance(reader, Client)
    if as_json:
        print_json({"v": 1} | found)
        return
    from service.cli.consoles import results
    from service.cli.estimate_tables import print_estimate

    print_estimate(results, found, phase, driven=driven)


def _centers_m(given: Sequence[str]) -> list[tuple[float, float]]:
    centers = []
    for text in given:
        try:
            x_um, y_um = (float(part) for part in text.split(","))
        except ValueError:
            x_um = y_um = math.nan
        if not (math.isfinite(x_um) and math.isfinite(y_um)):
            raise InputError(f"--field must be two numbers in um, such as 1200,-350.5, not {text!r}")
        centers.append((x_um * 1e-6, y_um * 1e-6))
    return centers


def _of_config(name: str) -> dict[str, Any]:

    from config.loading import load
    from service.model.specimen import Field
    from service.planning.session_estimate import estimate_fields
    from service.session.layout import sections_and_fields
    from service.store.database import utc_now

    config = load(name)
    sections, fields = sections_and_fields(config)
    by_section: dict[str, list[Field]] = {section.id: [] for section in sections}
    for field in fields:
        by_section[field.section].append(field)
    return estimate_fields(config, list(by_section.values()), utc_now()).model_dump(mode="json")


def _estimate_boxes(boxes: Path, config: str, as_json: bool) -> None:
    from config.loading import load
    from service.cli.consoles import results
    from service.cli.estimate_tables import print_ways
    from service.planning.boxes_file import read_boxes
    from service.planning.request import planned_request
    from service.planning.result import document_of

    document = document_of(planned_request(read_boxes(boxes), load(config)))
    if as_json:
        print_json(
            {
                key: document[key]
                for key in (
                    *("v", "method", "basis", "gap", "totals", "alternatives"),
                    *("doses", "skipped", "clipped", "stitched", "left_out"),
                )
            }
        )
        return
    results.print(_choice(document), soft_wrap=True)
    print_ways(results, document["alternatives"], "with moves", document["totals"]["dose_per_nm2"])


def _print_plan(document: dict[str, Any]) -> None:
    from rich.table import Table

    from service.cli.consoles import results
    from service.cli.estimate_tables import print_ways

    table = Table(box=None, pad_edge=False)
    for heading in ("frame", "x / mm", "y / mm", "size / px", "beam", "covers"):
        table.add_column(heading, justify="right" if "/" in heading else "left", overflow="fold")
    for frame in document["frames"]:
        x_m, y_m = frame["center_m"]
        size_px = "{} x {}".format(*frame["size_px"])
        covers = " ".join(frame["covers"])
        table.add_row(
            frame["id"], f"{x_m * 1e3:.4f}", f"{y_m * 1e3:.4f}", size_px, duration(frame["beam_s"]), covers
        )
    if document["frames"]:
        results.print(table)
    else:
        tell("nothing to image: no box needs a frame")
    for item in document["skipped"]:
        results.print(f"skipped {item['box']}: {item['reason']}", soft_wrap=True)
    for item in document["clipped"]:
        results.print(f"{item['box']}: {item['reason']}", soft_wrap=True)
    if document["stitched"]:
        several = len(document["stitched"])
        results.print(
            f"stitched from several frames: {several} of {len(document['doses']) - _skipped_boxes(document)}"
            f" cells: {', '.join(_stitched(one) for one in document['stitched'])}",
            soft_wrap=True,
        )
    totals = document["totals"]
    beam, bound = duration(totals["beam_s"]), duration(totals["bound_beam_s"])
    count = f"{totals['frames']} frame" + ("" if totals["frames"] == 1 else "s")
    focus = f", {duration(totals['focus_s'])} for focusing" if totals["focus_s"] else ""
    results.print(
        f"{count}, {duration(totals['total_s'])} in all, {beam} of beam (at least {bound}){focus}",
        soft_wrap=True,
    )
    positions = len({tuple(frame["stage_m"]) for frame in document["frames"]})
    if positions < totals["frames"]:
        counted = "position" if positions == 1 else "positions"
        results.print(f"scanned from {positions} {counted} of the stage", soft_wrap=True)
    results.print(_choice(document), soft_wrap=True)
    print_ways(results, document["alternatives"], "with moves", totals["dose_per_nm2"])


def _skipped_boxes(document: dict[str, Any]) -> int:
    boxes = {dose["box"] for dose in document["doses"]}
    return sum(item["box"] in boxes for item in document["skipped"])


def _stitched(one: dict[str, Any]) -> str:
    gaps = "" if one["overlap_held"] else ", overlap too small"
    return f"{one['box']} ({' '.join(one['frames'])}{gaps})"


def _choice(document: dict[str, Any]) -> str:
    """Return in a sentence which frames were taken, and why."""
    from service.words.ways import RASTER_TAKEN

    if document["basis"] == "raster":
        if document["method"] == "raster":
            return "a full raster, as asked for"
        return f"a full raster: {RASTER_TAKEN}"
    said = {
        "cells": "frames around the cells: faster than a full raster",
        "trimmed_raster": "frames of a raster, trimmed: faster than others around the cells",
    }[document["basis"]]
    if document["totals"]["total_s"] > document["totals"]["raster_total_s"]:
        said = "frames around the cells, though a full raster would be faster"
    return f"{said}; at most {document['gap']:.1%} above the least time of any frames that were looked at"
