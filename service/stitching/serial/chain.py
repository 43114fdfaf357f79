"""The slices of a cell, each registered on an earlier one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detection.registration.rigid import Rigid, fit_rigid
from planner.geometry.rects import center
from service.stitching.documents import Registered, SlicePlace
from service.stitching.grounds import Ground, Run
from service.stitching.section import read_cell
from service.stitching.serial.registration import (
    Shifted,
    closely,
    find_rotation,
    is_proven,
    rotation_closely,
    shift_at,
)
from service.stitching.serial.views import CellView, view_of

_BACK = 3
"""Earlier slices that are tried, the nearest first: one bad image does not end the chain. Chosen by hand."""
_FEWEST = 3
"""Cells from which on their places in fluorescence show the rotation of a section."""
_VIEWS = 256
"""Images that are kept ready: some 100 MB."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Rotation from one section to another.

    Attributes
    ----------
    rotation_rad : float
    known : bool
        True if fluorescence shows it, or the electron images of any cell prove it.
    """

    rotation_rad: float
    known: bool


class Sections:
    """Cells of all sections, and the rotations between these; both are found when first needed.

    Parameters
    ----------
    run : Run
    cells : mapping of str to mapping
        Ground of each cell that is imaged, by track, by section.
    """

    def __init__(self, run: Run, cells: Mapping[str, Mapping[str, Ground]]) -> None:
        self._run, self._cells = run, cells
        self._turns: dict[tuple[str, str], Turn] = {}
        self._fingerprints: dict[str, list[str]] = {}
        self.view: Callable[[str, str], CellView] = lru_cache(_VIEWS)(self._view)

    def ground(self, section: str, track: str) -> Ground | None:
        """Return what is imaged of a track in a section."""
        return self._cells.get(section, {}).get(track)

    def fingerprints(self, section: str) -> list[str]:
        """Return those of all cells of a section: its rotation depends on them."""
        if section not in self._fingerprints:
            grounds = {ground.name: ground for ground in self._cells.get(section, {}).values()}
            self._fingerprints[section] = sorted(ground.fingerprint for ground in grounds.values())
        return self._fingerprints[section]

    def turn(self, source: str, target: str) -> Turn:
        """Return the rotation from one section to another."""
        if (source, target) not in self._turns:
            self._turns[source, target] = self._find_turn(source, target)
        return self._turns[source, target]

    def _view(self, section: str, track: str) -> CellView:
        ground = self._cells[section][track]
        assert ground.cell is not None
        assert ground.to_sem is not None
        middle = ground.to_sem.to_sem(np.array([center(ground.cell.rect_m)]))[0]
        x, y = ((middle - ground.canvas.center_m) * 1e6).tolist()
        return view_of(read_cell(self._run, ground), ground.canvas.pixel_size_m * 1e6, (x, y))

    def _find_turn(self, source: str, target: str) -> Turn:
        first, second = self._cells.get(source, {}), self._cells.get(target, {})
        shared = [track for track in first if track in second]
        # A cell of several tracks counts once.
        unlike = {(first[track].name, second[track].name): track for track in shared}
        pairs = [(self.view(source, track), self.view(target, track)) for track in unlike.values()]
        if not pairs:
            return Turn(0.0, known=False)
        start = None
        if len(pairs) >= _FEWEST:
            start = fit_rigid(
                _middles(first, unlike.values()), _middles(second, unlike.values())
            ).rotation_rad
        rotation = find_rotation(pairs, start)
        found = [(pair, shift_at(*pair, rotation)) for pair in pairs]
        proven = [(pair, one.motion) for pair, one in found if one is not None and is_proven(*pair, one)]
        if proven:
            return Turn(rotation_closely(*zip(*proven, strict=True)), known=True)
        return Turn(0.0 if start is None else start, known=start is not None)


@dataclass(slots=True)
class _Slice:
    section: str
    ground: Ground
    to_first: Rigid = field(default_factory=Rigid)
    registered: Registered = Registered.REFERENCE
    target: str | None = None
    found: Shifted | None = None


def chain(sections: Sections, track: str, order: Sequence[str], central: str) -> tuple[SlicePlace, ...]:
    """Register the slices of a cell.

    Parameters
    ----------
    sections : Sections
    track : str
    order : sequence of str
        Sections from the first to the last that shows it, those between included.
    central : str
        Section that the others are turned to, if it has an image.

    Returns
    -------
    tuple of SlicePlace
        One for each section; none where fewer than two have an image.
    """
    slices: list[_Slice] = []
    for section in order:
        ground = sections.ground(section, track)
        if ground is not None:
            one = _Slice(section, ground)
            if slices:
                _register(sections, track, one, slices)
            slices.append(one)
    if len(slices) < 2:
        return ()
    named = {one.section: one for one in slices}
    upright = named.get(central, slices[len(slices) // 2])
    back = upright.to_first.inverse()
    places = []
    for z, section in enumerate(order):
        found = named.get(section)
        if found is None:
            places.append(SlicePlace(z=z, section=section, cell=None, registered=Registered.MISSING))
            continue
        motion = back.after(found.to_first)
        places.append(
            SlicePlace(
                z=z,
                section=section,
                cell=found.ground.name,
                registered=found.registered,
                target=found.target,
                significance=0.0 if found.found is None else found.found.peak.significance,
                correlation=0.0 if found.found is None else found.found.peak.correlation,
                rotation_rad=motion.rotation_rad,
                shift_um=motion.shift_um,
            )
        )
    return tuple(places)


def _register(sections: Sections, track: str, one: _Slice, earlier: Sequence[_Slice]) -> None:
    """Register a slice on the nearest earlier one on which its electron image proves its place."""
    view = sections.view(one.section, track)
    for other in earlier[: -_BACK - 1 : -1]:
        turn = sections.turn(one.section, other.section)
        other_view = sections.view(other.section, track)
        found = shift_at(view, other_view, turn.rotation_rad)
        if found is not None and is_proven(view, other_view, found):
            near = closely(view, other_view, found.motion)
            one.to_first = other.to_first.after((near or found).motion)
            one.registered, one.target, one.found = Registered.ELECTRONS, other.section, found
            return
    last = earlier[-1]
    turn, other_view = sections.turn(one.section, last.section), sections.view(last.section, track)
    rotation = Rigid(turn.rotation_rad)
    x, y = np.array(other_view.middle_um) - rotation.apply(np.array([view.middle_um]))[0]
    one.to_first = last.to_first.after(Rigid(turn.rotation_rad, (float(x), float(y))))
    one.registered = Registered.FLUORESCENCE if turn.known else Registered.CENTER
    one.target = last.section


def _middles(cells: Mapping[str, Ground], tracks: Iterable[str]) -> NDArray[np.float64]:
    """Return where fluorescence has the middles of some cells, um."""
    found = [center(cell.rect_m) for track in tracks if (cell := cells[track].cell) is not None]
    return np.array(found) * 1e6
