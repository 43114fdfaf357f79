"""The command that looks at a microscope before a session."""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.loading import DEFAULT_PROFILE, load
from service.cli.output import print_json, results
from service.diagnostics.checks import Level
from service.errors import InputError
from service.session.run_folder import alone, is_driven

if TYPE_CHECKING:
    from service.diagnostics.doctor import Finding


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
    """Say what is there, what is missing, whether a session can run; changes nothing without --exercise."""
    from drivers.clock import SystemClock
    from service.diagnostics import doctor as points
    from service.diagnostics.connection import reached
    from service.diagnostics.device_exercise import exercise as exercise_with
    from service.session.setup import hardware

    chosen = load(config)
    place = (out or Path()).absolute()
    if not place.is_dir():
        raise InputError(f"{place}: no such folder; --out is where runs will lie")
    clock = SystemClock()
    driven = not exercise and is_driven(chosen)
    with alone(chosen) if exercise else nullcontext():
        with reached(chosen, clock) as microscope:
            found = points.look(chosen, microscope, place, datetime.now(UTC), driven)
        exercised = exercise and microscope.devices is not None
        if exercised:
            devices, quanta = hardware(chosen, clock)
            try:
                found += points.findings(exercise_with(chosen.stage, devices))
            finally:
                if quanta is not None:
                    quanta.client.close()
    if as_json:
        print_json(points.document(chosen, found, exercised, microscope.odemis))
    else:
        _print(found)
    return int(not points.able(found))


def _print(found: "Sequence[Finding]") -> None:
    from service.diagnostics import doctor as points

    for part in points.PARTS:
        facts = [one for one in found if one.part == part]
        if not facts:
            continue
        results.print(part)
        for one in facts:
            results.print(f"  {points.WORDS[one.level]:8s} {one.name:24s} {one.says}", soft_wrap=True)
            if one.do:
                results.print(f"{'':11s}-> {one.do}", soft_wrap=True)
    bad = [one for one in found if one.level is Level.RED]
    if not bad:
        results.print("a session can run")
        return
    results.print(
        f"no session can run: {len(bad)} of {len(found)} points are missing; begin with the first of them"
    )
