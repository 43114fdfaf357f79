"""Items of an export that workers write ahead, each in a folder of its own."""

import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from service.cluster.workers import Lost, Workers
from service.errors import ImageError
from service.export.contents import LeftOutImage
from service.export.folder import ExportFolder, sync_all
from service.export.items import Item

Write = Callable[[Path], Sequence[LeftOutImage] | None]


def written_ahead(items: Sequence[Item], target: ExportFolder, workers: Workers) -> dict[str, Write]:
    """Return, for each item of images that is not there, a function to call in its place, in their order.

    Items of metadata are left out: they are made in no time, of those before them.

    Parameters
    ----------
    items : sequence of Item
    target : ExportFolder
    workers : Workers
        They need the folders of the run and of the export under the same paths.
    """
    missing = [item for item in items if item.pixel_bytes and not target.has(item.path, item.fingerprint())]
    results = workers.each(partial(_write, target.work, workers.elsewhere), [item.write for item in missing])
    return {item.path: partial(_take, results) for item in missing}


def _write(work: Path, elsewhere: bool, write: Write) -> tuple[Path, Sequence[LeftOutImage]] | str:
    """Write an item, on a worker; return its place, and what it leaves out, or why it cannot be written."""
    if elsewhere and not work.is_dir():
        return (
            f"{work}: is not seen by a worker, which needs the folders of run and export under the same paths"
        )
    # Of its own for each try: a worker that was given up may still be writing.
    folder = work / uuid.uuid4().hex
    folder.mkdir()
    part = folder / "new"
    try:
        left_out = write(part) or ()
    except ImageError as error:
        return str(error)
    sync_all(part)
    return part, left_out


def _take(
    results: Iterator[tuple[Path, Sequence[LeftOutImage]] | str | Lost], part: Path
) -> Sequence[LeftOutImage]:
    """Move the next item that a worker has written to where the export wants it."""
    found = next(results)
    if isinstance(found, Lost):
        raise ImageError(found.says)
    if isinstance(found, str):
        raise ImageError(found)
    written, left_out = found
    written.rename(part)
    shutil.rmtree(written.parent, ignore_errors=True)
    return left_out
