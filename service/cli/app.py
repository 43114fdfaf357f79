"""Where the program begins and ends: signals are caught before anything that takes time is loaded."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from service.cli.exit_status import INTERRUPTED
from service.signals import STOPPING

_IMPORT = "<frozen importlib._bootstrap>"
"""Where Python's own frames of an import come from."""


def main() -> NoReturn:
    """Run the command line and exit."""
    _on_stopping(_interrupt)
    try:
        from service.cli import commands

        status = commands.run(sys.argv[1:])
    except KeyboardInterrupt:
        # Another one, while the first was being told.
        status = INTERRUPTED
    # The interpreter goes back to the defaults while it ends, but leaves alone what is ignored.
    _on_stopping(signal.SIG_IGN)
    try:
        sys.stdout.flush()
    except OSError:
        # Nobody reads any more (`| head`): what is still buffered must not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)


def _on_stopping(handler: Callable[[int, FrameType | None], NoReturn] | signal.Handlers) -> None:
    for number in STOPPING:
        signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    if _is_loading(frame):
        # Libraries swallow an interrupt while they are loaded, or fail in ways of their own.
        os.write(2, b"ilemtrack: interrupted\n")
        os._exit(INTERRUPTED)
    raise KeyboardInterrupt(signal.Signals(number).name)


def _is_loading(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == _IMPORT:
            return True
        frame = frame.f_back
    return False


if __name__ == "__main__":
    main()
