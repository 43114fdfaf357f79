"""Images of a section that can be made: of each field and cell, and what each shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from config.model import Config
from drivers.pose import FmToSem
from planner.geometry.rects import grown, overlap
from service.model.jobs import JobState
from service.model.overviews import Overview
from service.model.specimen import Cell
from service.stitching.canvas import Canvas, canvas_over, pieces_on
from service.stitching.documents import SectionDocument, fingerprint
from service.stitching.light import LightToSem, light_to_sem
from service.stitching.values import Point, Tile
from service.store.store import Store

_OPEN = (
    JobState.QUEUED,
    JobState.HELD,
    JobState.ARMED,
    JobState.EXPOSED,
    JobState.SAVED,
    JobState.NEEDS_REVIEW,
)
"""States of frames that may still become tiles."""

Placed = tuple[tuple[Tile, Point], ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Cells and fields to stitch; None for all of them."""

    cells: frozenset[str] | None = None
    fields: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A run whose images are stitched, and the folder for the results."""

    config: Config
    store: Store
    out: Path

    def folder(self, section: str) -> Path:
        """Return the folder for the images of a section."""
        return self.out / section


@dataclass(frozen=True, slots=True)
class Ground:
    """Content of an image: its grid, its tiles, and for a cell the map from its fluorescence.

    Attributes
    ----------
    kind : str
    name : str
        Cell or field.
    canvas : Canvas
    placed : tuple of (Tile, (float, float))
    whole : bool
        False for a cell of which frames are still to be taken, or are not usable.
    cell : Cell or None
    to_sem : LightToSem or None
    """

    kind: Literal["cell", "field"]
    name: str
    canvas: Canvas
    placed: Placed
    whole: bool = True
    cell: Cell | None = None
    to_sem: LightToSem | None = None

    @property
    def file(self) -> str:
        """Name of its file in the folder of the section: ``F000.ome.tiff``, ``F000-c0001.ome.tiff``."""
        return f"{self.stem}.ome.tiff"

    @property
    def stem(self) -> str:
        """Name of its file without endings."""
        return self.name.partition("/")[2].replace("/", "-")

    @property
    def fingerprint(self) -> str:
        """Text that changes with what the image shows."""
        tiles = [(tile.job, tile.sha256, tile.dtype, tile.bad, center_m) for tile, center_m in self.placed]
        return fingerprint(self.kind, self.name, self.canvas, tiles, self.whole)


def grounds_of(run: Run, document: SectionDocument) -> Iterator[Ground]:
    """Yield what each image of a section shows, fields first."""
    placed = tuple(zip(document.tiles, document.settled_m, strict=True))
    overviews = {one.id: one for one in run.store.overviews.all() if one.section == document.section}
    calibration = FmToSem.of(run.config.calibration)
    section = light_to_sem(placed, calibration, {})
    for one in run.store.specimen.fields(section=document.section):
        rect_m = section.rect_to_sem(one.rect_m)
        near = tuple((tile, at) for tile, at in placed if overlap(rect_m, tile.rect_m))
        canvas = canvas_over(near)
        if canvas is not None:
            yield Ground("field", one.id, canvas, near)
    states = {job.id: job.state for job in run.store.queue.jobs(section=document.section)}
    for cell in run.store.specimen.cells(section=document.section):
        ground = _of_cell(run, cell, placed, calibration, overviews, states)
        if ground is not None:
            yield ground


def _of_cell(
    run: Run,
    cell: Cell,
    placed: Placed,
    calibration: FmToSem,
    overviews: dict[int, Overview],
    states: dict[str, JobState],
) -> Ground | None:
    own = tuple((tile, at) for tile, at in placed if tile.job in cell.jobs)
    if not own:
        return None
    to_sem = light_to_sem(own, calibration, overviews)
    # The cell with its context, wherever it lies within the error that remains.
    off_m = run.config.stage.position_error_um * 1e-6 if to_sem.proven_m is None else to_sem.proven_m
    rect_m = to_sem.rect_to_sem(grown(cell.image_rect_m or cell.rect_m, off_m))
    canvas = canvas_over(placed, rect_m)
    if canvas is None:
        return None
    pieces = {piece.tile.job for piece in pieces_on(canvas, placed)}
    near = tuple((tile, at) for tile, at in placed if tile.job in pieces)
    done = {tile.job for tile, _ in own}
    whole = not any(states.get(job) in _OPEN or job not in done for job in cell.jobs)
    return Ground("cell", cell.id, canvas, near, whole, cell, to_sem)
