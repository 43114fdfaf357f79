"""Sections, fields, cells and tracks: frozen values, SI units."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.image.hits import CellSource, Decision
from drivers.pose import Pose, RectM
from service.model.field_states import FieldState as FieldState
from service.model.review import Verdict
from service.model.targets import Beside, LeftOut


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
class FramePlace:
    """Width and height of a saved frame, px, and its pose on the stage."""

    size_px: tuple[int, int]
    pose: Pose

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.size_px[1], self.size_px[0]


@dataclass(frozen=True, slots=True)
class Field:
    """One FM position. `rect_m` is the ground of its frame, planned until the frame is saved."""

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
    frame: FramePlace | None = None
    """None until it is saved, and in runs of earlier versions."""

    @property
    def undetected(self) -> bool:
        """True if its frame is saved and detection failed on it."""
        return self.state is FieldState.FAILED and self.image is not None and self.elapsed_ms is None

    @property
    def untaken(self) -> bool:
        """True if its fluorescence could not be taken."""
        return self.state is FieldState.FAILED and self.image is None


@dataclass(frozen=True, slots=True)
class Cell:
    """One detected cell. `jobs` image it, or `skipped` says why none does (invariant 9)."""

    id: str
    """``S0001/F000/c0001``."""
    field: str
    """The field that shows most of it; boxes in pixels are cut at the edges of that frame."""
    section: str
    box_px: tuple[int, int, int, int]
    image_box_px: tuple[int, int, int, int] | None
    rect_m: RectM
    image_rect_m: RectM | None
    confidence: float
    reason: str
    """For people; `decision` decides."""
    jobs: tuple[str, ...] = ()
    skipped: str | None = None
    tracks: tuple[str, ...] = ()
    """Its track through the sections; several where cells merged, none where sections are not linked."""
    seen: bool = True
    """False where only neighbouring sections show it."""
    source: CellSource = CellSource.FRAME
    decision: Decision = Decision.KEPT
    brightness_adu: float | None = None
    """Mean grey level above the background; None if not measured."""
    left_out: LeftOut | None = None
    """Reason why it is not among the cells to image, though the policy keeps it; None if it is."""
    beside: Beside | None = None
    """Effect of the frames of other cells; None unless it is left out and its section is planned."""
    reach_um: tuple[float, float, float, float] | None = None
    """Distances left, top, right and bottom of `box_px` that the cell exceeds with a chance of
    1 - `detection.image.hits.OUTER_QUANTILE`; None if the detector does not know."""
    extra_um: float = 0.0
    """Margin for an outline that the detector is unsure of."""
    verdict: Verdict | None = None
    """Decision of a person in the review."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Targets that it belongs to: its tracks, or itself."""
        return self.tracks or (self.id,)


@dataclass(frozen=True, slots=True)
class Track:
    """One cell through the sections that were linked."""

    id: str
    """``T0001``."""
    first_section: str
    last_section: str
    central_section: str
    """Section that cuts it through its middle."""
    sections: int
    """Number of sections that show it."""


@dataclass(frozen=True, slots=True)
class FieldCells:
    """Cells of one field."""

    field: str
    cells: tuple[Cell, ...]
    elapsed_ms: float
    warnings: tuple[str, ...] = ()


TruthPoints = Callable[[str], list[NDArray[np.float64]]]
"""Stage positions, (N, 2) m, of the points of each cell that a section truly shows."""
