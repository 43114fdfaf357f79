"""The electron images of a section that are finished, as tiles."""

import math
import threading
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

import tifffile

from drivers.errors import FrameError
from drivers.recorded.ome import ome_planes
from drivers.recorded.tiff import DAMAGED
from planner.geometry.rects import center
from service.errors import ImageError
from service.image_files.images import Pixels, read_pixels
from service.model.event import STAY
from service.model.images.checks import CheckedImage
from service.model.images.scans import scans_of
from service.model.jobs import Exposure, Job, JobKind, JobState
from service.model.overviews import Overview, OverviewState
from service.stitching.values import Tile
from service.store.store import Store

MOST_BYTES = 64 * 2**20
"""Pixels that are kept in memory: 40 images of 1536 x 1024, or two of 6144 x 4096. Chosen by hand."""
_SAME_M = 1e-9


@dataclass(slots=True)
class TileReader:
    """Reads the pixels of tiles, and keeps the last ones; for any thread.

    Attributes
    ----------
    folder : Path
        Of the run.
    most_bytes : int
    """

    folder: Path
    most_bytes: int = MOST_BYTES
    _kept: OrderedDict[str, Pixels] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, tile: Tile) -> Pixels:
        """Return the pixels of a tile.

        Raises
        ------
        ImageError
            The file is missing or damaged.
        """
        with self._lock:
            if tile.image in self._kept:
                self._kept.move_to_end(tile.image)
                return self._kept[tile.image]
            pixels: Pixels = read_pixels(self.folder / tile.image)
            if pixels.shape != tile.size_px[::-1]:
                raise ImageError(f"{self.folder / tile.image}: changed while it was read")
            self._kept[tile.image] = pixels
            self._bytes += pixels.nbytes
            while self._bytes > self.most_bytes and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
            return pixels


@dataclass(frozen=True, slots=True)
class SectionTiles:
    """Tiles of a section, and the reason of each finished image that is left out, by its job."""

    tiles: tuple[Tile, ...]
    left_out: dict[str, str]


def tiles_of(store: Store, section: str) -> SectionTiles:
    """Return the finished electron images of a section; of a frame that was taken again the last good one.

    Overviews are none; a focus, which is scanned like a frame, is one.
    """
    with store.snapshot():
        jobs = [job for job in store.queue.jobs(JobState.DONE, section) if job.kind is not JobKind.OVERVIEW]
        exposures = store.ledger.of_jobs([job.id for job in jobs])
        checked = store.images.of_jobs([job.id for job in jobs])
        begins = [int(event.data["exposure"]) for event in store.events.of(STAY)]
        overviews = [one for one in store.overviews.all() if one.section == section]
    tiles, left_out = [], {}
    for job in jobs:
        scans = scans_of(job, exposures.get(job.id, ()), checked.get(job.id, ()))
        if not scans:
            left_out[job.id] = "the ledger has no finished scan of it"
            continue
        for row, image in scans:
            try:
                tiles.append(_tile(store.folder, row, image, begins, _overview_of(job, overviews)))
            except ImageError as error:
                left_out.setdefault(job.id, str(error))
            else:
                left_out.pop(job.id, None)
                break
    return SectionTiles(tuple(tiles), left_out)


def _tile(
    folder: Path, row: Exposure, image: CheckedImage, begins: list[int], overview: Overview | None
) -> Tile:
    """Return the tile of a scan, with the place and the pixels that its file states."""
    path = folder / image.file
    read_pixels(path, image.sha256)
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            plane = ome_planes(page.description, 1, str(path)).get(0)
            rows, columns = page.shape
            dtype = str(page.dtype)
    except (FrameError, *DAMAGED) as error:
        raise ImageError(f"{path}: its place cannot be read ({error})") from error
    if plane is None or plane.center_m is None or plane.size is None or plane.size.size_m is None:
        raise ImageError(f"{path}: states no stage position or no pixel size")
    stay = bisect_right(begins, row.id)
    return Tile(
        job=image.job,
        image=image.file,
        sha256=image.sha256,
        center_m=plane.center_m,
        shows_m=center(row.rect_m),
        size_px=(columns, rows),
        pixel_size_m=plane.size.size_m[0],
        dtype=dtype,
        # Where the beam does not move, each image has a move of its own.
        stay=begins[stay - 1] if stay else -row.id,
        overview=None if overview is None else overview.id,
        bad=tuple(check.kind for check in image.bad),
    )


def _overview_of(job: Job, overviews: list[Overview]) -> Overview | None:
    """Return the overview by which the frames of a stage position were placed."""
    used = (OverviewState.USED, OverviewState.LEFT)
    near = [one for one in overviews if one.state in used and math.dist(one.stage_m, job.stage_m) < _SAME_M]
    return near[-1] if near else None
