"""Marks on images, with their places in a stack, and the pages that these mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detection.evaluation.truth import TrueCell
from service.errors import InputError


@dataclass(frozen=True, slots=True)
class Mark:
    """A marked cell and its place, as Fiji counts it: from 1; 0 where none is stated.

    Attributes
    ----------
    cell : TrueCell
    position : int
        Image of a plain stack.
    z, t : int
        Slice and time point of a hyperstack.
    """

    cell: TrueCell
    position: int = 0
    z: int = 0
    t: int = 0


@dataclass(frozen=True, slots=True)
class ImagePage:
    """A frame that marks are looked for.

    Attributes
    ----------
    path : Path
    page : int
        From 0.
    shape : (int, int)
        Rows and columns.
    z, t : int or None
        Slice and time point, from 0, where the file states them.
    """

    path: Path
    page: int
    shape: tuple[int, int]
    z: int | None = None
    t: int | None = None


def cells_by_page(
    marks: Sequence[Mark], pages: Sequence[ImagePage], source: Path
) -> tuple[list[tuple[TrueCell, ...]], int]:
    """Return the cells of each page of an image, and the number of places that none of them is.

    Parameters
    ----------
    marks : sequence of Mark
        All marks of the image.
    pages : sequence of ImagePage
        Of one image.
    source : Path
        File of the marks, for errors.

    Raises
    ------
    InputError
        The place of a mark in the stack is unknown; one sentence.
    """
    found: list[list[TrueCell]] = [[] for _ in pages]
    missed: set[tuple[int, int, int]] = set()
    states = all(page.z is not None and page.t is not None for page in pages)
    for mark in marks:
        if mark.z or mark.t:
            place = _page_of(mark, marks, pages, source) if not states else None
            here = [
                n
                for n, page in enumerate(pages)
                if (page.page == place if place is not None else _is_at(mark, page))
            ]
        elif mark.position:
            here = [n for n, page in enumerate(pages) if page.page == mark.position - 1]
        elif len({page.page for page in pages}) == 1:
            here = list(range(len(pages)))
        else:
            raise InputError(
                f"{source}: {mark.cell.id} names no slice, and {pages[0].path.name} has {len(pages)}; in Fiji"
                " select its slice and update it in the ROI manager"
            )
        for n in here:
            found[n].append(mark.cell)
        if not here:
            missed.add((mark.position, mark.z, mark.t))
    return [tuple(cells) for cells in found], len(missed)


def by_page(marks: Sequence[Mark], slices: int | None = None) -> dict[int, tuple[TrueCell, ...]]:
    """Return the cells by page from 0, without knowledge of the image.

    Time points count as in a hyperstack of so many slices; of as many as the last mark has by default.
    """
    slices = slices or max([1, *(mark.z for mark in marks)])
    pages: dict[int, list[TrueCell]] = {}
    for mark in marks:
        page = max(mark.position, 1) - 1
        if mark.z or mark.t:
            page = max(mark.t - 1, 0) * slices + max(mark.z - 1, 0)
        pages.setdefault(page, []).append(mark.cell)
    return {page: tuple(cells) for page, cells in sorted(pages.items())}


def _is_at(mark: Mark, page: ImagePage) -> bool:
    return (not mark.z or page.z == mark.z - 1) and (not mark.t or page.t == mark.t - 1)


def _page_of(mark: Mark, marks: Sequence[Mark], pages: Sequence[ImagePage], source: Path) -> int:
    """Return the page of a mark on an image whose file states neither slices nor time points."""
    if max(one.t for one in marks) <= 1:
        return max(mark.z, 1) - 1
    if max(one.z for one in marks) <= 1:
        return max(mark.t, 1) - 1
    raise InputError(
        f"{source}: its ROIs name slices and time points, which {pages[0].path.name} does not; save the image"
        " from Fiji as the hyperstack that was marked, and detect in that"
    )
