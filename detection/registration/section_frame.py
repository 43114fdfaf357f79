"""Frames of sections with their position on the stage, and the mosaic of several fields of one section."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.errors import DetectionError
from detection.image.boxes import BoxPx
from detection.registration.rigid import Rigid, pixels_of_plane, warp_matrix

LEAST_TURN_RAD = 1e-3
"""Smaller rotations move the corner of a frame of 1024 x 1024 pixels by less than a pixel."""


@dataclass(frozen=True, slots=True)
class SectionFrame:
    """Fluorescence of one section: one field, or the mosaic of several.

    Attributes
    ----------
    section : str
        ``S0001``, ...
    pixels : (rows, columns) array of uint8 or uint16
    pixel_size_um : float
    offset_adu : float or None
        Grey level of no light, where it is known.
    center_um : (float, float)
        Stage position of the middle, um.
    rotation_rad : float
        Of the frame on the stage, counter-clockwise.
    section_angle_rad : float or None
        Rotation of the section on the stage, counter-clockwise, where the layout gives it; registration
        tries rotations near it first.
    mask : (rows, columns) array of bool or None
        Pixels of a mosaic that a field shows; None where all are shown.
    fields : tuple of BoxPx
        Boxes of the camera frames in a mosaic, in the order of exposure; empty for a single frame, or if one
        is rotated against the others.
    """

    section: str
    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    pixel_size_um: float
    offset_adu: float | None = None
    center_um: tuple[float, float] = (0.0, 0.0)
    rotation_rad: float = 0.0
    section_angle_rad: float | None = None
    mask: NDArray[np.bool_] | None = None
    fields: tuple[BoxPx, ...] = ()

    @property
    def windows(self) -> tuple[BoxPx, ...]:
        """Boxes of the camera frames; for a single frame, all of it."""
        return self.fields or (BoxPx(0, 0, self.shape[1], self.shape[0]),)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def radius_um(self) -> float:
        """Distance from the middle to a corner, um."""
        return float(np.hypot(*self.shape)) / 2 * self.pixel_size_um

    @property
    def to_stage(self) -> Rigid:
        """Motion from the plane of the frame to the stage."""
        return Rigid(self.rotation_rad, self.center_um)


def stitch(fields: Sequence[SectionFrame]) -> SectionFrame:
    """Stitch the fields of a section by their stage positions, on the pixel grid of the first.

    Where fields overlap, the first one counts, as it is the least bleached. Pixels that no field shows have
    the median grey level and the noise of the first field, so that nothing is found there, and are false in
    the mask: beside a part without noise, a detector takes the noise of the fields for cells.

    Parameters
    ----------
    fields : sequence of SectionFrame
        Of one section, in the order of exposure, of one pixel size and offset.

    Raises
    ------
    DetectionError
        Raised when there is no field, or they differ in section, pixel size, type of pixel or offset.
    """
    if not fields:
        raise DetectionError("a mosaic needs one field at least")
    first = fields[0]
    for field in fields[1:]:
        if (field.section, field.pixel_size_um, field.offset_adu, field.pixels.dtype) != (
            first.section,
            first.pixel_size_um,
            first.offset_adu,
            first.pixels.dtype,
        ):
            raise DetectionError(
                f"the fields of section {first.section} differ in section, pixel size, offset or type of"
                " pixel; a mosaic needs them alike"
            )
    if len(fields) == 1:
        return first
    size = first.pixel_size_um
    to_first = [first.to_stage.inverse().after(field.to_stage) for field in fields]
    corners = np.concatenate(
        [motion.apply(_corners_um(field)) for motion, field in zip(to_first, fields, strict=True)]
    )
    # Whole pixels from the middle of the first field, so that its own pixels are not resampled.
    half = np.array([first.shape[1], first.shape[0]]) / 2
    low = np.floor(corners.min(axis=0) / size + half + 1e-6) - half
    high = np.ceil(corners.max(axis=0) / size + half - 1e-6) - half
    columns, rows = (high - low).astype(int).tolist()
    middle = (low + high) / 2 * size
    to_mosaic = Rigid(0.0, (float(-middle[0]), float(-middle[1])))
    mosaic = np.zeros((rows, columns), dtype=first.pixels.dtype)
    shown = np.zeros((rows, columns), dtype=np.bool_)
    for motion, field in zip(to_first, fields, strict=True):
        matrix = warp_matrix(to_mosaic.after(motion), (field.shape, size), ((rows, columns), size))
        laid = cv2.warpAffine(field.pixels, matrix, (columns, rows), flags=cv2.INTER_NEAREST)
        here = np.ones(field.shape, np.uint8) if field.mask is None else field.mask.astype(np.uint8)
        here = np.asarray(cv2.warpAffine(here, matrix, (columns, rows), flags=cv2.INTER_NEAREST))
        new = (here > 0) & ~shown
        mosaic[new] = np.asarray(laid)[new]
        shown |= new
    mosaic[~shown] = _empty_ground(first.pixels, int(np.count_nonzero(~shown)))
    x, y = first.to_stage.apply(middle[None])[0]
    return SectionFrame(
        first.section,
        mosaic,
        size,
        first.offset_adu,
        (float(x), float(y)),
        first.rotation_rad,
        first.section_angle_rad,
        None if shown.all() else shown,
        _windows(fields, [to_mosaic.after(motion) for motion in to_first], (rows, columns)),
    )


def _empty_ground(
    pixels: NDArray[np.uint8] | NDArray[np.uint16], count: int
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Draw pixels as of ground without cells: the darker half of a field, to both sides of its median."""
    middle = float(np.median(pixels))
    below = middle - pixels[pixels <= middle].astype(np.float32)
    drawn = np.random.default_rng(0)
    noise = drawn.choice(below, count) * drawn.choice(np.array([-1, 1], np.float32), count)
    values: NDArray[np.float32] = np.clip(np.rint(middle + noise), 0, np.iinfo(pixels.dtype).max)
    return values.astype(np.uint8) if pixels.dtype == np.uint8 else values.astype(np.uint16)


def _windows(
    fields: Sequence[SectionFrame], to_mosaic: Sequence[Rigid], shape: tuple[int, int]
) -> tuple[BoxPx, ...]:
    """Boxes of fields in a mosaic, to the nearest pixel; empty if one is rotated against it."""
    if any(abs(motion.rotation_rad) > LEAST_TURN_RAD for motion in to_mosaic):
        return ()
    windows = []
    for motion, field in zip(to_mosaic, fields, strict=True):
        middle = pixels_of_plane(np.array([motion.shift_um]), shape, field.pixel_size_um)[0]
        rows, columns = field.shape
        x0, y0 = np.rint(middle - (columns / 2, rows / 2)).astype(int).tolist()
        windows.append(BoxPx(x0, y0, x0 + columns, y0 + rows))
    return tuple(windows)


def _corners_um(field: SectionFrame) -> NDArray[np.float64]:
    rows, columns = field.shape
    x, y = columns / 2 * field.pixel_size_um, rows / 2 * field.pixel_size_um
    return np.array([[-x, -y], [x, -y], [-x, y], [x, y]])
