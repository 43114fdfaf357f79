"""The Typer application, and how every error becomes one sentence and an exit status."""

from typing import Annotated

import typer
from typer.exceptions import TyperException

from config.errors import ConfigError
from detection.errors import DetectionError
from drivers.errors import DriverError, FrameError
from planner.errors import PlannerError
from service.cli.exit_status import BAD_INPUT, FAILURES, INTERRUPTED, NO_DAEMON, OK
from service.cli.live import daemon, doctor, keys, queue, session, watching
from service.cli.offline import calibration, configuration, evaluation, images, planning, training
from service.cli.output import tell
from service.errors import (
    ApiError,
    EndpointError,
    InputError,
    NoDaemonError,
    SessionFaultError,
    StoreError,
    UnsafeError,
)
from service.version import program_version

BAD = (InputError, ConfigError, FrameError, DetectionError, PlannerError, EndpointError, StoreError, ApiError)
"""What a person can mend: one sentence and status 2."""


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ilemtrack {program_version()}")
        raise typer.Exit


app = typer.Typer(
    name="ilemtrack",
    help="Finds fluorescent cells in ultrathin sections and sends the electron beam only there.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=False)
def _options(
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


session.register(app)
images.register(app)
planning.register(app)
evaluation.register(app)
training.register(app)
calibration.register(app)
doctor.register(app)
daemon.register(app)
queue.register(app)
keys.register(app)
watching.register(app)
configuration.register(app)


def run(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    try:
        status = typer.main.get_command(app).main(arguments, prog_name="ilemtrack", standalone_mode=False)
    except TyperException as error:
        # Without a message it was a bare command, whose help has been shown.
        said = error.format_message().replace("Value error, ", "").replace("Input should be", "must be")
        return _say(said, BAD_INPUT) if said else BAD_INPUT
    except (typer.Abort, KeyboardInterrupt):
        return _say("interrupted", INTERRUPTED)
    except NoDaemonError as error:
        return _say(str(error), NO_DAEMON)
    except BAD as error:
        return _say(str(error), BAD_INPUT)
    except UnsafeError as error:
        return _say(f"THE MICROSCOPE MAY NOT BE SAFE: {error}", FAILURES)
    except (DriverError, SessionFaultError) as error:
        return _say(str(error), FAILURES)
    except (BrokenPipeError, SystemExit):
        # Nobody reads any more; rich says so by SystemExit.
        return OK
    except OSError as error:
        return _say(f"cannot be written or read: {error}", FAILURES)
    except MemoryError:
        return _say("this machine has not enough memory for that", FAILURES)
    return status if isinstance(status, int) else OK


def _say(sentence: str, status: int) -> int:
    tell(f"ilemtrack: {sentence}")
    return status
