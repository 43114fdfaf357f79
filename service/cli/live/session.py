"""Commands that run a session: dry-run, run, resume, replay."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from config.choices import DEFAULT_PROFILE
from service.cli.options import (
    ChannelOption,
    ConfigFile,
    Json,
    OtherPixelSize,
    RunDir,
    Scheduler,
    WorkerCount,
)
from service.cli.output import tell
from service.errors import InputError, NeverBegunError

Out = Annotated[Path | None, typer.Option("--out", help="Folder of the run; must be new or empty.")]
ImagesOrRun = Annotated[
    list[Path],
    typer.Argument(help="TIFF, OME-TIFF, PNG or OME-Zarr, or folders of them; or the folder of one run."),
]
Clock = Annotated[
    Literal["fast", "real"],
    typer.Option("--clock", help="Run as fast as the computer can, or in real time."),
]


def dry_run(
    sections: Annotated[int | None, typer.Option(min=1, max=100_000, help="Number of sections.")] = None,
    fields: Annotated[int | None, typer.Option(min=1, max=100, help="Fields per section, in a row.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Seed of the simulated specimen.")
    ] = None,
    overview: Annotated[
        bool,
        typer.Option("--overview", help="Begin with a simulated overview: find the sections in it first."),
    ] = False,
    accept_doubt: Annotated[
        bool,
        typer.Option(
            "--accept-doubt", help="With --overview: go on although the shape of its sections is doubtful."
        ),
    ] = False,
    clock: Clock = "fast",
    config: ConfigFile = DEFAULT_PROFILE,
    out: Out = None,
    as_json: Json = False,
) -> int:
    """Run a whole session on the simulated microscope."""
    from config.loading import load
    from service.cli.live import session_run
    from service.session.layout import with_layout

    chosen = load(config)
    if seed is not None:
        chosen = session_run.with_seed(chosen, seed)
    if accept_doubt and not overview:
        raise InputError("--accept-doubt goes with --overview only")
    if overview:
        if fields is not None:
            raise InputError("--fields does not go with --overview: the fields cover the outlines found")
        from service.mapping.simulated_holder import MOST_SECTIONS, SECTIONS, simulated_holder

        if sections is not None and sections > MOST_SECTIONS:
            raise InputError(f"--overview draws at most {MOST_SECTIONS} sections")
        holder = simulated_holder(chosen, sections or SECTIONS, accept_doubt)
        return session_run.begin(holder.config, "dry-run", clock, out, as_json, overview=holder.picture)
    chosen = with_layout(chosen, sections, fields)
    return session_run.begin(chosen, "dry-run", clock, out, as_json)


def run(
    config: ConfigFile,
    out: Out = None,
    or_resume: Annotated[
        bool, typer.Option("--resume", help="Take up the run in --out if there is one; for systemd.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Run the daemon in the foreground, on the microscope's computer."""
    from config.loading import load

    chosen = load(config)
    if or_resume and out is None:
        raise InputError("--resume needs --out, the folder of the run")
    from service.cli.live import session_run
    from service.session.folders.run_folder import RunFolder

    if or_resume and out is not None and RunFolder(out).info.is_file():
        try:
            return session_run.take_up(out, False, as_json, chosen)
        except NeverBegunError:
            session_run.clear(RunFolder(out))
    return session_run.begin(chosen, "run", "real", out, as_json)


def replay(
    images: ImagesOrRun,
    config: Annotated[
        str | None,
        typer.Option(
            "--config", help=f"YAML file or name of a profile; {DEFAULT_PROFILE}, or that of the run."
        ),
    ] = None,
    detector: Annotated[
        str | None, typer.Option(help="Detector in place of the configured one; see `ilemtrack detect`.")
    ] = None,
    pixel_size_nm: OtherPixelSize = None,
    channel: ChannelOption = None,
    serial: Annotated[
        bool, typer.Option("--serial/--no-serial", help="Treat the frames as serial sections, in this order.")
    ] = True,
    clock: Clock = "fast",
    out: Out = None,
    workers: WorkerCount = None,
    scheduler: Scheduler = None,
    as_json: Json = False,
) -> int:
    """Run frames through a session, or another detector over a run.

    Recorded frames go through detection, planning and a simulated SEM as new fluorescence would. The folder
    of a run is only read: the output says which cells another detector or policy would have lost or gained,
    and how many hours; --out then gets a picture of each field.
    """
    run_dirs = [path for path in images if (path / "run.json").is_file()]
    if run_dirs:
        if len(images) > 1:
            raise InputError(f"{run_dirs[0]}: is the folder of a run; name it alone")
        if pixel_size_nm is not None or channel is not None or clock != "fast":
            raise InputError(
                f"{run_dirs[0]}: is the folder of a run; --pixel-size-nm, --channel, --clock are for images"
            )
        from service.cli.live.shadow.command import Asked, replay_run

        return replay_run(run_dirs[0], Asked(config, detector, serial, scheduler, workers), out, as_json)
    from config.loading import load
    from drivers.recorded.collection import image_files
    from service.analysis.detectors import with_detector
    from service.cli.live import session_run
    from service.session.folders.run_folder import Recorded

    chosen = load(config or DEFAULT_PROFILE)
    if detector is not None:
        chosen = with_detector(chosen, detector)
    files = image_files(images, ordered=True)
    for notice in files.notices:
        tell(f"warning: {notice}")
    recorded = Recorded(tuple(str(path.absolute()) for path in files.paths), pixel_size_nm, channel)
    if not serial:
        detection = chosen.detection.model_copy(update={"serial": False})
        chosen = chosen.model_copy(update={"detection": detection})
    from service.cli.live.shadow.ahead import ahead_of_replay

    ahead = ahead_of_replay(recorded, scheduler, workers)
    return session_run.begin(chosen, "replay", clock, out, as_json, recorded, ahead=ahead)


def resume(
    run_dir: RunDir,
    go_on: Annotated[
        bool, typer.Option("--continue", help="Continue at once; without it the session waits, paused.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Take up a run that stopped or crashed.

    Without --continue the session waits, paused, for `ilemtrack continue`.
    """
    from service.cli.live import session_run

    return session_run.take_up(run_dir, go_on, as_json, None)
