"""Mosaic of the fields of a section, and assignment of its cells to the fields that show them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from detection.errors import DetectionError
from detection.image import hits
from detection.image.boxes import BoxPx
from detection.registration.illumination import even_background
from detection.registration.rigid import Rigid, pixels_of_plane, plane_of_pixels
from detection.registration.section_frame import SectionFrame, stitch
from detection.serial.section import SerialCell
from drivers.pose import Pose, RectM, box_to_rect, frame_rect
from service.image_files.images import Pixels
from service.model.specimen import Cell, Field

MOST_PX = 16_000_000
"""Largest mosaic: about a dozen of them are in memory, at some ten bytes per pixel, 2 GB."""
EMPTIEST = 4.0
"""Largest area of a mosaic over that of its fields; chosen by hand."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class FieldFrame:
    """The saved frame of a field."""

    field: Field
    pixels: Pixels
    pose: Pose
    offset_adu: float | None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def cell(self, found: hits.Cell) -> Cell:
        """Return a cell found in this frame, placed on the stage by the pose of the frame."""
        box, image_box = found.box_px, found.image_box_px
        return Cell(
            id=f"{self.field.id}/{found.id}",
            field=self.field.id,
            section=self.field.section,
            box_px=box.as_tuple(),
            image_box_px=None if image_box is None else image_box.as_tuple(),
            rect_m=self.rect_m(box.as_tuple()),
            image_rect_m=None if image_box is None else self.rect_m(image_box.as_tuple()),
            confidence=found.confidence,
            reason=found.reason,
            source=found.source,
            decision=found.decision,
            reach_um=None
            if found.outer_px is None
            else self.reach_um(box.as_tuple(), found.outer_px.as_tuple()),
            extra_um=found.extent_uncertainty_um,
        )

    def reach_um(self, box: Box, outer: Box) -> Box:
        """Return the distances by which the sides of a box around another lie outside, um."""
        size_um = self.pose.pixel_size_m[0] * 1e6
        sides = box[0] - outer[0], box[1] - outer[1], outer[2] - box[2], outer[3] - box[3]
        left, top, right, bottom = (max(0.0, side * size_um) for side in sides)
        return left, top, right, bottom

    def rect_m(self, box_px: Box) -> RectM:
        """Return the rectangle of a box of pixels on the stage."""
        return box_to_rect(self.pose, self.shape, box_px)

    def as_section_frame(self, angle_rad: float | None) -> SectionFrame:
        """Return the frame for registration, mirrored back where the camera mirrors it."""
        rows, columns = -1 if self.pose.flip_y else 1, -1 if self.pose.flip_x else 1
        pixels = cast("Pixels", np.ascontiguousarray(self.pixels[::rows, ::columns]))
        x_m, y_m = self.pose.center_m
        return SectionFrame(
            self.field.section,
            pixels,
            self.pose.pixel_size_m[0] * 1e6,
            self.offset_adu,
            (x_m * 1e6, y_m * 1e6),
            self.pose.rotation_rad,
            angle_rad,
        )

    def mirrored(self, box: Box) -> Box:
        """Convert a box between the mirrored frame and the frame as taken, in either direction."""
        (rows, columns), (x0, y0, x1, y1) = self.shape, box
        if self.pose.flip_x:
            x0, x1 = columns - x1, columns - x0
        if self.pose.flip_y:
            y0, y1 = rows - y1, rows - y0
        return x0, y0, x1, y1


