"""What the store keeps: sections, fields, cells, jobs, exposures, events. Frozen values, SI units."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from drivers.pose import RectM
from planner.estimate import Work


class FieldState(StrEnum):
    """Life of a field (one FM position)."""

    PENDING = "pending"
    SAVED = "saved"
    """Its frame is on disk, fsynced."""
    DETECTED = "detected"
    PLANNED = "planned"
    FAILED = "failed"


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
    FAILED = "failed"
    NEEDS_REVIEW = "needs_review"
    """Interrupted while the beam may have been on: a person decides."""


class JobKind(StrEnum):
    """What a job is for."""

    FRAME = "frame"
    FOCUS = "focus"
    """The beam is focused on its ground before it is scanned."""


class FocusBeam(StrEnum):
    """What was focused."""

    ELECTRON = "electron"
    """By the working distance."""
    LIGHT = "light"
    """By the height of the objective."""


class FocusState(StrEnum):
    """What became of a focus."""

    BEGUN = "begun"
    """The program ended on the way: where the objective stands is not known."""
    USED = "used"
    OUTLIER = "outlier"
    """Found, but far off the plane of the other sections."""
    NOT_FOUND = "not_found"


class ExposureState(StrEnum):
    """Life of a row of the exposure ledger."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"
    """The program died, or the scan failed, between intent and result."""
    VOID = "void"
    """The scan was refused before the beam was unblanked: nothing was exposed."""


class Step(StrEnum):
    """What a session spends time on, beside the beam's dwell."""

    FRAME = "frame"
    """An electron image, less dwell and move: overhead of the scan, checks, saving."""
    MOVE = "move"
    """A move of the stage, settling included."""
    FLUORESCENCE = "fluorescence"
    """A fluorescence frame, saving included, less the move."""
    FOCUS = "focus"
    """The automatic focus of the beam, less the scan that shows it."""
    LIGHT_FOCUS = "light_focus"
    """A whole search for the focus of the light."""
    PUMP_TO_PARTIAL = "pump_to_partial"
    PUMP_TO_HIGH = "pump_to_high"


@dataclass(frozen=True, slots=True)
class Section:
    """One ultrathin section: its place in the order of cutting and on the stage."""

    id: str
    index: int
    center_m: tuple[float, float]
    visit: int = 0
    """Place in the order in which the electron beam visits the sections."""
    outline_m: tuple[tuple[float, float], ...] | None = None
    """Corners on the stage, where they are known."""


@dataclass(frozen=True, slots=True)
class Field:
    """One FM position. `rect_m` is the ground that its frame is to cover or covers."""

    id: str
    """``S0001/F000``."""
    section: str
    index: int
    center_m: tuple[float, float]
    rect_m: RectM
    state: FieldState = FieldState.PENDING
    reason: str | None = None
    image: str | None = None
    """Path of the frame, relative to the run folder."""
    sha256: str | None = None
    elapsed_ms: float | None = None
    """Time that detection took."""
    warnings: tuple[str, ...] = ()

    @property
    def undetected(self) -> bool:
        """Whether its frame is saved and detection failed on it."""
        return self.state is FieldState.FAILED and self.image is not None and self.elapsed_ms is None

    @property
    def untaken(self) -> bool:
        """Whether its fluorescence could not be taken."""
        return self.state is FieldState.FAILED and self.image is None


@dataclass(frozen=True, slots=True)
class Cell:
    """One detected cell, accounted for: `jobs` image it, or `skipped` says why none does."""

    id: str
    """``S0001/F000/c0001``."""
    field: str
    """The one that shows most of it; its boxes in pixels are cut at the edges of that frame."""
    section: str
    box_px: tuple[int, int, int, int]
    image_box_px: tuple[int, int, int, int] | None
    rect_m: RectM
    image_rect_m: RectM | None
    confidence: float
    reason: str
    jobs: tuple[str, ...] = ()
    skipped: str | None = None
    tracks: tuple[str, ...] = ()
    """Its track through the sections; more where cells have merged, none where sections are not linked."""
    seen: bool = True
    """False where only neighbouring sections show it."""


@dataclass(frozen=True, slots=True)
class Track:
    """One cell through the sections, as far as they were linked."""

    id: str
    """``T0001``."""
    first_section: str
    last_section: str
    central_section: str
    """Where it is cut through its middle."""
    sections: int
    """In how many it was seen."""


@dataclass(frozen=True, slots=True)
class FieldCells:
    """What was found in one field."""

    field: str
    cells: tuple[Cell, ...]
    elapsed_ms: float
    warnings: tuple[str, ...] = ()


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
    """Identifiers of the cells that it images."""
    state: JobState = JobState.QUEUED
    reason: str | None = None
    image: str | None = None
    sha256: str | None = None
    kind: JobKind = JobKind.FRAME
    beam_shift_m: tuple[float, float] = (0.0, 0.0)
    """How far from the stage position, as fluorescence sees it, its centre lies."""

    @property
    def stage_m(self) -> tuple[float, float]:
        """Stage position, as fluorescence sees it, from which the frame is scanned."""
        return self.center_m[0] - self.beam_shift_m[0], self.center_m[1] - self.beam_shift_m[1]

    @property
    def beam_s(self) -> float:
        """Time under the beam, s."""
        return self.size_px[0] * self.size_px[1] * self.dwell_s


@dataclass(frozen=True, slots=True)
class WayTotals:
    """What it takes to image sections in one way."""

    method: str
    chosen: bool
    """Whether it is how they are imaged."""
    work: Work
    exposed_m2: float
    """Ground under at least one frame."""
    sections: int = 0
    """That have a frame."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """One row of the ledger: ground that the beam touched, or may have."""

    id: int
    job: str
    rect_m: RectM
    """Ground scanned; the halo comes on top."""
    halo_m: float
    state: ExposureState
    opened_s: float
    """On the microscope's clock."""
    closed_s: float | None = None
    """None while it is open, and where the program was killed before the end."""
    note: str | None = None
    beam_s: float | None = None
    """Time under the beam, a focus included; None where nobody knows how far it came."""


@dataclass(frozen=True, slots=True)
class Focus:
    """A section that was focused on: where, what was found and what was made of it.

    Heights are working distances of the electron beam, or positions of the objective.
    """

    beam: FocusBeam
    section: str
    place_m: tuple[float, float]
    """As fluorescence sees it."""
    state: FocusState
    job: str | None = None
    start_m: float | None = None
    """Where it stood before, or was sent to begin with; None where that is not known."""
    found_m: float | None = None
    score: float | None = None
    """Sharpness there, by `detection.sharpness`."""
    used_m: float | None = None
    """None where it was left as it stood."""
    exposures: int = 0
    """Of the light; the beam's are the machine's affair, but for the time that they take."""
    exposed_s: float = 0.0
    """Under light or beam."""
    reason: str | None = None
    id: int = 0
    """Number in the store; 0 before it is kept."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `seq` has no gaps."""

    seq: int
    time_s: float
    """On the microscope's clock."""
    at: str
    """Wall clock, ISO 8601, UTC."""
    kind: str
    subject: str
    data: dict[str, Any]
