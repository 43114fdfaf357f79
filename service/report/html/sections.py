"""A section in the report: its fluorescence, cells and frames as exposed."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from drivers.pose import RectM
from service.model.images.checks import CheckedImage
from service.model.images.scans import scans_of
from service.model.jobs import Exposure, ExposureState, Job, JobKind, JobState
from service.model.section_states import SectionState, section_state
from service.model.specimen import Cell, Field, Section
from service.planning.review.ground import known_place
from service.report.html import pictures
from service.report.html.dose import ScannedDose, dose_of
from service.report.html.drawing import Box, Drawing
from service.store.store import Store
from service.words.checks import bad_says
from service.words.quantities import duration
from service.words.review import SECTIONS, VERDICTS
from service.words.states import EXPOSURES, FIELDS, JOBS

TO_DO = (JobState.QUEUED, JobState.HELD, JobState.ARMED, JobState.EXPOSED, JobState.SAVED)


class Outcome(StrEnum):
    """Outcome of a cell."""

    IMAGED = "imaged"
    IN_PART = "in part"
    TO_DO = "to do"
    REVIEW = "needs review"
    NOT_IMAGED = "not imaged"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in a drawing: data URI, size in pixels, SVG matrix from pixels to the drawing."""

    uri: str
    size_px: tuple[int, int]
    matrix: str


@dataclass(frozen=True, slots=True)
class FieldShown:
    """A field: its ground, and in words its state and warnings."""

    name: str
    box: Box
    picture: Picture | None
    title: str


@dataclass(frozen=True, slots=True)
class FrameShown:
    """Ground that the beam has scanned, by the ledger."""

    job: str
    kind: JobKind
    state: ExposureState
    box: Box
    picture: str | None
    title: str


@dataclass(frozen=True, slots=True)
class CellShown:
    """A cell: its place, outcome, and why."""

    name: str
    track: str
    outcome: Outcome
    confidence: float
    box: Box
    frames: str
    dose: ScannedDose | None
    why: str


@dataclass(frozen=True, slots=True)
class SectionShown:
    """A section as the report shows it; `drawing` is None where it has no field."""

    name: str
    state: SectionState
    says: str
    drawing: Drawing | None
    outline: str
    fields: tuple[FieldShown, ...]
    frames: tuple[FrameShown, ...]
    cells: tuple[CellShown, ...]
    notes: tuple[str, ...]

    @property
    def outcomes(self) -> Mapping[Outcome, int]:
        """Numbers of cells by outcome, in the order of `Outcome`."""
        counts = Counter(cell.outcome for cell in self.cells)
        return {one: counts[one] for one in Outcome if counts[one]}


def shown(
    store: Store,
    section: Section,
    clipped: Mapping[str, str],
    beam_current_a: float,
    sides_px: tuple[int | None, int | None],
) -> SectionShown:
    """Read a section.

    Parameters
    ----------
    store : Store
    section : Section
    clipped : mapping of str to str
        Reasons of cells that the plans show in part, by cell.
    beam_current_a : float
        As configured.
    sides_px : (int or None, int or None)
        Longest side of a fluorescence and of an electron picture; None for no picture.
    """
    fields = store.specimen.fields(section.id)
    jobs = {job.id: job for job in store.queue.jobs(section=section.id)}
    cells = store.specimen.cells(section=section.id)
    rows = [row for of_job in store.ledger.of_jobs(list(jobs)).values() for row in of_job]
    exposures = sorted((row for row in rows if row.state is not ExposureState.VOID), key=lambda row: row.id)
    images = store.images.of_jobs(list(jobs))
    pictured = dict(
        _pictured(job, [row for row in exposures if row.job == name], images.get(name, ()))
        for name, job in jobs.items()
        if job.image is not None
    )
    ground: list[RectM] = [field.rect_m for field in fields] + [row.rect_m for row in exposures]
    drawing = Drawing.around(ground) if ground else None
    state = section_state(
        Counter(field.state for field in fields), Counter(job.state for job in jobs.values())
    )
    return SectionShown(
        name=section.id,
        state=state,
        says=SECTIONS[state],
        drawing=drawing,
        outline=drawing.points(section.outline_m) if drawing and section.outline_m else "",
        fields=tuple(_field(store, one, drawing, sides_px[0]) for one in fields if drawing),
        frames=tuple(
            _frame(row, jobs[row.job], drawing, _electron(store.folder, pictured.get(row.id), sides_px[1]))
            for row in exposures
            if drawing
        ),
        cells=tuple(
            _cell(one, jobs, clipped, drawing, dose_of(one.rect_m, exposures, beam_current_a))
            for one in cells
            if drawing
        ),
        notes=(*_notes(fields, tuple(jobs.values())), *_flags(images, jobs)),
    )


