"""Values of the synthetic sections after the paper: what is cut, and what a slice shows.

Delpiano et al., J. Microsc. 271 (2018) 109, "Development of a synthetic data set": cells placed at random in
a volume, size and brightness of each from a Gaussian distribution, uniform cytoplasm around an empty nucleus,
slices of 100 nm, a bell-shaped background of amplitude 80, Gaussian noise of 20, 40 or 60. What the paper
leaves open (brightness, size of the nucleus, density, width of the bell) has a default here, chosen by hand.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Pattern = Literal["cytoplasmic", "nuclear", "punctate"]

SMALLEST_COUNTED_UM = 1.0
"""A cut that shows less than this across, in either direction, is in the truth but not counted.

It is the edge of a cell outside the frame (one cut in 25) or a graze of a sphere (one in 250): a few pixels
whose box no reader would draw the same way twice. The paper counts a box for each simulated object.
"""


@dataclass(frozen=True, slots=True)
class PaperSpecimen:
    """The volume that is sliced, and the image that is taken of a slice.

    Attributes
    ----------
    radius_um, radius_sd_um : float
        Radius of the spheres, um, Gaussian, cut at 2.5 standard deviations. The two populations in use are
        5.5 +- 0.8 and 8.75 +- 1.25.
    brightness, brightness_sd : float
        Label above the background, grey levels, Gaussian, cut at 2.5 standard deviations.
    nucleus_share : float
        Radius of the nucleus over that of the cell, 0..1; its centre is that of the cell.
    noise : float
        Standard deviation of the Gaussian noise, grey levels.
    bell : float
        Height of the bell of the background at the centre of the frame, grey levels.
    cells_per_section : float
        Mean number that a slice shows; the paper's experts found 14.1.
    pattern : {"cytoplasmic", "nuclear", "punctate"}
        Labelled part: all but the nucleus, the nucleus, or puncta of 0.6 um radius in a faint cytoplasm. The
        truth of a nuclear cell is its nucleus, that of the others the whole cut.
    shape : (int, int)
        Rows and columns.
    pixel_size_um : float
    thickness_nm : float
        From one slice to the next.
    bits : int
        8 to 16. Below 10 all levels are scaled down to fit.
    offset : float
        Grey level without light. 0 cuts off half of the noise where there is no background.
    """

    radius_um: float = 5.5
    radius_sd_um: float = 0.8
    brightness: float = 120.0
    brightness_sd: float = 30.0
    nucleus_share: float = 0.55
    noise: float = 20.0
    bell: float = 80.0
    cells_per_section: float = 14.0
    pattern: Pattern = "cytoplasmic"
    shape: tuple[int, int] = (512, 512)
    pixel_size_um: float = 0.178
    thickness_nm: float = 100.0
    bits: int = 16
    offset: float = 500.0


@dataclass(frozen=True, slots=True)
class PaperCell:
    """One cell as a slice shows it.

    Attributes
    ----------
    id : str
        The same in every slice of the volume.
    box_px : (int, int, int, int)
        x0, y0, x1, y1, half-open: around the visible part of the cut, before noise.
    mask : (rows, columns) array of bool
        The visible part of the cut, nucleus included, within `box_px`.
    contrast_to_noise : float
        Mean signal of its labelled pixels over the noise of a pixel.
    counted : bool
        False for a cut that shows less than `SMALLEST_COUNTED_UM` across.
    """

    id: str
    box_px: tuple[int, int, int, int]
    mask: NDArray[np.bool_]
    contrast_to_noise: float
    counted: bool


@dataclass(frozen=True, slots=True)
class PaperSection:
    """One slice.

    Attributes
    ----------
    pixels : (rows, columns) array of uint8 or uint16
    offset_adu : float
        Grey level without light.
    cells : tuple of PaperCell
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    offset_adu: float
    cells: tuple[PaperCell, ...]
