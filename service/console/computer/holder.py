"""Sections of a holder as a person corrects them.

Positions are those of a picture: x right, y down. In a list of stage positions, y is the negative stage Y.
Angles are counter-clockwise as one sees them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

Point = tuple[float, float]
Polygon = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class HolderSection:
    """A section, or an outline that may be one.

    Attributes
    ----------
    id : str
    center : (float, float)
    rotation_deg : float or None
        None: unknown.
    outline : tuple of (x, y)
        Corners; empty: unknown.
    regions : tuple of polygons
        Regions of interest.
    focus_points : tuple of (x, y)
    magnet : tuple of (x, y)
        One point, or none.
    doubt : str
        Why it may be no section, for people; empty for a section.
    """

    id: str
    center: Point
    rotation_deg: float | None = None
    outline: Polygon = ()
    regions: tuple[Polygon, ...] = ()
    focus_points: Polygon = ()
    magnet: Polygon = ()
    doubt: str = ""

    @property
    def corners(self) -> Polygon:
        """Corners, or its centre where the outline is unknown."""
        return self.outline or (self.center,)


@dataclass(frozen=True, slots=True)
class Landmark:
    """A landmark: its position in the overview, and on the stage, um (None: not measured yet)."""

    id: str
    overview_px: Point
    stage_um: Point | None = None


@dataclass(frozen=True, slots=True)
class HolderMap:
    """Sections of one holder.

    Attributes
    ----------
    unit : {'px', 'um'}
        Pixels of the overview, or stage positions.
    sections : tuple of HolderSection
        In the order of cutting, if that is known.
    doubtful : tuple of HolderSection
        Outlines that a person has not decided about.
    in_cutting_order : bool
    stage_order : tuple of str
        Ids in the order of the stage; empty: not stated.
    landmarks : tuple of Landmark
    overview : str
        Picture in which they were found, as the list names it; empty: unknown.
    shape_doubt : str
        Why all outlines should be looked at, for people; empty: no reason.
    """

    unit: Literal["px", "um"]
    sections: tuple[HolderSection, ...] = ()
    doubtful: tuple[HolderSection, ...] = ()
    in_cutting_order: bool = False
    stage_order: tuple[str, ...] = ()
    landmarks: tuple[Landmark, ...] = ()
    overview: str = ""
    shape_doubt: str = ""

    def all(self) -> Iterator[HolderSection]:
        """Return the sections and the doubtful outlines."""
        yield from self.sections
        yield from self.doubtful

    def find(self, name: str) -> HolderSection | None:
        """Return a section or a doubtful outline by its id; None if there is none."""
        return next((one for one in self.all() if one.id == name), None)


@dataclass(frozen=True, slots=True)
class OverviewPicture:
    """An overview for the browser: JPEG in base64, and the size of the original, px."""

    jpeg: str
    size_px: tuple[int, int]


@dataclass(frozen=True, slots=True)
class SafeArea:
    """Safe area of the stage over the sections.

    Attributes
    ----------
    corners : tuple of (x, y)
        Convex; empty while the place of the sections on the stage is unknown.
    says : str
        Why it is unknown, or how well the landmarks fit, for people.
    """

    corners: Polygon
    says: str


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Settings of a configuration that is made of a section list; see `ilemtrack sections layout`."""

    configuration: str
    name: str
    margin_um: float
    overlap_percent: float


class HolderFiles(Protocol):
    """Section lists and overviews in the folder of the console. Calls may take seconds.

    Each raises `InputError` with one sentence where it cannot be done.
    """

    def lists(self) -> list[str]:
        """Return the files that may be section lists or landmarks."""
        ...

    def overviews(self) -> list[str]:
        """Return the pictures that may be overviews."""
        ...

    def read(self, name: str) -> HolderMap:
        """Read a section list, or a document of `ilemtrack map`."""
        ...

    def find(self, overview: str) -> HolderMap:
        """Find the sections in an overview; that takes up to minutes."""
        ...

    def landmarks(self, name: str) -> tuple[Landmark, ...]:
        """Read landmarks with their stage positions."""
        ...

    def picture(self, overview: str) -> OverviewPicture:
        """Return an overview for the browser."""
        ...

    def safe_area(self, shown: HolderMap, configuration: str) -> SafeArea:
        """Return the safe area of a configuration over the sections."""
        ...

    def save(self, shown: HolderMap, name: str, replace: bool) -> str:
        """Write a section list, and return the name of its file; `replace` an existing one or refuse."""
        ...

    def configure(self, source: str, settings: SessionSettings, replace: bool) -> str:
        """Write a configuration with the sections of a list, and return what it takes in a sentence."""
        ...
