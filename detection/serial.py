"""Cells of serial sections: detected, linked to one another, and imaged where a neighbour shows them.

Frames go in one after the other, sections come out when all that can still change them is known. Only a
window of sections is held, however long the array.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from config.work import DetectionConfig
from detection import fixed_pattern, isolated
from detection.boxes import BoxPx, around, union_fraction
from detection.carrying import carried, expected, margin_px_of
from detection.cells import Cell, Detection
from detection.detect import detect
from detection.detectors import Detector
from detection.fixed_pattern import Evidence, fixed_boxes
from detection.outlines import Outlines, outlines
from detection.parting import View, cells_of_parts, parted
from detection.placed import SectionFrame
from detection.pooled_evidence import joined
from detection.pooling import Layer, Neighbour, layer, pooled
from detection.registration import Link, Prepared, no_link, prepare, register
from detection.rigid import Rigid, box_around, oval_of
from detection.shared_ground import FEWEST_SECTIONS, grounded
from detection.tracks import LONGEST_GAP, Place, Spot, Track, Tracker

POOL_REACH = 2
LINK_REACH = 3
FEWEST_CELLS = 2
FIXED_HISTORY = 8
NO_CELL = (fixed_pattern.REASON, isolated.REASON)
MOST_COMPLETED = 4.0
"""Of the box that a section gives a cell: what its neighbours say beyond is of another cell."""
CARRIED_CONFIDENCE = 0.5
"""A cell that two neighbours show counts as even."""
CARRIED = "kept: seen in "
"""Begins the reason of what is imaged because its neighbours show it, whatever its confidence."""


@dataclass(frozen=True, slots=True)
class SerialCell:
    """A cell of a section and its identity.

    Attributes
    ----------
    cell : Cell
    tracks : tuple of str
        The track it belongs to; further ones where cells have merged into one detection; none for what is
        not imaged as a cell.
    seen : bool
        False where it was carried from neighbours.
    """

    cell: Cell
    tracks: tuple[str, ...]
    seen: bool


@dataclass(frozen=True, slots=True)
class SerialSection:
    """What is known of one section, for good.

    Attributes
    ----------
    section : str
    cells : tuple of SerialCell
        In reading order.
    links : tuple of Link
        To earlier sections, as tried; the last one is used if it is good.
    place : Place
        In its chain of registered sections.
    imaged_fraction : float
        Share of the frame inside any `image_box_px`, 0..1.
    warnings : tuple of str
    elapsed_ms : float
        Time that all steps took for this section.
    """

    section: str
    cells: tuple[SerialCell, ...]
    links: tuple[Link, ...]
    place: Place
    imaged_fraction: float
    warnings: tuple[str, ...]
    elapsed_ms: float

    @property
    def used_link(self) -> Link | None:
        """The link by which it lies in its chain; None for the first of a chain."""
        return self.links[-1] if self.links and not self.links[-1].bad else None


@dataclass(slots=True)
class _Section:
    """A section in the window."""

    frame: SectionFrame
    layer: Layer
    prepared: Prepared | None
    single: Detection
    links: tuple[Link, ...]
    place: Place
    warnings: list[str]
    elapsed_ms: float
    evidence: Evidence
    outlines: Outlines
    witnesses: int
    fixed: tuple[BoxPx, ...] = ()
    cells: tuple[Cell, ...] = ()
    tracks: list[tuple[str, ...]] = field(default_factory=list)


class SerialDetector:
    """Detects the cells of section after section.

    Parameters
    ----------
    config : DetectionConfig
    look_ahead : bool
        Later sections count too (all fluorescence first): a section comes out five sections late. Without
        it (`order: section`) each comes out at once, from itself and earlier ones.
    detector : Detector, optional
        The one that ``config.detector`` names, where that is a plug-in or a forest.
    """

    def __init__(
        self, config: DetectionConfig, *, look_ahead: bool = True, detector: Detector | None = None
    ) -> None:
        self._config = config
        self._detector = detector
        self._pool_ahead = POOL_REACH if look_ahead else 0
        self._carry_ahead = LONGEST_GAP if look_ahead else 0
        self._window: list[_Section] = []
        self._tracker = Tracker()
        self._count = self._next_tracked = self._next_out = 0
        self._chains = 0

    def add(self, frame: SectionFrame) -> list[SerialSection]:
        """Take the next section, in the order of cutting, and return those that are done now.

        Raises
        ------
        DetectionError
            Raised when the frame cannot be used; the detector goes on without it.
        """
        started = time.perf_counter()
        own = grounded(layer(frame), [one.layer for one in self._window])
        single = self._detect(frame, own)
        # A frame without cells is registered on no other.
        prepared = prepare(frame, own.residual) if len(single.cells) >= FEWEST_CELLS else None
        links, place = self._linked(frame.section, prepared)
        boxes = tuple(cell.box_px for cell in single.cells)
        evidence = Evidence(place, boxes, own.residual, frame.pixel_size_um)
        section = _Section(
            frame,
            own,
            prepared,
            single,
            links,
            place,
            list(single.warnings),
            0.0,
            evidence,
            outlines(own, boxes),
            len(self._window),
        )
        if links and links[0].bad:
            section.warnings.append(_warning(links, place))
        self._window.append(section)
        self._count += 1
        section.elapsed_ms = (time.perf_counter() - started) * 1e3
        return self._advance(
            self._count - self._pool_ahead, self._count - self._pool_ahead - self._carry_ahead
        )

    def finish(self) -> list[SerialSection]:
        """Return the sections that are left."""
        return self._advance(self._count, self._count)

    def tracks(self) -> tuple[Track, ...]:
        """All tracks so far, in the order of their ids."""
        return tuple(
            sorted([*self._tracker.ended, *self._tracker.active], key=lambda one: (len(one.id), one.id))
        )

    def _detect(self, frame: SectionFrame, own: Layer) -> Detection:
        return detect(
            frame.pixels, frame.pixel_size_um, self._config, frame.offset_adu, self._detector, own.ground
        )

    def _reconsider(self, section: _Section) -> None:
        """Detect one of the first sections again, now that others tell its ground better."""
        others = [one for one in self._window if one is not section]
        if section.witnesses >= FEWEST_SECTIONS or len(others) <= section.witnesses:
            return
        own = grounded(section.layer, [one.layer for one in others])
        if own is section.layer:
            return
        section.layer = own
        section.single = self._detect(section.frame, own)
        boxes = tuple(cell.box_px for cell in section.single.cells)
        section.evidence = replace(section.evidence, boxes=boxes, residual=own.residual)
        section.outlines = outlines(own, boxes)

    def _linked(self, name: str, prepared: Prepared | None) -> tuple[tuple[Link, ...], Place]:
        """Link to the last section, or to one before it where that link is bad."""
        links = []
        for other in self._window[: -LINK_REACH - 1 : -1]:
            if prepared is None or other.prepared is None:
                links.append(no_link(name, other.frame.section, "too few cells to go by"))
                continue
            link = register(prepared, other.prepared)
            links.append(link)
            if not link.bad and link.motion is not None:
                to_chain = other.place.to_chain.after(link.motion)
                return tuple(links), Place(self._count, name, other.place.chain, to_chain)
        self._chains += 1
        return tuple(links), Place(self._count, name, self._chains, Rigid())

    def _advance(self, tracked_before: int, out_before: int) -> list[SerialSection]:
        while self._next_tracked < tracked_before:
            self._track(self._at(self._next_tracked))
            self._next_tracked += 1
        done = []
        while self._next_out < out_before:
            done.append(self._final(self._at(self._next_out)))
            self._next_out += 1
        oldest = min(self._next_out, self._next_tracked) - FIXED_HISTORY
        self._window = [one for one in self._window if one.place.index >= oldest]
        return done

    def _at(self, index: int) -> _Section:
        return self._window[index - self._window[0].place.index]

    def _track(self, section: _Section) -> None:
        started = time.perf_counter()
        self._reconsider(section)
        others = [one for one in self._window if one is not section]
        evidence = [one.evidence for one in others]
        section.fixed = fixed_boxes(section.evidence, evidence)
        near = [
            one
            for one in others
            if one.place.chain == section.place.chain
            and abs(one.place.index - section.place.index) <= POOL_REACH
        ]
        cells = section.single.cells
        if near:
            neighbours = [self._neighbour(one, section) for one in near]
            frame = pooled(section.layer, neighbours)
            more = self._detect(frame, section.layer)
            cells = joined(cells, more.cells, section.layer, section.fixed)
        section.cells = tuple(
            replace(cell, image_box_px=None, reason=fixed_pattern.REASON)
            if cell.box_px in section.fixed
            else cell
            for cell in cells
        )
        if near:
            self._part(section, near)
        elif self._pool_ahead:
            section.cells = isolated.without_noise(section.cells, section.layer, self._beside(section))
        areas = section.outlines.areas_um2(len(section.cells))
        spots = [
            _spot(cell, section, area)
            for cell, area in zip(section.cells, areas, strict=True)
            if cell.reason not in NO_CELL
        ]
        rows, columns = section.frame.shape
        half_um = columns / 2 * section.frame.pixel_size_um, rows / 2 * section.frame.pixel_size_um
        names = self._tracker.add(section.place, spots, half_um)
        ids = iter(names)
        section.tracks = [() if cell.reason in NO_CELL else next(ids) for cell in section.cells]
        section.elapsed_ms += (time.perf_counter() - started) * 1e3

    def _part(self, section: _Section, near: Sequence[_Section]) -> None:
        """Take merged cells apart where the sections beside show them apart."""
        own = outlines(section.layer, [cell.box_px for cell in section.cells])
        index = section.place.index
        # Those before have been taken apart already, so they are trusted first.
        by_trust = sorted(near, key=lambda one: (one.place.index > index, abs(one.place.index - index)))
        views = [View(one.outlines, one.place.onto(section.place)) for one in by_trust]
        section.outlines, parents = parted(own, views)
        section.cells = cells_of_parts(section.cells, section.outlines, parents)

    def _beside(self, section: _Section) -> list[tuple[Layer, tuple[Cell, ...]]]:
        """The two nearest sections, one on either side where there is."""
        by_nearness = sorted(
            (one for one in self._window if one is not section),
            key=lambda one: abs(one.place.index - section.place.index),
        )
        return [(one.layer, one.single.cells) for one in by_nearness[:2]]

    def _neighbour(self, other: _Section, section: _Section) -> Neighbour:
        if other.place.index > section.place.index:
            rest = [one.evidence for one in self._window if one is not other]
            other.fixed = fixed_boxes(other.evidence, rest)
        return Neighbour(other.layer, other.place.onto(section.place), other.fixed)

    def _final(self, section: _Section) -> SerialSection:
        started = time.perf_counter()
        cells = [
            SerialCell(
                self._completed(self._recalled(cell, names, section.place), names, section), names, seen=True
            )
            for cell, names in zip(section.cells, section.tracks, strict=True)
        ]
        imaged = [one.cell.image_box_px for one in cells if one.cell.image_box_px is not None]
        for track in self._tracker.active:
            found = carried(track, section.place)
            if found is None:
                continue
            oval, seen_in = found
            box = box_around(oval, section.frame.shape, section.frame.pixel_size_um)
            if box is None or any(other.contains(box) for other in imaged):
                continue
            mask = section.frame.mask
            if mask is not None and not mask[box.slices].any():
                # Ground of which no fluorescence was taken: the beam has no business there.
                continue
            margin_px = margin_px_of(self._config, section.frame.pixel_size_um)
            reason = CARRIED + " and ".join(seen_in)
            grown = box.dilated(margin_px, section.frame.shape)
            cells.append(
                SerialCell(Cell("", box, grown, CARRIED_CONFIDENCE, reason), (track.id,), seen=False)
            )
        cells.sort(key=lambda one: (one.cell.box_px.y0, one.cell.box_px.x0, one.cell.box_px.as_tuple()))
        named = tuple(
            replace(one, cell=replace(one.cell, id=f"c{number:04d}")) for number, one in enumerate(cells, 1)
        )
        boxes = [one.cell.image_box_px for one in named if one.cell.image_box_px is not None]
        section.elapsed_ms += (time.perf_counter() - started) * 1e3
        return SerialSection(
            section.frame.section,
            named,
            section.links,
            section.place,
            union_fraction(boxes, section.frame.shape),
            tuple(section.warnings),
            section.elapsed_ms,
        )

    def _completed(self, cell: Cell, names: tuple[str, ...], section: _Section) -> Cell:
        """Image also where the sections on both sides say that more of the cell must lie."""
        track = next((one for one in self._tracker.active if one.id in names), None)
        if cell.image_box_px is None or track is None:
            return cell
        oval = expected(track, section.place)
        if oval is None:
            return cell
        size_um, shape = section.frame.pixel_size_um, section.frame.shape
        box = box_around(oval, shape, size_um)
        if box is None or box.area_px > MOST_COMPLETED * cell.box_px.area_px:
            return cell
        grown = box.dilated(math.ceil(self._config.dilate_um / size_um - 1e-9), shape)
        if cell.image_box_px.contains(grown):
            return cell
        return replace(cell, image_box_px=around(cell.image_box_px, grown))

    def _recalled(self, cell: Cell, names: tuple[str, ...], place: Place) -> Cell:
        """Image after all what was too doubtful in one section, but is seen in its neighbours."""
        if cell.image_box_px is not None or not names:
            return cell
        for track in self._tracker.active:
            if track.id != names[0]:
                continue
            seen_in = [
                one.place.section
                for one in track.sightings
                if one.spot.confident and 0 < abs(one.place.index - place.index) <= LONGEST_GAP
            ]
            if seen_in:
                section = self._at(place.index)
                margin_px = margin_px_of(self._config, section.frame.pixel_size_um, cell.unsure_um)
                grown = cell.box_px.dilated(margin_px, section.frame.shape)
                return replace(cell, image_box_px=grown, reason=CARRIED + " and ".join(seen_in[:2]))
        return cell


def _spot(cell: Cell, section: _Section, area_um2: float) -> Spot:
    frame, box = section.frame, cell.box_px
    rows, columns = frame.shape
    cut = box.x0 <= 0 or box.y0 <= 0 or box.x1 >= columns or box.y1 >= rows
    return Spot(
        oval_of(box, frame.shape, frame.pixel_size_um), cut, cell.image_box_px is not None, area_um2 or None
    )


def _warning(links: Sequence[Link], place: Place) -> str:
    first, last = links[0], links[-1]
    if last.bad:
        rest = "it stands alone, without the evidence of its neighbours"
    else:
        rest = f"it was registered on {last.target} instead"
    return f"{place.section} could not be registered on {first.target} ({first.reason}): {rest}"
