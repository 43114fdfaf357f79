"""ROIs for Fiji: detections and truth as files of its ROI manager."""

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import roifile
from skimage.measure import find_contours

from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx
from detection.image.hits import Detection
from service.archive.names import stem_of
from service.errors import InputError
from service.store.durable import whole_file


def write_boxes(path: Path, boxes: Iterable[tuple[str, int, BoxPx]]) -> None:
    """Write boxes as a Fiji ROI zip.

    Parameters
    ----------
    path : Path
        Overwritten if it exists; its folder must exist.
    boxes : iterable of (str, int, BoxPx)
        Name, page from 0, and box.

    Raises
    ------
    InputError
        Raised when the file cannot be written.
    """
    _write(path, (_rectangle(name, page, box) for name, page, box in boxes))


def write_outlines(path: Path, cells: Iterable[tuple[str, int, TrueCell]]) -> None:
    """Write outlines of cells as a Fiji ROI zip; boxes for cells without a mask.

    Parameters
    ----------
    path : Path
        Overwritten if it exists; its folder must exist.
    cells : iterable of (str, int, TrueCell)
        Name, page from 0, and cell. Only the largest piece of a cell is outlined.

    Raises
    ------
    InputError
        Raised when the file cannot be written.
    """
    _write(path, (_outline(name, page, cell) for name, page, cell in cells))


def write_found(folder: Path, found: Sequence[tuple[Path, int, Detection]]) -> None:
    """Write detections as Fiji ROI zips, two per image: cells, and boxes to image.

    ``NAME.zip`` has the boxes of all cells to image, not dilated, as a reader would mark them;
    ``NAME_to_image.zip`` has them with their margin. The position of a ROI is its page.

    Parameters
    ----------
    folder : Path
        Must exist; files in it are overwritten.
    found : sequence of (Path, int, Detection)
        Image, page from 0, and its detection.

    Raises
    ------
    InputError
        Raised when two images have the same name, or a file cannot be written.
    """
    images: dict[str, Path] = {}
    for path, _, _ in found:
        stem = stem_of(path)
        if images.setdefault(stem, path) != path:
            raise InputError(f"--roi: {images[stem]} and {path} would both be written to {stem}.zip")
    for stem, path in images.items():
        kept = [
            (f"{page + 1:04d}-{cell.id}", page, cell.box_px, cell.image_box_px)
            for image, page, detection in found
            if image == path
            for cell in detection.cells
            if cell.image_box_px is not None
        ]
        write_boxes(folder / f"{stem}.zip", ((name, page, box) for name, page, box, _ in kept))
        write_boxes(
            folder / f"{stem}_to_image.zip", ((name, page, box) for name, page, _, box in kept if box)
        )


def _write(path: Path, rois: Iterable[roifile.ImagejRoi]) -> None:
    try:
        # One zip at once: roifile appends to an existing file, and writes none without ROIs.
        with whole_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for roi in rois:
                archive.writestr(f"{roi.name}.roi", roi.tobytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


def _rectangle(name: str, page: int, box: BoxPx) -> roifile.ImagejRoi:
    roi = roifile.ImagejRoi()
    roi.roitype = roifile.ROI_TYPE.RECT
    roi.left, roi.top, roi.right, roi.bottom = box.as_tuple()
    roi.name, roi.position = name, page + 1
    return roi


def _outline(name: str, page: int, cell: TrueCell) -> roifile.ImagejRoi:
    if cell.mask is None:
        return _rectangle(name, page, cell.box)
    pieces = find_contours(np.pad(cell.mask, 1).astype(np.float32), 0.5)  # type: ignore[no-untyped-call]
    row_column = max(pieces, key=len)
    # Contours count from the centre of the pixel before the box, ROIs from the corner of the frame.
    points = row_column[:, ::-1] - 0.5 + (cell.box.x0, cell.box.y0)
    return roifile.ImagejRoi.frompoints(points.astype(np.float32), name=name, position=page)
