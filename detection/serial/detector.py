"""Cells of serial sections: detected, linked to one another, and imaged where a neighbour shows them.

Frames go in one after the other, sections come out when all that can still change them is known. Only a
window of sections is held, however long the array.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import replace

from config.work import DetectionConfig
from detection.detect import detect
from detection.detectors import Detector
from detection.image.hits import NO_CELL, Cell, Decision, Detection
from detection.registration.register import Link, Prepared, no_link, prepare, register
from detection.registration.rigid import Rigid, ellipse_in
from detection.registration.section_frame import SectionFrame
from detection.serial import fixed_pattern, noise_hits
from detection.serial.averaged_hits import joined
from detection.serial.finishing import finished
from detection.serial.fixed_pattern import Evidence, fixed_boxes
from detection.serial.pooling import Layer, Neighbour, layer, pooled
from detection.serial.section import HeldSection, SerialSection
from detection.serial.separation.by_neighbours import View, cells_of_parts, parted
from detection.serial.separation.by_shape import apart
from detection.serial.separation.coarse_image import coarse_light, mean_light
from detection.serial.separation.outlines import outlines
from detection.serial.shared_background import FEWEST_SECTIONS, grounded
from detection.tracking.tracker import LONGEST_GAP, Place, Spot, Track, Tracker

POOL_REACH = 2
LINK_REACH = 3
FEWEST_CELLS = 2
FIXED_HISTORY = 8


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
        self._window: list[HeldSection] = []
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
        evidence = Evidence(place, boxes, own)
        light = coarse_light(own)
        section = HeldSection(
            frame=frame,
            layer=own,
            prepared=prepared,
            single=single,
            links=links,
            place=place,
            warnings=list(single.warnings),
            elapsed_ms=0.0,
            evidence=evidence,
            light=light,
            outlines=outlines(light, boxes),
            fixed=fixed_boxes(evidence, [one.evidence for one in self._window]),
            ground_from=len(self._window),
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

    def _finished(self, section: HeldSection) -> SerialSection:
        near = [
            one
            for one in self._window[: self._next_tracked - self._window[0].place.index]
            if one.place.chain == section.place.chain
            and 0 < abs(one.place.index - section.place.index) <= LONGEST_GAP
        ]
        return finished(section, near, self._tracker.active, self._config)

    def _ground_again(self, section: HeldSection) -> None:
        """Detect one of the first sections again, now that others tell its ground better."""
        others = [one for one in self._window if one is not section]
        if section.ground_from >= FEWEST_SECTIONS or len(others) <= section.ground_from:
            return
        own = grounded(section.layer, [one.layer for one in others])
        if own is section.layer:
            return
        try:
            section.single = self._detect(section.frame, own)
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything; the warning tells it
            section.warnings.append(
                f"{section.frame.section} could not be detected on the ground of other sections"
                f" ({_why(error)}): it has the cells that its own ground shows"
            )
            return
        section.layer = own
        boxes = tuple(cell.box_px for cell in section.single.cells)
        section.evidence = Evidence(section.place, boxes, own)
        section.light = coarse_light(own)
        section.outlines = outlines(section.light, boxes)

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
            done.append(self._finished(self._at(self._next_out)))
            self._next_out += 1
        oldest = min(self._next_out, self._next_tracked) - FIXED_HISTORY
        self._window = [one for one in self._window if one.place.index >= oldest]
        return done

    def _at(self, index: int) -> HeldSection:
        return self._window[index - self._window[0].place.index]

    def _track(self, section: HeldSection) -> None:
        started = time.perf_counter()
        self._ground_again(section)
        others = [one for one in self._window if one is not section]
        section.fixed = fixed_boxes(section.evidence, [one.evidence for one in others])
        near = [
            one
            for one in others
            if one.place.chain == section.place.chain
            and abs(one.place.index - section.place.index) <= POOL_REACH
        ]
        cells = section.single.cells
        if near:
            neighbours = [Neighbour(one.layer, one.place.onto(section.place), one.fixed) for one in near]
            more = self._detect_pooled(section, neighbours)
            cells = joined(cells, more, section.layer, section.fixed)
        section.cells = tuple(
            replace(cell, image_box_px=None, reason=fixed_pattern.REASON, decision=Decision.FIXED_PATTERN)
            if cell.box_px in section.fixed
            else cell
            for cell in cells
        )
        if near:
            self._part(section, near)
        elif self._pool_ahead:
            section.cells = noise_hits.without_noise(section.cells, section.layer, self._beside(section))
        areas = section.outlines.areas_um2(len(section.cells))
        spots = [
            _spot(cell, section, area)
            for cell, area in zip(section.cells, areas, strict=True)
            if cell.decision not in NO_CELL
        ]
        rows, columns = section.frame.shape
        half_um = columns / 2 * section.frame.pixel_size_um, rows / 2 * section.frame.pixel_size_um
        ids = iter(self._tracker.add(section.place, spots, half_um))
        section.tracks = [() if cell.decision in NO_CELL else (next(ids),) for cell in section.cells]
        section.elapsed_ms += (time.perf_counter() - started) * 1e3

    def _detect_pooled(self, section: HeldSection, neighbours: Sequence[Neighbour]) -> tuple[Cell, ...]:
        """Detect in the average with neighbours; none where that fails, and the section says so."""
        try:
            return self._detect(pooled(section.layer, neighbours), section.layer).cells
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything; the warning tells it
            section.warnings.append(
                f"the average of {section.frame.section} with its neighbours could not be detected"
                f" ({_why(error)}): it has only the cells that it shows alone, and those that neighbours show"
            )
            return ()

    def _part(self, section: HeldSection, near: Sequence[HeldSection]) -> None:
        """Take merged cells apart by their shape, and where the sections beside show them apart."""
        own = outlines(section.light, [cell.box_px for cell in section.cells])
        light = mean_light(section.light, [(one.light, one.place.onto(section.place)) for one in near])
        noise_adu = section.light.noise_adu / math.sqrt(len(near) + 1)
        known = [section.outlines, *(one.outlines for one in near)]
        sizes = [area for one in known for area in one.areas_um2(len(one.alone))]
        own, of_touching = apart(own, light, noise_adu, sizes)
        index = section.place.index
        # Those before have been taken apart already, so they are trusted first.
        by_trust = sorted(near, key=lambda one: (one.place.index > index, abs(one.place.index - index)))
        views = [View(one.outlines, one.place.onto(section.place)) for one in by_trust]
        section.outlines, of_parted = parted(own, views)
        parents = [of_touching[n] for n in of_parted]
        section.cells = cells_of_parts(section.cells, section.outlines, parents, section.frame.shape)

    def _beside(self, section: HeldSection) -> list[tuple[Layer, tuple[Cell, ...]]]:
        """The two nearest sections, one on either side where there is."""
        by_nearness = sorted(
            (one for one in self._window if one is not section),
            key=lambda one: abs(one.place.index - section.place.index),
        )
        return [(one.layer, one.single.cells) for one in by_nearness[:2]]


def _spot(cell: Cell, section: HeldSection, area_um2: float) -> Spot:
    frame, box = section.frame, cell.box_px
    rows, columns = frame.shape
    cut = box.x0 <= 0 or box.y0 <= 0 or box.x1 >= columns or box.y1 >= rows
    return Spot(
        ellipse_in(box, frame.shape, frame.pixel_size_um),
        cut,
        cell.image_box_px is not None,
        area_um2 or None,
    )


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__


def _warning(links: Sequence[Link], place: Place) -> str:
    first, last = links[0], links[-1]
    if last.bad:
        rest = "it stands alone, without the evidence of its neighbours"
    else:
        rest = f"it was registered on {last.target} instead"
    return f"{place.section} could not be registered on {first.target} ({first.reason}): {rest}"
