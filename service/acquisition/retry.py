"""Retries of harmless calls; an exposure to the beam is never one of them."""

from collections.abc import Callable
from typing import TypeVar

from drivers.errors import InterruptedCallError
from service.logs import get_logger
from service.session.context import Context

log = get_logger(__name__)
T = TypeVar("T")


def repeat_harmless(
    context: Context, what: str, call: Callable[[], T], errors: tuple[type[Exception], ...]
) -> T:
    """Make a call, and repeat it after one of `errors` as often as the configuration allows.

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
        except InterruptedCallError:
            raise
        except errors as error:
            log.warning("repeated", what=what, error=str(error), tries_left=left)
            context.interrupts.take()
    return call()
