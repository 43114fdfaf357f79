"""Hits of several cells, split: for detectors that box what is connected."""

import math
from collections.abc import Sequence

from detection.serial.section import HeldSection
from detection.serial.separation.by_neighbours import NeighbourOutlines, cells_of_parts, split_by_neighbours
from detection.serial.separation.by_shape import split_by_shape
from detection.serial.separation.coarse_image import CoarseImage, coarse_image, mean_intensity
from detection.serial.separation.outlines import Outlines, find_outlines


def split_merged(section: HeldSection, near: Sequence[HeldSection]) -> None:
    """Split merged cells by their shape, and where neighbouring sections show them separately."""
    coarse = _coarse(section)
    own = find_outlines(coarse, [cell.box_px for cell in section.cells])
    motions = [(_coarse(one), one.place.onto(section.place)) for one in near]
    intensity = mean_intensity(coarse, motions)
    noise_adu = coarse.noise_adu / math.sqrt(len(near) + 1)
    known = [outlines_of(one) for one in (section, *near)]
    sizes = [area for one in known for area in one.areas_um2(len(one.sightings))]
    own, of_shape = split_by_shape(own, intensity, noise_adu, sizes)
    index = section.place.index
    # Earlier sections are split already, so they are trusted first.
    by_trust = sorted(near, key=lambda one: (one.place.index > index, abs(one.place.index - index)))
    views = [NeighbourOutlines(outlines_of(one), one.place.onto(section.place)) for one in by_trust]
    section.outlines, of_neighbours = split_by_neighbours(own, views)
    parents = [of_shape[n] for n in of_neighbours]
    section.cells = cells_of_parts(section.cells, section.outlines, parents, section.frame.shape)


def _coarse(section: HeldSection) -> CoarseImage:
    """Return the coarse image of a section, made when it is first needed."""
    if section.coarse is None:
        layer = section.layer
        section.coarse = coarse_image(layer.residual, layer.noise_adu, layer.frame.pixel_size_um)
    return section.coarse


def outlines_of(section: HeldSection) -> Outlines:
    """Return the outlines of the cells of a section, of its detections until it is tracked."""
    if section.outlines is None:
        cells = section.cells if section.tracks else section.single.cells
        section.outlines = find_outlines(_coarse(section), [cell.box_px for cell in cells])
    return section.outlines
