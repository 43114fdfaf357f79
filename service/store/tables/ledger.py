"""The exposure ledger: intent before effect.

A row is committed before the beam is unblanked and closed when it is blanked again. Rows are never deleted,
and never changed once they are closed. A row found open after a crash means that the beam may have been on:
it becomes ``unknown``, its job ``needs_review``, and only a person queues it again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drivers.pose import RectM
from service import wording
from service.errors import IllegalTransitionError, UnknownIdError
from service.model.jobs import Exposure, ExposureState, JobState, ScanEnd
from service.store import ground, rows
from service.store.database import Database
from service.store.rows import to_json
from service.store.tables.queue import Queue

_ROWS = (
    "SELECT exposure.*, kind, dwell_s / (pixel_size_m * pixel_size_m) AS s_per_m2"
    " FROM exposure JOIN job ON job.id = exposure.job"
)

_PAGE = 1000
"""Rows that are in memory at a time where all are read."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """Exposures and jobs that a restart put in order.

    Attributes
    ----------
    unknown : tuple of Exposure
        Rows that were open.
    needs_review : tuple of str
        Jobs that need a decision: perhaps exposed, or exposed with their image lost.
    requeued : tuple of str
        Jobs that were armed, but certainly not exposed.
    to_verify : tuple of str
        Jobs whose image was written but not checked.
    """

    unknown: tuple[Exposure, ...]
    needs_review: tuple[str, ...]
    requeued: tuple[str, ...]
    to_verify: tuple[str, ...]


class Ledger:
    """Exposures of one run. Methods may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue = Queue(database)

    def arm(self, job_id: str, rect_m: RectM, halo_m: float) -> Exposure:
        """Record the intent to expose and arm the job; on the disk when this returns.

        The row of a frame that is taken again names the exposure that it repeats: one that is complete, and
        was not repeated before.

        Parameters
        ----------
        job_id : str
            A queued job.
        rect_m : RectM
            Ground to be scanned, by the read-back of the stage.
        halo_m : float
            Distance to which the beam destroys fluorescence around it, m.

        Raises
        ------
        IllegalTransitionError
            The job is not queued, or another exposure is open.
        UnknownIdError
        StoreError
            A frame would be taken again for an exposure that is not complete, or a second time for one.
        """
        with self._database.change() as connection:
            still_open = self.open_exposure()
            if still_open is not None:
                raise IllegalTransitionError(
                    f"job {job_id} cannot be armed: exposure {still_open.id} of {still_open.job} is open"
                )
            cursor = connection.execute(
                "INSERT INTO exposure (job, x0_m, y0_m, x1_m, y1_m, halo_m, state, opened_s, retake_of)"
                " SELECT id, ?, ?, ?, ?, ?, ?, ?, retake_of FROM job WHERE id = ?",
                (*rect_m, halo_m, ExposureState.OPEN.value, self._database.now_s(), job_id),
            )
            if cursor.rowcount != 1:
                raise UnknownIdError(f"there is no job {job_id}")
            exposure = self.exposure(int(cursor.lastrowid or 0))
            self._queue.transition(job_id, JobState.ARMED, exposure=exposure.id)
            return exposure

    def finish(self, exposure_id: int, end: ScanEnd, *, now: bool = True) -> Exposure:
        """Close an open row, and change the state of its job with it.

        Without `now` the time at which the scan ended is not known.

        Raises
        ------
        UnknownIdError
        IllegalTransitionError
            The row is not open; or it would be void, and its job neither queued nor given up.
        """
        void = end.state is ExposureState.VOID
        if void and end.job_state not in (JobState.QUEUED, JobState.NEEDS_REVIEW, JobState.FAILED):
            raise IllegalTransitionError(
                "a job that was refused goes to 'queued', 'needs_review' or 'failed', not to"
                f" '{end.job_state}'"
            )
        with self._database.change() as connection:
            old = self.exposure(exposure_id)
            if old.state is not ExposureState.OPEN:
                raise IllegalTransitionError(f"exposure {exposure_id} is '{old.state}', not open")
            x0, y0, x1, y1 = end.rect_m or old.rect_m
            closed_s = self._database.now_s() if now else None
            connection.execute(
                "UPDATE exposure SET state = ?, closed_s = ?, note = ?,"
                " x0_m = ?, y0_m = ?, x1_m = ?, y1_m = ?, beam_s = ? WHERE id = ?",
                (end.state.value, closed_s, end.note, x0, y0, x1, y1, end.beam_s, exposure_id),
            )
            self._queue.transition(old.job, end.job_state, reason=end.note, exposure=exposure_id)
            return self.exposure(exposure_id)

    def done(
        self,
        exposure_id: int,
        rect_m: RectM | None = None,
        beam_s: float | None = None,
        note: str | None = None,
    ) -> Exposure:
        """Close the row of a scan that ended well: its job is exposed; see `finish`."""
        end = ScanEnd(ExposureState.CLOSED, JobState.EXPOSED, note, rect_m, beam_s)
        return self.finish(exposure_id, end)

    def failed(self, exposure_id: int, note: str) -> Exposure:
        """Close the row of a scan that broke off: what it exposed is not known, its job needs review."""
        return self.finish(exposure_id, ScanEnd(ExposureState.UNKNOWN, JobState.NEEDS_REVIEW, note))

    def void(self, exposure_id: int, job_state: JobState, note: str) -> Exposure:
        """Close a row whose scan was refused with the beam blanked: nothing was exposed; see `finish`."""
        return self.finish(exposure_id, ScanEnd(ExposureState.VOID, job_state, note))

    def found(self, job_id: str, rect_m: RectM, halo_m: float, note: str) -> None:
        """Record an exposure that was never recorded; a job that is queued needs review.

        Raises
        ------
        UnknownIdError
        """
        with self._database.change() as connection:
            job = self._queue.job(job_id)
            connection.execute(
                "INSERT INTO exposure (job, x0_m, y0_m, x1_m, y1_m, halo_m, state, opened_s, note)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (job_id, *rect_m, halo_m, ExposureState.UNKNOWN.value, self._database.now_s(), note),
            )
            if job.state is JobState.QUEUED:
                self._queue.transition(job_id, JobState.NEEDS_REVIEW, reason=note)

    def open_exposure(self) -> Exposure | None:
        """Return the row that is open, None if there is none; there is never more than one."""
        # Written out, as SQLite uses a partial index only for what it can read.
        row = self._database.one(f"{_ROWS} WHERE exposure.state = '{ExposureState.OPEN.value}'")
        return None if row is None else rows.exposure(row)

    def exposure(self, exposure_id: int) -> Exposure:
        """Return the row of an identifier.

        Raises
        ------
        UnknownIdError
        """
        row = self._database.one(f"{_ROWS} WHERE exposure.id = ?", (exposure_id,))
        if row is None:
            raise UnknownIdError(f"there is no exposure {exposure_id}")
        return rows.exposure(row)

    def of_jobs(self, jobs: Sequence[str]) -> dict[str, list[Exposure]]:
        """Return the rows of some jobs, in order."""
        found: dict[str, list[Exposure]] = {}
        for row in self._database.all(
            f"{_ROWS} WHERE job IN (SELECT value FROM json_each(?)) ORDER BY exposure.id",
            (to_json(list(jobs)),),
        ):
            found.setdefault(row["job"], []).append(rows.exposure(row))
        return found

    def taken(self, job_id: str) -> int:
        """Return the number of rows of a job in which the beam was on, or may have been."""
        row = self._database.one(
            "SELECT COUNT(*) FROM exposure WHERE job = ? AND state <> ?", (job_id, ExposureState.VOID.value)
        )
        return 0 if row is None else int(row[0])

    def exposures(
        self, limit: int | None = None, after: int | None = None, job: str | None = None
    ) -> list[Exposure]:
        """Return rows in the order in which they were opened, after an identifier."""
        found = self._database.all(
            f"{_ROWS} WHERE {'TRUE' if job is None else 'job = ?'} AND exposure.id > ?"
            " ORDER BY exposure.id LIMIT ?",
            (*(() if job is None else (job,)), after or 0, -1 if limit is None else limit),
        )
        return [rows.exposure(row) for row in found]

    def each(self) -> Iterator[Exposure]:
        """Yield all rows in the order in which they were opened, some at a time in memory."""
        last = 0
        while page := self.exposures(limit=_PAGE, after=last):
            yield from page
            last = page[-1].id

    def dwell_times_s(self) -> Iterator[float]:
        """Yield the time under the beam that was planned for each complete exposure, s, in their order."""
        last = 0
        while page := self._database.all(
            "SELECT exposure.id, exposure.state, width_px, height_px, dwell_s FROM exposure"
            " JOIN job ON job.id = exposure.job WHERE exposure.id > ? ORDER BY exposure.id LIMIT ?",
            (last, _PAGE),
        ):
            for row in page:
                if row["state"] == ExposureState.CLOSED:
                    yield row["width_px"] * row["height_px"] * row["dwell_s"]
            last = page[-1]["id"]

    def in_section(self, section: str) -> list[Exposure]:
        """Return the rows of the jobs of a section, in order."""
        return [
            rows.exposure(row)
            for row in self._database.all(f"{_ROWS} WHERE job.section = ? ORDER BY exposure.id", (section,))
        ]

    def exposed_rects(self, touching: RectM | None = None) -> list[tuple[RectM, float]]:
        """Return exposed ground with its halo, m: all rows but the void ones.

        Parameters
        ----------
        touching : RectM, optional
            Only exposures that reach this ground, halo included; touching edges count.
        """
        sql = f"{_ROWS} WHERE exposure.state <> ?"
        values: tuple[object, ...] = (ExposureState.VOID.value,)
        if touching is not None:
            condition, edges = ground.exposed(touching)
            sql += f" AND {condition}"
            values = (*values, *edges)
        found = [rows.exposure(row) for row in self._database.all(sql + " ORDER BY exposure.id", values)]
        return [(exposure.rect_m, exposure.halo_m) for exposure in found]

    def recover(self) -> Recovered:
        """Put in order what an earlier process left.

        Raises
        ------
        StoreError
            The database cannot be written; nothing changed.
        """
        with self._database.change():
            unknown, review, requeued = [], [], []
            maybe_exposed = wording.maybe_exposed_at_restart()
            exposure = self.open_exposure()
            if exposure is not None:
                end = ScanEnd(ExposureState.UNKNOWN, JobState.NEEDS_REVIEW, maybe_exposed)
                unknown.append(self.finish(exposure.id, end, now=False))
                review.append(exposure.job)
            for job in self._queue.jobs(JobState.ARMED):
                # Should not happen: job and row change together. With void rows only, the beam was never on.
                if any(e.state is not ExposureState.VOID for e in self.exposures(job=job.id)):
                    self._queue.transition(job.id, JobState.NEEDS_REVIEW, reason=maybe_exposed)
                    review.append(job.id)
                else:
                    self._queue.transition(job.id, JobState.QUEUED)
                    requeued.append(job.id)
            for job in self._queue.jobs(JobState.EXPOSED):
                self._queue.transition(job.id, JobState.NEEDS_REVIEW, reason=wording.image_lost_at_restart())
                review.append(job.id)
            written = self._queue.jobs(JobState.SAVED)
            return Recovered(tuple(unknown), tuple(review), tuple(requeued), tuple(job.id for job in written))
