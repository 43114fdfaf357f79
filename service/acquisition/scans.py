"""Kinds of electron jobs: how each is scanned, and what it costs."""

from typing import Protocol

from drivers.sem import ScanImage, ScanRequest
from service.acquisition.overviews.scan import OverviewScan
from service.autofocus.beam import FocusScan, focus_for
from service.model.jobs import Job, JobKind, JobState
from service.model.work import Step
from service.session.context import Context


class JobScan(Protocol):
    """A kind of job.

    Attributes
    ----------
    unexposed : JobState
        State of a job that failed and exposed nothing.
    extra_s : float
        Longest time beside the scan, s.
    """

    unexposed: JobState
    extra_s: float

    def prepare(self, context: Context, job: Job) -> bool:
        """Prepare a job as far as that needs no beam; return False if another job was queued before it."""
        ...

    def execute(self, context: Context, job: Job, request: ScanRequest, timeout_s: float) -> ScanImage:
        """Scan a job whose intent is in the ledger.

        Raises
        ------
        NotReadyError, OutOfRangeError
            Raised when the scan is refused; the ground was not exposed.
        DriverError
            Raised when the scan failed.
        """
        ...

    def beam_s(self, context: Context, job: Job) -> float:
        """Return the time that a scanned job was under the beam, s."""
        ...

    def record(self, context: Context, job: Job, duration_s: float) -> None:
        """Record the duration of a job, its stage move not included, for estimates."""
        ...


class FrameScan:
    """A frame of a plan, or one that a person requested."""

    # A person may requeue it once the cause is fixed.
    unexposed = JobState.NEEDS_REVIEW
    extra_s = 0.0

    def prepare(self, context: Context, job: Job) -> bool:
        """Focus the beam for the section of the frame; return False if a focus was queued first."""
        return focus_for(context, job)

    def execute(self, context: Context, job: Job, request: ScanRequest, timeout_s: float) -> ScanImage:  # noqa: ARG002
        """Scan the frame."""
        return context.devices.sem.scan(request, timeout_s)

    def beam_s(self, context: Context, job: Job) -> float:  # noqa: ARG002
        """Return the dwell time of the frame, s."""
        return job.beam_s

    def record(self, context: Context, job: Job, duration_s: float) -> None:
        """Record the overhead of the frame."""
        context.store.durations.record(Step.FRAME, duration_s - job.beam_s)


_SCANS: dict[JobKind, JobScan] = {
    JobKind.FRAME: FrameScan(),
    JobKind.FOCUS: FocusScan(),
    JobKind.OVERVIEW: OverviewScan(),
}


def scan_of(job: Job) -> JobScan:
    """Return the kind of a job."""
    return _SCANS[job.kind]
