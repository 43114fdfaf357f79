"""Jobs (SEM frames) and the rows of the exposure ledger."""

from dataclasses import dataclass
from enum import StrEnum

from planner.geometry.rects import RectM


class JobState(StrEnum):
    """Life of a job (one SEM frame)."""

    QUEUED = "queued"
    ARMED = "armed"
    """The intent to expose is in the ledger; the beam may be on."""
    EXPOSED = "exposed"
    SAVED = "saved"
    DONE = "done"
    """Its image was written, fsynced, re-opened, and its checksum recorded."""
    HELD = "held"
    SKIPPED = "skipped"
    """Given up by a person, or because its fluorescence was never saved."""
    WITHDRAWN = "withdrawn"
    """Its plan was made again before the beam: other frames took its place, or its cells are not imaged."""
    FAILED = "failed"
    NEEDS_REVIEW = "needs_review"
    """A person decides: it was interrupted while the beam may have been on, or its image is doubtful."""


class JobKind(StrEnum):
    """Purpose of a job."""

    FRAME = "frame"
    FOCUS = "focus"
    """The beam is focused on its ground before it is scanned."""
    OVERVIEW = "overview"
    """A fast scan that shows where a field lies. Its ground is exposed, but not imaged."""


class JobOrigin(StrEnum):
    """Origin of a job."""

    PLAN = "plan"
    PERSON = "person"


class HoldCause(StrEnum):
    """Cause of a hold; it decides who releases the job."""

    FLUORESCENCE = "fluorescence"
    """Fluorescence that its beam would destroy is not saved yet; the session releases it (invariant 1)."""
    PERSON = "person"
    """Held by a person, and released by a person only."""
    RETAKE = "retake"
    """Its image was bad; the session takes it again once that can help (`service.acquisition.retakes`)."""


class ExposureState(StrEnum):
    """Life of a row of the exposure ledger."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"
    """The program died or the scan failed between intent and result."""
    VOID = "void"
    """The scan was refused before the beam was unblanked: nothing was exposed."""


@dataclass(frozen=True, slots=True)
class Job:
    """One SEM frame."""

    id: str
    """``J000001``, in the order of the route."""
    section: str
    position: int
    """Place in the queue; smaller goes first."""
    rect_m: RectM
    center_m: tuple[float, float]
    size_px: tuple[int, int]
    pixel_size_m: float
    dwell_s: float
    covers: tuple[str, ...]
    """Identifiers of the cells in its frame."""
    state: JobState = JobState.QUEUED
    reason: str | None = None
    image: str | None = None
    sha256: str | None = None
    kind: JobKind = JobKind.FRAME
    beam_shift_m: tuple[float, float] = (0.0, 0.0)
    """From the stage position to its centre, as fluorescence sees them."""
    origin: JobOrigin = JobOrigin.PLAN
    hold_cause: HoldCause | None = None
    """None unless the job is held."""
    retake_of: int | None = None
    """Exposure whose image was bad, while the frame waits to be taken again for it."""

    @property
    def stage_m(self) -> tuple[float, float]:
        """Stage position, as fluorescence sees it, from which the frame is scanned."""
        return self.center_m[0] - self.beam_shift_m[0], self.center_m[1] - self.beam_shift_m[1]

    @property
    def size_m(self) -> tuple[float, float]:
        """Width and height of the frame, m."""
        return self.size_px[0] * self.pixel_size_m, self.size_px[1] * self.pixel_size_m

    @property
    def beam_s(self) -> float:
        """Time under the beam, s."""
        return self.size_px[0] * self.size_px[1] * self.dwell_s


@dataclass(frozen=True, slots=True)
class Exposure:
    """One row of the ledger: ground that the beam touched or may have touched."""

    id: int
    job: str
    rect_m: RectM
    """Ground scanned; the halo comes on top."""
    halo_m: float
    state: ExposureState
    opened_s: float
    """On the microscope's clock."""
    closed_s: float | None = None
    """None while it is open, or where the program was killed before the end."""
    note: str | None = None
    beam_s: float | None = None
    """Time under the beam, a focus included; None where it is not known how far the scan came."""
    kind: JobKind = JobKind.FRAME
    """Kind of its job: ground of an overview alone is exposed, but not imaged."""
    s_per_m2: float | None = None
    """Dwell time per area of its job: times the beam current, this is the dose of the scan."""
    retake_of: int | None = None
    """Exposure that this one repeats without a person, as its image was bad."""


@dataclass(frozen=True, slots=True)
class ScanEnd:
    """End of a scan for its row in the ledger and for its job."""

    state: ExposureState
    job_state: JobState
    note: str | None = None
    """Outcome of the scan, or a remark on its image."""
    rect_m: RectM | None = None
    """Ground exposed, where it differs from the intent."""
    beam_s: float | None = None
    """Time under the beam, s, where it is known."""
