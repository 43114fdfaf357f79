"""Values: frames to image, the grids that image them, answers."""

from dataclasses import dataclass
from enum import StrEnum

from planner.geometry.rects import RectM
from service.sbemimage.theirs.dialect import Command
from service.sbemimage.theirs.logs import Tile


class Verdict(StrEnum):
    """Answer to SBEMimage: grids, or a pause and its cause."""

    GRIDS = "grids"
    MALFORMED = "malformed"
    """The message is no state."""
    SESSION_AT_WORK = "session_at_work"
    """The session that planned the frames has not ended, and could send its own beam there."""
    FLUORESCENCE_MISSING = "fluorescence_missing"
    """A section has no finished fluorescence."""
    NOTHING_LEFT = "nothing_left"
    """Every frame was begun, or there is none."""
    SOURCE_UNREADABLE = "source_unreadable"
    """The run or the plans cannot be read."""
    SESSION_FILE_UNREADABLE = "session_file_unreadable"
    MICROTOME = "microtome"
    """SBEMimage would cut after the slice."""
    FOCUS_ELSEWHERE = "focus_elsewhere"
    """SBEMimage would focus beside the frames."""
    TEMPLATE_UNFIT = "template_unfit"
    """The tiles of grid 0 cannot cover a frame without a gap."""
    TILE_TOO_LARGE = "tile_too_large"
    """The tiles of grid 0 would expose far more than the frames."""
    PLAN_CHANGED = "plan_changed"
    """A frame that was offered lies elsewhere now."""
    GRID_CHANGED = "grid_changed"
    """A grid of ours has other tiles than grid 0 now."""
    FOREIGN_GRID = "foreign_grid"
    """A grid that is not ours has one of our indices."""
    TOO_LATE = "too_late"
    """The answer was not ready by its deadline."""
    JOURNAL_UNWRITABLE = "journal_unwritable"
    """An offer cannot be recorded, so none is made."""
    FAILED = "failed"
    """An error in ilemtrack."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame to image.

    Attributes
    ----------
    section : str
    id : str
    rect_m : RectM
        On the stage of the plan, m.
    """

    section: str
    id: str
    rect_m: RectM

    @property
    def name(self) -> str:
        """``S0001/J000012``."""
        return f"{self.section}/{self.id}"


@dataclass(frozen=True, slots=True)
class Work:
    """Frames to image, as of now.

    Attributes
    ----------
    frames : tuple of Frame
        In the order in which they are imaged.
    unfinished : tuple of str
        Sections and fields without finished fluorescence.
    at_work : bool
        The session that planned them may still send its own beam.
    """

    frames: tuple[Frame, ...]
    unfinished: tuple[str, ...] = ()
    at_work: bool = False


Number = tuple[int, int]
"""Array index and ROI index of a grid."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid of SBEMimage that images one frame.

    Attributes
    ----------
    center_um : (float, float)
        In SEM coordinates, um.
    rows, columns : int
        Of its tiles.
    size_um : (float, float)
        Size to ask for, so that SBEMimage makes it of these tiles, um in SEM coordinates.
    needed_um : (float, float)
        Size of the frame with its margin, um in SEM coordinates.
    ground_um2 : float
        Area under the beam, um2, overlaps once.
    """

    center_um: tuple[float, float]
    rows: int
    columns: int
    size_um: tuple[float, float]
    needed_um: tuple[float, float]
    ground_um2: float


@dataclass(frozen=True, slots=True)
class Offer:
    """A frame that was offered as a grid.

    Attributes
    ----------
    frame : str
    number : Number
    rect_m : RectM
        Of the frame.
    rows, columns : int
    base_dir : str
        Where this computer looks for SBEMimage's logs of it.
    """

    frame: str
    number: Number
    rect_m: RectM
    rows: int
    columns: int
    base_dir: str


@dataclass(frozen=True, slots=True)
class Past:
    """Offers of earlier answers.

    Attributes
    ----------
    offers : tuple of Offer
        All, the oldest first.
    released : frozenset of Number
        Numbers whose frame a person wants once more: it gets new ones.
    begun : frozenset of Tile
        Tiles that were seen as begun before, whatever became of SBEMimage's logs.
    """

    offers: tuple[Offer, ...] = ()
    released: frozenset[Number] = frozenset()
    begun: frozenset[Tile] = frozenset()

    @property
    def standing(self) -> dict[str, Offer]:
        """The last offer of each frame that is not released."""
        return {one.frame: one for one in self.offers if one.number not in self.released}

    @property
    def by_number(self) -> dict[Number, Offer]:
        """The last offer of each number."""
        return {one.number: one for one in self.offers}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and what it offers.

    Attributes
    ----------
    verdict : Verdict
    commands : tuple of Command
    offers : tuple of Offer
        To be recorded before the answer is sent.
    detail : str
        Subject of the verdict: a frame, a section, an error.
    begun : tuple of Tile
        Tiles of ours that SBEMimage's logs show as begun for the first time.
    """

    verdict: Verdict
    commands: tuple[Command, ...]
    offers: tuple[Offer, ...] = ()
    detail: str = ""
    begun: tuple[Tile, ...] = ()
