"""What commands print: results on standard output, words for people on standard error."""

import json
import math
import sys
from contextlib import suppress
from typing import Any

from rich.console import Console

_NEVER_FOLDED = 1_000_000
"""Columns of what is no terminal: a row stays one line for the program that reads it."""


def _console(stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    # There is none where the stream was closed (`2>&-`).
    width = None if stream is not None and stream.isatty() else _NEVER_FOLDED
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


people = _console(stderr=True)
"""For people; standard output is for results."""

results = _console(stderr=False)
"""For tables that a person asked for."""


def tell(sentence: str) -> None:
    """Say something to people; a terminal that is gone must not end a session."""
    with suppress(OSError, ValueError, SystemExit):
        people.print(sentence, soft_wrap=True)


def print_json(document: Any) -> None:
    """Print one JSON document to standard output."""
    json.dump(document, sys.stdout, allow_nan=False, ensure_ascii=False)
    sys.stdout.write("\n")


def duration(seconds: float | None) -> str:
    """Time as people say it: 43 s, 12 min 5 s, 3 h 20 min, 2 d 4 h."""
    if seconds is None or not math.isfinite(seconds):
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def size(count: float) -> str:
    """Bytes as people say them: 812 kB, 3.1 MB, 2.40 GB."""
    for unit, scale, digits in (("GB", 1e9, 2), ("MB", 1e6, 1), ("kB", 1e3, 0)):
        if count >= scale:
            return f"{count / scale:.{digits}f} {unit}"
    return f"{count:.0f} B"
