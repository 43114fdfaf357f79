"""Electron images of one run with their checks, and frames that are taken again, as their image is bad."""

from collections.abc import Collection, Sequence

from pydantic_core import from_json

from service.errors import IllegalTransitionError
from service.model.images.checks import Check, CheckedImage, CheckKind, ImageCounts
from service.model.jobs import HoldCause, Job, JobKind, JobState
from service.store import rows
from service.store.database import Database
from service.store.rows import to_json
from service.store.tables.queue import Queue

_ROWS = "SELECT em_image.*, retake_of FROM em_image JOIN exposure ON exposure.id = em_image.exposure"
_BY_IMAGE = "em_image CROSS JOIN job ON job.id = em_image.job"
"""Reads the images in order, and ends once there are enough: fast where most are wanted."""
_BY_JOB = "job CROSS JOIN em_image ON em_image.job = job.id"
"""Reads the images of the jobs that an index finds: fast where few are wanted."""


class ImageStore:
    """Electron images. Each change is one transaction; methods may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue = Queue(database)

    def add(self, image: CheckedImage) -> None:
        """Record an image that is on the disk, with its event.

        Raises
        ------
        StoreError
            There is no such exposure or job, or the exposure has an image.
        """
        with self._database.change() as connection:
            connection.execute(
                "INSERT INTO em_image (exposure, job, file, sha256, checks, bad, noise, sharpness)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (image.exposure, image.job, image.file, image.sha256, rows.checks(image.checks),
                 _bad(image.checks), image.noise, image.sharpness),
            )  # fmt: skip
            if image.bad:
                self._note(image)

    def judge(self, image: CheckedImage, check: Check) -> None:
        """Add a check that could not be made when the image was taken, with an event if it is bad."""
        judged = (*(one for one in image.checks if one.kind is not check.kind), check)
        with self._database.change() as connection:
            connection.execute(
                "UPDATE em_image SET checks = ?, bad = ? WHERE exposure = ?",
                (rows.checks(judged), _bad(judged), image.exposure),
            )
            if check.bad:
                self._note(image, check)

    def of_jobs(self, jobs: Sequence[str]) -> dict[str, tuple[CheckedImage, ...]]:
        """Return the images of some jobs, in the order in which they were taken."""
        found: dict[str, list[CheckedImage]] = {}
        for row in self._database.all(
            f"{_ROWS} WHERE em_image.job IN (SELECT value FROM json_each(?)) ORDER BY em_image.exposure",
            (to_json(list(jobs)),),
        ):
            found.setdefault(row["job"], []).append(rows.checked_image(row))
        return {job: tuple(images) for job, images in found.items()}

    def latest(self, job: str) -> CheckedImage | None:
        """Return the last image of a job; None where it has none, or was taken by an earlier version."""
        images = self.of_jobs([job]).get(job)
        return images[-1] if images else None

    def like(self, job: Job, limit: int, section: str | None = None) -> list[CheckedImage]:
        """Return the last images of other jobs with the same scan settings, of a section or of all."""
        few = section is not None or job.kind is JobKind.FOCUS
        # The kind is written out, as SQLite uses a partial index only for what it can read.
        kind = f"job.kind = '{job.kind.value}'"
        where, of = (kind, ()) if section is None else (f"{kind} AND job.section = ?", (section,))
        found = self._database.all(
            f"SELECT em_image.*, exposure.retake_of FROM {_BY_JOB if few else _BY_IMAGE}"
            " CROSS JOIN exposure ON exposure.id = em_image.exposure"
            f" WHERE {where} AND job.id <> ?"
            " AND ABS(job.pixel_size_m - ?) <= 1e-6 * ? AND ABS(job.dwell_s - ?) <= 1e-6 * ?"
            " ORDER BY em_image.exposure DESC LIMIT ?",
            (*of, job.id, *[job.pixel_size_m] * 2, *[job.dwell_s] * 2, limit),
        )
        return [rows.checked_image(row) for row in found]

    def of_section(self, section: str, pixel_size_m: float, dwell_s: float) -> list[CheckedImage]:
        """Return the images of the frames of a section with some scan settings, in order."""
        found = self._database.all(
            f"SELECT em_image.*, exposure.retake_of FROM {_BY_JOB}"
            " CROSS JOIN exposure ON exposure.id = em_image.exposure"
            " WHERE job.kind = 'frame' AND job.section = ?"
            " AND ABS(job.pixel_size_m - ?) <= 1e-6 * ? AND ABS(job.dwell_s - ?) <= 1e-6 * ?"
            " ORDER BY em_image.exposure",
            (section, *[pixel_size_m] * 2, *[dwell_s] * 2),
        )
        return [rows.checked_image(row) for row in found]

    def since(self, exposure: int) -> list[CheckedImage]:
        """Return the images of exposures after one, in order."""
        found = self._database.all(
            f"{_ROWS} WHERE em_image.exposure > ? ORDER BY em_image.exposure", (exposure,)
        )
        return [rows.checked_image(row) for row in found]

    def files(self) -> list[str]:
        """Return the files of all images that count as saved, fluorescence first, relative to the run."""
        found = self._database.all(
            "SELECT image FROM field WHERE state IN ('saved', 'detected', 'planned')"
            " UNION SELECT image FROM job WHERE image IS NOT NULL AND state <> 'failed'"
            " UNION SELECT file FROM em_image JOIN job ON job.id = em_image.job WHERE state <> 'failed'"
        )
        return sorted((row[0] for row in found), key=lambda file: (file.startswith("em/"), file))

    def retakes(self) -> list[tuple[CheckedImage, CheckedImage]]:
        """Return the images of frames that were taken again, each with the one before it, in order."""
        found = self._database.all(
            f"{_ROWS} WHERE em_image.exposure IN (SELECT id FROM exposure WHERE retake_of IS NOT NULL"
            " UNION SELECT retake_of FROM exposure WHERE retake_of IS NOT NULL) ORDER BY em_image.exposure"
        )
        images = {one.exposure: one for one in map(rows.checked_image, found)}
        return [
            (images[one.retake_of], one)
            for one in images.values()
            if one.retake_of is not None and one.retake_of in images
        ]

    def hold_for_retake(self, job_id: str, exposure: int, reason: str) -> Job:
        """Hold a frame that was saved until it is taken again for the image of an exposure.

        Raises
        ------
        UnknownIdError
        IllegalTransitionError
            The job is not saved, or no frame.
        """
        with self._database.change() as connection:
            old = self._queue.job(job_id)
            if old.state is not JobState.SAVED or old.kind is not JobKind.FRAME:
                raise IllegalTransitionError(
                    f"job {job_id} is '{old.state}': only a saved frame is taken again"
                )
            self._queue.transition(
                job_id, JobState.HELD, reason=reason, hold_cause=HoldCause.RETAKE, exposure=exposure
            )
            connection.execute("UPDATE job SET retake_of = ? WHERE id = ?", (exposure, job_id))
            return self._queue.job(job_id)

    def waiting(self) -> list[Job]:
        """Return the jobs that are held to be taken again, in the order of the queue."""
        found = self._database.all(
            "SELECT id FROM job WHERE state = 'held' AND hold_cause = 'retake' ORDER BY position"
        )
        return [self._queue.job(row["id"]) for row in found]

    def flagged(self) -> list[CheckedImage]:
        """Return the last images of jobs that are not as they should be, in the order of the first ones."""
        found = self._database.all(
            f"{_ROWS} WHERE em_image.bad <> '[]' AND em_image.exposure ="
            " (SELECT MAX(one.exposure) FROM em_image one WHERE one.job = em_image.job)"
            " ORDER BY (SELECT MIN(one.exposure) FROM em_image one WHERE one.job = em_image.job)"
        )
        return [rows.checked_image(row) for row in found]

    def counts(self) -> ImageCounts:
        """Return the checks of all images, counted."""
        bad: dict[CheckKind, int] = {}
        for row in self._database.all(
            "SELECT bad, COUNT(*) AS n FROM em_image WHERE bad <> '[]' GROUP BY bad"
        ):
            for kind in map(CheckKind, from_json(row["bad"])):
                bad[kind] = bad.get(kind, 0) + row["n"]
        again = self._database.one(
            "SELECT COUNT(*) AS n FROM exposure WHERE retake_of IS NOT NULL AND state <> 'void'"
        )
        waiting = self._database.one(
            "SELECT COUNT(*) AS n FROM job WHERE retake_of IS NOT NULL AND state <> 'armed'"
        )
        return ImageCounts(
            {kind: bad[kind] for kind in CheckKind if kind in bad},
            0 if again is None else again["n"],
            0 if waiting is None else waiting["n"],
        )

    def _note(self, image: CheckedImage, check: Check | None = None) -> None:
        bad = image.bad if check is None else (check,)
        numbers = {one.kind.value: one.value for one in bad}
        self._database.log(
            "image", image.job, {"exposure": image.exposure, "file": image.file, "bad": numbers}
        )


def _bad(checks: Collection[Check]) -> str:
    return to_json(sorted(one.kind.value for one in checks if one.bad))
