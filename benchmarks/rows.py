"""Results of a benchmark: rows of measured figures."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


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
    """

    what: str
    figure: str
    goal: str = ""
    reached: bool | None = None


def at_least(what: str, value: float, goal: float, digits: int = 3) -> Row:
    """Return a row of a figure that should be high."""
    return Row(what, f"{value:.{digits}f}", f">= {goal:g}", bool(value >= goal))


def at_most(what: str, value: float, goal: float, digits: int = 3) -> Row:
    """Return a row of a figure that should be low."""
    return Row(what, f"{value:.{digits}f}", f"<= {goal:g}", bool(value <= goal))


def beside(what: str, ours: float, theirs: float, unit: str, peer: str) -> Row:
    """Return a row of a figure as a ratio against a peer that was measured in the same run."""
    return Row(what, f"{ours:.4g} {unit}, {ours / theirs:.3g} x {theirs:.4g} {unit} of {peer}")


def print_rows(title: str, rows: Sequence[Row], console: Console) -> None:
    """Print a table of rows."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("figure")
    table.add_column("measured", justify="right")
    table.add_column("goal", justify="right")
    table.add_column("")
    for row in rows:
        mark = "" if row.reached is None else ("reached" if row.reached else "MISSED")
        table.add_row(row.what, row.figure, row.goal, mark)
    console.print(table)
    console.print()
