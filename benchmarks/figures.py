"""One figure, and how it is printed."""

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure beside that of a peer.

    Attributes
    ----------
    what : str
        What was measured, on what.
    ours, theirs : float
    unit : str
    peer : str
        Name of the peer.
    """

    what: str
    ours: float
    theirs: float
    unit: str
    peer: str

    @property
    def ratio(self) -> float:
        """Ours over theirs."""
        return self.ours / self.theirs if self.theirs else float("nan")


def show(title: str, figures: list[Figure]) -> None:
    """Print a table."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in ("figure", "ours", "peer's", "unit", "ratio", "peer"):
        table.add_column(heading, justify="right" if heading in ("ours", "peer's", "ratio") else "left")
    for one in figures:
        table.add_row(
            one.what, f"{one.ours:.4g}", f"{one.theirs:.4g}", one.unit, f"{one.ratio:.3g}", one.peer
        )
    Console(width=140).print(table, "")
