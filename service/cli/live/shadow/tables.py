"""Tables of a run beside its shadow, for people."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from detection.image.hits import CellSource
from service.cli.consoles import results
from service.shadow.compare import Judged, Why
from service.shadow.costs import Cost
from service.shadow.result import ComparedSection, Shadow
from service.wording import some
from service.wording_cells import cells as cells_in_words
from service.words.quantities import duration, size
from service.words.review import VERDICTS

_MOST_ROWS = 40
"""Rows of a table that are still read; the document has them all."""

_FOUND_IN = {
    CellSource.FRAME: "its frame",
    CellSource.AVERAGED: "average of sections",
    CellSource.CARRIED: "neighbouring sections",
}
_WHY = {
    Why.NOT_FOUND: "not found",
    Why.NOT_KEPT: "found, left out by the policy",
    Why.NOT_CHOSEN: "found, left out by choice",
    Why.SMALLER: "found, much smaller",
    Why.NO_DETECTION: "no detection in its field",
}


def print_shadow(shadow: Shadow, pictures: Path | None) -> None:
    """Print the comparison."""
    ended = "ended" if shadow.ended else f"NOT ENDED YET ({shadow.phase.replace('_', ' ')})"
    for name, text in (
        ("run", f"{shadow.run}, {ended}"),
        ("detectors", f"{shadow.detectors[0]} in the run, {shadow.detectors[1]} as its shadow"),
        *([("settings", some(shadow.settings))] if shadow.settings else []),
        *([("not compared", f"{some(shadow.left_out)}: not detected yet")] if shadow.left_out else []),
        *((("failed", f"{field}: {reason}") for field, reason in shadow.failed.items())),
    ):
        results.print(f"{name:14s} {text}", soft_wrap=True)
    results.print()
    results.print(_totals(shadow))
    results.print(_verdict(shadow), soft_wrap=True)
    for title, cells in (("Lost", shadow.lost), ("Gained", shadow.gained)):
        if cells:
            results.print()
            results.print(_cells(title, cells))
    results.print()
    results.print(_sections(shadow.sections))
    _print_people(shadow)
    if pictures is not None:
        results.print(f"\npictures       {pictures}", soft_wrap=True)


def _totals(shadow: Shadow) -> Table:
    table = _table("", "run", "shadow", "difference")
    counts, (run, other) = shadow.counts, shadow.costs
    for name, before, after in (
        ("cells found", counts[0].cells, counts[1].cells),
        ("cells to image", counts[0].imaged, counts[1].imaged),
        ("SEM frames", run.frames, other.frames),
    ):
        table.add_row(name, str(before), str(after), f"{after - before:+d}")
    for name, before_s, after_s in (
        ("beam", run.beam_s, other.beam_s),
        ("electron images", run.electron_s, other.electron_s),
    ):
        table.add_row(name, duration(before_s), duration(after_s), _more(before_s, after_s))
    table.add_row("data", size(run.data_bytes), size(other.data_bytes), "")
    return table


def _more(before_s: float, after_s: float) -> str:
    sign = "+" if after_s >= before_s else "-"
    share = f" ({(after_s - before_s) / before_s:+.1%})" if before_s else ""
    return f"{sign}{duration(abs(after_s - before_s))}{share}"


def _verdict(shadow: Shadow) -> str:
    lost, gained = shadow.lost, shadow.gained
    beside = sum(one.in_frames >= 1 for one in lost)
    partly = sum(section.partly for section in shadow.sections)
    text = f"\n{len(lost)} of {shadow.counts[0].imaged} cells that the run images would be lost"
    if beside:
        text += f" ({beside} of them whole in frames of others all the same)"
    return f"{text}, {partly} imaged in part; {len(gained)} gained"


def _cells(title: str, cells: Sequence[Judged]) -> Table:
    table = _table("cell", "track", "confidence", "found in", "in frames", "with the other detector")
    more = len(cells) - _MOST_ROWS
    table.title = f"{title}: {len(cells)}" + (f", the most confident {_MOST_ROWS}" if more > 0 else "")
    table.title_justify = "left"
    for one in cells[:_MOST_ROWS]:
        table.add_row(
            one.cell.id,
            "+".join(one.cell.tracks),
            f"{one.cell.confidence:.2f}",
            _FOUND_IN[one.cell.source],
            f"{one.in_frames:.0%}",
            "" if one.why is None else _WHY[one.why],
        )
    return table


def _sections(sections: Sequence[ComparedSection]) -> Table:
    table = _table("section", "cells", "shadow", "lost", "gained", "frames", "shadow", "time", "shadow")
    for one in sections:
        frames, times = zip(*(_frames_and_time(cost) for cost in one.costs), strict=True)
        table.add_row(
            one.section,
            *(str(count.imaged) for count in one.counts),
            str(len(one.lost)),
            str(len(one.gained)),
            *frames,
            *times,
        )
    return table


def _frames_and_time(cost: Cost | None) -> tuple[str, str]:
    return ("-", "-") if cost is None else (str(cost.frames), duration(cost.electron_s))


def _print_people(shadow: Shadow) -> None:
    people = shadow.people
    if not people.any:
        return
    results.print("\nDecisions of people in the run, which neither side has:")
    counts = Counter(one.verdict for one in people.decided)
    for verdict, number in counts.items():
        imaged = sum(one.share >= 1 for one in people.decided if one.verdict is verdict)
        said = f"{number} {cells_in_words(number)} {VERDICTS[verdict]}"
        results.print(f"  {said}; the shadow images {imaged} whole")
    if people.margins:
        results.print("  other margins or another threshold")
    if people.choice:
        results.print("  a choice among the cells")
    cost = people.cost
    results.print(f"  with them the run planned {cost.frames} frames, {duration(cost.electron_s)}")


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, no_wrap=number == 0)
    return table
