"""Commands on the quality of detection: synth, evaluate, experts."""

import math
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from config.choices import DEFAULT_PROFILE
from service.cli.options import ConfigFile, Json, Scheduler, WorkerCount
from service.cli.output import print_json, tell
from service.errors import InputError

FLOOR_STEPS = 101
"""Confidence thresholds of the curve, from 0 to 1."""


def synth(
    out_dir: Annotated[Path, typer.Argument(help="Folder for the images and their truth.")],
    pattern: Annotated[
        Literal["cytoplasmic", "nuclear", "punctate"], typer.Option(help="Location of the label in the cell.")
    ] = "cytoplasmic",
    kind: Annotated[
        Literal["paper", "realistic"],
        typer.Option(help="Spheres as in the paper, or images of a simulated EMCCD camera."),
    ] = "paper",
    noise: Annotated[
        float | None,
        typer.Option(
            help="Standard deviation of the noise in grey levels, for --kind paper; 20 by default.",
            min=0,
            max=500,
        ),
    ] = None,
    cell_radius_um: Annotated[
        float | None,
        typer.Option(help="Mean radius of a cell; 5.5 by default, 7 for --kind realistic.", min=1, max=30),
    ] = None,
    sections: Annotated[int, typer.Option(help="Number of serial sections.", min=1, max=2000)] = 10,
    seed: Annotated[
        int, typer.Option(help="Random seed; the same seed gives the same images.", min=0, max=2**32 - 1)
    ] = 1,
    as_json: Json = False,
) -> None:
    """Make synthetic sections with their ground truth."""
    from rich.progress import track

    from service.cli.consoles import people, results
    from service.evaluation.synthetic import write_synthetic

    frames, note = _synthetic(kind, pattern, noise, cell_radius_um, sections, seed)
    shown = track(
        frames, "making sections", sections, console=people, transient=True, disable=not people.is_terminal
    )
    document = write_synthetic(out_dir, shown, sections, note)
    counted = sum(cell["counted"] for frame in document["frames"] for cell in frame["cells"])
    if as_json:
        print_json({"v": 1, **note, "out": str(out_dir), "sections": sections, "cells": counted})
        return
    results.print(
        f"{out_dir}: {sections} sections with {counted} cells; sections.ome.tiff, sections.zip (Fiji ROIs),"
        " truth.json",
        soft_wrap=True,
    )


def evaluate(
    truth: Annotated[
        Path, typer.Option(help="Fiji ROI zip, label image (also OME-Zarr) or JSON, or a folder of them.")
    ],
    detections: Annotated[Path, typer.Option(help="Output of `ilemtrack detect --json`.")],
    curve: Annotated[
        Path | None,
        typer.Option(
            help="PNG file: missed cells against hours of the session, by margin and confidence threshold."
        ),
    ] = None,
    reliability: Annotated[
        Path | None, typer.Option(help="PNG file: confidence against the share of real cells.")
    ] = None,
    config: ConfigFile = DEFAULT_PROFILE,
    workers: WorkerCount = None,
    scheduler: Scheduler = None,
    as_json: Json = False,
) -> None:
    """Score detections against the truth, by margin and threshold.

    The table and the curve show what other margins and confidence thresholds would miss and cost.
    """
    from service.cluster.forking import prepare_workers

    prepare_workers(workers, scheduler, ["service.planning.curve.hours"])
    from config.loading import load
    from detection.evaluation import curves
    from detection.evaluation.scores import evaluate as judge
    from service.cli.offline.evaluation_tables import print_evaluation
    from service.cluster.opening import opened_workers
    from service.evaluation.documents import beam_s_per_um2, evaluation_document, read_judged
    from service.evaluation.truth import read_truth
    from service.planning.curve.hours import SessionHours
    from service.planning.curve.places import read_placed, read_sections

    settings = load(config)
    known = read_truth(truth)
    frames, left_out = read_judged(detections, known)
    for notice in known.notices:
        tell(f"warning: {notice}")
    if left_out:
        tell(f"warning: {left_out} frames of the truth have no detections and are not scored")
    s_per_um2 = beam_s_per_um2(settings.sem)
    figures = judge(frames)
    with opened_workers(scheduler, workers or 1 if scheduler is None else workers, tell) as others:
        session = SessionHours(
            settings,
            read_placed(detections),
            read_sections(detections),
            curves.extremes(frames, settings.detection),
            others,
        )
        present = curves.operating_point(frames, settings.detection, s_per_um2, session.hours)
        points = curves.operating_points(frames, settings.detection, s_per_um2, session_h=session.hours)
    bins = curves.reliability(frames)
    raster_h = session.raster_hours()
    document = evaluation_document(figures, frames, points, present, bins, s_per_um2, raster_h)
    if curve is not None:
        if math.isnan(present.missed_share):
            raise InputError(f"{truth}: no cell is marked in these frames, so there is no curve to draw")
        from service.pictures.evaluation import plot_curve

        floors = [n / (FLOOR_STEPS - 1) for n in range(FLOOR_STEPS)]
        dropped = floors, *curves.dropped_by_floor(frames, floors)
        plot_curve(curve, points, present, raster_h, dropped)
    if reliability is not None:
        if not bins:
            raise InputError(f"{detections}: contains no hit, so there is no reliability to draw")
        from service.pictures.evaluation import plot_reliability

        plot_reliability(reliability, bins)
    if as_json:
        print_json(document)
        return
    print_evaluation(document, settings.detection)


