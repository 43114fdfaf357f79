"""Entry point of the program; it catches signals before any slow import."""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from service.cli.exit_status import CRASHED, INTERRUPTED
from service.signals import STOPPING

_IMPORT = "<frozen importlib._bootstrap>"
"""File name in Python's own stack frames of an import."""


def main() -> NoReturn:
    """Run the command line and exit."""
    _open_standard_streams()
    _on_stopping(_interrupt)
    threading.excepthook = _log_end_of_thread
    try:
        from service.cli import commands

        status = commands.run(sys.argv[1:])
    except KeyboardInterrupt:
        # Interrupted again, while the message was printed.
        status = INTERRUPTED
    except Exception:  # noqa: BLE001 - Python's own status for it is 1: work that ended with failures
        traceback.print_exc()
        status = CRASHED
    # At exit the interpreter restores the default handlers, except of signals that are ignored.
    _on_stopping(signal.SIG_IGN)
    try:
        sys.stdout.flush()
    except OSError:
        # The reader has gone (`| head`): writing what is still buffered must not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)


def _open_standard_streams() -> None:
    """Open those that the caller has closed (`>&-`, some schedulers of jobs) on the null device.

    Otherwise the next file or socket gets their number, and whatever writes a message there writes into it.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is given, and all below are open.
            os.open(os.devnull, os.O_RDWR)
            # Else a program that is started from here begins without it.
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            # Names of files need not be UTF-8, and nobody reads them here.
            setattr(sys, name, os.fdopen(number, mode, errors="backslashreplace", closefd=False))


def _log_end_of_thread(ended: threading.ExceptHookArgs) -> None:
    """Log what ended a thread: nobody reads the terminal of a daemon."""
    if ended.exc_value is None or isinstance(ended.exc_value, SystemExit):
        return
    from service.logs import get_logger

    name = None if ended.thread is None else ended.thread.name
    get_logger(__name__).critical("a thread ended by an error", thread=name, exc_info=ended.exc_value)


def _on_stopping(handler: Callable[[int, FrameType | None], NoReturn] | signal.Handlers) -> None:
    for number in STOPPING:
        signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    if _is_importing(frame):
        # An interrupt during an import may be swallowed, or break the imported library.
        os.write(2, b"ilemtrack: interrupted\n")
        os._exit(INTERRUPTED)
    raise KeyboardInterrupt(signal.Signals(number).name)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == _IMPORT:
            return True
        frame = frame.f_back
    return False


if __name__ == "__main__":
    main()
