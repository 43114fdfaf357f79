"""Two runs of the benchmarks, figure by figure: ``python -m benchmarks compare A B``."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.measuring.kept import Kept
from benchmarks.measuring.rows import Row

SAME = 1e-3
"""Ratios this near to 1 count as equal: a change in the last digit that is printed."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure of both runs.

    Attributes
    ----------
    benchmark, what : str
    before, after : Row
    ratio : float
        Value of the second run over that of the first; infinite where that was 0.
    worse : float
        Above 1 if the second run is worse, below 1 if it is better: the ratio, or one over it.
    """

    benchmark: str
    what: str
    before: Row
    after: Row
    ratio: float
    worse: float


def pairs(before: Kept, after: Kept) -> list[Pair]:
    """Return the figures that both runs have as numbers, those that got worst first."""
    old, new = _by_name(before), _by_name(after)
    found = [_pair(name, row, new[name]) for name, row in old.items() if name in new]
    return sorted(found, key=lambda pair: (-pair.worse, pair.benchmark, pair.what))


def alone(before: Kept, after: Kept) -> tuple[list[str], list[str]]:
    """Return the names of the figures that only the first, or only the second, run has as numbers."""
    old, new = _by_name(before), _by_name(after)
    gone = [": ".join(name) for name in old if name not in new]
    return gone, [": ".join(name) for name in new if name not in old]


def _by_name(kept: Kept) -> dict[tuple[str, str], Row]:
    return {
        (benchmark.name, row.what): row
        for benchmark in kept.benchmarks
        for row in benchmark.rows
        if row.value is not None and row.better is not None
    }


def _pair(name: tuple[str, str], before: Row, after: Row) -> Pair:
    assert before.value is not None
    assert after.value is not None
    ratio = _over(after.value, before.value)
    worse = ratio if after.better == "low" else _over(before.value, after.value)
    return Pair(*name, before, after, ratio, worse)


def _over(above: float, below: float) -> float:
    if above == below:
        return 1.0
    return above / below if below else math.inf


def print_pairs(before: Kept, after: Kept, console: Console) -> None:
    """Print the table, and what cannot be compared."""
    for name, kept in (("A", before), ("B", after)):
        console.print(f"{name}: {kept.at}, {kept.machine.described()}")
    if before.machine != after.machine or before.settings != after.settings:
        console.print("not the same computer, packages or settings: compare ratios against peers only")
    table = Table(box=None, pad_edge=False)
    table.add_column("figure")
    for title in ("A", "B", "B / A"):
        table.add_column(title, justify="right")
    table.add_column("")
    found = pairs(before, after)
    for pair in found:
        table.add_row(
            f"{pair.benchmark}: {pair.what}",
            pair.before.figure,
            pair.after.figure,
            f"{pair.ratio:.3f}",
            _said(pair),
        )
    console.print(table)
    for name, names in zip("AB", alone(before, after), strict=True):
        if names:
            console.print(f"only in {name}: {_listed(names)}")


def _said(pair: Pair) -> str:
    missed = " MISSED" if pair.after.reached is False and pair.before.reached is not False else ""
    if abs(pair.worse - 1) <= SAME:
        return "the same" + missed
    return ("worse" if pair.worse > 1 else "better") + missed


def _listed(names: Sequence[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return "; ".join(names[:most]) + more
