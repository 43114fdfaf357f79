"""The command `ilemtrack report`."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import Json
from service.cli.output import print_json
from service.errors import InputError


def report(
    run_dir: Annotated[Path, typer.Argument(help="Folder of a run, also of one that is under way.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write; report.html in the folder of the run by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the report of a run: one HTML file for a lab book."""
    from service.report.html.write import write_report
    from service.session.folders.run_folder import open_existing

    folder, info = open_existing(run_dir)
    path = folder.report if out is None else out
    try:
        write_report(folder, info, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error
    if as_json:
        print_json({"v": 1, "report": str(path), "size_bytes": path.stat().st_size})
    else:
        typer.echo(path)
