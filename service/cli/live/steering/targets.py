"""Commands `ilemtrack targets ...`: choose the cells to image, each in all of its sections."""

from typing import Annotated, Any

import typer

from service import wording, wording_cells
from service.api.client import Client
from service.cli.options import By, Connect, Json, Key, Run, who
from service.cli.output import changed, print_json
from service.cli.reading import Reader, reading
from service.words.quantities import duration

Why = Annotated[str, typer.Option("--reason", "-m", help="Reason; recorded with your name.")]
Try = Annotated[bool, typer.Option("--preview", help="Show what would change, and change nothing.")]
Adu = Annotated[float | None, typer.Option(help="Grey levels above the background, median of its sections.")]
Um = Annotated[float | None, typer.Option(min=0, help="Root of width times height, largest section.")]
Sections = Annotated[int | None, typer.Option(min=1, help="Number of sections that show it.")]
Number = Annotated[int, typer.Argument(min=1, help="Number of cells.")]

_MOST_ROWS = 1000


def list_(
    connect: Connect = None,
    key: Key = None,
    run: Run = None,
    limit: Annotated[int, typer.Option(min=1, help="Most cells to list.")] = _MOST_ROWS,
    as_json: Json = False,
) -> None:
    """List the cells that can be chosen, with the hours of each.

    Also of a run that has ended, with --run.
    """
    with reading(connect, key, run) as reader:
        found, rows = reader.call("targets.get"), _rows(reader, limit)
    if as_json:
        print_json({"v": 1} | found | {"targets": rows[:limit]})
        return
    from rich.table import Table

    from service.cli.consoles import print_rows, results

    table = Table(box=None, pad_edge=False)
    for name in ("cell", "brightness", "size / um", "sections", "from", "to", "alone", "choice"):
        right = name in ("brightness", "size / um", "sections", "alone")
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows[:limit]:
        bright = row["brightness_adu"]
        table.add_row(
            row["target"],
            "?" if bright is None else f"{bright:.0f}",
            f"{row['size_um']:.1f}",
            str(row["sections"]),
            row["first_section"],
            row["last_section"],
            duration(row["alone_s"]),
            "chosen" if row["chosen"] else wording_cells.left_out(row["left_out"], row["beside"] or "clear"),
        )
    print_rows(table, "no cell can be chosen yet")
    for sentence in _sums(found):
        results.print(sentence, soft_wrap=True)
    if len(rows) > limit:
        results.print("more with a larger --limit")


def all_(
    min_brightness: Adu = None,
    max_brightness: Adu = None,
    min_size_um: Um = None,
    max_size_um: Um = None,
    min_sections: Sections = None,
    max_sections: Sections = None,
    preview: Try = False,
    reason: Why = "",
    by: By = None,
    connect: Connect = None,
    key: Key = None,
    run: Run = None,
    as_json: Json = False,
) -> None:
    """Choose all cells, or all within some limits."""
    limits = _limits(min_brightness, max_brightness, min_size_um, max_size_um, min_sections, max_sections)
    _choose(Client(connect, key=key, run=run), {"choose": "all"} | limits, preview, reason, by, as_json)


def brightest(
    count: Number,
    min_brightness: Adu = None,
    max_brightness: Adu = None,
    min_size_um: Um = None,
    max_size_um: Um = None,
    min_sections: Sections = None,
    max_sections: Sections = None,
    preview: Try = False,
    reason: Why = "",
    by: By = None,
    connect: Connect = None,
    key: Key = None,
    run: Run = None,
    as_json: Json = False,
) -> None:
    """Choose the brightest cells, of those within some limits."""
    limits = _limits(min_brightness, max_brightness, min_size_um, max_size_um, min_sections, max_sections)
    rule = {"choose": "brightest", "count": count} | limits
    _choose(Client(connect, key=key, run=run), rule, preview, reason, by, as_json)


