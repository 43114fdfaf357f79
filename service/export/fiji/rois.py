"""ROIs of a fluorescence frame for Fiji's ROI manager: cells as found, as imaged, and frames as exposed."""

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import roifile
from numpy.typing import NDArray

from drivers.pose import to_pixels
from service.export.contents import ElectronImage, SavedFrame

Outline = tuple[str, NDArray[np.float64]]
"""Name, and corners (4, 2) in pixels of the frame, the corner of the first pixel at (0, 0)."""
_CORNERS = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])


def cells_found(frame: SavedFrame) -> list[Outline]:
    """Return the boxes of cells as found, in pixels of their frame."""
    return [(cell.id, _box(cell.box_px)) for cell in frame.cells]


def cells_to_image(frame: SavedFrame) -> list[Outline]:
    """Return the boxes of cells with their margin, as planned to be imaged."""
    return [(cell.id, _box(cell.image_box_px)) for cell in frame.cells if cell.image_box_px is not None]


def frames_exposed(frame: SavedFrame, images: Sequence[ElectronImage]) -> list[Outline]:
    """Return the electron images that show ground of a frame, turned where the camera is."""
    (width, height), pose = frame.place.size_px, frame.place.pose
    outlines = []
    for image in images:
        corners_m = _CORNERS * image.job.size_m + image.center_m
        corners = to_pixels(pose, (height, width), corners_m)
        (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
        if x0 < width and y0 < height and x1 > 0 and y1 > 0:
            outlines.append((f"{image.job.section}/{image.job.id}", corners))
    return outlines


def write_rois(path: Path, outlines: Iterable[Outline]) -> None:
    """Write outlines as a ROI zip.

    Parameters
    ----------
    path : Path
        Overwritten if it exists.
    outlines : iterable of Outline

    Raises
    ------
    OSError
    """
    # One zip at once: roifile appends to an existing file, and writes none without ROIs.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, corners in outlines:
            # Fiji takes a slash in the name of an entry for a folder.
            flat = name.replace("/", "_")
            roi = roifile.ImagejRoi.frompoints(corners.astype(np.float32), name=flat)
            roi.roitype = roifile.ROI_TYPE.POLYGON
            # Without the time, so that the same ROIs are the same file.
            entry = zipfile.ZipInfo(f"{flat}.roi")
            archive.writestr(entry, roi.tobytes(), zipfile.ZIP_DEFLATED)


def _box(box: tuple[int, int, int, int]) -> NDArray[np.float64]:
    x0, y0, x1, y1 = box
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=np.float64)
