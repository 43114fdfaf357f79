"""All stitched images of a run: section after section, then each cell through its sections.

::

    <out>/S0001/section.json  S0001/F000.ome.tiff  S0001/F000-c0001.ome.tiff
    S0001/F000-c0001-overlay.ome.tiff (and .jpg) <out>/cells/T0001.ome.tiff  cells/T0001.jpg  cells/T0001.json
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from service.errors import ImageError, InputError, NotNowError
from service.model.specimen import Track
from service.session.folders.kept_config import kept_config
from service.session.folders.run_folder import RunFolder, RunInfo
from service.stitching.documents import (
    ImageRecord,
    Registered,
    SectionDocument,
    Spread,
    TrackDocument,
    fingerprint,
)
from service.stitching.grounds import Ground, Run, Wanted
from service.stitching.seams import spread
from service.stitching.section import stitch_section
from service.stitching.serial.chain import Sections, chain
from service.stitching.serial.volume import write_track
from service.stitching.writing import sync
from service.store.store import Store

Note = Callable[[str], None]

CELLS = "cells"
"""Name of the folder of cells through their sections; see `RunFolder.stitched_cells`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Wishes of a person: cells or tracks, and fields, by name; none of both for everything.

    Attributes
    ----------
    cells, fields : tuple of str
    thickness_nm : float or None
        Of a section; None: as the simulator has it, or unknown.
    """

    cells: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    thickness_nm: float | None = None


@dataclass(frozen=True, slots=True)
class Stitched:
    """Outcome of a stitching.

    Attributes
    ----------
    made, unchanged : int
        Images and volumes that were made, and those that were there.
    images : tuple of ImageRecord
        All that were asked for.
    tracks : tuple of TrackDocument
    seams, measured, contradicted : int
        Pairs of tiles that overlap in all sections, and of them those whose distance is proven, and
        contradicted.
    by_read_back, settled : Spread or None
        How far the tiles of proven pairs lie off each other, by the read-back and as settled.
    left_out : tuple of (str, str)
        Finished images that cannot be used, with the reason.
    """

    made: int
    unchanged: int
    images: tuple[ImageRecord, ...]
    tracks: tuple[TrackDocument, ...]
    seams: int
    measured: int
    contradicted: int
    by_read_back: Spread | None
    settled: Spread | None
    left_out: tuple[tuple[str, str], ...]

    @property
    def slices(self) -> dict[Registered, int]:
        """Number of slices by what their place is known by."""
        found = [place.registered for track in self.tracks for place in track.slices]
        return {one: found.count(one) for one in Registered if one in found}


def stitch_run(
    folder: RunFolder, info: RunInfo, out: Path, asked: Asked, note: Note = lambda _: None
) -> Stitched:
    """Stitch the finished electron images of a run, which is only read and may be under way.

    What is there and unchanged is not made again.

    Parameters
    ----------
    folder : RunFolder
    info : RunInfo
    out : Path
        Folder for the results.
    asked : Asked
    note : callable
        Called with a sentence for each section, and for each volume that was made.

    Raises
    ------
    InputError, StoreError
        There is nothing of that name, nothing to stitch, or another program is at work in the folder.
    OSError
        The results cannot be written.
    """
    config = kept_config(folder, info)
    with closing(Store.open(folder.store)) as store:
        wanted, tracks = _wanted(store, asked)
        out.mkdir(parents=True, exist_ok=True)
        guard = FileLock(out / ".lock")
        try:
            guard.acquire(timeout=0)
        except Timeout:
            raise NotNowError(f"{out}: another ilemtrack is at work there") from None
        try:
            thickness_nm = asked.thickness_nm
            if thickness_nm is None and info.kind == "dry-run":
                thickness_nm = config.simulator.specimen.section_thickness_nm
            return _stitch(Run(config, store, out), wanted, tracks, thickness_nm, note)
        except ImageError as error:
            raise InputError(f"{error}; try again") from error
        finally:
            guard.release()


def _wanted(store: Store, asked: Asked) -> tuple[Wanted, tuple[Track, ...]]:
    """Return the cells and fields that are asked for, and the tracks of these cells."""
    tracks = tuple(store.tracks.all())
    if not (asked.cells or asked.fields):
        return Wanted(), tracks
    cells, names = set(), set()
    for target in asked.cells:
        found = store.tracks.cells_of(target)
        if not found:
            raise InputError(f"the run has no cell and no track {target}")
        cells |= {cell.id for cell in found}
        names |= {target} if any(track.id == target for track in tracks) else set(found[0].tracks)
    fields = {field.id for field in store.specimen.fields()}
    for field in asked.fields:
        if field not in fields:
            raise InputError(f"the run has no field {field}")
    return (
        Wanted(frozenset(cells), frozenset(asked.fields)),
        tuple(track for track in tracks if track.id in names),
    )


def _stitch(
    run: Run, wanted: Wanted, tracks: Sequence[Track], thickness_nm: float | None, note: Note
) -> Stitched:
    documents: list[SectionDocument] = []
    images: list[ImageRecord] = []
    by_track: dict[str, dict[str, Ground]] = {}
    made = unchanged = 0
    order = [one.id for one in run.store.specimen.sections()]
    needed = _sections(order, wanted, tracks)
    for section in needed:
        found = stitch_section(run, section, wanted, note)
        if found is None:
            continue
        made, unchanged = made + found.made, unchanged + found.unchanged
        documents.append(found.document)
        images += found.images
        cells = by_track.setdefault(section, {})
        for ground in found.cells.values():
            if ground.cell is not None:
                cells |= {name: ground for name in ground.cell.tracks if name not in cells}
    if not documents:
        raise InputError(
            f"{run.store.folder}: no electron image is finished yet, so there is nothing to stitch"
        )
    if not images:
        raise InputError(f"{run.store.folder}: no electron image of what was asked for is finished yet")
    sections, volumes = Sections(run, by_track), []
    for track in tracks:
        document, new = _track(run, sections, track, order, thickness_nm, note)
        if document is not None:
            volumes.append(document)
            made, unchanged = made + new, unchanged + (not new)
    seams = [seam for document in documents for seam in document.seams]
    known = [seam for seam in seams if seam.measured_m is not None and seam.agrees]
    return Stitched(
        made=made,
        unchanged=unchanged,
        images=tuple(images),
        tracks=tuple(volumes),
        seams=len(seams),
        measured=len(known),
        contradicted=sum(not seam.agrees for seam in seams),
        by_read_back=spread([seam.read_back_nm for seam in known if seam.read_back_nm is not None]),
        settled=spread([seam.settled_nm for seam in known if seam.settled_nm is not None]),
        left_out=tuple(item for document in documents for item in document.left_out.items()),
    )


def _sections(order: Sequence[str], wanted: Wanted, tracks: Sequence[Track]) -> list[str]:
    """Return the sections that are needed, in their order."""
    if wanted.cells is None:
        return list(order)
    needed = {name.partition("/")[0] for name in (*wanted.cells, *(wanted.fields or ()))}
    for track in tracks:
        needed |= set(order[order.index(track.first_section) : order.index(track.last_section) + 1])
    return [section for section in order if section in needed]


def _track(
    run: Run, sections: Sections, track: Track, order: Sequence[str], thickness_nm: float | None, note: Note
) -> tuple[TrackDocument | None, bool]:
    """Make the volume and the strip of a cell unless they are there; return them, and if they are new."""
    shown = [section for section in order if sections.ground(section, track.id) is not None]
    if len(shown) < 2:
        return None, False
    through = order[order.index(shown[0]) : order.index(shown[-1]) + 1]
    folder = run.out / CELLS
    print_ = fingerprint(
        track.id,
        track.central_section,
        through,
        thickness_nm,
        [sections.fingerprints(one) for one in through],
    )
    known = TrackDocument.read(folder / f"{track.id}.json")
    if known is not None and known.fingerprint == print_ and _is_there(folder, known):
        return known, False
    places = chain(sections, track.id, through, track.central_section)
    grounds = {ground.name: ground for one in shown if (ground := sections.ground(one, track.id)) is not None}
    folder.mkdir(exist_ok=True)
    document = write_track(run, track.id, print_, grounds, places, thickness_nm, folder)
    sync(folder, (document.volume, document.strip))
    document.write(folder / f"{track.id}.json")
    note(f"{track.id}: made, through {len(document.slices)} sections")
    return document, True


def _is_there(folder: Path, known: TrackDocument) -> bool:
    volume = folder / known.volume
    return volume.is_file() and volume.stat().st_size == known.size_bytes and (folder / known.strip).is_file()
