"""Annotated frames to train a detector on, and the file of the result."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detection.errors import DetectionError
from detection.evaluation.annotated import AnnotatedFrame, pixels_of
from detection.evaluation.truth import TrueCell
from detection.image.frames import check_frame
from drivers.recorded.frame import RecordedFrame
from service.errors import InputError
from service.evaluation.pairing import paired
from service.evaluation.roi_marks import ImagePage
from service.evaluation.truth import Truth
from service.store.durable import write_bytes


def annotated(frames: Sequence[RecordedFrame], truth: Truth) -> list[AnnotatedFrame]:
    """Pair frames with their truth.

    Raises
    ------
    InputError
        Raised when a frame has no truth, or a cell lies outside of its frame.
    DetectionError
        Raised when a frame cannot be used.
    """
    pages = [
        ImagePage(one.path, one.page, (one.pixels.shape[0], one.pixels.shape[1]), one.z, one.t)
        for one in frames
    ]
    items = []
    for recorded, cells in zip(frames, paired(truth, pages).cells, strict=True):
        where = f"{recorded.path} page {recorded.page}"
        if cells is None:
            raise InputError(f"{where}: {truth.source} has no cells for it; name both alike, or leave it out")
        try:
            frame = check_frame(recorded.pixels, recorded.pixel_size_m[0] * 1e6, recorded.offset_adu)
        except DetectionError as error:
            raise DetectionError(f"{where}: {error}") from error
        if frame.constant:
            raise InputError(f"{where}: {frame.warnings[0]}; leave it out")
        rows, columns = recorded.pixels.shape
        cell_mask, unknown = masks_of(cells, (rows, columns))
        items.append(AnnotatedFrame(frame, cell_mask, unknown, tuple(cells)))
    return items


def masks_of(
    cells: Sequence[TrueCell], shape: tuple[int, int]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return masks of the pixels in cells, and of unknown pixels.

    If only the box of a cell is known, the ellipse inside the box counts as the cell, and the rest of the box
    as unknown. Cells that do not count (grazes, artefacts, unclear ones) are unknown.

    Parameters
    ----------
    cells : sequence of TrueCell
        Cells inside the frame.
    shape : (int, int)
        Rows and columns of the frame.
    """
    inside = np.zeros(shape, dtype=np.bool_)
    unknown = np.zeros(shape, dtype=np.bool_)
    for cell in cells:
        if not cell.counted:
            unknown[cell.box.slices] |= True if cell.mask is None else cell.mask
        else:
            inside[cell.box.slices] |= pixels_of(cell)
            if cell.mask is None:
                unknown[cell.box.slices] = True
    return inside, unknown & ~inside


def write_model(path: Path, data: bytes) -> int:
    """Write the file of a model atomically; return its size in bytes.

    Raises
    ------
    InputError
        Raised when it cannot be written.
    """
    try:
        write_bytes(path, data)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
    return len(data)
