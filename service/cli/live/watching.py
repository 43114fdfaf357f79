"""Commands beside a session: preflight before it, watch over it."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from config.loading import load
from service.cli.output import print_json, results
from service.errors import InputError


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(preflight)
    app.command()(watch)


def preflight(
    config: Annotated[str, typer.Option("--config", help="A YAML file or a profile.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where runs will lie; the present folder without.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> int:
    """Check everything that `ilemtrack run` checks before it begins; status 1 where it would refuse."""
    from service.diagnostics import preflight as points
    from service.safety.deadlines import guarded
    from service.session.run_folder import RunFolder, RunInfo, alone, new_run_id
    from service.session.setup import set_up

    chosen = load(config)
    place = (out or Path()).absolute()
    if not place.is_dir():
        raise InputError(f"{place}: no such folder; --out is where runs will lie")
    info = RunInfo(run=new_run_id("run"), kind="run", clock="real")
    with alone(chosen), tempfile.TemporaryDirectory(prefix="ilemtrack-preflight-") as folder:
        setup = set_up(chosen, RunFolder(Path(folder)), info)
        checks = points.everything(chosen, guarded(setup.devices), setup.fields, place, "preflight")
    red = bool(points.red_ones(checks))
    if as_json:
        rows = [{"name": check.name, "level": check.level.value, "says": check.says} for check in checks]
        print_json({"v": 1, "ready": not red, "checks": rows})
        return int(red)
    table = Table(show_header=False, box=None, pad_edge=False)
    for check in checks:
        table.add_row(check.level.value.upper(), check.name, check.says)
    results.print(table)
    return int(red)


def watch(
    run_dir: Annotated[Path, typer.Argument(help="Folder of a run.")],
    once: Annotated[
        bool, typer.Option("--once", help="Put the microscope safe if the daemon is dead, and end.")
    ] = False,
) -> None:
    """Put the microscope safe when the daemon of a run dies or freezes; each daemon starts one itself."""
    from service.watch.watchdog import guard_run

    typer.echo(guard_run(run_dir, once))
