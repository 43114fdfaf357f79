"""Last step for a section: cells imaged because of its neighbours, and their confidence."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace

from config.work import DetectionConfig
from detection.detect import NOTHING_LIKELY, NOTHING_STANDS_OUT, no_cells
from detection.image.boxes import around, union_fraction
from detection.image.hits import Cell, CellSource, Decision, Detection
from detection.registration.rigid import box_around
from detection.serial.confidence import NearbySection, assign_confidences
from detection.serial.section import HeldSection, SerialCell, SerialSection
from detection.serial.settings import SETTINGS
from detection.tracking.prediction import interpolate, predict_missed, prediction_margin_px
from detection.tracking.settings import SETTINGS as TRACKING
from detection.tracking.tracker import Track


def finish(
    section: HeldSection, near: Sequence[HeldSection], active: Sequence[Track], config: DetectionConfig
) -> SerialSection:
    """Add the cells and boxes that neighbouring sections show to a section.

    Parameters
    ----------
    section : HeldSection
        Tracked already.
    near : sequence of HeldSection
        Tracked sections of its chain within the longest gap of a track.
    active : sequence of Track
        All tracks that may reach it.
    config : DetectionConfig

    Returns
    -------
    SerialSection
    """
    started = time.perf_counter()
    cells = []
    by_name = {track.id: track for track in active}
    for cell, names in zip(section.cells, section.tracks, strict=True):
        track = by_name.get(names[0]) if names else None
        if track is not None:
            cell = _completed(_recalled(cell, track, section, config), track, section, config)
        cells.append(SerialCell(cell, names, seen=True))
    cells += _carried(cells, section, active, config)
    cells = _with_confidences(cells, section, near)
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
        (*warnings_of_frame(section.single, named), *section.warnings),
        section.elapsed_ms,
        None if named else section.single.overlooked,
    )


def warnings_of_frame(single: Detection, cells: Sequence[SerialCell]) -> tuple[str, ...]:
    """Return the warnings of a frame by itself; not that it has no cells, where neighbours show some."""
    untrue: set[str] = set()
    if cells and not single.cells:
        untrue = {NOTHING_STANDS_OUT}
        if single.overlooked is not None:
            untrue.add(no_cells(single.overlooked))
    if any(one.cell.image_box_px is not None for one in cells):
        untrue.add(NOTHING_LIKELY)
    return tuple(one for one in single.warnings if one not in untrue)


def _recalled(cell: Cell, track: Track, section: HeldSection, config: DetectionConfig) -> Cell:
    """Image a cell below the floor if neighbouring sections show it with confidence."""
    if cell.image_box_px is not None:
        return cell
    seen_in = [
        one.place.section
        for one in track.sightings
        if one.spot.confident and 0 < abs(one.place.index - section.place.index) <= TRACKING.longest_gap
    ]
    if not seen_in:
        return cell
    margin_px = prediction_margin_px(config, section.frame.pixel_size_um, cell.extent_uncertainty_um)
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
    """Enlarge the box to be imaged to the extent that the sections on both sides predict."""
    ellipse = interpolate(track, section.place)
    if cell.image_box_px is None or ellipse is None:
        return cell
    size_um, shape = section.frame.pixel_size_um, section.frame.shape
    box = box_around(ellipse, shape, size_um)
    if box is None or box.area_px > SETTINGS.finishing.most_completed * cell.box_px.area_px:
        return cell
    grown = box.dilated(math.ceil(config.dilate_um / size_um - 1e-9), shape)
    if cell.image_box_px.contains(grown):
        return cell
    return replace(cell, image_box_px=around(cell.image_box_px, grown))


def _carried(
    cells: Sequence[SerialCell], section: HeldSection, active: Sequence[Track], config: DetectionConfig
) -> list[SerialCell]:
    """Predict the cells that the section misses and its neighbours show."""
    frame = section.frame
    imaged = [one.cell.image_box_px for one in cells if one.cell.image_box_px is not None]
    margin_px = prediction_margin_px(config, frame.pixel_size_um)
    result = []
    for track in active:
        found = predict_missed(track, section.place)
        if found is None:
            continue
        ellipse, seen_in = found
        box = box_around(ellipse, frame.shape, frame.pixel_size_um)
        if box is None or any(other.contains(box) for other in imaged):
            continue
        if frame.mask is not None and not frame.mask[box.slices].any():
            # No fluorescence was taken there, so the beam must not go there.
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


def _with_confidences(
    cells: Sequence[SerialCell], section: HeldSection, near: Sequence[HeldSection]
) -> list[SerialCell]:
    """Assign confidences to the cells that the section does not show by itself."""
    single = [cell.box_px for cell in section.single.cells if cell.image_box_px is not None]
    hits = [(one.cell, one.tracks, one.seen) for one in cells]
    nearby = [NearbySection(one.place.index - section.place.index, one.cells, one.tracks) for one in near]
    judged = assign_confidences(hits, section.layer, single, nearby)
    return [replace(one, cell=cell) for one, cell in zip(cells, judged, strict=True)]
