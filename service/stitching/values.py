"""Electron images as tiles of a section, and where they lie."""

from dataclasses import dataclass

from drivers.pose import RectM
from planner.geometry.rects import centered
from service.model.images.checks import CheckKind

Point = tuple[float, float]

SAME_SIZE = 1e-3
"""Pixel sizes that differ by less, as a share, are one: half a pixel at the edge of a scan of 1024."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One electron image.

    Attributes
    ----------
    job : str
    image : str
        Path of the file, relative to the run.
    sha256 : str
    center_m : (float, float)
        Centre on the stage, as the SEM has it: read-back of the stage and shift of the beam.
    shows_m : (float, float)
        Position that its centre shows, as fluorescence sees it: by the calibration, and by the overview of
        its stage position where that was used.
    size_px : (int, int)
        Width and height.
    pixel_size_m : float
    dtype : str
        ``uint8`` or ``uint16``.
    stay : int
        Images with the same number were scanned without a move of the stage between them, and share its
        error.
    overview : int or None
        Number of the overview by which it was placed.
    bad : tuple of CheckKind
        Checks that found it bad; where a good one shows the same, it is not seen.
    """

    job: str
    image: str
    sha256: str
    center_m: Point
    shows_m: Point
    size_px: tuple[int, int]
    pixel_size_m: float
    dtype: str
    stay: int
    overview: int | None = None
    bad: tuple[CheckKind, ...] = ()

    @property
    def size_m(self) -> tuple[float, float]:
        """Width and height, m."""
        return self.size_px[0] * self.pixel_size_m, self.size_px[1] * self.pixel_size_m

    @property
    def rect_m(self) -> RectM:
        """Ground by the read-back, as the SEM has it."""
        return centered(self.center_m, self.size_m)


@dataclass(frozen=True, slots=True)
class Seam:
    """Two tiles that overlap.

    Attributes
    ----------
    first, second : str
        Their jobs.
    measured_m : (float, float) or None
        Centre of the second less that of the first, by what both show; None where that proves nothing: they
        lie as the read-back says, or as their other neighbours do.
    likeness : float
        Correlation of what both show, over the largest that noise allows; 0 where nothing is measured.
    agrees : bool
        False for a distance that the others contradict.
    read_back_nm, settled_nm : float or None
        How far the two lie off each other, by what both show: by the read-back, and as settled.
    """

    first: str
    second: str
    measured_m: Point | None = None
    likeness: float = 0.0
    agrees: bool = True
    read_back_nm: float | None = None
    settled_nm: float | None = None


def same_size(one: float, other: float) -> bool:
    """Return True for pixel sizes that are one."""
    return abs(one / other - 1) < SAME_SIZE
