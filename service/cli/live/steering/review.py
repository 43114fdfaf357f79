"""Commands `ilemtrack review ...`: accept, reject, draw and resize cells before the beam."""

from typing import Annotated, Any

import typer

from service import wording
from service.api.client import Client
from service.cli.options import By, Connect, Json, Key, Run, who
from service.cli.output import changed, print_json
from service.cli.reading import Reader, reading
from service.words.quantities import duration

Cells = Annotated[list[str], typer.Argument(help="Cells, such as S0001/F000/c0001.")]
Box = Annotated[
    tuple[int, int, int, int],
    typer.Argument(help="X0 Y0 X1 Y1: pixels of the fluorescence frame, half-open.", min=0),
]
Why = Annotated[str, typer.Option("--reason", "-m", help="Reason; recorded with your name.")]
Track = Annotated[bool, typer.Option("--track", help="The whole track: in all sections that show it.")]
Try = Annotated[bool, typer.Option("--preview", help="Show what would change, and change nothing.")]

_MOST_ROWS = 1000


def list_(
    connect: Connect = None,
    key: Key = None,
    run: Run = None,
    limit: Annotated[int, typer.Option(min=1, help="Most edits to list.")] = _MOST_ROWS,
    as_json: Json = False,
) -> None:
    """List what people have edited, undone edits included.

    Also of a run that has ended, with --run.
    """
    with reading(connect, key, run) as reader:
        found, rows = reader.call("review.get"), _rows(reader, limit)
    if as_json:
        print_json({"v": 1} | found | {"edits": rows[:limit]})
        return
    from rich.table import Table

    from service.cli.consoles import print_rows, results

    table = Table(box=None, pad_edge=False)
    for name in ("step", "edit", "cell", "by", "reason", "at", ""):
        table.add_column(name, overflow="fold")
    for row in rows[:limit]:
        table.add_row(
            str(row["step"]),
            row["kind"],
            _what(row),
            row["by"],
            row["reason"],
            row["at"],
            "" if row["undone_by"] is None else f"undone by {row['undone_by']}",
        )
    print_rows(table, "nobody has edited anything")
    results.print(_state(found), soft_wrap=True)
    if len(rows) > limit:
        results.print("more with a larger --limit")


def reject(
    cells: Cells,
    track: Track = False,
    reason: Why = "",
    by: By = None,
    connect: Connect = None,
    key: Key = None,
    run: Run = None,
) -> None:
    """Reject cells: the beam does not image them."""
    edits = [{"kind": "reject", "cell": cell, "whole_track": track} for cell in cells]
    _edit(Client(connect, key=key, run=run), edits, reason, by)


def accept(
    cells: Cells,
    track: Track = False,
    reason: Why = "",
    by: By = None,
    connect: Connect = None,
    key: Key = None,
    run: Run = None,
) -> None:
    """Accept cells: they are imaged, whatever their confidence."""
    edits = [{"kind": "accept", "cell": cell, "whole_track": track} for cell in cells]
    _edit(Client(connect, key=key, run=run), edits, reason, by)


def draw(
    field: Annotated[str, typer.Argument(help="Field, such as S0001/F000.")],
    box: Box,
    reason: Why = "",
    by: By = None,
    connect: Connect = None,
    key: Key = None,
    run: Run = None,
) -> None:
    """Draw a cell that was not found."""
    edits = [{"kind": "draw", "field": field, "box_px": list(box)}]
    _edit(Client(connect, key=key, run=run), edits, reason, by)


def resize(
    cell: Annotated[str, typer.Argument(help="Cell, such as S0001/F000/c0001.")],
    box: Box,
    reason: Why = "",
    by: By = None,
    connect: Connect = None,
    key: Key = None,
    run: Run = None,
) -> None:
    """Give a cell another box."""
    edits = [{"kind": "resize", "cell": cell, "box_px": list(box)}]
    _edit(Client(connect, key=key, run=run), edits, reason, by)


def margins(
    dilate_um: Annotated[float | None, typer.Option(min=0, max=20, help="Margin around every cell.")] = None,
    side_quantile: Annotated[
        float | None,
        typer.Option(min=0.5, max=0.9999, help="Chance for a side of a cell to lie inside what is imaged."),
    ] = None,
    min_confidence: Annotated[
        float | None, typer.Option(min=0, max=1, help="Confidence below which a hit is not imaged.")
    ] = None,
    preview: Try = False,
    reason: Why = "",
    by: By = None,
    connect: Connect = None,
    key: Key = None,
    run: Run = None,
) -> None:
    """Set margins and threshold; those not given are as configured."""
    given = {"dilate_um": dilate_um, "side_quantile": side_quantile, "min_confidence": min_confidence}
    policy = {name: value for name, value in given.items() if value is not None}
    with Client(connect, key=key, run=run) as client:
        rev = client.call("status")["rev"]
        found = client.call("review.preview", policy=policy)
        # Until all is planned, a section that will be a raster seems to take longer.
        time = (
            "how long the electron images take is known once all sections are planned"
            if found["electron_s"] is None
            else f"about {duration(found['estimate_s'])} of electron images"
        )
        typer.echo(f"{found['cells']} cells imaged in place of {found['before']}, {time}")
        for name, verb in (("added", "added"), ("dropped", "no longer imaged")):
            if found[name]:
                typer.echo(f"{verb}: {found[name]} ({wording.some(found[f'{name}_names'])})")
        if not preview:
            made = client.call(
                "review.policy", policy=policy, reason=reason, by=who(by), if_rev=rev, if_run=client.run
            )
            typer.echo(changed(made))


def undo(
    mine: Annotated[bool, typer.Option("--mine", help="Your last edit, not that of somebody else.")] = False,
    by: By = None,
    connect: Connect = None,
    key: Key = None,
    run: Run = None,
) -> None:
    """Undo the last edits that were made at once."""
    with Client(connect, key=key, run=run) as client:
        typer.echo(changed(client.call("review.undo", mine=mine, by=who(by), if_run=client.run)))


def _edit(client: Client, edits: list[dict[str, Any]], reason: str, by: str | None) -> None:
    with client:
        typer.echo(
            changed(client.call("review.edit", edits=edits, reason=reason, by=who(by), if_run=client.run))
        )


def _rows(reader: Reader, limit: int) -> list[dict[str, Any]]:
    """Collect rows from as many replies as it takes, one more than asked for if there are more."""
    rows: list[dict[str, Any]] = []
    after = 0
    while len(rows) <= limit:
        page = reader.call("review.list", after=after)
        rows += page["edits"]
        after = page["after"]
        if after is None:
            break
    return rows


def _what(row: dict[str, Any]) -> str:
    if row["policy"] is not None:
        given = {name: value for name, value in row["policy"].items() if value is not None}
        return ", ".join(f"{name} {value:g}" for name, value in given.items()) or "as configured"
    box = "" if row["box_px"] is None else f" {' '.join(map(str, row['box_px']))}"
    return f"{row['cell']}{box}"


def _state(found: dict[str, Any]) -> str:
    made = "the configuration" if found["policy_by"] is None else found["policy_by"]
    return (
        f"{found['imaged']} of {found['cells']} cells imaged: {found['accepted']} accepted,"
        f" {found['rejected']} rejected, {found['drawn']} drawn, {found['resized']} resized by people;"
        f" margin {found['dilate_um']:g} um, quantile {found['side_quantile']:g}, threshold"
        f" {found['min_confidence']:g} (by {made})"
    )
