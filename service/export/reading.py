"""Contents of an export, read from the database of a run."""

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

from planner.geometry.rects import center
from service.errors import ImageError, InputError
from service.export.contents import ElectronImage, LeftOutImage, SavedFrame, SectionContents
from service.image_files.images import read_fm
from service.model.images.scans import scans_of
from service.model.jobs import Exposure, Job, JobKind, JobState
from service.model.phases import FINAL
from service.model.specimen import Field, FramePlace, Section
from service.session.exposure_map import unsaved
from service.store.store import Store

_SAME_SHARE = 1e-3
"""Largest difference between the ground of an exposure and the frame of its job, of its size: as
`service.image_checks.electron` accepts images."""


def chosen_sections(store: Store, names: Sequence[str]) -> list[Section]:
    """Return the sections of these names, all if there are none, in the order of cutting.

    Raises
    ------
    InputError
        The run has no section of a name.
    """
    sections = sorted(store.specimen.sections(), key=lambda one: one.index)
    unknown = sorted(set(names) - {one.id for one in sections})
    if unknown:
        raise InputError(
            f"--section {unknown[0]}: the run has no section of that name, only"
            f" {sections[0].id} to {sections[-1].id}"
            if sections
            else f"--section {unknown[0]}: the run has no sections"
        )
    return [one for one in sections if not names or one.id in names]


def is_ended(store: Store) -> bool:
    """Return True if nothing will be added to a run any more."""
    return store.status().phase in FINAL


def section_contents(
    store: Store, folder: Path, section: Section, reach_m: float | None = None
) -> SectionContents:
    """Read what is saved of a section.

    Parameters
    ----------
    store : Store
        May be a copy, in another folder than the images.
    folder : Path
        Of the run.
    section : Section
    reach_m : float
        Distance around a planned frame that its beam may bleach, m; None: what is planned is not read.
    """
    fields = store.specimen.fields(section=section.id)
    cells = store.specimen.cells(section=section.id)
    at = _grid(fields)
    frames, left_out = [], []
    for field in fields:
        if field.image is None or field.sha256 is None:
            continue
        try:
            place = _place(field, folder)
        except ImageError as error:
            left_out.append(LeftOutImage(field.id, str(error)))
            continue
        own = tuple(cell for cell in cells if cell.field == field.id)
        frames.append(SavedFrame(field, folder / field.image, field.sha256, place, *at[field.id], own))
    images = _images(store, folder, section)
    jobs, ready = ((), frozenset[str]()) if reach_m is None else _planned(store, section, reach_m)
    return SectionContents(
        section,
        tuple(frames),
        tuple(image for image in images if image.job.kind is not JobKind.OVERVIEW),
        tuple(image for image in images if image.job.kind is JobKind.OVERVIEW),
        tuple(left_out),
        tuple(fields),
        jobs,
        ready,
    )


def _planned(store: Store, section: Section, reach_m: float) -> tuple[tuple[Job, ...], frozenset[str]]:
    """Return what was planned, and which of it waits for the beam with all fluorescence near it saved."""
    planned = store.queue.jobs(section=section.id)
    jobs = tuple(job for job in planned if job.kind is not JobKind.OVERVIEW)
    queued = (job for job in jobs if job.state is JobState.QUEUED)
    return jobs, frozenset(
        job.id for job in queued if unsaved(store, job.section, job.rect_m, reach_m) is None
    )


def _place(field: Field, folder: Path) -> FramePlace:
    """Return size and pose of a frame, from its file in runs of earlier versions."""
    if field.frame is not None:
        return field.frame
    pixels, pose, _ = read_fm(folder / str(field.image), field.sha256)
    return FramePlace((pixels.shape[1], pixels.shape[0]), pose)


def _images(store: Store, folder: Path, section: Section) -> list[ElectronImage]:
    """Return the image of each job that is done; of a frame that was taken again the last good one."""
    done = store.queue.jobs(state=JobState.DONE, section=section.id)
    names = [job.id for job in done]
    ledger, checked = store.ledger.of_jobs(names), store.images.of_jobs(names)
    images = []
    for job in done:
        scans = scans_of(job, ledger.get(job.id, ()), checked.get(job.id, ()))
        if scans:
            row, image = scans[0]
            found = image.file, image.sha256, _center_m(job, row)
        elif job.image is not None and job.sha256 is not None:
            found = job.image, job.sha256, job.center_m
        else:
            continue
        file, sha256, center_m = found
        images.append(ElectronImage(job, file, folder / file, sha256, center_m))
    return sorted(images, key=lambda image: image.number)


def _center_m(job: Job, row: Exposure) -> tuple[float, float]:
    """Return the centre of the ground that an image shows: as exposed, else as planned.

    The ledger has it as fluorescence sees it: by the read-back of the stage, the calibration and the place
    that an overview has measured. Ground larger than the frame was swept by a stage that moved.
    """
    x0, y0, x1, y1 = row.rect_m
    size_m = x1 - x0, y1 - y0
    same = all(
        math.isclose(found, wanted, rel_tol=_SAME_SHARE)
        for found, wanted in zip(size_m, job.size_m, strict=True)
    )
    return center(row.rect_m) if same else job.center_m


def _grid(fields: Sequence[Field]) -> dict[str, tuple[int, int]]:
    """Return column and row of each field, rows from the top, or its number where two would share a place."""
    if not fields:
        return {}
    width_m = min(one.rect_m[2] - one.rect_m[0] for one in fields)
    height_m = min(one.rect_m[3] - one.rect_m[1] for one in fields)
    columns = _ranks([one.center_m[0] for one in fields], width_m / 2)
    rows = _ranks([-one.center_m[1] for one in fields], height_m / 2)
    places = list(zip(columns, rows, strict=True))
    if len(set(places)) < len(places):
        places = [(one.index, 0) for one in fields]
    return {one.id: place for one, place in zip(fields, places, strict=True)}


def _ranks(positions: Sequence[float], apart: float) -> list[int]:
    """Return the rank of each position; positions closer to the one before than `apart` share its rank."""
    order = sorted(range(len(positions)), key=positions.__getitem__)
    ranks = [0] * len(positions)
    for before, one in itertools.pairwise(order):
        ranks[one] = ranks[before] + (positions[one] - positions[before] > apart)
    return ranks
