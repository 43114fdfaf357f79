"""Electron images that are thrown away once their job is done: an array of them needs tens of gigabytes."""

import json
from pathlib import Path

from benchmarks.array.samples import append
from service.model.jobs import JobState
from service.session.folders.run_folder import RunFolder
from service.store.store import Store

_KEPT = 100
"""Images that stay, the newest: those that come are compared with what lies beside them."""
_EVERY = 50
"""Calls between two looks into the folders of all sections."""


class Unkept:
    """Removes older images of finished jobs, which were saved and read back; the size of each stays known."""

    def __init__(self, folder: RunFolder, file: Path) -> None:
        self._folder, self._file = folder, file
        self._calls = 0

    def __call__(self, store: Store) -> None:
        """Remove what is there now but the newest; images that a person has to look at stay."""
        self._calls += 1
        if self._calls % _EVERY:
            return
        there = (self._folder.path / "em").glob("*/*.ome.tiff")
        for path in sorted(there, key=lambda path: path.stat().st_mtime_ns)[:-_KEPT]:
            if store.queue.job(job_of(path.name)).state is JobState.DONE:
                append(self._file, {"image": path.name, "bytes": path.stat().st_size})
                path.unlink()


def job_of(image: str) -> str:
    """Return the job of an image; those of a frame that was taken again have a number behind it."""
    return image.removesuffix(".ome.tiff").partition("-")[0]


def removed_bytes(file: Path) -> int:
    """Return the size of all images that were removed."""
    if not file.exists():
        return 0
    lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return sum({line["image"]: int(line["bytes"]) for line in lines}.values())
