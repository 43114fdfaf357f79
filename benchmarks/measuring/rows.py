"""Results of a benchmark: rows of measured figures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table

Better = Literal["low", "high"]


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure.

    Attributes
    ----------
    what : str
        Name of the figure, and the data.
    figure : str
        The figure, with its unit.
    goal : str
        Goal; empty for a figure without one.
    reached : bool or None
        None where there is no goal.
    value : float or None
        The figure as a number, that of another version can be compared with; None where it is none.
    better : str or None
        The better direction of `value`.
    """

    what: str
    figure: str
    goal: str = ""
    reached: bool | None = None
    value: float | None = None
    better: Better | None = None


def at_least(what: str, value: float, goal: float, digits: int = 3) -> Row:
    """Return a row of a figure that should be high."""
    return Row(what, f"{value:.{digits}f}", f">= {goal:g}", bool(value >= goal), _finite(value), "high")


def at_most(what: str, value: float, goal: float, digits: int = 3) -> Row:
    """Return a row of a figure that should be low."""
    return Row(what, f"{value:.{digits}f}", f"<= {goal:g}", bool(value <= goal), _finite(value), "low")


def low(what: str, value: float, figure: str) -> Row:
    """Return a row of a figure that should be low, but has no goal."""
    return Row(what, figure, value=_finite(value), better="low")


def high(what: str, value: float, figure: str) -> Row:
    """Return a row of a figure that should be high, but has no goal."""
    return Row(what, figure, value=_finite(value), better="high")


def beside(what: str, ours: float, theirs: float, unit: str, peer: str, better: Better = "low") -> Row:
    """Return a row of a figure as a ratio against a peer that was measured in the same run."""
    ratio = ours / theirs
    figure = f"{ours:.4g} {unit}, {ratio:.3g} x {theirs:.4g} {unit} of {peer}"
    return Row(what, figure, value=_finite(ratio), better=better)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def print_rows(title: str, rows: Sequence[Row], console: Console) -> None:
    """Print a table of rows."""
    table = _table(title)
    for row in rows:
        table.add_row(row.what, row.figure, row.goal, _mark(row))
    console.print(table)
    console.print()


def print_compared(rows: Mapping[str, Sequence[Row]], console: Console) -> None:
    """Print one table of all benchmarks, by title: the figures that are compared between versions."""
    table = _table("all figures that are compared between versions")
    for title, of in rows.items():
        compared = [row for row in of if row.value is not None]
        if compared:
            table.add_row(f"[bold]{title}")
        for row in compared:
            table.add_row(f"  {row.what}", row.figure, row.goal, _mark(row))
    console.print(table)
    console.print()


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("figure")
    table.add_column("measured", justify="right")
    table.add_column("goal", justify="right")
    table.add_column("")
    return table


def _mark(row: Row) -> str:
    return "" if row.reached is None else ("reached" if row.reached else "MISSED")
