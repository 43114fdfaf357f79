"""Ground truth from files: Fiji ROI zips, label images, JSON, or a folder of them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from detection.errors import DetectionError
from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx
from drivers.errors import FrameError
from drivers.recorded.tiff_pages import check_pages
from service.errors import InputError
from service.evaluation.fiji_rois import read_rois

TRUTH_NAME = "truth.json"
"""If a folder has this file, only this file is read; `ilemtrack synth` writes it."""
UNCOUNTED_KINDS = ("artefact", "unsure", "ignore")
"""Kinds of marks that are not cells to find."""
_READABLE = (
    "a Fiji ROI zip (.zip, .roi), a label image (.tif, .tiff, .png), JSON (.json), or a folder of them"
)
_MAX_SIDE_PX = 32768


@dataclass(frozen=True, slots=True)
class Truth:
    """Marked cells of some frames.

    Attributes
    ----------
    frames : mapping of (str, int) to tuple of TrueCell
        Keys are the stem of the image name and the page, from 0. A named frame without cells has an empty
        tuple.
    source : Path
    """

    frames: Mapping[tuple[str, int], tuple[TrueCell, ...]]
    source: Path
    sparse: frozenset[str] = frozenset()
    """Stems whose unnamed pages have no cells: those of ROI zips."""

    def of(self, image: Path, page: int, *, alone: bool = False) -> tuple[TrueCell, ...] | None:
        """Return the cells of a page of an image; None if the truth does not know it. See `key_of`."""
        key = self.key_of(image, page, alone=alone)
        return None if key is None else self.frames.get(key, ())

    def key_of(self, image: Path, page: int, *, alone: bool = False) -> tuple[str, int] | None:
        """Return the key in `frames` of a page of an image; None if the truth does not know it.

        It is found by the stem of the image name (``fl01`` of ``fl01.ome.tiff``); else by the only stem of
        the truth that is its beginning before a ``_`` or ``-``; else, if there is a single image (`alone`)
        and the truth is of a single one, they match.
        """
        stem = stem_of(image)
        stems = {known for known, _ in self.frames} | self.sparse
        if stem not in stems:
            begins = [known for known in stems if stem.startswith((f"{known}_", f"{known}-"))]
            if len(begins) != 1 and alone and len(stems) == 1:
                begins = list(stems)
            if len(begins) != 1:
                return None
            stem = begins[0]
        return (stem, page) if (stem, page) in self.frames or stem in self.sparse else None


def stem_of(path: Path) -> str:
    """Return the name of a file up to its first dot."""
    return path.name.split(".")[0]


def read_truth(path: Path) -> Truth:
    """Read the marked cells of a file or folder.

    Parameters
    ----------
    path : Path
        A Fiji ROI zip (any shapes; the position of a ROI in the stack is its page), a label image (every
        value but 0 is a cell), JSON (as `ilemtrack synth` or `ilemtrack detect --json` writes it, or boxes
        by frame name and kind), or a folder of these, named like the images.

    Raises
    ------
    InputError
        Raised when the file is missing, damaged, or none of these; one sentence.
    """
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file or folder; the truth is {_READABLE}")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: the truth is {_READABLE}")
    return Truth(reader(path), path, _sparse([path]))


def _read_folder(folder: Path) -> Truth:
    alone = folder / TRUTH_NAME
    if alone.is_file():
        return Truth(_read_json(alone), alone)
    frames: dict[tuple[str, int], tuple[TrueCell, ...]] = {}
    read = []
    for path in sorted(folder.iterdir()):
        reader = _READERS.get(path.suffix.lower())
        if reader is None or not path.is_file():
            continue
        for key, cells in reader(path).items():
            if key in frames:
                raise InputError(f"{folder}: two files mark page {key[1]} of {key[0]}; leave one of them")
            frames[key] = cells
        read.append(path)
    if not read:
        raise InputError(f"{folder}: holds no truth; that is {_READABLE}")
    return Truth(frames, folder, _sparse(read))


def _sparse(paths: list[Path]) -> frozenset[str]:
    return frozenset(stem_of(path) for path in paths if path.suffix.lower() in (".zip", ".roi"))


def _read_roi_file(path: Path) -> dict[tuple[str, int], tuple[TrueCell, ...]]:
    return {(stem_of(path), page): cells for page, cells in read_rois(path).items()}


def _read_labels(path: Path) -> dict[tuple[str, int], tuple[TrueCell, ...]]:
    stem = stem_of(path)
    return {(stem, page): cells_of_labels(labels) for page, labels in enumerate(_label_pages(path))}


def cells_of_labels(labels: NDArray[np.generic]) -> tuple[TrueCell, ...]:
    """Return a cell for every value but 0 of a label image (rows, columns) of integers."""
    values, dense = np.unique(labels, return_inverse=True)
    dense = dense.reshape(labels.shape)
    return tuple(
        TrueCell.of_mask(f"L{int(values[index]):04d}", dense == index)
        for index in np.flatnonzero(values != 0)
    )


def _label_pages(path: Path) -> list[NDArray[np.generic]]:
    pages: list[NDArray[np.generic]] = []
    if path.suffix.lower() == ".png":
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        pages += [] if image is None else [np.asarray(image)]
    else:
        try:
            check_pages(path)
            with tifffile.TiffFile(path) as file:
                pages += [np.asarray(page.asarray()) for page in file.pages]
        except FrameError as error:
            raise InputError(str(error)) from None
        except (OSError, ValueError, KeyError, IndexError, TypeError, RuntimeError) as error:
            said = " ".join(str(error).split())[:120] or type(error).__name__
            raise InputError(f"{path}: cannot be read as a label image ({said})") from None
    if not pages:
        raise InputError(f"{path}: cannot be read as a label image")
    for number, page in enumerate(pages):
        if page.ndim != 2 or page.dtype.kind not in "ui":
            raise InputError(
                f"{path}: page {number} is no label image: that has a whole number per pixel, 0 between cells"
            )
        if len(np.unique(page)) > 20_000:
            raise InputError(
                f"{path}: page {number} has more than 20 000 values; it is a picture, not labels"
            )
    return pages


def _read_json(path: Path) -> dict[tuple[str, int], tuple[TrueCell, ...]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: is no JSON file ({' '.join(str(error).split())[:120]})") from None
    frames = document.get("frames") if isinstance(document, dict) else None
    if isinstance(frames, dict):
        return {
            (str(name), 0): tuple(_marked(kinds, f"{path}: frame {name}")) for name, kinds in frames.items()
        }
    if isinstance(frames, list):
        found = {}
        for number, frame in enumerate(frames):
            where = f"{path}: frame {number}"
            if not isinstance(frame, dict) or not isinstance(frame.get("path"), str):
                raise InputError(f"{where} names no image; it needs a path, a page and cells")
            page, cells = frame.get("page", 0), frame.get("cells")
            if not isinstance(page, int) or not isinstance(cells, list):
                raise InputError(f"{where} needs a whole number as page and a list of cells")
            found[stem_of(Path(frame["path"])), page] = tuple(
                _cell(cell, f"{where}: cell {n}") for n, cell in enumerate(cells)
            )
        return found
    raise InputError(f"{path}: has no frames; it needs a list of frames, or boxes by the names of frames")


def _marked(kinds: Any, where: str) -> list[TrueCell]:
    """Return the cells of a frame given as boxes, or as boxes by kind."""
    if isinstance(kinds, list):
        kinds = {"": kinds}
    if not isinstance(kinds, dict):
        raise InputError(f"{where} needs a list of boxes, or lists of boxes by kind")
    cells = []
    for kind, boxes in kinds.items():
        if not isinstance(boxes, list):
            raise InputError(f"{where}: {kind} needs a list of boxes")
        for number, box in enumerate(boxes):
            name = f"{kind or 'M'}{number:04d}"
            counted = kind not in UNCOUNTED_KINDS
            cells.append(TrueCell(name, _box(box, f"{where}: {name}"), counted=counted, kind=kind))
    return cells


def _cell(entry: Any, where: str) -> TrueCell:
    if not isinstance(entry, dict):
        raise InputError(f"{where} needs a box_px of four whole numbers")
    contrast, counted, kind = (
        entry.get("contrast_to_noise"),
        entry.get("counted", True),
        entry.get("kind", ""),
    )
    if contrast is not None and not (isinstance(contrast, int | float) and contrast >= 0):
        raise InputError(f"{where}: contrast_to_noise is a number of 0 or more")
    if not isinstance(counted, bool) or not isinstance(kind, str):
        raise InputError(f"{where}: counted is true or false, and kind is a word")
    cell = TrueCell(str(entry.get("id", "")), _box(entry.get("box_px"), where), kind=kind)
    return replace(
        cell,
        mask=_mask(entry["rows_px"], cell.box, where) if "rows_px" in entry else None,
        contrast_to_noise=None if contrast is None else float(contrast),
        counted=counted,
    )


def _box(numbers: Any, where: str) -> BoxPx:
    if not (isinstance(numbers, list) and len(numbers) == 4 and all(type(n) is int for n in numbers)):
        raise InputError(f"{where} needs a box_px of four whole numbers: x0, y0, x1, y1")
    try:
        box = BoxPx(*numbers)
    except DetectionError as error:
        raise InputError(f"{where}: {error}") from None
    if min(numbers) < 0 or max(numbers) > _MAX_SIDE_PX:
        raise InputError(f"{where}: the box {numbers} does not lie in an image")
    return box


def _mask(runs: Any, box: BoxPx, where: str) -> NDArray[np.bool_]:
    """Return the mask of a cell from runs [row, first column, one past the last] within its box."""
    mask = np.zeros((box.height_px, box.width_px), np.bool_)
    for run in runs if isinstance(runs, list) else [None]:
        if not (isinstance(run, list) and len(run) == 3 and all(type(n) is int for n in run)):
            raise InputError(f"{where}: rows_px needs runs of three whole numbers: row, first, end")
        row, first, end = run
        if not (0 <= row < box.height_px and 0 <= first < end <= box.width_px):
            raise InputError(f"{where}: the run {run} of rows_px lies outside of its box")
        mask[row, first:end] = True
    return mask


_READERS: Mapping[str, Callable[[Path], dict[tuple[str, int], tuple[TrueCell, ...]]]] = {
    ".zip": _read_roi_file,
    ".roi": _read_roi_file,
    ".json": _read_json,
    ".tif": _read_labels,
    ".tiff": _read_labels,
    ".png": _read_labels,
}
