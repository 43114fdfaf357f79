"""Label images and masks as ground truth."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage

from detection.evaluation.truth import TrueCell
from drivers.errors import FrameError
from drivers.recorded.listed.ngff import read_labels as read_zarr_labels
from drivers.recorded.png import decoded
from drivers.recorded.tiff import DAMAGED
from drivers.recorded.tiff_pages import check_pages, check_sizes, full_pages
from service.errors import InputError

_MOST_VALUES = 20_000


@dataclass(frozen=True, slots=True)
class LabelledPage:
    """Cells of a page of a label image, and its rows and columns."""

    cells: tuple[TrueCell, ...]
    shape: tuple[int, int]


def read_labels(path: Path) -> tuple[list[LabelledPage], tuple[str, ...]]:
    """Read a label image, in which every value but 0 is a cell, or a mask.

    A file with a single value besides 0 is a mask: each piece of it that holds together is a cell.

    Returns
    -------
    list of LabelledPage, tuple of str
        The pages, and notices for people.

    Raises
    ------
    InputError
        Raised when it is damaged or no label image; one sentence.
    """
    pages = _pages(path)
    values = {int(value) for page in pages for value in np.unique(page) if value}
    if len(values) != 1:
        return [LabelledPage(cells_of_labels(page), _shape(page)) for page in pages], ()
    pieces = [cv2.connectedComponents((page != 0).astype(np.uint8), connectivity=8)[1] for page in pages]
    found = [LabelledPage(cells_of_labels(np.asarray(page)), _shape(page)) for page in pieces]
    count = sum(len(page.cells) for page in found)
    if count == 1:
        return found, ()
    notice = (
        f"{path}: has no value but {values.pop()} besides 0, so it is read as a mask, and each of its {count}"
        " pieces as a cell; cells that touch count as one"
    )
    return found, (notice,)


def cells_of_labels(labels: NDArray[Any]) -> tuple[TrueCell, ...]:
    """Return a cell for every value but 0 of a label image (rows, columns) of integers."""
    values, dense = np.unique(labels, return_inverse=True)
    dense = dense.reshape(labels.shape)
    return tuple(
        TrueCell.of_mask(
            f"L{int(values[index]):04d}", dense[place] == index, (place[1].start, place[0].start)
        )
        for index, place in enumerate(ndimage.find_objects(dense + 1))
        if values[index] != 0
    )


def _shape(page: NDArray[Any]) -> tuple[int, int]:
    return page.shape[0], page.shape[1]


def _pages(path: Path) -> list[NDArray[Any]]:
    try:
        if path.is_dir():
            pages = read_zarr_labels(path)
        elif path.suffix.lower() == ".png":
            pages = [decoded(path)]
        else:
            check_pages(path)
            with tifffile.TiffFile(path) as file:
                full = full_pages(file, path)
                check_sizes(file, full, path)
                pages = [np.asarray(page.asarray()) for _, page in full]
    except FrameError as error:
        raise InputError(str(error)) from None
    except (*DAMAGED, tifffile.TiffFileError) as error:
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{path}: cannot be read as a label image ({said})") from None
    for number, page in enumerate(pages):
        if page.ndim != 2 or page.dtype.kind not in "uib":
            raise InputError(
                f"{path}: page {number} is no label image: that has a whole number per pixel, 0 between cells"
            )
        if len(np.unique(page)) > _MOST_VALUES:
            raise InputError(
                f"{path}: page {number} has more than {_MOST_VALUES} values; it is a picture, not labels"
            )
    return pages
