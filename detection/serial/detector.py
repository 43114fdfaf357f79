"""Detection in serial sections: cells are linked, and imaged where only a neighbour shows them.

Frames go in one by one. A section comes out once no later one can change it. Only a window of sections is
held, however long the array.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from config.work import DetectionConfig
from detection.detect import detect
from detection.detectors import Detector
from detection.image.boxes import sides_of
from detection.image.hits import NO_CELL, Cell, Decision, Detection
from detection.registration.register import Link, Prepared, no_link, prepare, register
from detection.registration.rigid import Rigid, ellipse_at, ellipse_in
from detection.registration.section_frame import SectionFrame
from detection.serial import fixed_pattern, noise_hits
from detection.serial.averaged_hits import join_hits
from detection.serial.finishing import finish
from detection.serial.fixed_pattern import CameraFrames, find_fixed
from detection.serial.hits_of_one_cell import (
    absorbed,
    are_covered,
    gives_one_box_a_cell,
    join_alike,
)
from detection.serial.pooling import Layer, Neighbour, pool, split_background
from detection.serial.section import HeldSection, SerialSection, Share
from detection.serial.settings import SETTINGS
from detection.serial.shared_background import with_shared_background
from detection.serial.splitting import outlines_of, split_merged
from detection.tracking.settings import SETTINGS as TRACKING
from detection.tracking.tracker import Place, Spot, Track, Tracker
from detection.votes import OwnPart, own_parts

_SETTINGS = SETTINGS.window


class SerialDetector:
    """Detects cells in one section after the other.

    Parameters
    ----------
    config : DetectionConfig
    look_ahead : bool
        Use later sections too (all fluorescence first): a section comes out five sections late. Without it
        (`order: section`) each comes out at once, from itself and earlier ones.
    detector : Detector, optional
        The one that ``config.detector`` names, where that is a plug-in or a forest.
    """

    def __init__(
        self, config: DetectionConfig, *, look_ahead: bool = True, detector: Detector | None = None
    ) -> None:
        self._config = config
        self._detector = detector
        self._pool_ahead = _SETTINGS.pool_sections if look_ahead else 0
        self._carry_ahead = TRACKING.longest_gap if look_ahead else 0
        self._window: list[HeldSection] = []
        self._tracker = Tracker()
        self._count = self._next_tracked = self._next_out = 0
        self._chains = 0

    def add(self, frame: SectionFrame, share: Share = Share.WHOLE) -> list[SerialSection]:
        """Take the next section, in the order of cutting, and return the sections that are finished.

        Parameters
        ----------
        frame : SectionFrame
        share : Share
            Less than the whole for sections that are there for others.

        Raises
        ------
        DetectionError
            Raised when the frame cannot be used; the next one may follow.
        """
        started = time.perf_counter()
        own = with_shared_background(split_background(frame), [one.layer for one in self._window])
        single = self._detect(frame, own)
        # A frame without cells cannot be registered.
        prepared = prepare(frame, own.residual) if len(single.cells) >= _SETTINGS.fewest_cells else None
        links, place = self._linked(frame.section, prepared)
        boxes = tuple(cell.box_px for cell in single.cells)
        camera_frames = CameraFrames(place, boxes, own)
        section = HeldSection(
            frame=frame,
            layer=own,
            prepared=prepared,
            single=single,
            links=links,
            place=place,
            warnings=[],
            elapsed_ms=0.0,
            camera_frames=camera_frames,
            fixed=find_fixed(camera_frames, [one.camera_frames for one in self._window]),
            background_sections=len(self._window),
            share=share,
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
        """Return the remaining sections."""
        return self._advance(self._count, self._count)

    def tracks(self) -> tuple[Track, ...]:
        """Return all tracks so far, in the order of their ids."""
        return tuple(
            sorted([*self._tracker.ended, *self._tracker.active], key=lambda one: (len(one.id), one.id))
        )

    def _detect(self, frame: SectionFrame, own: Layer) -> Detection:
        found = detect(
            frame.pixels,
            frame.pixel_size_um,
            self._config,
            frame.offset_adu,
            self._detector,
            own.shared_background,
            with_votes=True,
        )
        return replace(found, cells=join_alike(found.cells))

    def _finished(self, section: HeldSection) -> SerialSection:
        near = [
            one
            for one in self._window[: self._next_tracked - self._window[0].place.index]
            if one.place.chain == section.place.chain
            and 0 < abs(one.place.index - section.place.index) <= TRACKING.longest_gap
        ]
        return finish(section, near, self._tracker.active, self._config)

    def _redetect(self, section: HeldSection) -> None:
        """Detect one of the first sections again, now that other sections show its background better."""
        others = [one for one in self._window if one is not section]
        fewest = SETTINGS.shared_background.fewest_sections
        if section.background_sections >= fewest or len(others) <= section.background_sections:
            return
        own = with_shared_background(section.layer, [one.layer for one in others])
        if own is section.layer:
            return
        try:
            section.single = self._detect(section.frame, own)
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything; the warning says it
            section.warnings.append(
                f"{section.frame.section} could not be detected with the background of other sections"
                f" ({_why(error)}): it has the cells above its own background"
            )
            return
        section.layer = own
        boxes = tuple(cell.box_px for cell in section.single.cells)
        section.camera_frames = CameraFrames(section.place, boxes, own)
        section.coarse = section.outlines = None

    def _linked(self, name: str, prepared: Prepared | None) -> tuple[tuple[Link, ...], Place]:
        """Link to the last section, or to an earlier one where that link is bad."""
        links = []
        for other in self._window[: -_SETTINGS.link_sections - 1 : -1]:
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
        oldest = min(self._next_out, self._next_tracked) - _SETTINGS.history_sections
        self._window = [one for one in self._window if one.place.index >= oldest]
        return done

    def _at(self, index: int) -> HeldSection:
        return self._window[index - self._window[0].place.index]

    def _track(self, section: HeldSection) -> None:
        started = time.perf_counter()
        self._redetect(section)
        others = [one for one in self._window if one is not section]
        section.fixed = find_fixed(section.camera_frames, [one.camera_frames for one in others])
        near = [
            one
            for one in others
            if section.share is Share.WHOLE
            and one.place.chain == section.place.chain
            and abs(one.place.index - section.place.index) <= _SETTINGS.pool_sections
        ]
        cells, section.votes = section.single.cells, section.single.votes
        if near:
            neighbours = [Neighbour(one.layer, one.place.onto(section.place), one.fixed) for one in near]
            average = pool(section.layer, neighbours)
            more = self._detect_average(section, average)
            section.votes = more.votes or section.votes
            cells = join_hits(cells, more.cells, section.layer, average, section.fixed)
        section.cells = tuple(
            replace(cell, image_box_px=None, reason=fixed_pattern.REASON, decision=Decision.FIXED_PATTERN)
            if cell.box_px in section.fixed
            else cell
            for cell in cells
        )
        one_each = gives_one_box_a_cell(section.cells)
        if near and not one_each:
            split_merged(section, near)
        elif not near and self._pool_ahead and section.share is Share.WHOLE:
            section.cells = noise_hits.reject_noise(section.cells, section.layer, self._beside(section))
        self._link(section, boxes_only=one_each)
        section.elapsed_ms += (time.perf_counter() - started) * 1e3

    def _link(self, section: HeldSection, *, boxes_only: bool) -> None:
        """Continue tracks, and leave out hits that are of the same cells as others and continue none."""
        shape = section.frame.shape
        covered = are_covered(section.cells, shape)
        count = len(section.cells)
        areas = [None] * count if boxes_only else outlines_of(section).areas_um2(count)
        parts = _own_parts(section) if boxes_only else [None] * count
        spots = [
            _spot(cell, section, area, is_covered, part)
            for cell, area, is_covered, part in zip(section.cells, areas, covered, parts, strict=True)
            if cell.decision not in NO_CELL
        ]
        half_um = tuple(side / 2 * section.frame.pixel_size_um for side in (shape[1], shape[0]))
        ids = iter(self._tracker.add(section.place, spots, (half_um[0], half_um[1])))
        names = ["" if cell.decision in NO_CELL else next(ids) for cell in section.cells]
        keep = [
            bool(name) or cell.decision in NO_CELL for cell, name in zip(section.cells, names, strict=True)
        ]
        section.cells = tuple(absorbed(section.cells, keep, shape))
        section.tracks = [(name,) if name else () for name, stays in zip(names, keep, strict=True) if stays]
        section.outlines = None if boxes_only else outlines_of(section).of(np.flatnonzero(keep).tolist())

    def _detect_average(self, section: HeldSection, average: Layer) -> Detection:
        """Detect in the average with neighbours; where that fails, return nothing and add a warning."""
        try:
            return self._detect(average.frame, section.layer)
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything; the warning says it
            section.warnings.append(
                f"the average of {section.frame.section} with its neighbours could not be detected"
                f" ({_why(error)}): it has only the cells that it shows alone, and those that neighbours show"
            )
            return Detection((), 0.0, (), 0.0)

    def _beside(self, section: HeldSection) -> list[tuple[Layer, tuple[Cell, ...]]]:
        """Return the two nearest sections, one on each side where possible."""
        by_nearness = sorted(
            (one for one in self._window if one is not section),
            key=lambda one: abs(one.place.index - section.place.index),
        )
        return [(one.layer, one.single.cells) for one in by_nearness[:2]]


def _own_parts(section: HeldSection) -> list[OwnPart | None]:
    if section.votes is None:
        return [None] * len(section.cells)
    return own_parts(section.votes, sides_of(cell.box_px for cell in section.cells))


def _spot(
    cell: Cell, section: HeldSection, area_um2: float | None, covered: bool, part: OwnPart | None
) -> Spot:
    frame, box = section.frame, cell.box_px
    own = None
    if part is not None:
        area_um2 = part.area * frame.pixel_size_um**2
        own = ellipse_at(part.center, part.half, frame.shape, frame.pixel_size_um)
    rows, columns = frame.shape
    cut = box.x0 <= 0 or box.y0 <= 0 or box.x1 >= columns or box.y1 >= rows
    return Spot(
        ellipse_in(box, frame.shape, frame.pixel_size_um),
        cut,
        cell.image_box_px is not None,
        area_um2 or None,
        covered,
        own,
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
