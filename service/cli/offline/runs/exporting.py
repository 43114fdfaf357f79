"""The command `ilemtrack export`."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.exit_status import FAILURES
from service.cli.options import Json, Scheduler, WorkerCount
from service.cli.output import print_json, tell
from service.errors import InputError


def export(
    run_dir: Annotated[Path, typer.Argument(help="Folder of a run, also of one that is under way.")],
    kind: Annotated[
        str,
        typer.Option(
            "--format", help="ome-zarr, render-ws, fiji or useq.", metavar="FORMAT", show_default=False
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the export; beside the run by default.", metavar="DIR")
    ] = None,
    section: Annotated[
        list[str] | None,
        typer.Option(help="Section to export; several times for several, all by default.", metavar="SECTION"),
    ] = None,
    workers: WorkerCount = None,
    scheduler: Scheduler = None,
    as_json: Json = False,
) -> None:
    """Export a run for napari, Fiji, render-ws or pymmcore-plus."""
    from service.cluster.forking import prepare_workers

    prepare_workers(workers, scheduler, ["service.export.writing"])
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    from service.cli.consoles import people
    from service.cluster.opening import opened_workers
    from service.export.exporting import ExportProgress, default_folder
    from service.export.exporting import export as exported
    from service.export.items import ExportFormat
    from service.session.folders.run_folder import RunFolder, open_existing
    from service.words.quantities import size

    if kind not in set(ExportFormat):
        raise InputError(f"--format {kind}: there is no such format; formats are {', '.join(ExportFormat)}")
    folder, info = open_existing(run_dir)
    path = default_folder(folder, ExportFormat(kind)) if out is None else out
    # Images are written as fast as the disk takes them: others help where they are asked to.
    asked = scheduler is not None or (workers or 1) > 1
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
        TimeLeft(),
        console=people,
        disable=as_json or not people.is_terminal,
        transient=True,
    )
    with bars, opened_workers(scheduler, workers if asked else 1, tell) as others:
        task = bars.add_task("export", total=None)

        def show(now: ExportProgress) -> None:
            bars.update(task, completed=now.done_bytes, total=now.all_bytes, description=now.name)

        source = RunFolder(folder.path.absolute()) if asked else folder
        target = path.absolute() if asked else path
        done = exported(
            source, info, ExportFormat(kind), target, section or (), show, others if asked else None
        )
    for one in done.left_out:
        tell(f"warning: {one.image} is left out: {one.reason}")
    if as_json:
        document = {
            "v": 1,
            "export": str(path),
            "format": kind,
            "run": info.run,
            "ended": done.ended,
            "sections": list(done.sections),
            "written": done.written,
            "kept": done.kept,
            "pixel_bytes": done.pixel_bytes,
            "left_out": [{"image": one.image, "reason": one.reason} for one in done.left_out],
        }
        print_json(document)
    else:
        tell(f"{done.written} items written from {size(done.pixel_bytes)} of images, {done.kept} were there")
        if not done.ended:
            tell("the session has not ended: the same command adds what is done later")
        typer.echo(path)
    if done.left_out:
        raise typer.Exit(FAILURES)
