"""A section among its neighbours: while it is held, and what is known of it in the end."""

from dataclasses import dataclass, field

from detection.image.boxes import BoxPx
from detection.image.hits import Cell, Detection
from detection.registration.register import Link, Prepared
from detection.registration.section_frame import SectionFrame
from detection.serial.fixed_pattern import Evidence
from detection.serial.pooling import Layer
from detection.serial.separation.coarse_image import CoarseLight
from detection.serial.separation.outlines import Outlines
from detection.tracking.tracker import Place


@dataclass(frozen=True, slots=True)
class SerialCell:
    """A cell of a section and its identity.

    Attributes
    ----------
    cell : Cell
    tracks : tuple of str
        The track it belongs to; none for what is not imaged as a cell.
    seen : bool
        False where it was carried from neighbours.
    """

    cell: Cell
    tracks: tuple[str, ...]
    seen: bool


@dataclass(frozen=True, slots=True)
class SerialSection:
    """What is known of one section, for good.

    Attributes
    ----------
    section : str
    cells : tuple of SerialCell
        In reading order.
    links : tuple of Link
        To earlier sections, as tried; the last one is used if it is good.
    place : Place
        In its chain of registered sections.
    imaged_fraction : float
        Share of the frame inside any `image_box_px`, 0..1.
    warnings : tuple of str
    elapsed_ms : float
        Time that all steps took for this section.
    """

    section: str
    cells: tuple[SerialCell, ...]
    links: tuple[Link, ...]
    place: Place
    imaged_fraction: float
    warnings: tuple[str, ...]
    elapsed_ms: float

    @property
    def used_link(self) -> Link | None:
        """The link by which it lies in its chain; None for the first of a chain."""
        return self.links[-1] if self.links and not self.links[-1].bad else None


@dataclass(slots=True)
class HeldSection:
    """A section in the window, of which later ones may still change what is known.

    Attributes
    ----------
    single : Detection
        What it shows by itself.
    light, outlines
        Of the detections of `single`; `outlines` of `cells` once it is tracked.
    fixed : tuple of BoxPx
        Detections that belong to the camera.
    ground_from : int
        Sections at hand when its ground was estimated.
    cells : tuple of Cell
        With what the average of neighbours shows; once it is tracked.
    tracks : list of tuple of str
        Of each of `cells`.
    """

    frame: SectionFrame
    layer: Layer
    prepared: Prepared | None
    single: Detection
    links: tuple[Link, ...]
    place: Place
    warnings: list[str]
    elapsed_ms: float
    evidence: Evidence
    light: CoarseLight
    outlines: Outlines
    fixed: tuple[BoxPx, ...]
    ground_from: int
    cells: tuple[Cell, ...] = ()
    tracks: list[tuple[str, ...]] = field(default_factory=list)


PIXEL_SIZE_TOLERANCE = 0.001
"""Between frames of one stack: a thousandth is half a pixel at the edge of a frame of 1024."""


def as_detection(section: SerialSection) -> Detection:
    """Return what is known of a section as if it had been detected alone."""
    cells = tuple(one.cell for one in section.cells)
    return Detection(cells, section.imaged_fraction, section.warnings, section.elapsed_ms)
