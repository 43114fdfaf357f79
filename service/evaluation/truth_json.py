"""Ground truth from JSON documents."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detection.errors import DetectionError
from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx
from service.archive.names import stem_of
from service.errors import InputError
from service.input_files import read_json

UNCOUNTED_KINDS = ("artefact", "unsure", "ignore")
"""Kinds of marks that are not cells to find."""
_MAX_SIDE_PX = 32768
_MAX_CELL_PX = 2**24
"""Largest box of a cell with a mask, px: far beyond cells; masks are kept in memory."""


def read_boxes(path: Path) -> dict[tuple[str, int], tuple[TrueCell, ...]]:
    """Read the cells of a JSON document, by the names of their images and pages.

    Raises
    ------
    InputError
        Raised when it is none; one sentence.
    """
    document = read_json(path)
    frames = document.get("frames") if isinstance(document, dict) else None
    if isinstance(frames, dict):
        return {
            (stem_of(str(name)), 0): tuple(_marked(kinds, f"{path}: frame {name}"))
            for name, kinds in frames.items()
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
            found[stem_of(frame["path"]), page] = tuple(
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
    if box.area_px > _MAX_CELL_PX:
        raise InputError(f"{where} is {box.width_px} x {box.height_px} pixels, which is no cell")
    mask = np.zeros((box.height_px, box.width_px), np.bool_)
    for run in runs if isinstance(runs, list) else [None]:
        if not (isinstance(run, list) and len(run) == 3 and all(type(n) is int for n in run)):
            raise InputError(f"{where}: rows_px needs runs of three whole numbers: row, first, end")
        row, first, end = run
        if not (0 <= row < box.height_px and 0 <= first < end <= box.width_px):
            raise InputError(f"{where}: the run {run} of rows_px lies outside of its box")
        mask[row, first:end] = True
    return mask
