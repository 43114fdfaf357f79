"""Ground truth from files: Fiji ROI zips, label images, JSON, or a folder of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from detection.evaluation.truth import TrueCell
from drivers.errors import FrameError
from drivers.recorded.collection import said_of_folders
from drivers.recorded.listed.ngff import is_labels, is_zarr, labels_of, ngff_images
from service.archive.names import stem_of
from service.errors import InputError
from service.evaluation.fiji_rois import read_marks
from service.evaluation.labels import read_labels
from service.evaluation.roi_marks import Mark
from service.evaluation.truth_json import read_boxes

TRUTH_NAME = "truth.json"
"""If a folder has this file, only this file is read; `ilemtrack synth` writes it."""
_ROIS = (".zip", ".roi")
_LABELS = (".tif", ".tiff", ".png")
_READABLE = (
    "a Fiji ROI zip (.zip, .roi), a label image (.tif, .tiff, .png, .zarr), JSON (.json), or a folder of them"
)


@dataclass(frozen=True, slots=True)
class Truth:
    """Marked cells of some images, by the names of these without suffixes.

    Attributes
    ----------
    frames : mapping of (str, int) to tuple of TrueCell
        Cells by image and page, from 0, of label images and JSON. A named frame without cells has an empty
        tuple.
    source : Path
    marks : mapping of str to tuple of Mark
        Marks by image, of ROI files. A page without marks has no cells.
    shapes : mapping of (str, int) to (int, int)
        Rows and columns of label images.
    notices : tuple of str
        What people must know of how it was read.
    """

    frames: Mapping[tuple[str, int], tuple[TrueCell, ...]]
    source: Path
    marks: Mapping[str, tuple[Mark, ...]] = field(default_factory=dict)
    shapes: Mapping[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


def read_truth(path: Path) -> Truth:
    """Read the marked cells of a file or folder.

    Parameters
    ----------
    path : Path
        A Fiji ROI zip (any shapes; the position of a ROI in the stack is its page), a label image (every
        value but 0 is a cell) or a mask (every piece is a cell), JSON (as `ilemtrack synth` or
        `ilemtrack detect --json` writes it, or boxes by frame name and kind), or a folder of these, named
        like the images.

    Raises
    ------
    InputError
        Raised when the file is missing, damaged, or none of these; one sentence.
    """
    if path.is_dir() and is_zarr(path):
        return _read_zarr(path)
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file or folder; the truth is {_READABLE}")
    if (found := _read_file(path)) is None:
        raise InputError(f"{path}: the truth is {_READABLE}")
    return found


def _read_folder(folder: Path) -> Truth:
    alone = folder / TRUTH_NAME
    if alone.is_file():
        return Truth(read_boxes(alone), alone)
    files = (path for path in sorted(folder.iterdir()) if not path.name.startswith("."))
    read = [found for path in files if (found := _read_file(path)) is not None]
    if not read:
        deeper = said_of_folders(folder, _may_be_truth)
        raise InputError(f"{folder}: holds no truth; that is {_READABLE}{deeper}")
    return _joined(folder, read)


def _joined(folder: Path, parts: Sequence[Truth]) -> Truth:
    frames: dict[tuple[str, int], tuple[TrueCell, ...]] = {}
    marks: dict[str, tuple[Mark, ...]] = {}
    for part in parts:
        stems = {stem for stem, _ in frames}
        for stem, page in part.frames:
            if (stem, page) in frames or stem in marks:
                raise InputError(f"{folder}: two files mark page {page} of {stem}; leave one of them")
        for stem in part.marks:
            if stem in marks or stem in stems:
                raise InputError(f"{folder}: two files mark {stem}; leave one of them")
        frames |= part.frames
        marks |= part.marks
    shapes = {key: shape for part in parts for key, shape in part.shapes.items()}
    return Truth(frames, folder, marks, shapes, tuple(notice for part in parts for notice in part.notices))


def _read_zarr(folder: Path) -> Truth:
    """Return the truth of a label image, or of the labels of an image or of each image of a collection."""
    images = [folder]
    try:
        labels = {stem_of(folder): folder} if is_labels(folder) else {}
        if not labels:
            images = ngff_images(folder)
            if len({stem_of(one) for one in images}) < len(images):
                raise InputError(
                    f"{folder}: has several images of one name; let the name of the folder end in .zarr, then"
                    " those of its images have their places in it, or name the images one by one"
                )
            labels = {stem_of(one): one / "labels" / labels_of(one) for one in images}
    except FrameError as error:
        raise InputError(str(error)) from None
    parts = []
    for stem, path in labels.items():
        pages, notices = read_labels(path)
        cells = {(stem, n): page.cells for n, page in enumerate(pages)}
        shapes = {(stem, n): page.shape for n, page in enumerate(pages)}
        parts.append(Truth(cells, path, shapes=shapes, notices=notices))
    return _joined(folder, parts)


def _may_be_truth(path: Path) -> bool:
    return is_zarr(path) if path.is_dir() else path.suffix.lower() in (*_ROIS, *_LABELS, ".json")


def _read_file(path: Path) -> Truth | None:
    """Return the truth of a file; None if its name is not that of truth."""
    if path.is_dir():
        return _read_zarr(path) if is_zarr(path) else None
    suffix, stem = path.suffix.lower(), stem_of(path)
    if suffix in _ROIS:
        return Truth({}, path, marks={stem: read_marks(path)})
    if suffix in _LABELS:
        pages, notices = read_labels(path)
        cells = {(stem, n): page.cells for n, page in enumerate(pages)}
        shapes = {(stem, n): page.shape for n, page in enumerate(pages)}
        return Truth(cells, path, shapes=shapes, notices=notices)
    return Truth(read_boxes(path), path) if suffix == ".json" else None
