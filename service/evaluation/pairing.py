"""Frames and the truth that belongs to them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx
from service.archive.names import stem_of
from service.errors import InputError
from service.evaluation.roi_marks import ImagePage, cells_by_page
from service.evaluation.truth import Truth


@dataclass(frozen=True, slots=True)
class Paired:
    """Truth of some frames.

    Attributes
    ----------
    cells : tuple of (tuple of TrueCell or None)
        For each frame, cut at its edges; None where the truth does not know it.
    left_out : int
        Number of frames of the truth that are none of these.
    """

    cells: tuple[tuple[TrueCell, ...] | None, ...]
    left_out: int


def paired(truth: Truth, pages: Sequence[ImagePage]) -> Paired:
    """Return the truth of each frame.

    The truth of an image is found by its name without suffixes (``fl01`` of ``fl01.ome.tiff``); else by the
    only name in the truth that is its beginning before a ``_`` or ``-``; else, if both are of a single image,
    they match.

    Raises
    ------
    InputError
        Two images have the same truth, a cell lies outside of its frame, or the truth is of another image;
        one sentence.
    """
    images = list(dict.fromkeys(page.path for page in pages))
    stems = {path: _stem_in(truth, path, alone=len(images) == 1) for path in images}
    owners: dict[str, Path] = {}
    for path, stem in stems.items():
        if stem is not None and owners.setdefault(stem, path) != path:
            raise InputError(
                f"{truth.source}: {owners[stem]} and {path} would both be compared with its {stem}; name the"
                " truth like its image, or take one image at a time"
            )
    cells: list[tuple[TrueCell, ...] | None] = [None] * len(pages)
    used: set[tuple[str, int]] = set()
    left_out = 0
    for path, stem in stems.items():
        mine = [n for n, page in enumerate(pages) if page.path == path]
        if stem is not None and stem in truth.marks:
            found, missed = cells_by_page(truth.marks[stem], [pages[n] for n in mine], truth.source)
            left_out += missed
            for n, one in zip(mine, found, strict=True):
                cells[n] = one
        elif stem is not None:
            for n in mine:
                key = stem, pages[n].page
                _check_shape(truth, key, pages[n])
                cells[n] = truth.frames.get(key)
                used.add(key)
    left_out += len(set(truth.frames) - used) + len(set(truth.marks) - set(stems.values()))
    cut = (
        None if one is None else _cut(one, page, truth.source) for one, page in zip(cells, pages, strict=True)
    )
    return Paired(tuple(cut), left_out)


def _stem_in(truth: Truth, image: Path, *, alone: bool) -> str | None:
    """Return the name under which the truth has an image; None if it does not know it."""
    stem = stem_of(image)
    known = {name for name, _ in truth.frames} | set(truth.marks)
    if stem in known:
        return stem
    begins = [name for name in known if stem.startswith((f"{name}_", f"{name}-"))]
    if len(begins) != 1 and alone and len(known) == 1:
        begins = list(known)
    return begins[0] if len(begins) == 1 else None


def _check_shape(truth: Truth, key: tuple[str, int], page: ImagePage) -> None:
    shape = truth.shapes.get(key)
    if shape is not None and shape != page.shape:
        raise InputError(
            f"{truth.source}: the labels of {page.path.name} page {page.page} are {shape[1]} x {shape[0]}"
            f" pixels, the frame {page.shape[1]} x {page.shape[0]}; the truth is of another image"
        )


def _cut(cells: tuple[TrueCell, ...], page: ImagePage, source: Path) -> tuple[TrueCell, ...]:
    """Return cells cut at the edges of their frame."""
    rows, columns = page.shape
    kept = []
    for cell in cells:
        box = cell.box
        if box.x0 >= columns or box.y0 >= rows:
            raise InputError(
                f"{source}: cell {cell.id} of {page.path.name} page {page.page} lies outside of the frame of"
                f" {columns} x {rows} pixels; the truth is of another image"
            )
        if box.x1 > columns or box.y1 > rows:
            inside = BoxPx(box.x0, box.y0, min(box.x1, columns), min(box.y1, rows))
            mask = None if cell.mask is None else cell.mask[: inside.height_px, : inside.width_px]
            if mask is not None and not mask.any():
                continue
            cell = replace(cell, box=inside, mask=mask)
        kept.append(cell)
    return tuple(kept)
