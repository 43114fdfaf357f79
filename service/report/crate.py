"""The folder of a run as an RO-Crate (https://w3id.org/ro/crate): its files, and what each comes from.

Repositories such as Zenodo and WorkflowHub read it. Terms are those of schema.org: each image is the result
of a ``CreateAction`` with the program and the microscope as its instruments; that of an electron image has
the fluorescence of its cells as its objects.
"""

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from config.model import Config
from service.model.event import Event
from service.model.jobs import JobKind
from service.session.folders.run_folder import RunFolder, RunInfo
from service.session.hardware import microscope_name
from service.store.durable import write_text
from service.store.store import Store
from service.words.checks import bad_says
from service.words.states import FIELDS, JOBS

NAME = "ro-crate-metadata.json"
_FILES = {
    "config.yaml": ("settings of the run", "application/yaml"),
    "session.sqlite": ("fields, cells, jobs, exposures and events", "application/vnd.sqlite3"),
    "report.html": ("report of the run", "text/html"),
}
_IMAGES = {
    JobKind.FRAME: "electron image",
    JobKind.FOCUS: "electron image of a focus",
    JobKind.OVERVIEW: "electron overview",
}


def write_crate(folder: RunFolder, info: RunInfo, config: Config) -> Path:
    """Write the metadata of an RO-Crate into the folder of a run, which then is one; return its path.

    The run may be under way: later images are added the next time.

    Parameters
    ----------
    folder : RunFolder
    info : RunInfo
    config : Config
        Of the run.

    Raises
    ------
    StoreError
        The database cannot be read.
    OSError
        The file cannot be written.
    """
    from rocrate.rocrate import ROCrate

    # The version that most repositories read.
    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms["sha256"] = "https://schema.org/sha256"
    crate.name = f"ilemtrack {info.kind} {info.run}"
    crate.description = "Fluorescence and electron images of serial sections, and the record of their making."
    with closing(Store.open(folder.store)) as store:
        _Crate(crate, folder, info, config).fill(store)
    path = folder.path / NAME
    write_text(path, json.dumps(crate.metadata.generate(), indent=1, ensure_ascii=False) + "\n")
    return path


class _Crate:
    """A crate, and what all of its entities refer to."""

    def __init__(self, crate: Any, folder: RunFolder, info: RunInfo, config: Config) -> None:
        self._crate, self._folder = crate, folder
        version = {} if info.program is None else {"version": info.program}
        program = self._entity("#ilemtrack", "SoftwareApplication", name="ilemtrack", **version)
        name = microscope_name(config, info.kind)
        self._instruments = [program, self._entity("#microscope", "IndividualProduct", name=name)]
        self._settings: list[Any] = []
        self._actions: list[Any] = []

    def fill(self, store: Store) -> None:
        """Add all files of the run, and the origin of its images."""
        for file, (what, kind) in _FILES.items():
            if (self._folder.path / file).is_file():
                entity = self._file(file, name=what, encodingFormat=kind)
                self._settings += [entity] if file == "config.yaml" else []
        saved = {one.subject: one.at for one in store.events.of("field") if one.data.get("to") == "saved"}
        frames = {}
        for field in store.specimen.fields():
            if field.image is not None:
                frames[field.id] = self._image(field.image, field.sha256, f"fluorescence of {field.id}")
                self._act(field.id, FIELDS[field.state], [], frames[field.id], saved.get(field.id))
        self._fill_electrons(store, frames)
        self._crate.root_dataset["mentions"] = self._actions

    def _fill_electrons(self, store: Store, frames: Mapping[str, Any]) -> None:
        """Add the electron images, also the bad ones of frames that were taken again."""
        ended: dict[str, list[Event]] = {}
        for event in store.events.of("job"):
            if event.data.get("to") == "exposed":
                ended.setdefault(event.subject, []).append(event)
        fields = {cell.id: cell.field for cell in store.specimen.cells()}
        jobs = [job for job in store.queue.jobs() if job.image is not None]
        taken = store.images.of_jobs([job.id for job in jobs])
        for job in jobs:
            of = ", ".join(job.covers)
            what = f"{_IMAGES[job.kind]} {job.id}" + (f" of {of}" if of else "")
            shown = dict.fromkeys(fields[cell] for cell in job.covers if cell in fields)
            seen = [frames[name] for name in shown if name in frames]
            scans = ended.get(job.id, [])
            at = {event.data.get("exposure"): event.at for event in scans}
            last = next((one for one in taken.get(job.id, ()) if one.file == job.image), None)
            when = at.get(last.exposure) if last is not None else scans[-1].at if scans else None
            image = self._image(str(job.image), job.sha256, what)
            self._act(job.id, JOBS[job.state], seen, image, when)
            for one in taken.get(job.id, ()):
                if one is not last:
                    image = self._image(one.file, one.sha256, f"earlier {what}")
                    says = bad_says(one.bad) or "exposed again"
                    self._act(f"{job.id}-exposure-{one.exposure}", says, seen, image, at.get(one.exposure))

    def _image(self, file: str, sha256: str | None, what: str) -> Any:
        known = {} if sha256 is None else {"sha256": sha256}
        return self._file(file, name=what, encodingFormat="image/tiff", **known)

    def _file(self, file: str, **properties: str) -> Any:
        path = self._folder.path / file
        if path.is_file():
            properties["contentSize"] = str(path.stat().st_size)
        return self._crate.add_file(dest_path=file, properties=properties)

    def _act(self, name: str, state: str, objects: list[Any], result: Any, at: str | None) -> None:
        """Add the action that an image is the result of."""
        when = {} if at is None else {"endTime": at}
        named = f"acquisition of {name}"
        action = self._entity(f"#{name}", "CreateAction", name=named, description=state, **when)
        action["instrument"], action["result"] = self._instruments, result
        action["object"] = self._settings + objects
        self._actions.append(action)

    def _entity(self, identifier: str, kind: str, **properties: str) -> Any:
        from rocrate.model.contextentity import ContextEntity

        return self._crate.add(
            ContextEntity(self._crate, identifier, properties={"@type": kind, **properties})
        )
