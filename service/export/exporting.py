"""Export of a run: its items one after the other, those that are there already left alone."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.loading import parse
from drivers.pose import FmToSem
from service.cluster.workers import Workers
from service.errors import ImageError, InputError
from service.export.contents import LeftOutImage, RunContents
from service.export.folder import ExportFolder
from service.export.items import ExportFormat, Format, Item
from service.export.reading import chosen_sections, is_ended, section_contents
from service.export.writing import written_ahead
from service.session.folders.database_copy import opened_copy
from service.session.folders.run_folder import RunFolder, RunInfo
from service.session.stage_frame import StageFrame
from service.store.connection import read_origin
from service.store.store import Store
from service.words.quantities import size

_SECTIONS = "sections"
_GROWTH = 1.5
"""Largest size of what is written over that of its images: levels of resolution add a third."""


@dataclass(frozen=True, slots=True)
class ExportProgress:
    """Progress of an export: bytes of images read, or found to be there already, of all."""

    done_bytes: int
    all_bytes: int
    name: str


@dataclass(frozen=True, slots=True)
class Exported:
    """Outcome of an export.

    Attributes
    ----------
    sections : tuple of str
        All sections of the export, those of earlier calls included.
    written, kept : int
        Items that were written, and that were there already.
    pixel_bytes : int
        Bytes of images that were read.
    left_out : tuple of LeftOutImage
        Images that could not be read.
    ended : bool
        False if the session may add images.
    """

    sections: tuple[str, ...]
    written: int
    kept: int
    pixel_bytes: int
    left_out: tuple[LeftOutImage, ...]
    ended: bool


def default_folder(folder: RunFolder, kind: ExportFormat) -> Path:
    """Return the folder of an export that names none: beside the run."""
    return folder.path.with_name(f"{folder.path.name}-{kind.value}")


def export(
    folder: RunFolder,
    info: RunInfo,
    kind: ExportFormat,
    out: Path,
    sections: Sequence[str] = (),
    report: Callable[[ExportProgress], None] = lambda _: None,
    workers: Workers | None = None,
) -> Exported:
    """Export what is done of a run; a later call adds the rest, also after this one was killed.

    The run is only read. At most one image of it is in memory, of this process and of each worker.

    Parameters
    ----------
    folder : RunFolder
        A session may be at work on it.
    info : RunInfo
    kind : ExportFormat
    out : Path
        Folder of the export: new, empty, or an earlier export of the same run.
    sections : sequence of str
        Sections to export, besides those that are in the export already; all by default.
    report : callable
        Called before each item, and at the end.
    workers : Workers, optional
        They write the images; the export is the same.

    Raises
    ------
    InputError
        The folder cannot be used, there is no such section, or the disk is full.
    StoreError
    """
    _require_outside(out, folder.path)
    form = _format(kind)
    with opened_copy(folder) as store:
        asked = [one.id for one in chosen_sections(store, sections)]
        try:
            with ExportFolder(out, info.run, kind.value) as target:
                run = _contents(folder, info, store, target.keep_names(_SECTIONS, asked), kind)
                return _export(run, form, target, report, workers)
        except OSError as error:
            raise InputError(
                f"{out}: cannot be written ({error.strerror or error}); the same command goes on from here"
            ) from error


def _require_outside(out: Path, run: Path) -> None:
    place, own = out.absolute().resolve(), run.resolve()
    if place == own or own in place.parents:
        raise InputError(f"{out}: is inside the folder of the run, which an export never touches")


def _format(kind: ExportFormat) -> Format:
    """Return a format; each imports libraries that the others do without."""
    if kind is ExportFormat.OME_ZARR:
        from service.export.ome_zarr.layout import OmeZarr

        return OmeZarr()
    if kind is ExportFormat.RENDER_WS:
        from service.export.render_ws.layout import RenderWs

        return RenderWs()
    if kind is ExportFormat.USEQ:
        from service.export.useq.layout import Useq

        return Useq()
    from service.export.fiji.layout import Fiji

    return Fiji()


def _contents(
    folder: RunFolder, info: RunInfo, store: Store, wanted: frozenset[str], kind: ExportFormat
) -> RunContents:
    origin = read_origin(store.folder / folder.store.name)
    if origin.run_id != info.run:
        raise InputError(
            f"{folder.path}: run.json is of run {info.run}, session.sqlite of run {origin.run_id}"
        )
    config = parse(origin.config_yaml, str(folder.store))
    # Only a plan to be executed needs what is planned, and to know if its fluorescence is saved.
    reach_m = StageFrame.of(config).reach_m if kind is ExportFormat.USEQ else None
    return RunContents(
        run=info.run,
        folder=folder.path,
        ended=is_ended(store),
        fm_to_sem=FmToSem.of(config.calibration),
        keep_free_gb=config.session.min_free_disk_gb,
        pixel_size_m=config.sem.pixel_size_m,
        fluorescence_s=config.fluorescence.exposure_s,
        sections=tuple(
            section_contents(store, folder.path, one, reach_m)
            for one in chosen_sections(store, ())
            if one.id in wanted
        ),
    )


def _export(
    run: RunContents,
    form: Format,
    target: ExportFolder,
    report: Callable[[ExportProgress], None],
    workers: Workers | None,
) -> Exported:
    items = [item for section in run.sections for item in form.section_items(run, section, target)]
    items += form.run_items(run, target)
    left_out = [one for section in run.sections for one in section.left_out]
    written = kept = done = read = 0
    total = sum(item.pixel_bytes for item in items)
    # A session on the same disk needs the space that its settings keep free.
    shared = not run.ended and target.path.stat().st_dev == run.folder.stat().st_dev
    keep_free_gb = run.keep_free_gb if shared else 0.0
    ahead = {} if workers is None else written_ahead(items, target, workers)
    for item in items:
        report(ExportProgress(done, total, item.name))
        made_of = item.fingerprint()
        if target.has(item.path, made_of):
            kept += 1
        else:
            _require_room(target.path, item, keep_free_gb)
            try:
                left_out += target.put(item.path, made_of, ahead.get(item.path, item.write))
                written += 1
                read += item.pixel_bytes
            except ImageError as error:
                left_out.append(LeftOutImage(item.name, str(error)))
        done += item.pixel_bytes
    report(ExportProgress(total, total, ""))
    names = tuple(section.section.id for section in run.sections)
    return Exported(names, written, kept, read, tuple(left_out), run.ended)


def _require_room(path: Path, item: Item, keep_free_gb: float) -> None:
    free = shutil.disk_usage(path).free
    needed = _GROWTH * item.pixel_bytes
    if free < needed + keep_free_gb * 1e9:
        session = f", and the session keeps {keep_free_gb:g} GB free" if keep_free_gb else ""
        raise InputError(
            f"{path}: the disk has no room: {size(free)} are free, {size(needed)} needed next{session};"
            " with more room the same command goes on from here"
        )
