"""Regions of interest in the files of Fiji's ROI manager."""

import logging
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import roifile
from skimage.draw import polygon

from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx
from service.errors import InputError
from service.evaluation.roi_marks import Mark

# Warnings of roifile on damaged files go to the log; the user gets one sentence from here.
logging.getLogger("roifile").addHandler(logging.NullHandler())

_MAX_SIDE_PX = 32768
_MAX_CELL_PX = 2**24
_MAX_ALL_PX = 2**28
"""Largest bounding box of a ROI, and of all of a file, px: far beyond cells; masks are kept in memory."""
_MAX_ROIS = 100_000
_MAX_ROI_BYTES = 2**24
_MAX_ALL_BYTES = 2**28
_DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    RuntimeError,
    ArithmeticError,
    MemoryError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)
"""Errors of roifile and zipfile on damaged, encrypted and foreign files."""


def read_marks(path: Path) -> tuple[Mark, ...]:
    """Read the ROIs of a Fiji ROI zip, or of a single ``.roi`` file.

    Other files in the zip, such as ``__MACOSX`` or a table, do not count. Lines, points and other shapes
    without an area are refused.

    Raises
    ------
    InputError
        Raised when the file cannot be read, or a ROI has no area; one sentence.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; a Fiji ROI zip is needed")
    marks: list[Mark] = []
    area_px = 0
    try:
        for number, roi in enumerate(_rois(path), start=1):
            cell = _cell_of_roi(roi, roi.name or f"R{number:04d}", path)
            marks.append(Mark(cell, max(roi.position, 0), max(roi.z_position, 0), max(roi.t_position, 0)))
            area_px += cell.box.area_px
            if number > _MAX_ROIS or area_px > _MAX_ALL_PX:
                raise InputError(f"{path}: has more ROIs, or larger ones, than marks of cells could be")
    except InputError:
        raise
    except _DAMAGED as error:
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{path}: is no Fiji ROI file, or a damaged one ({said})") from None
    return tuple(marks)


def _rois(path: Path) -> Iterator[roifile.ImagejRoi]:
    with path.open("rb") as file:
        start = file.read(4)
        if start == b"Iout":
            yield roifile.ImagejRoi.frombytes(start + file.read(_MAX_ROI_BYTES))
            return
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        rois = [one for one in members if _is_roi(one)]
        if any(not one.is_dir() for one in members) and not rois:
            raise InputError(f"{path}: holds no ROI; save the marks with More > Save in Fiji's ROI manager")
        sizes = [one.file_size for one in rois]
        if max(sizes, default=0) > _MAX_ROI_BYTES or sum(sizes) > _MAX_ALL_BYTES:
            raise InputError(f"{path}: claims more bytes than ROIs of cells need; it is damaged")
        for one in rois:
            with archive.open(one) as member:
                # The size in the directory of a damaged zip may be wrong.
                data = member.read(_MAX_ROI_BYTES + 1)
            if len(data) > _MAX_ROI_BYTES:
                raise InputError(f"{path}: claims more bytes than ROIs of cells need; it is damaged")
            roi = roifile.ImagejRoi.frombytes(data)
            roi.name = roi.name or PurePosixPath(one.filename).stem
            yield roi


def _is_roi(member: zipfile.ZipInfo) -> bool:
    place = PurePosixPath(member.filename)
    hidden = "__MACOSX" in place.parts or place.name.startswith(".")
    return not member.is_dir() and place.suffix.lower() == ".roi" and not hidden


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
    if (x1 - x0) * (y1 - y0) > _MAX_CELL_PX:
        raise InputError(f"{path}: {name} is {x1 - x0} x {y1 - y0} pixels, which is no cell")
    box = BoxPx(x0, y0, x1, y1)
    mask = np.zeros((box.height_px, box.width_px), np.bool_)
    for outline in outlines:
        # ROIs count from pixel corners, `polygon` from pixel centres; a second outline inside is a hole.
        column, row = (outline - (x0 + 0.5, y0 + 0.5)).T
        inside = polygon(row, column, mask.shape)  # type: ignore[no-untyped-call]
        mask[inside] ^= True
    return TrueCell(name, box, mask if mask.any() else None)
