"""Images of exposures that the ledger does not know, as where the database is an older copy."""

import re
from collections import Counter
from pathlib import Path

from config.model import Config
from planner.geometry.rects import grown
from service import wording
from service.errors import InputError
from service.model.jobs import ExposureState
from service.session.folders.run_folder import RunFolder
from service.session.stage_frame import StageFrame
from service.store.store import Store

_IMAGE = re.compile(r"(J\d+)(?:-(\d+))?\.ome\.tiff(\.part)?")


def record_unrecorded(config: Config, folder: RunFolder, store: Store) -> tuple[str, ...]:
    """Put the ground of images without an exposure into the ledger; their jobs need review.

    A database that was restored from a backup, or whose log was cut, has lost its last exposures. Their
    images are still there.

    Returns
    -------
    tuple of str
        The jobs.

    Raises
    ------
    InputError
        There are images of jobs that are not in the database: its plan is another one.
    StoreError
    """
    images = _images(folder.path / "em")
    if not images:
        return ()
    known = {job.id: job for job in store.queue.jobs()}
    unknown = [path for path, job, _ in images if job not in known]
    if unknown:
        raise InputError(
            f"{folder.store}: does not know {len(unknown)} of the electron images in this folder"
            f" ({wording.some([path.name for path in unknown])}): it is an older copy, and their ground is"
            " exposed; restore the latest database, or begin a new run"
        )
    exposed = Counter(row.job for row in store.ledger.exposures() if row.state is not ExposureState.VOID)
    frame = StageFrame.of(config)
    off_m = frame.position_error_m + config.stage.arrival_tolerance_um * 1e-6
    # The second image of a job is that of its second exposure.
    found = tuple(dict.fromkeys(job for _, job, take in images if take > exposed[job]))
    with store.transaction():
        for job in found:
            rect_m = grown(known[job].rect_m, off_m)
            store.ledger.found(job, rect_m, frame.halo_m, wording.image_without_exposure())
    return found


def _images(folder: Path) -> list[tuple[Path, str, int]]:
    """Return the images in a folder, each with its job and the number of the exposure."""
    named = ((_IMAGE.fullmatch(path.name), path) for path in sorted(folder.glob("*/J*")))
    return [(path, match[1], int(match[2] or 1)) for match, path in named if match is not None]
