"""A list that is being corrected, with undo."""

from service.console.computer.holder import HolderMap

_MOST_STEPS = 1000


class Draft:
    """A list as a person has changed it.

    Parameters
    ----------
    opened : HolderMap
    name : str
        File that it was read from; empty if it was made just now.
    """

    def __init__(self, opened: HolderMap, name: str) -> None:
        self.name = name
        self._steps = [opened]
        self._saved: HolderMap | None = opened if name else None

    @property
    def now(self) -> HolderMap:
        """The list with all changes."""
        return self._steps[-1]

    @property
    def can_undo(self) -> bool:
        """True if there is a change to undo."""
        return len(self._steps) > 1

    @property
    def is_saved(self) -> bool:
        """True if the file holds what is shown."""
        return self.now == self._saved

    def change(self, new: HolderMap) -> bool:
        """Make a change; return False if nothing changes."""
        if new == self.now:
            return False
        self._steps = [*self._steps[-_MOST_STEPS:], new]
        return True

    def undo(self) -> None:
        """Undo the last change."""
        if self.can_undo:
            self._steps.pop()

    def saved_as(self, name: str) -> None:
        """Note that the file holds what is shown."""
        self.name, self._saved = name, self.now
