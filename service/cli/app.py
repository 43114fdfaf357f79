"""The Typer application, and how every error becomes one sentence and an exit status."""

import sys
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from config.errors import ConfigError
from detection.errors import DetectionError
from drivers.errors import DriverError, FrameError
from planner.errors import PlannerError
from service.cli import configuration, daemon, evaluation, images, session, training
from service.cli.output import people
from service.errors import (
    ApiError,
    EndpointError,
    InputError,
    NoDaemonError,
    SessionFaultError,
    StoreError,
    UnsafeError,
)

OK, FAILURES, BAD_INPUT, NO_DAEMON, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit status: all well, ended with failures, bad input, no daemon to talk to, interrupted."""

BAD = (InputError, ConfigError, FrameError, DetectionError, PlannerError, EndpointError, StoreError, ApiError)
"""What a person can mend: one sentence and status 2."""

app = typer.Typer(
    name="ilemtrack",
    help="Finds fluorescent cells in ultrathin sections and sends the electron beam only there.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
session.register(app)
images.register(app)
evaluation.register(app)
training.register(app)
daemon.register(app)
configuration.register(app)


def main() -> NoReturn:
    """Run the command line and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    try:
        status = typer.main.get_command(app).main(arguments, prog_name="ilemtrack", standalone_mode=False)
    except TyperException as error:
        return _say(error.format_message(), BAD_INPUT)
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
    except BrokenPipeError:
        return OK
    return status if isinstance(status, int) else OK


def _say(sentence: str, status: int) -> int:
    people.print(f"ilemtrack: {sentence}", markup=False, soft_wrap=True)
    return status
