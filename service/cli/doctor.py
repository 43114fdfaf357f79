"""The command that looks at a microscope before a session."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from config.loading import DEFAULT_PROFILE, load
from service.cli.output import print_json, results
from service.errors import InputError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    config: Annotated[str, typer.Option("--config", help="A YAML file or a profile.")] = DEFAULT_PROFILE,
    out: Annotated[Path | None, typer.Option("--out", help="Where runs will lie.")] = None,
    exercise: Annotated[
        bool,
        typer.Option(
            "--exercise",
            help="Move the stage 20 um and back, blank, light off; never unblanks, shines or pumps.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> int:
    """Say what is there, what is missing, and whether a session can run; moves nothing without --exercise."""
    from drivers.clock import SystemClock
    from service import doctor as points
    from service.api.endpoints import find_daemon
    from service.compose import hardware

    chosen = load(config)
    place = (out or Path()).absolute()
    if not place.is_dir():
        raise InputError(f"{place}: no such folder; --out is where runs will lie")
    if exercise and find_daemon() is not None:
        raise InputError("--exercise: a daemon runs and has the microscope; end its session first")
    devices, quanta = hardware(chosen, SystemClock())
    try:
        checks = points.look(chosen, devices, quanta, place, datetime.now(UTC))
        if exercise:
            checks += points.exercise(chosen, devices)
    finally:
        if quanta is not None:
            quanta.client.close()
    ready = points.able(checks)
    if as_json:
        rows = [{"name": check.name, "level": check.level.value, "says": check.says} for check in checks]
        print_json({"v": 1, "profile": chosen.profile, "ready": ready, "exercised": exercise, "checks": rows})
        return int(not ready)
    table = Table(show_header=False, box=None, pad_edge=False)
    for check in checks:
        table.add_row(check.level.value.upper(), check.name, check.says)
    results.print(table)
    results.print("a session can run" if ready else "no session can run: mend what is red")
    return int(not ready)