def outcome_of(cell: Cell, jobs: Mapping[str, Job], clipped: bool) -> Outcome:
    """Return what became of a cell: of the jobs that show it, or in part by the plan."""
    states = {jobs[name].state for name in cell.jobs if name in jobs}
    if not states:
        return Outcome.NOT_IMAGED
    if JobState.NEEDS_REVIEW in states:
        return Outcome.REVIEW
    if states.intersection(TO_DO):
        return Outcome.TO_DO
    if JobState.DONE not in states:
        return Outcome.NOT_IMAGED
    return Outcome.IMAGED if states == {JobState.DONE} and not clipped else Outcome.IN_PART


def _field(store: Store, field: Field, drawing: Drawing, side_px: int | None) -> FieldShown:
    said = [f"{field.id}: {FIELDS[field.state]}", *filter(None, [field.reason]), *field.warnings]
    picture = None if side_px is None else _fluorescence(store, field, drawing, side_px)
    return FieldShown(field.id, drawing.box(field.rect_m), picture, "; ".join(said))


def _fluorescence(store: Store, field: Field, drawing: Drawing, side_px: int) -> Picture | None:
    place = known_place(store, field)
    if place is None or field.image is None:
        return None
    uri = pictures.fluorescence(store.folder / field.image, side_px)
    return None if uri is None else Picture(uri, place.size_px, drawing.matrix(place))


def _pictured(
    job: Job, exposures: Sequence[Exposure], images: Sequence[CheckedImage]
) -> tuple[int | None, str]:
    """Return the exposure and the file that stand for a job: one picture for a frame that was taken again.

    Of one that is done that is its last good image; one that waits for anything has its last image.
    """
    if job.state is JobState.DONE and (scans := scans_of(job, exposures, images)):
        row, image = scans[0]
        return row.id, image.file
    known = [one.exposure for one in images if one.file == job.image]
    closed = [row.id for row in exposures if row.state is ExposureState.CLOSED]
    # Runs of earlier versions have the image of the last scan.
    return next(iter([*known, *closed[-1:]]), None), str(job.image)


def _electron(folder: Path, file: str | None, side_px: int | None) -> str | None:
    return None if file is None or side_px is None else pictures.electron(folder / file, side_px)


def _frame(row: Exposure, job: Job, drawing: Drawing, uri: str | None) -> FrameShown:
    time = "" if row.beam_s is None else f", {duration(row.beam_s)} of beam"
    says = f"{job.id}: {JOBS[job.state]}, exposure {EXPOSURES[row.state]}{time}"
    said = [says, *filter(None, [job.reason, row.note]), *([", ".join(job.covers)] if job.covers else [])]
    return FrameShown(job.id, job.kind, row.state, drawing.box(row.rect_m), uri, "; ".join(said))


def _cell(
    cell: Cell,
    jobs: Mapping[str, Job],
    clipped: Mapping[str, str],
    drawing: Drawing,
    dose: ScannedDose | None,
) -> CellShown:
    why = [cell.skipped or cell.reason, *filter(None, [clipped.get(cell.id)])]
    if cell.verdict is not None:
        why.append(VERDICTS[cell.verdict])
    return CellShown(
        name=cell.id,
        track="+".join(cell.tracks),
        outcome=outcome_of(cell, jobs, cell.id in clipped),
        confidence=cell.confidence,
        box=drawing.box(cell.rect_m),
        frames=", ".join(cell.jobs),
        dose=dose,
        why="; ".join(why),
    )


def _flags(images: Mapping[str, Sequence[CheckedImage]], jobs: Mapping[str, Job]) -> Iterator[str]:
    """Yield what the images of a section were found bad by, with those that were or will be taken again."""
    for name, taken in images.items():
        for image in taken:
            last, waits = image is taken[-1], jobs[name].retake_of is not None
            if image.bad and (not last or waits or jobs[name].state is JobState.DONE):
                again = "" if last and not waits else ", to be taken again" if last else ", taken again"
                yield f"{name}, {image.file}{again}: {bad_says(image.bad)}"


def _notes(fields: Sequence[Field], jobs: Sequence[Job]) -> tuple[str, ...]:
    """Return in words what a person should know of a section: warnings, failures, jobs that were given up."""
    notes = [f"{field.id}: {text}" for field in fields for text in (*field.warnings, field.reason) if text]
    given_up = (JobState.FAILED, JobState.NEEDS_REVIEW, JobState.SKIPPED)
    notes += [f"{job.id} {JOBS[job.state]}: {job.reason}" for job in jobs if job.state in given_up]
    return tuple(notes)