def experts(
    readers: Annotated[list[Path], typer.Argument(help="Fiji ROI zips, one per reader, at least two.")],
    detections: Annotated[
        Path | None, typer.Option(help="Output of `ilemtrack detect --json`, to compare with the readers.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare readers with each other and with a detector.

    As in Tables 1 to 3 of the paper.
    """
    from detection.evaluation.experts import agreement, dice_table, groups, mean_between
    from service.cli.offline.evaluation_tables import print_experts
    from service.evaluation.documents import read_readers

    if len(readers) < 2:
        raise InputError("experts: at least two readers are needed, with one Fiji ROI zip each")
    twice = [path for n, path in enumerate(readers) if path.absolute() in map(Path.absolute, readers[:n])]
    if twice:
        raise InputError(f"{twice[0]}: given twice; each reader needs a file of their own")
    names = _names(readers)
    marked, found = read_readers(readers, detections)
    empty = [str(path) for path, reader in zip(readers, marked, strict=True) if not reader]
    if empty:
        raise InputError(f"{empty[0]}: contains no ROI")
    table = dice_table(marked)
    document: dict[str, Any] = {
        "v": 1,
        "readers": [
            {"name": name, "path": str(path), "cells": sum(map(len, reader.values())), "group": group}
            for name, path, reader, group in zip(names, readers, marked, groups(table), strict=True)
        ],
        "dice": [[_number(value) for value in row] for row in table.tolist()],
        "mean_between_readers": _number(mean_between(table)),
    }
    if found is not None:
        each = [agreement(reader, found) for reader in marked]
        document["detector"] = {
            "readers": [
                {
                    "name": n,
                    "dice": _number(a.dice),
                    "recall": _number(a.recall),
                    "precision": _number(a.precision),
                }
                for n, a in zip(names, each, strict=True)
            ],
            "dice": _number(sum(a.dice for a in each) / len(each)),
            "recall": _number(sum(a.recall for a in each) / len(each)),
            "precision": _number(sum(a.precision for a in each) / len(each)),
        }
    if as_json:
        print_json(document)
        return
    print_experts(document)


def _synthetic(
    kind: str, pattern: Any, noise: float | None, radius_um: float | None, sections: int, seed: int
) -> tuple[Any, dict[str, Any]]:
    """Return the frames, and a note on how they are made."""
    from service.evaluation.synthetic import paper_frames, realistic_config, realistic_frames
    from simulators.specimen.paper.specimen import PaperSpecimen

    note: dict[str, Any] = {"kind": kind, "pattern": pattern, "seed": seed}
    if kind == "paper":
        standard = PaperSpecimen(pattern=pattern)
        radius = radius_um or standard.radius_um
        # The paper's two populations have the same scatter in proportion, a seventh.
        scatter = radius * standard.radius_sd_um / standard.radius_um
        specimen = PaperSpecimen(radius, scatter, pattern=pattern, noise=20.0 if noise is None else noise)
        note |= {"noise": specimen.noise, "cell_radius_um": radius}
        return paper_frames(seed, sections, specimen), note
    if noise is not None:
        raise InputError(
            "--noise needs --kind paper; the noise of the simulated camera follows from its physics"
        )
    radius = radius_um or 7.0
    note |= {"cell_radius_um": radius}
    config = realistic_config(seed, sections, pattern, cell_radius_um=radius, cell_radius_sd_um=radius / 7)
    return realistic_frames(config), note


def _names(paths: list[Path]) -> list[str]:
    """Distinct short names of readers: the file's name, with its folder if that is not enough."""
    names = [path.name.removesuffix(".zip") for path in paths]
    if len(set(names)) < len(names):
        names = [f"{path.absolute().parent.name}/{name}" for path, name in zip(paths, names, strict=True)]
    return names


def _number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
