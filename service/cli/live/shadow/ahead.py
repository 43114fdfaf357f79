"""Workers that look at the frames of a replay before it begins, as the command line asks for them."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rich.progress import Progress

from config.layout import listed_sections
from config.model import Config
from detection.detectors import Detector
from service.analysis.detectors import open_detector
from service.batch.ahead import Ahead, RecordedFile, SavedFile, answered_ahead
from service.batch.frames import list_archive
from service.cli.consoles import people
from service.cli.output import tell
from service.cluster.forking import prepare_workers
from service.cluster.opening import opened_workers
from service.cluster.workers import Here
from service.model.specimen import Field, FieldState
from service.session.folders.run_folder import Recorded, RunFolder
from service.session.setup import Setup
from service.store.store import Store

_OF_WORKERS = ("service.batch.ahead",)


def ahead_of_shadow(
    folder: RunFolder, scheduler: str | None, workers: int | None
) -> Callable[[Config, Store], Detector] | None:
    """Return what has workers look at the saved fields of a run; None where nobody asks for workers."""
    if not _asked(scheduler, workers):
        return None
    prepare_workers(workers, scheduler, _OF_WORKERS)
    path = folder.path.absolute()

    def ahead(config: Config, store: Store) -> Detector:
        fields = [
            (field, SavedFile(path / field.image, field.sha256))
            for section in store.specimen.sections()
            for field in store.specimen.fields(section=section.id, state=FieldState.SAVED)
            if field.image is not None
        ]
        return _answered(config, _by_section(config, fields), scheduler, workers)

    return ahead


def ahead_of_replay(
    recorded: Recorded, scheduler: str | None, workers: int | None
) -> Callable[[Config, Setup], Detector] | None:
    """Return what has workers look at recorded frames; None where nobody asks for workers."""
    if not _asked(scheduler, workers):
        return None
    prepare_workers(workers, scheduler, _OF_WORKERS)

    def ahead(config: Config, setup: Setup) -> Detector:
        paths = [Path(path) for path in recorded.images]
        frames = list_archive(paths, recorded.pixel_size_nm, recorded.channel, Here()).frames
        fields = [(field, RecordedFile(one)) for field, one in zip(setup.fields, frames, strict=True)]
        return _answered(config, _by_section(config, fields), scheduler, workers)

    return ahead


def _asked(scheduler: str | None, workers: int | None) -> bool:
    return scheduler is not None or (workers or 1) > 1


def _by_section(config: Config, fields: Sequence[tuple[Field, SavedFile | RecordedFile]]) -> list[Ahead]:
    """Return the fields of each section, in the order of the sections."""
    angles = {
        one.id: math.radians(one.angle_deg)
        for one in listed_sections(config.layout)
        if one.angle_deg is not None
    }
    sections: dict[str, list[tuple[Field, SavedFile | RecordedFile]]] = {}
    for one in fields:
        sections.setdefault(one[0].section, []).append(one)
    return [Ahead(tuple(own), angles.get(name)) for name, own in sections.items()]


def _answered(
    config: Config, sections: Sequence[Ahead], scheduler: str | None, workers: int | None
) -> Detector:
    detector = open_detector(config.detection)
    with (
        opened_workers(scheduler, workers, tell) as others,
        Progress(console=people, transient=True, disable=not people.is_terminal) as bar,
    ):
        task = bar.add_task("detecting", total=len(sections))
        return answered_ahead(config, sections, others, detector, partial(bar.advance, task))
