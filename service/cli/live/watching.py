"""Commands beside a session: preflight, watch."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import ConfigFile, Json, RunDir
from service.cli.output import print_json, tell
from service.errors import InputError


def preflight(
    config: ConfigFile,
    out: Annotated[
        Path | None, typer.Option("--out", help="Parent folder of the runs; the current folder by default.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Run the checks that `ilemtrack run` begins with.

    The exit status is 1 if it would refuse to start.
    """
    from rich.table import Table

    from config.loading import load
    from service.cli.consoles import results
    from service.diagnostics.preflight import red_ones
    from service.diagnostics.session_checks import everything
    from service.safety.deadlines import guarded
    from service.session.folders.run_folder import RunFolder, RunInfo, alone, new_run_id
    from service.session.found_settings import put_back, sentences
    from service.session.setup import set_up

    chosen = load(config)
    place = (out or Path()).absolute()
    if not place.is_dir():
        raise InputError(f"{place}: no such folder; --out is the parent folder of the runs")
    info = RunInfo(run=new_run_id("run"), kind="run", clock="real")
    with alone(chosen), tempfile.TemporaryDirectory(prefix="ilemtrack-preflight-") as folder:
        setup = set_up(chosen, RunFolder(Path(folder)), info)
        devices = guarded(setup.devices)
        try:
            checks = everything(chosen, devices, setup.fields, place, "preflight")
        finally:
            for sentence in sentences(put_back(devices)):
                tell(sentence)
    red = bool(red_ones(checks))
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
    run_dir: RunDir,
    once: Annotated[
        bool, typer.Option("--once", help="Make the microscope safe if the daemon is dead, and exit.")
    ] = False,
) -> None:
    """Make the microscope safe if a run's daemon dies or freezes.

    Each daemon starts such a watchdog by itself.
    """
    from service.watch.watchdog import guard_run

    typer.echo(guard_run(run_dir, once))
