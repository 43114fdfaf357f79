"""Consoles of rich, for tables and progress; loaded only by commands that print them."""

import sys

from rich.console import Console
from rich.table import Table

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


def print_rows(table: Table, none: str) -> None:
    """Print a table for which a person asked; one without rows is a sentence, not a heading of nothing."""
    results.print(table if table.row_count else none, soft_wrap=not table.row_count)
