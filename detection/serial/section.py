"""A section among its neighbours: while it is held, and its final result."""

from dataclasses import dataclass, field
from enum import Enum

from detection.image.boxes import BoxPx
from detection.image.hits import Cell, Detection, Overlooked
from detection.registration.register import Link, Prepared
from detection.registration.section_frame import SectionFrame
from detection.serial.fixed_pattern import CameraFrames
from detection.serial.pooling import Layer
from detection.serial.separation.coarse_image import CoarseImage
from detection.serial.separation.outlines import Outlines
from detection.tracking.tracker import Place
from detection.votes import Votes


@dataclass(frozen=True, slots=True)
class SerialCell:
    """A cell of a section and its tracks.

    Attributes
    ----------
    cell : Cell
    tracks : tuple of str
        Its track; empty for what is no cell.
    seen : bool
        False if it was carried from neighbours.
    """

    cell: Cell
    tracks: tuple[str, ...]
    seen: bool


@dataclass(frozen=True, slots=True)
class SerialSection:
    """Final result for one section.

    Attributes
    ----------
    section : str
    cells : tuple of SerialCell
        In reading order.
    links : tuple of Link
        To earlier sections, in the order tried; the last one is used if it is good.
    place : Place
        In its chain of registered sections.
    imaged_fraction : float
        Share of the frame inside any `image_box_px`, 0..1.
    warnings : tuple of str
    elapsed_ms : float
        Time of all steps for this section.
    overlooked : Overlooked or None
        For a section without cells, if it is known.
    """

    section: str
    cells: tuple[SerialCell, ...]
    links: tuple[Link, ...]
    place: Place
    imaged_fraction: float
    warnings: tuple[str, ...]
    elapsed_ms: float
    overlooked: Overlooked | None = None

    @property
    def used_link(self) -> Link | None:
        """The link that places it in its chain; None for the first of a chain."""
        return self.links[-1] if self.links and not self.links[-1].bad else None


class Share(Enum):
    """Share of the work on a section that is done, for a stack that is cut into windows."""

    ALONE = "alone"
    """Without its average with neighbours: the cells that it shows by itself, its motion and its tracks."""
    WHOLE = "whole"


@dataclass(slots=True)
class HeldSection:
    """A section in the window, whose cells later sections may still change.

    Attributes
    ----------
    single : Detection
        Cells of the section by itself.
    camera_frames : CameraFrames
        For the search for fixed pattern.
    fixed : tuple of BoxPx
        Detections that are fixed in the camera.
    warnings : list of str
        About the section among its neighbours; those of `single` come on top.
    background_sections : int
        Other sections held when its background was estimated.
    coarse : CoarseImage or None
        For separation; made when needed.
    outlines : Outlines or None
        Of the detections of `single`, of `cells` once it is tracked; likewise.
    cells : tuple of Cell
        With those of the average with neighbours; once it is tracked.
    tracks : list of tuple of str
        Of each of `cells`.
    share : Share
    votes : Votes or None
        From the average with neighbours where there is one.
    """

    frame: SectionFrame
    layer: Layer
    prepared: Prepared | None
    single: Detection
    links: tuple[Link, ...]
    place: Place
    warnings: list[str]
    elapsed_ms: float
    camera_frames: CameraFrames
    fixed: tuple[BoxPx, ...]
    background_sections: int
    coarse: CoarseImage | None = None
    outlines: Outlines | None = None
    cells: tuple[Cell, ...] = ()
    tracks: list[tuple[str, ...]] = field(default_factory=list)
    share: Share = Share.WHOLE
    votes: Votes | None = None


PIXEL_SIZE_TOLERANCE = 0.001
"""Largest difference between frames of one stack: .001 is half a pixel at the edge of a frame of 1024."""


def as_detection(section: SerialSection) -> Detection:
    """Return a section as the detection of a single frame."""
    cells = tuple(one.cell for one in section.cells)
    return Detection(cells, section.imaged_fraction, section.warnings, section.elapsed_ms, section.overlooked)
