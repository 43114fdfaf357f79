"""Logs: JSON lines in the run folder, warnings on standard error."""

import logging
import logging.handlers
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

_FILE_BYTES, _FILES = 20_000_000, 5
"""Size at which a log becomes ``log.jsonl.1``, and the number of old logs that are kept."""

_ROOTS = ("ilemtrack", "drivers")
"""Loggers whose lines are kept: that of `get_logger`, and that of the drivers, which cannot import it."""

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(file: Path | None = None, verbose: bool = False) -> None:
    """Log to `file` as JSON lines, and warnings (everything if `verbose`) to standard error."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    # A log that cannot be written (full disk, closed terminal) must not disturb a session.
    logging.raiseExceptions = False
    people = logging.StreamHandler(sys.stderr)
    people.setLevel(logging.INFO if verbose else logging.WARNING)
    people.setFormatter(
        _formatter(
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        )
    )
    handlers: list[logging.Handler] = [people]
    if file is not None:
        lines = logging.handlers.RotatingFileHandler(
            file, maxBytes=_FILE_BYTES, backupCount=_FILES, encoding="utf-8"
        )
        lines.setFormatter(
            _formatter(structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer())
        )
        handlers.append(lines)
    logging.getLogger("ilemtrack").propagate = False
    for name in _ROOTS:
        root = logging.getLogger(name)
        for old in list(root.handlers):
            root.removeHandler(old)
            old.close()
        root.setLevel(logging.INFO)
        for handler in handlers:
            root.addHandler(handler)


def _formatter(*processors: Any) -> structlog.stdlib.ProcessorFormatter:
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_SHARED, processors=[strip, *processors])


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module; `name` is its ``__name__``."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(f"ilemtrack.{name}")
    return logger


class Seldom:
    """Lines that would fill a log: of each event one a minute at most, with the number since the last one.

    Parameters
    ----------
    every_s : float
        Time between two lines of one event, s.
    monotonic_s : callable
        Clock of the computer, s.
    """

    def __init__(self, every_s: float = 60.0, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._every_s, self._monotonic_s = every_s, monotonic_s
        self._lock = threading.Lock()
        self._written_s: dict[str, float] = {}
        self._since: dict[str, int] = {}

    def write(self, log: Callable[..., object], event: str, **values: object) -> None:
        """Write a line by a method of a logger, or count it."""
        with self._lock:
            now_s = self._monotonic_s()
            self._since[event] = times = self._since.get(event, 0) + 1
            if now_s - self._written_s.get(event, -self._every_s) < self._every_s:
                return
            self._written_s[event] = now_s
            self._since[event] = 0
        log(event, **values, **({"times": times} if times > 1 else {}))


# Lines of a command without a session never get among its results on standard output.
configure()
