"""A stack in windows that overlap, and their tracks joined."""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from detection.image.boxes import BoxPx
from detection.registration.rigid import Rigid
from detection.serial.section import SerialCell, SerialSection, Share
from detection.tracking.settings import SETTINGS as TRACKING
from detection.tracking.tracker import Place

CORE, LONGEST_CORE = 96, 192
"""Sections of a window whose result counts, in short and in long stacks: sections around a window are work
that is done twice, and few windows keep few workers busy."""
_WINDOWS = 16
"""Windows of a stack from which on they become longer."""
BEFORE = 26
"""Sections before them that take part, so that all is as in the whole stack: the background of a section is
of 13 before it, fixed pattern compares 11 sections before, and an average takes the fixed pattern of the two
sections before it. Measured: docs/decisions/0023-archives-on-dask.md."""
_WHOLE_BEFORE = TRACKING.kept_sightings
"""Of these, those with all that averages show: predictions look back so many sightings of a cell."""
AFTER = 5
"""Sections after them: a section comes out five sections late."""
_WHOLE_AFTER = TRACKING.longest_gap
"""Of these, those from which cells are carried; the rest is in their averages."""


@dataclass(frozen=True, slots=True)
class Window:
    """Sections from first to last are detected together, and the results from begin to end count."""

    first: int
    begin: int
    end: int
    last: int

    def share(self, section: int) -> Share:
        """Return the share of a section in the result of the window."""
        if self.begin - _WHOLE_BEFORE <= section < self.end + _WHOLE_AFTER:
            return Share.WHOLE
        return Share.ALONE


@dataclass(frozen=True, slots=True)
class Sightings:
    """Tracks that a section shows by itself, by the names that they have in a window.

    Attributes
    ----------
    section : int
        Number in the stack, from 0.
    tracks : tuple of (BoxPx, str)
    """

    section: int
    tracks: tuple[tuple[BoxPx, str], ...]


def windows_of(count: int) -> list[Window]:
    """Return the windows of a stack; they depend on its length alone."""
    core = min(max(math.ceil(count / _WINDOWS), CORE), LONGEST_CORE)
    parts = max(math.ceil(count / core), 1)
    edges = [count * part // parts for part in range(parts + 1)]
    return [
        Window(max(begin - BEFORE, 0), begin, end, min(end + AFTER, count))
        for begin, end in itertools.pairwise(edges)
    ]


def sightings_of(section: int, cells: Iterable[SerialCell]) -> Sightings:
    """Return the tracks that a section shows by itself."""
    return Sightings(
        section, tuple((one.cell.box_px, one.tracks[0]) for one in cells if one.seen and one.tracks)
    )


def joined_names(windows: Sequence[Window], sightings: Sequence[Sequence[Sightings]]) -> list[dict[str, str]]:
    """Return the names in the whole stack for the tracks of each window.

    Two tracks of neighbouring windows are one if a section of both windows has a cell of both. Names are
    numbered by the first section that shows the track, then in the order of the window that has the section,
    as in a stack that is detected as a whole.

    Parameters
    ----------
    windows : sequence of Window
    sightings : sequence of sequence of Sightings
        Of all sections of each window that could be used.
    """
    joined = _Joined()
    for number in range(1, len(windows)):
        before = {one.section: dict(one.tracks) for one in sightings[number - 1]}
        # The last common section counts most: there both windows have seen most of the track.
        for one in reversed(sightings[number]):
            for box, name in one.tracks:
                if (other := before.get(one.section, {}).get(box)) is not None:
                    joined.join((number - 1, other), (number, name))
    names: dict[tuple[int, str], str] = {}
    for number, (window, found) in enumerate(zip(windows, sightings, strict=True)):
        for one in found:
            if not window.begin <= one.section < window.end:
                continue
            for name in sorted((name for _, name in one.tracks), key=_number):
                whole = joined.of((number, name))
                names.setdefault(whole, f"T{len(names) + 1:04d}")
    result = []
    for number, found in enumerate(sightings):
        own = {name for one in found for _, name in one.tracks}
        result.append({name: names[whole] for name in own if (whole := joined.of((number, name))) in names})
    return result


class _Joined:
    """Tracks of windows that are one, each window giving at most one."""

    def __init__(self) -> None:
        self._parent: dict[tuple[int, str], tuple[int, str]] = {}
        self._taken: set[tuple[tuple[int, str], int]] = set()

    def of(self, track: tuple[int, str]) -> tuple[int, str]:
        """Return the track of the earliest window that is the same."""
        while track in self._parent:
            track = self._parent[track]
        return track

    def join(self, earlier: tuple[int, str], later: tuple[int, str]) -> None:
        """Take two tracks of neighbouring windows for one, unless one of them has a partner already."""
        if later in self._parent or (earlier, later[0]) in self._taken:
            return
        self._parent[later] = earlier
        self._taken.add((earlier, later[0]))


def renamed(section: SerialSection, names: dict[str, str]) -> SerialSection:
    """Return a section with the names that its tracks have in the whole stack.

    A track that only other windows show by itself, and that they do not confirm, has none.
    """
    cells = tuple(
        replace(one, tracks=tuple(names[name] for name in one.tracks if name in names))
        for one in section.cells
    )
    return replace(section, cells=cells)


def placed(sections: Sequence[SerialSection]) -> list[SerialSection]:
    """Return the sections with their places in the chains of the whole stack, by their links."""
    places: dict[str, Place] = {}
    result = []
    chains = 0
    for index, section in enumerate(sections):
        link = section.used_link
        onto = None if link is None or link.motion is None else places.get(link.target)
        if onto is None or link is None or link.motion is None:
            chains += 1
            place = Place(index, section.section, chains, Rigid())
        else:
            place = Place(index, section.section, onto.chain, onto.to_chain.after(link.motion))
        places[section.section] = place
        result.append(replace(section, place=place))
    return result


def _number(track: str) -> int:
    return int(track[1:])
