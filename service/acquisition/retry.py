"""Repeats of what can be repeated harmlessly; an exposure to the beam is never among it."""

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
    """Call, and after one of `errors` call again, as often as the configuration allows.

    Raises
    ------
    Exception
        What the last try raised.
    InterruptSession
        Somebody asked for something between two tries.
    """
    for left in range(context.config.session.retries, 0, -1):
        try:
            return call()
        except InterruptedCallError:
            raise
        except errors as error:
            log.warning("repeated", what=what, error=str(error), tries_left=left)
            context.requests.take()
    return call()
