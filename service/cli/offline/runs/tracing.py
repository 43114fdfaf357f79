"""The command `ilemtrack trace`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.options import Json
from service.cli.output import print_json
from service.errors import InputError, UnknownIdError


def trace(
    thing: Annotated[
        str,
        typer.Argument(
            help="An image file, or the name of a cell, track, frame (job) or field; with --crate the folder"
            " of a run."
        ),
    ],
    run_dir: Annotated[
        Path | None,
        typer.Option("--run", help="Folder of the run; not needed for an image in it.", metavar="RUN_DIR"),
    ] = None,
    crate: Annotated[
        bool,
        typer.Option(
            "--crate", help="Describe all files of a run and their origin as an RO-Crate, in its folder."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Trace an image, cell or frame to all it comes from, and back."""
    if crate:
        _write_crate(Path(thing), run_dir, as_json)
        return
    from dataclasses import asdict

    from service.report.trace import trace as traced
    from service.session.folders.kept_config import kept_config
    from service.session.folders.run_folder import open_existing

    folder, info = open_existing(_run_of(Path(thing)) if run_dir is None else run_dir)
    try:
        found = asdict(traced(folder, info, kept_config(folder, info).detection.detector, thing))
    except UnknownIdError as error:
        raise InputError(str(error)) from error
    if as_json:
        print_json({"v": 1, **found})
        return
    for line in _lines(found):
        typer.echo(line)


def _write_crate(run: Path, run_dir: Path | None, as_json: bool) -> None:
    from service.report.crate import write_crate
    from service.session.folders.kept_config import kept_config
    from service.session.folders.run_folder import open_existing

    if run_dir is not None:
        raise InputError("--crate describes a whole run: give its folder, and no --run")
    folder, info = open_existing(run)
    config = kept_config(folder, info)
    try:
        path = write_crate(folder, info, config)
    except OSError as error:
        raise InputError(f"{folder.path}: the crate cannot be written ({error.strerror})") from error
    if as_json:
        print_json({"v": 1, "crate": str(path), "size_bytes": path.stat().st_size})
    else:
        typer.echo(path)


def _run_of(path: Path) -> Path:
    """Return the folder of the run that a path lies in."""
    for folder in path.absolute().parents:
        if (folder / "run.json").is_file():
            return folder
    raise InputError(f"{path}: is not in the folder of a run; name the run with --run")


def _lines(found: dict[str, Any]) -> Iterator[str]:
    program = f"ilemtrack {found['program']}" if found["program"] else "an earlier ilemtrack"
    yield f"run      {found['run']}, a {found['kind']} begun with {program}, detector {found['detector']}"
    for one in found["fields"]:
        yield f"field    {one['field']}, {one['state']}: {_image(one['image'])}"
    for one in found["cells"]:
        yield (
            f"cell     {one['cell']} {'+'.join(one['tracks'])} at {tuple(one['box_px'])} px,"
            f" confidence {one['confidence']:.2f}: {one['skipped'] or one['reason']}"
        )
    for one in found["plans"]:
        yield f"plan     {one['section']}, {one['method']}, event {one['seq']} at {one['at']}"
    for one in found["jobs"]:
        cells = ", ".join(one["covers"]) or "no cell"
        yield f"frame    {one['job']}, {one['state']}, of {cells}: {_image(one['image'])}"
        for row in one["exposures"]:
            yield f"exposure {row['id']} of {one['job']}: {row['state']}{_exposure(row)}"


def _exposure(row: dict[str, Any]) -> str:
    """Return what an exposure repeats, its own image, and what that was found bad by."""
    parts = [] if row["retake_of"] is None else [f"taken again for exposure {row['retake_of']}"]
    parts += [] if row["image"] is None else [_image(row["image"])]
    parts += [row["bad"]] if row["bad"] else []
    return "".join(f"; {part}" for part in parts)


def _image(image: dict[str, Any] | None) -> str:
    if image is None:
        return "no image"
    states = {
        True: "unchanged since it was saved",
        False: "CHANGED since it was saved",
        None: "cannot be read",
    }
    return f"{image['file']}, {states[image['unchanged']]}"
