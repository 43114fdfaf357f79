"""The table of commands, and the exit status and sentence for every error."""

import os
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from config.errors import ConfigError
from detection.errors import DetectionError
from drivers.errors import DriverError, FrameError
from planner.errors import PlannerError
from service.cli.exit_status import BAD_INPUT, CRASHED, FAILURES, INTERRUPTED, NO_DAEMON, NOT_NOW, OK
from service.cli.lazy import Entry, LazyGroup, Section, Table
from service.cli.output import tell
from service.errors import (
    ApiError,
    EndpointError,
    InputError,
    NoDaemonError,
    NotNowError,
    SessionFaultError,
    StoreError,
    UnsafeError,
)

BAD = (InputError, ConfigError, FrameError, DetectionError, PlannerError, EndpointError, StoreError, ApiError)
"""Errors that a person can correct: one sentence and status 2."""

COMPLETION_VARIABLE = "_ILEMTRACK_COMPLETE"
"""Set by the completion script of a shell, which reads the exit status."""

_LIVE, _OFFLINE = "service.cli.live", "service.cli.offline"

COMMANDS: Table = {
    "dry-run": Entry(f"{_LIVE}.session:dry_run", "Run a whole session on the simulated microscope."),
    "run": Entry(f"{_LIVE}.session:run", "Run the daemon in the foreground, on the microscope's computer."),
    "resume": Entry(
        f"{_LIVE}.session:resume",
        "Take up a run that stopped or crashed.",
    ),
    "replay": Entry(
        f"{_LIVE}.session:replay",
        "Run frames through a session, or another detector over a run.",
    ),
    "report": Entry(
        f"{_OFFLINE}.runs.reporting:report",
        "Write the report of a run: one HTML file for a lab book.",
    ),
    "export": Entry(
        f"{_OFFLINE}.runs.exporting:export",
        "Export a run for napari, Fiji, render-ws or pymmcore-plus.",
    ),
    "serve-sbemimage": Entry(
        f"{_OFFLINE}.runs.serving:serve_sbemimage",
        "Give planned frames to a microscope that SBEMimage drives.",
    ),
    "stitch": Entry(
        f"{_OFFLINE}.runs.stitching:stitch",
        "Stitch cells and fields; register cells through sections.",
    ),
    "trace": Entry(
        f"{_OFFLINE}.runs.tracing:trace",
        "Trace an image, cell or frame to all it comes from, and back.",
    ),
    "detect": Entry(f"{_OFFLINE}.images:detect", "Find the cells in fluorescence frames."),
    "align": Entry(
        f"{_OFFLINE}.alignment:align",
        "Find a field in an electron overview, and prove how accurately.",
    ),
    "overview": Entry(
        f"{_LIVE}.holder.commands:overview",
        "Take the optical overview of the holder, with light alone.",
    ),
    "preview": Entry(
        f"{_LIVE}.holder.commands:preview",
        "Choose the fields that hold cells, by faint previews.",
    ),
    "map": Entry(f"{_OFFLINE}.holder.find_sections:map_", "Find the sections in an optical overview."),
    "plan": Entry(f"{_OFFLINE}.planning:plan", "Plan the SEM frames for given boxes."),
    "estimate": Entry(
        f"{_OFFLINE}.planning:estimate",
        "Estimate time, data and dose, and compare ways to image.",
    ),
    "synth": Entry(f"{_OFFLINE}.evaluation:synth", "Make synthetic sections with their ground truth."),
    "evaluate": Entry(
        f"{_OFFLINE}.evaluation:evaluate",
        "Score detections against the truth, by margin and threshold.",
    ),
    "experts": Entry(
        f"{_OFFLINE}.evaluation:experts",
        "Compare readers with each other and with a detector.",
    ),
    "train": Entry(
        f"{_OFFLINE}.training:train",
        "Train a forest on your marks, or adapt the network to them.",
    ),
    "calibrate": Entry(
        f"{_OFFLINE}.calibration:calibrate",
        "Fit the FM-to-SEM calibration, or take over that of Odemis.",
    ),
    "doctor": Entry(
        f"{_LIVE}.doctor:doctor",
        "Check if a session can run on this computer.",
    ),
    "console": Entry(f"{_LIVE}.console.command:console", "Show the operator's console in a browser."),
    "status": Entry(f"{_LIVE}.status:status", "Show what the daemon is doing."),
    "events": Entry(f"{_LIVE}.daemon:events", "List the events of the session, one per line."),
    "pause": Entry(f"{_LIVE}.daemon:pause", "Pause after the current step."),
    "continue": Entry(
        f"{_LIVE}.daemon:continue_",
        "Continue after a pause, or end a review.",
    ),
    "abort": Entry(f"{_LIVE}.daemon:abort", "End the session now; a running scan is stopped and blanked."),
    "ack": Entry(f"{_LIVE}.daemon:ack", "Acknowledge a fault; the session is then paused."),
    "preflight": Entry(
        f"{_LIVE}.watching:preflight",
        "Run the checks that `ilemtrack run` begins with.",
    ),
    "watch": Entry(
        f"{_LIVE}.watching:watch",
        "Make the microscope safe if a run's daemon dies or freezes.",
    ),
    "queue": Section(
        "Show and change the queue of SEM jobs.",
        {
            "list": Entry(f"{_LIVE}.steering.queue:list_", "List the SEM jobs in the order of the queue."),
            "show": Entry(f"{_LIVE}.steering.queue:show", "Show everything that is known about one job."),
            "hold": Entry(f"{_LIVE}.steering.queue:hold", "Hold queued jobs until they are released."),
            "release": Entry(f"{_LIVE}.steering.queue:release", "Return held jobs to the queue."),
            "approve": Entry(
                f"{_LIVE}.steering.queue:approve",
                "Expose jobs again that need review; see `queue show` first.",
            ),
            "skip": Entry(f"{_LIVE}.steering.queue:skip", "Skip jobs permanently."),
            "move": Entry(f"{_LIVE}.steering.queue:move", "Move a job to another place in the queue."),
        },
    ),
    "targets": Section(
        "Choose which of the cells are imaged, in the review.",
        {
            "list": Entry(
                f"{_LIVE}.steering.targets:list_",
                "List the cells that can be chosen, with the hours of each.",
            ),
            "all": Entry(f"{_LIVE}.steering.targets:all_", "Choose all cells, or all within some limits."),
            "brightest": Entry(
                f"{_LIVE}.steering.targets:brightest",
                "Choose the brightest cells, of those within some limits.",
            ),
            "sample": Entry(
                f"{_LIVE}.steering.targets:sample", "Choose cells at random, within some limits."
            ),
            "tracks": Entry(f"{_LIVE}.steering.targets:tracks", "Choose cells by name."),
        },
    ),
    "review": Section(
        "Accept, reject, draw and resize cells, in the review.",
        {
            "list": Entry(
                f"{_LIVE}.steering.review:list_", "List what people have edited, undone edits included."
            ),
            "reject": Entry(f"{_LIVE}.steering.review:reject", "Reject cells: the beam does not image them."),
            "accept": Entry(
                f"{_LIVE}.steering.review:accept",
                "Accept cells: they are imaged, whatever their confidence.",
            ),
            "draw": Entry(f"{_LIVE}.steering.review:draw", "Draw a cell that was not found."),
            "resize": Entry(f"{_LIVE}.steering.review:resize", "Give a cell another box."),
            "margins": Entry(
                f"{_LIVE}.steering.review:margins",
                "Set margins and threshold; those not given are as configured.",
            ),
            "undo": Entry(f"{_LIVE}.steering.review:undo", "Undo the last edits that were made at once."),
        },
    ),
    "keys": Section(
        "Manage the keys of clients on other computers.",
        {
            "new": Entry(f"{_LIVE}.keys:new", "Make a key for a client and permit it."),
            "list": Entry(f"{_LIVE}.keys:list_", "List the permitted keys."),
            "revoke": Entry(
                f"{_LIVE}.keys:revoke",
                "Revoke the key of a client.",
            ),
        },
    ),
    "sections": Section(
        "Convert section lists, and make a configuration from one.",
        {
            "convert": Entry(
                f"{_OFFLINE}.holder.sections:convert",
                "Convert a section list; with landmarks, to stage positions.",
            ),
            "landmarks": Entry(
                f"{_OFFLINE}.holder.sections:landmarks",
                "Fit the map from overview to stage, and show its errors.",
            ),
            "order": Entry(
                f"{_OFFLINE}.holder.sections:order",
                "Put sections into their order of cutting.",
            ),
            "layout": Entry(
                f"{_OFFLINE}.holder.sections:layout",
                "Make a configuration with the sections of a list.",
            ),
        },
    ),
    "config": Section(
        "Show and check configurations.",
        {
            "show": Entry(
                f"{_OFFLINE}.configuration:show", "Show a configuration with all defaults filled in."
            ),
            "check": Entry(
                f"{_OFFLINE}.configuration:check",
                "Check that a configuration can be used.",
            ),
            "unit": Entry(
                f"{_OFFLINE}.configuration:unit",
                "Print a systemd unit for this installation.",
            ),
            "schema": Entry(
                f"{_OFFLINE}.configuration:schema", "Print the JSON Schema of a configuration, for editors."
            ),
        },
    ),
}
"""Every command; the summaries are those of the functions."""


