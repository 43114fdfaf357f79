"""Boxes that a person has asked for, and that the picture does not show yet."""

from collections.abc import Callable, Sequence

BoxPx = tuple[int, int, int, int]
"""x0, y0, x1, y1, px."""


def box_of(sides: Sequence[float]) -> BoxPx:
    """Return a box of whole pixels."""
    x0, y0, x1, y1 = (int(side) for side in sides)
    return x0, y0, x1, y1


class AskedBoxes:
    """Boxes asked for, by cell, each beside the one that was shown then."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[BoxPx, BoxPx]] = {}

    def note(self, cell: str, shown: BoxPx, asked: BoxPx) -> None:
        """Note a box that was asked for, and accepted."""
        self._asked[cell] = shown, asked

    def now(self, cell: str, shown: BoxPx) -> BoxPx:
        """Return the box of a cell: the one that is shown, or one that was asked for since."""
        before, asked = self._asked.get(cell, (None, shown))
        return asked if before == shown else shown

    def drop_shown(self, shown: Callable[[str], BoxPx | None]) -> None:
        """Forget those of cells that are shown with another box by now, or no more."""
        self._asked = {cell: both for cell, both in self._asked.items() if shown(cell) == both[0]}

    def forget(self) -> None:
        """Forget all, as before an undo."""
        self._asked.clear()
