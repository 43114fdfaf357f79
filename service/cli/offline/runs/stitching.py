"""The command `ilemtrack stitch`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.options import Json
from service.cli.output import print_json, tell
from service.errors import InputError


def stitch(
    run_dir: Annotated[Path, typer.Argument(help="Folder of a run, also of one that is under way.")],
    cell: Annotated[
        list[str] | None,
        typer.Option("--cell", help="Cell or track; may be given several times. All by default."),
    ] = None,
    field: Annotated[
        list[str] | None, typer.Option("--field", help="Field; may be given several times. All by default.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the images; stitched in the folder of the run by default.")
    ] = None,
    thickness_nm: Annotated[
        float | None, typer.Option(min=1, max=10_000, help="Thickness of a section, for the volumes.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Stitch cells and fields; register cells through sections."""
    from service.session.folders.run_folder import open_existing
    from service.stitching.run import Asked, stitch_run

    folder, info = open_existing(run_dir)
    to = folder.stitched if out is None else out.absolute()
    asked = Asked(tuple(cell or ()), tuple(field or ()), thickness_nm)
    try:
        found = stitch_run(folder, info, to, asked, tell if not as_json else lambda _: None)
    except OSError as error:
        raise InputError(f"{to}: cannot be written ({error.strerror})") from error
    if as_json:
        print_json(_document(found, to))
    else:
        for line in _lines(found, to):
            typer.echo(line)


def _document(found: Any, to: Path) -> dict[str, Any]:
    from pydantic import TypeAdapter

    document: dict[str, Any] = TypeAdapter(type(found)).dump_python(found, mode="json")
    return {
        "v": 1,
        "folder": str(to),
        **document,
        "slices": {one.value: n for one, n in found.slices.items()},
    }


def _lines(found: Any, to: Path) -> Iterator[str]:
    yield f"images           {found.made} made, {found.unchanged} unchanged, in {to}"
    yield f"seams            {found.seams}, of which {found.measured} are proven by what both images show"
    if found.contradicted:
        yield f"contradicted     {found.contradicted} seams, by the others around them"
    if found.by_read_back is not None and found.settled is not None:
        for name, one in (("by the stage", found.by_read_back), ("as stitched", found.settled)):
            yield f"{name:17}median {one.median_nm:.0f} nm, worst {one.worst_nm:.0f} nm"
    else:
        yield "positions        those of the stage: no seam proves a better one"
    if found.tracks:
        slices = ", ".join(f"{n} {_SLICES[one.value]}" for one, n in found.slices.items())
        yield f"cells            {len(found.tracks)} through sections: {slices}"
    part = [one.name for one in found.images if one.kind == "cell" and not one.whole]
    if part:
        yield f"cells in part    {len(part)}: frames of them are not finished"
    for job, reason in found.left_out:
        yield f"left out         {job}: {reason}"


_SLICES = {
    "reference": "references",
    "electrons": "registered by electrons",
    "fluorescence": "by fluorescence",
    "center": "by their middle",
    "missing": "missing",
}