class Program(LazyGroup):
    """The program `ilemtrack`."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(table=COMMANDS, **attributes)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; an interrupt is reported as `typer.Abort`, which typer hands on."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            # typer makes a silent exit status of it.
            raise typer.Abort from error


def _show_version(wanted: bool) -> None:
    if wanted:
        from service.version import program_version

        typer.echo(f"ilemtrack {program_version()}")
        raise typer.Exit


app = typer.Typer(
    name="ilemtrack",
    cls=Program,
    help="Find fluorescent cells in ultrathin sections and image only those with the SEM.",
    no_args_is_help=True,
    # The help of typer in boxes loads rich with its parsers of Markdown and of source code, which takes
    # longer than all the rest.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=False)
def _options(
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    pass


def run(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    # A session that fails may be taken up again; other commands have done what they could.
    failed = CRASHED if arguments[:1] in (["run"], ["resume"]) else FAILURES
    try:
        status = typer.main.get_command(app).main(arguments, prog_name="ilemtrack", standalone_mode=False)
    except TyperException as error:
        # Without a message it was a bare command, whose help has been shown.
        message = error.format_message().replace("Value error, ", "").replace("Input should be", "must be")
        return _say(message, BAD_INPUT) if message else BAD_INPUT
    except (typer.Abort, KeyboardInterrupt):
        return _say("interrupted", INTERRUPTED)
    except NoDaemonError as error:
        return _say(str(error), NO_DAEMON)
    except NotNowError as error:
        return _say(str(error), NOT_NOW if failed == CRASHED and "--resume" in arguments else BAD_INPUT)
    except BAD as error:
        return _say(str(error), BAD_INPUT)
    except UnsafeError as error:
        return _say(f"THE MICROSCOPE MAY NOT BE SAFE: {error}", failed)
    except (DriverError, SessionFaultError) as error:
        return _say(str(error), failed)
    except SystemExit as end:
        if COMPLETION_VARIABLE in os.environ:
            return end.code if isinstance(end.code, int) else OK
        # Nobody reads the output any more; rich reports that by SystemExit.
        return OK
    except BrokenPipeError:
        return OK
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _say(f"{where}cannot be written or read ({error.strerror or error})", failed)
    except MemoryError:
        return _say("not enough memory on this computer", failed)
    return status if isinstance(status, int) else OK


def _say(sentence: str, status: int) -> int:
    tell(f"ilemtrack: {sentence}")
    return status
