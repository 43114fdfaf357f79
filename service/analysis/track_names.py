"""Names of tracks in a run: the same after a restart, and never one name for two cells."""

from collections.abc import Collection, Sequence

from service.model.specimen import Cell


class TrackNames:
    """Map the names that a `SerialDetector` gives to those of the run.

    They are the same where possible. But a new detector counts from one again, and another version of the
    program may link differently from the one that began the run: names in use stay with their cells.

    Parameters
    ----------
    recorded : collection of str
        The names of all cells that are recorded.
    """

    def __init__(self, recorded: Collection[str]) -> None:
        self._recorded = frozenset(recorded)
        self._highest_recorded = max(map(_number, recorded), default=0)
        self._names: dict[str, str] = {}
        self._given: set[str] = set()
        self._highest = self._offset = 0

    def restart(self) -> None:
        """Start over for a new detector, which counts from one."""
        self._names.clear()
        self._offset = self._highest

    def learn(self, found: Sequence[Cell], recorded: Sequence[Cell]) -> None:
        """Keep the names of recorded cells that are found again at the same pixels."""
        known = {(cell.field, cell.box_px): cell.tracks for cell in recorded}
        for cell in found:
            names = known.get((cell.field, cell.box_px), ())
            for raw, name in zip(cell.tracks, names, strict=False):
                if raw not in self._names and name not in self._given:
                    self._give(raw, name)

    def name(self, raw: str) -> str:
        """Return the name of a track in this run."""
        if raw not in self._names:
            name = f"T{_number(raw) + self._offset:04d}"
            if name in self._recorded or name in self._given:
                name = f"T{max(self._highest, self._highest_recorded) + 1:04d}"
            self._give(raw, name)
        return self._names[raw]

    def _give(self, raw: str, name: str) -> None:
        self._names[raw] = name
        self._given.add(name)
        self._highest = max(self._highest, _number(name))


def _number(name: str) -> int:
    return int(name[1:])