@dataclass(frozen=True, slots=True)
class Mosaic:
    """The fields of one section, stitched by their stage positions.

    Attributes
    ----------
    frames : tuple of FieldFrame
        In the order of exposure.
    whole : SectionFrame
        With one even background, if there are several fields.
    """

    frames: tuple[FieldFrame, ...]
    whole: SectionFrame

    def cells(self, found: Sequence[SerialCell]) -> dict[str, tuple[Cell, ...]]:
        """Assign cells to the fields.

        Each cell belongs to the field that shows most of it, the first one if several show as much. Its
        rectangles on the stage hold all of it, also the part in other fields; its boxes in pixels are cut at
        the edges of its own frame.

        Parameters
        ----------
        found : sequence of SerialCell
            In pixels of `whole`.

        Returns
        -------
        dict
            Cells by the identifier of every field, in the order found, with new ids.
        """
        assigned: dict[str, tuple[Cell, ...]] = {frame.field.id: () for frame in self.frames}
        for one in found:
            cell = self._cell(one)
            name = f"{cell.field}/c{len(assigned[cell.field]) + 1:04d}"
            assigned[cell.field] += (replace(cell, id=name, tracks=one.tracks, seen=one.seen),)
        return assigned

    def _cell(self, one: SerialCell) -> Cell:
        cell = one.cell
        if len(self.frames) == 1:
            (only,) = self.frames
            to_image = None if cell.image_box_px is None else _mirrored_box(only, cell.image_box_px)
            outer = None if cell.outer_px is None else _mirrored_box(only, cell.outer_px)
            box = _mirrored_box(only, cell.box_px)
            return only.cell(replace(cell, box_px=box, image_box_px=to_image, outer_px=outer))
        places = [self._in_field(frame, cell.box_px) for frame in self.frames]
        shown = [_cut(place, frame.shape) for place, frame in zip(places, self.frames, strict=True)]
        areas = [0.0 if part is None else _area(part) for part in shown]
        best = int(np.argmax([round(area) for area in areas]))
        part = shown[best]
        if part is None:
            return self._unsaved(one)
        frame = self.frames[best]
        image_box = image_rect = reach = None
        if cell.image_box_px is not None:
            image_box = _cut(self._in_field(frame, cell.image_box_px), frame.shape)
            image_rect = self._stage_rect_m(cell.image_box_px, best)
        if cell.outer_px is not None:
            reach = frame.reach_um(places[best], self._in_field(frame, cell.outer_px))
        return Cell(
            id="",
            field=frame.field.id,
            section=self.whole.section,
            box_px=part,
            image_box_px=image_box,
            rect_m=self._stage_rect_m(cell.box_px, best),
            image_rect_m=image_rect,
            confidence=cell.confidence,
            reason=cell.reason,
            source=cell.source,
            decision=cell.decision,
            reach_um=reach,
            extra_um=cell.extent_uncertainty_um,
        )

    def _in_field(self, frame: FieldFrame, box: BoxPx) -> Box:
        """Return the box in pixels of a field around a box of the mosaic, not cut at its edges."""
        corners = np.array(
            [[box.x0, box.y0], [box.x1, box.y0], [box.x1, box.y1], [box.x0, box.y1]], dtype=np.float64
        )
        x_m, y_m = frame.pose.center_m
        to_field = Rigid(frame.pose.rotation_rad, (x_m * 1e6, y_m * 1e6)).inverse().after(self.whole.to_stage)
        size_um = self.whole.pixel_size_um
        places = to_field.apply(plane_of_pixels(corners, self.whole.shape, size_um))
        points = pixels_of_plane(places, frame.shape, size_um)
        (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return frame.mirrored((x0, y0, x1, y1))

    def _stage_rect_m(self, box: BoxPx, best: int) -> RectM:
        """Rectangle around a box, from the fields that show it; from one alone where it shows all of it."""
        places = [self._in_field(frame, box) for frame in self.frames]
        cuts = [_cut(place, frame.shape) for place, frame in zip(places, self.frames, strict=True)]
        whole = cuts[best]
        if whole is not None and _area(whole) >= _area(places[best]):
            return self.frames[best].rect_m(whole)
        rects = np.array(
            [frame.rect_m(cut) for frame, cut in zip(self.frames, cuts, strict=True) if cut is not None]
        )
        x0, y0 = rects[:, :2].min(axis=0).tolist()
        x1, y1 = rects[:, 2:].max(axis=0).tolist()
        return x0, y0, x1, y1

    def _unsaved(self, one: SerialCell) -> Cell:
        """Return a cell predicted where no fluorescence is saved: it is recorded but must not be imaged."""
        whole, box = self.whole, one.cell.box_px
        size_m = whole.pixel_size_um * 1e-6
        center_m = whole.center_um[0] * 1e-6, whole.center_um[1] * 1e-6
        pose = Pose(center_m, (size_m, size_m), whole.rotation_rad)
        rect = box_to_rect(pose, whole.shape, box.as_tuple())
        middle = (rect[0] + rect[2]) / 2, (rect[1] + rect[3]) / 2
        nearest = min(self.frames, key=lambda frame: math.dist(frame.pose.center_m, middle))
        x0, y0, x1, y1 = self._in_field(nearest, box)
        outside = math.floor(x0), math.floor(y0), math.ceil(x1), math.ceil(y1)
        reason = f"not imaged: no fluorescence of it is saved here ({one.cell.reason})"
        return Cell(
            id="",
            field=nearest.field.id,
            section=whole.section,
            box_px=outside,
            image_box_px=None,
            rect_m=rect,
            image_rect_m=None,
            confidence=one.cell.confidence,
            reason=reason,
            source=one.cell.source,
            decision=one.cell.decision,
        )


def stitch_fields(frames: Sequence[FieldFrame], angle_rad: float | None = None) -> Mosaic:
    """Stitch the fields of a section.

    Parameters
    ----------
    frames : sequence of FieldFrame
        Of one section, in the order of exposure, at least one.
    angle_rad : float, optional
        Rotation of the section on the stage, where the layout gives it.

    Raises
    ------
    DetectionError
        Raised when they differ in pixel size, type of pixel or offset, or lie too far apart.
    """
    if len(frames) > 1:
        rects = np.array([frame_rect(frame.pose, frame.shape) for frame in frames])
        sides_m = rects[:, 2:].max(axis=0) - rects[:, :2].min(axis=0)
        pixels = float(np.prod(sides_m / frames[0].pose.pixel_size_m))
        section = frames[0].field.section
        if pixels > MOST_PX:
            raise DetectionError(
                f"the {len(frames)} fields of section {section} together have {pixels / 1e6:.0f} million"
                f" pixels; a picture of all of them may have {MOST_PX // 1_000_000}"
            )
        if pixels > EMPTIEST * sum(frame.pixels.size for frame in frames):
            raise DetectionError(f"the {len(frames)} fields of section {section} lie far apart")
    return Mosaic(
        tuple(frames), stitch(even_background([frame.as_section_frame(angle_rad) for frame in frames]))
    )


def _mirrored_box(frame: FieldFrame, box: BoxPx) -> BoxPx:
    x0, y0, x1, y1 = frame.mirrored(box.as_tuple())
    return BoxPx(int(x0), int(y0), int(x1), int(y1))


def _cut(box: Box, shape: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return whole pixels around a box, cut at the edges of a frame; None if none is left."""
    # 1e-6: whole pixels stay whole after conversion to micrometres and back.
    x0, y0 = max(math.floor(box[0] + 1e-6), 0), max(math.floor(box[1] + 1e-6), 0)
    x1, y1 = min(math.ceil(box[2] - 1e-6), shape[1]), min(math.ceil(box[3] - 1e-6), shape[0])
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
