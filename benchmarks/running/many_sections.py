"""A finished run of 100 sections, made from one section of a dry run: images linked, all else moved."""

import os
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from config.loading import dump, load
from detection.detect import detect
from detection.image.hits import Detection
from drivers.pose import RectM
from service.cli.commands import run as ilemtrack
from service.image_files.images import read_fm
from service.model.jobs import Job, JobState
from service.model.phases import SessionEvent
from service.model.specimen import Cell, Field, FieldCells, FieldState
from service.pictures.overlay import draw_overlay, write_png
from service.pictures.saving import save_or_log
from service.session.folders.run_folder import RunFolder, RunInfo, create, open_existing
from service.store.store import Store

SECTIONS = 100
_PITCH_M = 200e-6
_BEGIN = (
    SessionEvent.START,
    SessionEvent.PREFLIGHT_PASSED,
    SessionEvent.PARTIAL_VACUUM_REACHED,
    SessionEvent.FLUORESCENCE_COMPLETE,
    SessionEvent.HIGH_VACUUM_REACHED,
)


@dataclass(frozen=True, slots=True)
class Many:
    """The run; `detection` is that of every frame."""

    folder: RunFolder
    info: RunInfo
    jobs: int
    fields: tuple[Field, ...]
    detection: Detection

    def draw_overlays(self) -> None:
        """Draw every section with its cells, as a session does."""
        for field in self.fields:
            save_or_log(self.folder.pictures, field.section, partial(self._draw, field))

    def _draw(self, field: Field, path: Path) -> None:
        pixels, pose, _ = read_fm(self.folder.path / str(field.image), field.sha256)
        write_png(path, draw_overlay(pixels, self.detection, pose.pixel_size_m[0] * 1e6))


def repeated(folder: Path) -> Many:
    """Make the run in a folder: a section of the default profile, 100 times beside each other."""
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        ilemtrack(["dry-run", "--sections", "1", "--fields", "1", "--out", str(folder / "one"), "--json"])
    one, _ = open_existing(folder / "one")
    config = load("simulator")
    many, info = create(folder / "many", "dry-run", "fast", dump(config))
    with closing(Store.open(one.store)) as old:
        (field,) = old.specimen.fields()
        pixels, pose, offset_adu = read_fm(one.path / str(field.image), field.sha256)
        found = detect(pixels, pose.pixel_size_m[0] * 1e6, config.detection, offset_adu)
        store = Store.create(many.store, info.run, dump(config), "dry-run")
        with closing(store), store.transaction():
            sections = old.specimen.sections()
            copies = [_Copy(n, many, one) for n in range(SECTIONS)]
            fields = [copy.field(field) for copy in copies]
            store.specimen.add_sections(
                [replace(sections[0], id=copy.section, index=copy.n) for copy in copies], fields
            )
            for event in _BEGIN:
                store.apply(event)
            for copy, new in zip(copies, fields, strict=True):
                copy.fill(store, old, field, new)
            store.apply(SessionEvent.ELECTRON_COMPLETE)
            fields = store.specimen.fields()
            jobs = len(store.queue.jobs(JobState.DONE))
    return Many(many, info, jobs, tuple(fields), found)


@dataclass(frozen=True, slots=True)
class _Copy:
    """The section, at another place of the array."""

    n: int
    folder: RunFolder
    of: RunFolder

    @property
    def section(self) -> str:
        return f"S{self.n + 1:04d}"

    def _rect(self, rect_m: RectM) -> RectM:
        dx, dy = self._moved((0.0, 0.0))
        return rect_m[0] + dx, rect_m[1] + dy, rect_m[2] + dx, rect_m[3] + dy

    def _moved(self, point_m: tuple[float, float]) -> tuple[float, float]:
        return point_m[0] + self.n % 10 * _PITCH_M, point_m[1] - self.n // 10 * _PITCH_M

    def _named(self, name: str) -> str:
        return self.section + name[5:]

    def _job_name(self, job: Job, jobs: int) -> str:
        return f"J{self.n * jobs + int(job.id[1:]):06d}"

    def _link(self, image: str, name: Path) -> str:
        name.parent.mkdir(parents=True, exist_ok=True)
        os.link(self.of.path / image, name)
        return self.folder.relative(name)

    def field(self, field: Field) -> Field:
        return Field(
            self._named(field.id), self.section, 0, self._moved(field.center_m), self._rect(field.rect_m)
        )

    def fill(self, store: Store, old: Store, field: Field, new: Field) -> None:
        assert field.frame is not None
        pose = replace(field.frame.pose, center_m=self._moved(field.frame.pose.center_m))
        image = self._link(str(field.image), self.folder.fm_image(new.id))
        frame = replace(field.frame, pose=pose)
        store.specimen.set_field(
            new.id, FieldState.SAVED, rect_m=new.rect_m, image=image, sha256=field.sha256, frame=frame
        )
        cells = old.specimen.cells()
        store.tracks.record_section(
            [FieldCells(new.id, tuple(self._cell(cell, new) for cell in cells), 10.0)], ()
        )
        jobs = old.queue.jobs()
        store.queue.add_plan(
            self.section,
            [self._job(job, len(jobs)) for job in jobs],
            {self._named(cell.id): cell.skipped for cell in cells if cell.skipped is not None},
        )
        for job in jobs:
            name = self._job_name(job, len(jobs))
            row = store.ledger.arm(name, self._rect(job.rect_m), 0.5e-6)
            store.ledger.done(row.id, beam_s=job.beam_s)
            image = self._link(str(job.image), self.folder.em_image(self.section, name))
            store.queue.set_state(name, JobState.SAVED, image=image, sha256=job.sha256)
            store.queue.set_state(name, JobState.DONE)

    def _cell(self, cell: Cell, new: Field) -> Cell:
        to_image = None if cell.image_rect_m is None else self._rect(cell.image_rect_m)
        return replace(
            cell,
            id=self._named(cell.id),
            field=new.id,
            section=self.section,
            rect_m=self._rect(cell.rect_m),
            image_rect_m=to_image,
            jobs=(),
            skipped=None,
            tracks=(),
        )

    def _job(self, job: Job, jobs: int) -> Job:
        return replace(
            job,
            id=self._job_name(job, jobs),
            section=self.section,
            position=self.n * 1000 + job.position,
            rect_m=self._rect(job.rect_m),
            center_m=self._moved(job.center_m),
            covers=tuple(map(self._named, job.covers)),
            state=JobState.QUEUED,
            reason=None,
            image=None,
            sha256=None,
        )
