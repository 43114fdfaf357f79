"""The last word on a section: what is imaged because of its neighbours, and how likely each is a cell."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace

from config.work import DetectionConfig
from detection.image.boxes import around, union_fraction
from detection.image.hits import Cell, CellSource, Decision
from detection.registration.rigid import box_around
from detection.serial.confidence import Near, with_confidences
from detection.serial.section import HeldSection, SerialCell, SerialSection
from detection.tracking.prediction import carried, expected, margin_px_of
from detection.tracking.tracker import LONGEST_GAP, Track

MOST_COMPLETED = 4.0
"""Of the box that a section gives a cell: what its neighbours say beyond is of another cell."""


def finished(
    section: HeldSection, near: Sequence[HeldSection], active: Sequence[Track], config: DetectionConfig
) -> SerialSection:
    """Add to a section what its neighbours know of it.

    Parameters
    ----------
    section : HeldSection
        Tracked.
    near : sequence of HeldSection
        The sections of its chain that are tracked and not further than a track may be carried.
    active : sequence of Track
        All that may reach it.
    config : DetectionConfig

    Returns
    -------
    SerialSection
    """
    started = time.perf_counter()
    cells = []
    for cell, names in zip(section.cells, section.tracks, strict=True):
        track = next((one for one in active if one.id in names), None)
        if track is not None:
            cell = _completed(_recalled(cell, track, section, config), track, section, config)
        cells.append(SerialCell(cell, names, seen=True))
    cells += _carried(cells, section, active, config)
    cells = _judged(cells, section, near)
    cells.sort(key=lambda one: (one.cell.box_px.y0, one.cell.box_px.x0, one.cell.box_px.as_tuple()))
    named = tuple(
        replace(one, cell=replace(one.cell, id=f"c{number:04d}")) for number, one in enumerate(cells, 1)
    )
    boxes = [one.cell.image_box_px for one in named if one.cell.image_box_px is not None]
    imaged_fraction = union_fraction(boxes, section.frame.shape)
    section.elapsed_ms += (time.perf_counter() - started) * 1e3
    return SerialSection(
        section.frame.section,
        named,
        section.links,
        section.place,
        imaged_fraction,
        tuple(section.warnings),
        section.elapsed_ms,
    )


def _recalled(cell: Cell, track: Track, section: HeldSection, config: DetectionConfig) -> Cell:
    """Image after all what was too doubtful in one section, but is seen in its neighbours."""
    if cell.image_box_px is not None:
        return cell
    seen_in = [
        one.place.section
        for one in track.sightings
        if one.spot.confident and 0 < abs(one.place.index - section.place.index) <= LONGEST_GAP
    ]
    if not seen_in:
        return cell
    margin_px = margin_px_of(config, section.frame.pixel_size_um, cell.unsure_um)
    grown = cell.box_px.dilated(margin_px, section.frame.shape)
    return replace(
        cell,
        image_box_px=grown,
        reason=_seen_in(seen_in[:2]),
        source=CellSource.CARRIED,
        decision=Decision.DOUBTFUL,
    )


def _seen_in(sections: Sequence[str]) -> str:
    return f"kept: seen in {' and '.join(sections)}"


def _completed(cell: Cell, track: Track, section: HeldSection, config: DetectionConfig) -> Cell:
    """Image also where the sections on both sides say that more of the cell must lie."""
    ellipse = expected(track, section.place)
    if cell.image_box_px is None or ellipse is None:
        return cell
    size_um, shape = section.frame.pixel_size_um, section.frame.shape
    box = box_around(ellipse, shape, size_um)
    if box is None or box.area_px > MOST_COMPLETED * cell.box_px.area_px:
        return cell
    grown = box.dilated(math.ceil(config.dilate_um / size_um - 1e-9), shape)
    if cell.image_box_px.contains(grown):
        return cell
    return replace(cell, image_box_px=around(cell.image_box_px, grown))


def _carried(
    cells: Sequence[SerialCell], section: HeldSection, active: Sequence[Track], config: DetectionConfig
) -> list[SerialCell]:
    """Image the cells that the section misses and its neighbours show."""
    frame = section.frame
    imaged = [one.cell.image_box_px for one in cells if one.cell.image_box_px is not None]
    margin_px = margin_px_of(config, frame.pixel_size_um)
    result = []
    for track in active:
        found = carried(track, section.place)
        if found is None:
            continue
        ellipse, seen_in = found
        box = box_around(ellipse, frame.shape, frame.pixel_size_um)
        if box is None or any(other.contains(box) for other in imaged):
            continue
        if frame.mask is not None and not frame.mask[box.slices].any():
            # Ground of which no fluorescence was taken: the beam has no business there.
            continue
        grown = box.dilated(margin_px, frame.shape)
        cell = Cell(
            "",
            box,
            grown,
            0.0,
            _seen_in(seen_in),
            source=CellSource.CARRIED,
            decision=Decision.DOUBTFUL,
        )
        result.append(SerialCell(cell, (track.id,), seen=False))
    return result


def _judged(
    cells: Sequence[SerialCell], section: HeldSection, near: Sequence[HeldSection]
) -> list[SerialCell]:
    """Say how likely those are cells that the section does not show by itself."""
    single = [cell.box_px for cell in section.single.cells if cell.image_box_px is not None]
    hits = [(one.cell, one.tracks, one.seen) for one in cells]
    around_it = [Near(one.place.index - section.place.index, one.cells, one.tracks) for one in near]
    judged = with_confidences(hits, section.layer, single, around_it)
    return [replace(one, cell=cell) for one, cell in zip(cells, judged, strict=True)]
