"""The command `ilemtrack serve-sbemimage`."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.exit_status import FAILURES, OK
from service.cli.options import By, Json, who
from service.cli.output import tell
from service.errors import InputError


def serve_sbemimage(
    frames: Annotated[
        Path,
        typer.Argument(help="Folder of a run that has ended, or of plans as JSON, one for each section."),
    ],
    session_file: Annotated[
        Path, typer.Option(help="Session file of SBEMimage, cfg/NAME.ini.", metavar="INI", show_default=False)
    ],
    landmarks: Annotated[
        Path | None,
        typer.Option(
            help="CSV with plan_x_um, plan_y_um, sbemimage_x_um, sbemimage_y_um; three points or more.",
            metavar="CSV",
        ),
    ] = None,
    same_stage: Annotated[
        bool, typer.Option("--same-stage", help="SBEMimage drives the stage of the plan; no landmarks.")
    ] = False,
    margin_um: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1000,
            help="Margin around each frame; by default the error of the landmarks.",
            metavar="UM",
        ),
    ] = None,
    sections: Annotated[
        Path | None,
        typer.Option(help="Section list: each of its sections needs a plan before any beam.", metavar="LIST"),
    ] = None,
    base_dir: Annotated[
        Path | None,
        typer.Option(help="SBEMimage's base directory, as this computer sees it.", metavar="DIR"),
    ] = None,
    again: Annotated[
        list[str] | None,
        typer.Option(
            help="Offer a frame once more, S0001/J000012; several times for several.", metavar="FRAME"
        ),
    ] = None,
    by: By = None,
    journal: Annotated[
        Path | None, typer.Option(help="Journal of answers; beside the frames by default.", metavar="FILE")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="As in SBEMimage's TCP settings.")] = 8888,
    check: Annotated[
        bool, typer.Option("--check", help="Print what would be answered now, and end; nothing is kept.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Give planned frames to a microscope that SBEMimage drives."""
    from service.cli.offline.runs.serving_inputs import place, show, source_of, tell_answer
    from service.sbemimage.answering import Answerer, Inputs
    from service.sbemimage.journal import Journal
    from service.sbemimage.server import Server
    from service.signals import interrupted_once

    if (landmarks is None) is not same_stage:
        raise InputError("give either --landmarks, or --same-stage if SBEMimage drives the stage of the plan")
    if check and again:
        raise InputError("--again is recorded, and --check records nothing; give one of them")
    if as_json and not check:
        raise InputError("--json goes with --check")
    source = source_of(frames, sections, same_stage)
    inputs = Inputs(source, session_file, place(landmarks, margin_um), base_dir)
    path = journal or frames.absolute().with_name(f"{frames.absolute().name}-sbemimage.jsonl")
    with Journal(path) as kept:
        if again:
            kept.release(tuple(again), who(by))
        offers = show(inputs, kept.past, as_json)
        if check:
            # A pause is a failure of the check alone: a server waits until it can offer frames.
            raise typer.Exit(OK if offers else FAILURES)
        with (
            Server(host, port, Answerer(inputs, kept, report=tell_answer).reply) as server,
            interrupted_once(),
        ):
            tell(f"listening on {host} port {server.server_address[1]}; Ctrl-C ends it. Journal: {path}")
            server.serve_forever(poll_interval=0.2)
