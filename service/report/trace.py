"""Origin of an image, a cell or a frame of a run: from the fluorescence to the electron image, and back."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from service.errors import ImageError, InputError, UnknownIdError
from service.image_files.images import checksum
from service.model.images.checks import CheckedImage
from service.model.jobs import Exposure, Job
from service.model.specimen import Cell, Field
from service.session.folders.run_folder import RunFolder, RunInfo
from service.store.connection import read_origin
from service.store.store import Store
from service.words.checks import bad_says
from service.words.states import EXPOSURES, FIELDS, JOBS


@dataclass(frozen=True, slots=True)
class TracedImage:
    """An image of the run.

    Attributes
    ----------
    file : str
        Relative to the folder of the run.
    sha256 : str
        As recorded when it was saved.
    unchanged : bool or None
        True if the file has that checksum now; None if it cannot be read.
    """

    file: str
    sha256: str
    unchanged: bool | None


@dataclass(frozen=True, slots=True)
class TracedField:
    """A field: its fluorescence, and how its cells were found."""

    field: str
    state: str
    image: TracedImage | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TracedCell:
    """A cell: where it was found, why it is imaged or not, and by which frames."""

    cell: str
    field: str
    tracks: tuple[str, ...]
    box_px: tuple[int, int, int, int]
    confidence: float
    reason: str
    skipped: str | None
    jobs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TracedPlan:
    """The plan of a section: the event that recorded it, and its method."""

    section: str
    seq: int
    at: str
    method: str


@dataclass(frozen=True, slots=True)
class TracedExposure:
    """One row of the ledger."""

    id: int
    state: str
    opened_s: float
    closed_s: float | None
    beam_s: float | None
    image: TracedImage | None
    """Its own image, also where the frame was taken again; None in runs of earlier versions."""
    bad: str
    """Checks that found that image bad, in words; empty if none did."""
    retake_of: int | None


@dataclass(frozen=True, slots=True)
class TracedJob:
    """A frame: its exposures and its last image."""

    job: str
    state: str
    covers: tuple[str, ...]
    exposures: tuple[TracedExposure, ...]
    image: TracedImage | None


@dataclass(frozen=True, slots=True)
class Trace:
    """All that one image, cell or frame comes from, and all that came from it.

    Attributes
    ----------
    run, kind : str
    program : str or None
        Version that began the run; None in runs of earlier versions.
    detector : str
        As configured.
    config_yaml : str
        Settings that the run began with.
    """

    run: str
    kind: str
    program: str | None
    detector: str
    config_yaml: str
    fields: tuple[TracedField, ...]
    cells: tuple[TracedCell, ...]
    plans: tuple[TracedPlan, ...]
    jobs: tuple[TracedJob, ...]


def trace(folder: RunFolder, info: RunInfo, detector: str, name: str) -> Trace:
    """Trace one thing of a run.

    Parameters
    ----------
    folder : RunFolder
    info : RunInfo
    detector : str
        As configured.
    name : str
        A cell (``S0001/F000/c0001``), a track (``T0001``), a job (``J000001``), a field (``S0001/F000``),
        or an image file: one of the run, or a copy with the same content.

    Raises
    ------
    UnknownIdError
        The run has nothing of that name, and no image with that content.
    """
    origin = read_origin(folder.store)
    with closing(Store.open(folder.store)) as store:
        fields, cells, jobs = _related(store, name)
        sections = dict.fromkeys((*(one.section for one in fields), *(one.section for one in jobs)))
        ledger = store.ledger.of_jobs([one.id for one in jobs])
        return Trace(
            run=info.run,
            kind=info.kind,
            program=info.program,
            detector=detector,
            config_yaml=origin.config_yaml,
            fields=tuple(_field(folder, one) for one in fields),
            cells=tuple(map(_cell, cells)),
            plans=_plans(store, tuple(sections)),
            jobs=tuple(
                _job(folder, one, ledger.get(one.id, ()), store.images.of_jobs([one.id]).get(one.id, ()))
                for one in jobs
            ),
        )


def _related(store: Store, name: str) -> tuple[list[Field], list[Cell], list[Job]]:
    """Return the fields, cells and frames that belong to a name."""
    cells = store.specimen.cells()
    jobs = {one.id: one for one in store.queue.jobs()}
    fields = {one.id: one for one in store.specimen.fields()}
    cell_names = {one.id for one in cells}.union(track for one in cells for track in one.tracks)
    if name not in cell_names and name not in jobs and name not in fields:
        saved = [(one.id, one.image, one.sha256) for one in fields.values()]
        saved += [(one.id, one.image, one.sha256) for one in jobs.values()]
        # Also the first image of a frame that was taken again.
        saved += [(one.job, one.file, one.sha256) for one in store.images.since(0)]
        name = _of_file(store.folder, Path(name), saved) or name
    chosen = [one for one in cells if name in (one.id, one.field, *one.tracks, *one.jobs)]
    frames = [name] if name in jobs else list(dict.fromkeys(job for one in chosen for job in one.jobs))
    named = [name] if name in fields else list(dict.fromkeys(one.field for one in chosen))
    if not named and not frames:
        raise UnknownIdError(
            f"{name}: the run has no cell, track, frame, field or image of that name or content"
        )
    return [fields[one] for one in named], chosen, [jobs[one] for one in frames if one in jobs]


def _of_file(folder: Path, path: Path, saved: Sequence[tuple[str, str | None, str | None]]) -> str:
    """Return the field or frame of an image, by place or content; empty if there is none.

    `saved` has a name, the file and its checksum for each.
    """
    place = path.absolute()
    for name, file, _ in saved:
        if file is not None and folder / file == place:
            return name
    if not path.is_file():
        return ""
    try:
        found = checksum(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    return next((name for name, _, sha256 in saved if sha256 == found), "")


def _image(folder: RunFolder, file: str | None, sha256: str | None) -> TracedImage | None:
    if file is None or sha256 is None:
        return None
    try:
        unchanged: bool | None = checksum(folder.path / file) == sha256
    except (OSError, ImageError):
        unchanged = None
    return TracedImage(file, sha256, unchanged)


def _field(folder: RunFolder, field: Field) -> TracedField:
    return TracedField(
        field.id, FIELDS[field.state], _image(folder, field.image, field.sha256), field.warnings
    )


def _cell(cell: Cell) -> TracedCell:
    return TracedCell(
        cell.id,
        cell.field,
        cell.tracks,
        cell.box_px,
        cell.confidence,
        cell.reason,
        cell.skipped,
        cell.jobs,
    )


def _plans(store: Store, sections: Sequence[str]) -> tuple[TracedPlan, ...]:
    last = {event.subject: event for event in store.events.of("plan")}
    return tuple(
        TracedPlan(one, last[one].seq, last[one].at, str(last[one].data.get("method")))
        for one in sections
        if one in last
    )


def _job(
    folder: RunFolder, job: Job, exposures: Sequence[Exposure], images: Sequence[CheckedImage]
) -> TracedJob:
    taken = {one.exposure: one for one in images}
    rows = (_exposure(folder, row, taken.get(row.id)) for row in exposures)
    return TracedJob(job.id, JOBS[job.state], job.covers, tuple(rows), _image(folder, job.image, job.sha256))


def _exposure(folder: RunFolder, row: Exposure, image: CheckedImage | None) -> TracedExposure:
    return TracedExposure(
        row.id,
        EXPOSURES[row.state],
        row.opened_s,
        row.closed_s,
        row.beam_s,
        None if image is None else _image(folder, image.file, image.sha256),
        "" if image is None else bad_says(image.bad),
        row.retake_of,
    )
