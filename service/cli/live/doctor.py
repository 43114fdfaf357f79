"""The command `ilemtrack doctor`."""

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from config.choices import DEFAULT_PROFILE
from service.cli.options import ConfigFile, Json
from service.errors import InputError


def doctor(
    config: ConfigFile = DEFAULT_PROFILE,
    out: Annotated[Path | None, typer.Option("--out", help="Parent folder of the runs.")] = None,
    exercise: Annotated[
        bool,
        typer.Option(
            "--exercise",
            help="Move the stage 20 um and back, blank the beam, switch the light off; the beam is never"
            " unblanked, the light never switched on, the vacuum never changed.",
        ),
    ] = False,
    as_json: Json = False,
) -> int:
    """Check if a session can run on this computer.

    Without --exercise nothing is moved or switched.
    """
    from config.loading import load
    from drivers.clock import SystemClock
    from service.cli.live.findings import print_findings
    from service.cli.output import print_json, tell
    from service.diagnostics import doctor as points
    from service.diagnostics.connection import reached
    from service.diagnostics.device_exercise import exercise as exercise_with
    from service.session.folders.run_folder import alone, is_driven
    from service.session.found_settings import put_back, sentences
    from service.session.hardware import hardware

    chosen = load(config)
    place = (out or Path()).absolute()
    if not place.is_dir():
        raise InputError(f"{place}: no such folder; --out is the parent folder of the runs")
    clock = SystemClock()
    driven = not exercise and is_driven(chosen)
    with alone(chosen) if exercise else nullcontext():
        with reached(chosen, clock) as microscope:
            found = points.look(chosen, microscope, place, datetime.now(UTC), driven)
        exercised = exercise and microscope.devices is not None
        if exercised:
            devices, quanta = hardware(chosen, clock)
            try:
                found = points.exercised(found, exercise_with(chosen.stage, devices))
            finally:
                for sentence in sentences(put_back(devices)):
                    tell(sentence)
                if quanta is not None:
                    quanta.client.close()
    if as_json:
        print_json(points.document(chosen, found, exercised, microscope.odemis))
    else:
        print_findings(found)
    return int(not points.able(found))
