"""Brightness of the cells of saved fields."""

from collections.abc import Iterable
from dataclasses import replace

from detection.errors import DetectionError
from detection.image.brightness import brightness_adu
from detection.image.frames import check_frame
from service.analysis.mosaic import FieldFrame
from service.model.specimen import FieldCells


def with_brightness(found: Iterable[FieldCells], frames: Iterable[FieldFrame]) -> list[FieldCells]:
    """Return the cells of fields with their brightness, each in the frame of its field.

    Cells of a field without a usable frame keep none.
    """
    known = {frame.field.id: frame for frame in frames}
    return [_of_field(one, known.get(one.field)) for one in found]


def _of_field(found: FieldCells, frame: FieldFrame | None) -> FieldCells:
    if frame is None:
        return found
    try:
        checked = check_frame(frame.pixels, frame.pose.pixel_size_m[0] * 1e6, frame.offset_adu)
    except DetectionError:
        return found
    values = brightness_adu(checked, [cell.box_px for cell in found.cells])
    cells = tuple(
        replace(cell, brightness_adu=value) for cell, value in zip(found.cells, values, strict=True)
    )
    return replace(found, cells=cells)
