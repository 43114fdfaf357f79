"""Cells found in a frame as a label image of OME-Zarr, which napari shows over the frame."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from detection.image.hits import Detection
from drivers.recorded.listed.frames import ListedFrame
from service.errors import InputError
from service.export.ome_zarr.images import write_label_image


def write_found_labels(
    path: Path, frame: ListedFrame, detection: Detection, tracks: Sequence[tuple[str, ...]] | None = None
) -> None:
    """Write the boxes of a frame as labels, whole or not at all; where boxes overlap, the smaller is on top.

    Parameters
    ----------
    path : Path
        An OME-Zarr image; an older one goes.
    frame : ListedFrame
    detection : Detection
        Of the frame.
    tracks : sequence of tuple of str, optional
        Of each cell.

    Raises
    ------
    InputError
        It cannot be written.
    """
    cells = detection.cells
    labels = np.zeros(frame.shape, dtype=np.uint16 if len(cells) < 2**16 else np.uint32)
    for number, cell in sorted(enumerate(cells, 1), key=lambda one: -one[1].box_px.area_px):
        labels[cell.box_px.slices] = number
    properties = [
        {
            "label-value": number,
            "cell": cell.id,
            "tracks": " ".join(tracks[number - 1]) if tracks else "",
            "confidence": round(cell.confidence, 6),
            "decision": cell.decision.value,
            "imaged": cell.image_box_px is not None,
            "reason": cell.reason,
        }
        for number, cell in enumerate(cells, 1)
    ]
    part = path.with_name(path.name + ".part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        write_label_image(part, labels, path.name, _place_um(frame), properties, {})
        if path.exists():
            shutil.rmtree(path)
        part.rename(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _place_um(frame: ListedFrame) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return pixel size, and place of the first corner, y downwards; 0, 0 where none is known."""
    width, height = (size * 1e6 for size in frame.pixel_size_m)
    rows, columns = frame.shape
    if frame.plane.center_m is None:
        return (width, height), (0.0, 0.0)
    x, y = (place * 1e6 for place in frame.plane.center_m)
    return (width, height), (x - columns / 2 * width, -y - rows / 2 * height)
