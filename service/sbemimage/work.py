"""Frames to image: those of a run that has ended, or of plans in a folder; read anew for each answer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from config.loading import parse
from drivers.pose import FmToSem
from planner.geometry.rects import RectM, centered
from service.errors import InputError
from service.input_files import read_json
from service.mapping.lists.files import read_list
from service.model.jobs import Job, JobKind, JobState
from service.model.phases import FINAL
from service.model.specimen import FieldState
from service.sbemimage.values import Frame, Work
from service.session.folders.database_copy import opened_copy
from service.session.folders.run_folder import RunFolder
from service.store.connection import read_origin

_FINISHED = (FieldState.PLANNED, FieldState.FAILED)
_MOST_PLAN_BYTES = 50_000_000


class Source(Protocol):
    """Source of frames."""

    def read(self) -> Work:
        """Read the frames as they are now.

        Raises
        ------
        InputError, StoreError
        """
        ...


@dataclass(frozen=True, slots=True)
class RunSource:
    """Frames that a run has planned and not imaged.

    Attributes
    ----------
    folder : RunFolder
    as_sem_sees : bool
        Positions are those at which the SEM shows the frames, by the run's calibration; else those of
        fluorescence.
    """

    folder: RunFolder
    as_sem_sees: bool

    def read(self) -> Work:
        """Read the jobs that are queued: what a person has skipped or holds is not imaged here either."""
        with opened_copy(self.folder) as store:
            unfinished = [one.id for one in store.specimen.fields() if one.state not in _FINISHED]
            jobs = [one for one in store.queue.jobs(state=JobState.QUEUED) if one.kind is JobKind.FRAME]
            at_work = store.status().phase not in FINAL
            yaml = read_origin(store.folder / self.folder.store.name).config_yaml
        calibration = FmToSem.of(parse(yaml, str(self.folder.store)).calibration)
        frames = (Frame(one.section, one.id, self._rect(one, calibration)) for one in jobs)
        return Work(tuple(frames), tuple(unfinished), at_work)

    def _rect(self, job: Job, calibration: FmToSem) -> RectM:
        if not self.as_sem_sees:
            return job.rect_m
        x, y = calibration.to_sem(np.array([job.center_m]))[0].tolist()
        return centered((x, y), job.size_m)


@dataclass(frozen=True, slots=True)
class PlansSource:
    """Frames of documents of ``ilemtrack plan --json``, one file for each section, named as it: S0001.json.

    Attributes
    ----------
    folder : Path
    sections : Path or None
        Section list: each of its sections needs a plan. Without one, those that are there are all.
    """

    folder: Path
    sections: Path | None = None

    def read(self) -> Work:
        """Read the plans; a section whose plan is not there has no finished fluorescence."""
        files = {
            one.stem: one for one in self.folder.glob("*.json") if one.is_file() and one != self.sections
        }
        wanted = (
            list(files) if self.sections is None else [one.id for one in read_list(self.sections).sections]
        )
        if not wanted:
            raise InputError(f"{self.folder}: holds no plans; put one for each section there, as S0001.json")
        stray = sorted(set(files) - set(wanted))
        if stray:
            raise InputError(f"{files[stray[0]]}: {self.sections} has no section {stray[0]}")
        missing = [name for name in wanted if name not in files]
        planned = sorted(set(wanted) - set(missing))
        frames = [frame for name in planned for frame in _frames(name, files[name])]
        return Work(tuple(frames), tuple(missing))


def _frames(section: str, path: Path) -> list[Frame]:
    document = read_json(path, _MOST_PLAN_BYTES)
    try:
        frames = [Frame(section, str(one["id"]), _rect(one["rect_m"])) for one in document["frames"]]
        if document["v"] != 1 or len({one.id for one in frames}) < len(frames):
            raise ValueError
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{path}: is no plan; it must be what `ilemtrack plan --json` prints") from None
    return frames


def _rect(value: Any) -> RectM:
    x0, y0, x1, y1 = (float(side) for side in value)
    # Also refuses what is no number: a stage has no 10 m.
    if not (-10 < x0 < x1 < 10 and -10 < y0 < y1 < 10):
        raise ValueError
    return x0, y0, x1, y1
