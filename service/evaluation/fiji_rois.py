"""Regions of interest in the files of Fiji's ROI manager."""

import struct
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import roifile
from skimage.draw import polygon
from skimage.measure import find_contours

from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx
from detection.image.hits import Detection
from service.errors import InputError

_MAX_SIDE_PX = 32768


def read_rois(path: Path) -> dict[int, tuple[TrueCell, ...]]:
    """Read the ROIs of a Fiji ROI zip, or of a single ``.roi`` file, by page from 0.

    Lines, points and other shapes without an area are refused.

    Raises
    ------
    InputError
        Raised when the file cannot be read, or a ROI has no area; one sentence.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; a Fiji ROI zip is needed")
    try:
        read = roifile.roiread(path)
    except (OSError, ValueError, KeyError, IndexError, TypeError, struct.error, zipfile.BadZipFile) as error:
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{path}: is no Fiji ROI file, or a damaged one ({said})") from None
    pages: dict[int, list[TrueCell]] = {}
    for number, roi in enumerate(read if isinstance(read, list) else [read], start=1):
        name = roi.name or f"R{number:04d}"
        position = max(roi.position, roi.z_position, roi.t_position, 1)
        pages.setdefault(position - 1, []).append(_cell_of_roi(roi, name, path))
    return {page: tuple(cells) for page, cells in sorted(pages.items())}


def _cell_of_roi(roi: roifile.ImagejRoi, name: str, path: Path) -> TrueCell:
    kinds = roifile.ROI_TYPE
    if roi.roitype not in (kinds.RECT, kinds.OVAL, kinds.POLYGON, kinds.FREEHAND, kinds.TRACED):
        raise InputError(
            f"{path}: {name} is a {roi.roitype.name.lower()}; a cell is marked by a closed shape"
        )
    outlines = roi.coordinates(multi=True)
    outlines = [np.asarray(o, dtype=np.float64).reshape(-1, 2) for o in outlines]
    points = np.concatenate(outlines) if outlines else np.empty((0, 2))
    if not len(points) or not np.isfinite(points).all():
        raise InputError(f"{path}: {name} has no outline")
    # Outlines of whole pixels run along their edges; 1e-3 because Fiji stores single precision.
    x0, y0 = (int(v) for v in np.floor(points.min(axis=0) + 1e-3))
    x1, y1 = (int(v) for v in np.ceil(points.max(axis=0) - 1e-3))
    if x0 >= x1 or y0 >= y1 or max(x1, y1) > _MAX_SIDE_PX or min(x0, y0) < -_MAX_SIDE_PX:
        raise InputError(f"{path}: {name} has no area inside an image")
    x0, y0 = max(x0, 0), max(y0, 0)
    if x0 >= x1 or y0 >= y1:
        raise InputError(f"{path}: {name} lies outside of the image")
    box = BoxPx(x0, y0, x1, y1)
    mask = np.zeros((box.height_px, box.width_px), np.bool_)
    for outline in outlines:
        # ROIs count from pixel corners, `polygon` from pixel centres; a second outline inside is a hole.
        column, row = (outline - (x0 + 0.5, y0 + 0.5)).T
        inside = polygon(row, column, mask.shape)  # type: ignore[no-untyped-call]
        mask[inside] ^= True
    return TrueCell(name, box, mask if mask.any() else None)


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
        stem = path.name.split(".")[0]
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
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
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
