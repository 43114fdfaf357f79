"""Retries of harmless calls; an exposure to the beam is never one of them."""

from collections.abc import Callable
from typing import TypeVar

from drivers.errors import InterruptedCallError, MisconfiguredError, OutOfRangeError
from service.errors import FrameMismatchError, SaturatedFrameError
from service.logs import get_logger
from service.session.context import Context

log = get_logger(__name__)
T = TypeVar("T")

NOT_AS_CONFIGURED = (OutOfRangeError, MisconfiguredError, FrameMismatchError)
"""Errors by which hardware and configuration contradict each other; only a person can mend that."""

_NEVER_REPEATED = (InterruptedCallError, SaturatedFrameError, *NOT_AS_CONFIGURED)
"""Errors after which another try is useless, and under light or beam not harmless."""


def repeat_harmless(
    context: Context, what: str, call: Callable[[], T], errors: tuple[type[Exception], ...]
) -> T:
    """Make a call, and repeat it after one of `errors` as often as the configuration allows.

    An error that would come back, such as a value that the hardware does not have, is raised at once.

    Raises
    ------
    Exception
        The error of the last try.
    InterruptSession
        Requested between two tries.
    """
    for left in range(context.config.session.retries, 0, -1):
        try:
            return call()
        except _NEVER_REPEATED:
            raise
        except errors as error:
            log.warning("repeated", what=what, error=str(error), tries_left=left)
            context.interrupts.take()
    return call()