def sample(
    count: Number,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The same seed, the same cells.")] = 0,
    min_brightness: Adu = None,
    max_brightness: Adu = None,
    min_size_um: Um = None,
    max_size_um: Um = None,
    min_sections: Sections = None,
    max_sections: Sections = None,
    preview: Try = False,
    reason: Why = "",
    by: By = None,
    connect: Connect = None,
    key: Key = None,
    run: Run = None,
    as_json: Json = False,
) -> None:
    """Choose cells at random, within some limits."""
    limits = _limits(min_brightness, max_brightness, min_size_um, max_size_um, min_sections, max_sections)
    rule = {"choose": "sample", "count": count, "seed": seed} | limits
    _choose(Client(connect, key=key, run=run), rule, preview, reason, by, as_json)


def tracks(
    names: Annotated[list[str], typer.Argument(help="Names of cells, as in `targets list`.")],
    preview: Try = False,
    reason: Why = "",
    by: By = None,
    connect: Connect = None,
    key: Key = None,
    run: Run = None,
    as_json: Json = False,
) -> None:
    """Choose cells by name."""
    rule = {"choose": "tracks", "tracks": names}
    _choose(Client(connect, key=key, run=run), rule, preview, reason, by, as_json)


def _choose(
    client: Client, rule: dict[str, Any], preview: bool, reason: str, by: str | None, as_json: bool
) -> None:
    """Show what a rule changes; unless it is a preview, put it in force if nobody steered meanwhile."""
    with client:
        rev = client.call("status")["rev"]
        found = client.call("targets.preview", rule=rule)
        made = None
        if not preview:
            made = client.call(
                "targets.set", rule=rule, reason=reason, by=who(by), if_rev=rev, if_run=client.run
            )
    if as_json:
        print_json({"v": 1} | found | ({} if made is None else {"made": made}))
        return
    would = "would be" if made is None else "are"
    typer.echo(f"{found['chosen']} of {found['cells']} cells {would} imaged, {_hours(found)}")
    for key, verb in (("added", "added"), ("dropped", "left out")):
        if found[key]:
            typer.echo(f"{verb}: {found[key]} ({wording.some(found[f'{key}_names'])})")
    if made is not None:
        typer.echo(changed(made))


def _hours(found: dict[str, Any]) -> str:
    said = f"at most {duration(found['most_s'])} of electron images"
    if found["electron_s"] is not None:
        said += f"; as chosen now {duration(found['electron_s'])}"
    if found["all_s"] is not None:
        said += f"; all cells {duration(found['all_s'])}"
    return said


def _sums(found: dict[str, Any]) -> list[str]:
    made = "the configuration" if found["by"] is None else found["by"]
    made += f": {found['reason']}" if found["reason"] else ""
    hours = "being planned" if found["electron_s"] is None else duration(found["electron_s"])
    hours += "" if found["all_s"] is None else f", all cells {duration(found['all_s'])}"
    return [f"{found['chosen']} of {found['cells']} cells chosen (by {made}): electron images {hours}"]


def _limits(
    min_brightness: float | None,
    max_brightness: float | None,
    min_size_um: float | None,
    max_size_um: float | None,
    min_sections: int | None,
    max_sections: int | None,
) -> dict[str, Any]:
    limits = {
        "min_brightness_adu": min_brightness,
        "max_brightness_adu": max_brightness,
        "min_size_um": min_size_um,
        "max_size_um": max_size_um,
        "min_sections": min_sections,
        "max_sections": max_sections,
    }
    return {name: value for name, value in limits.items() if value is not None}


def _rows(reader: Reader, limit: int) -> list[dict[str, Any]]:
    """Collect rows from as many replies as it takes, one more than asked for if there are more."""
    rows: list[dict[str, Any]] = []
    after = None
    while len(rows) <= limit:
        page = reader.call("targets.list", after=after)
        rows += page["targets"]
        after = page["after"]
        if after is None:
            break
    return rows
