"""Values of a simulated overview: how it is made, and the truth of what it shows."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""Points (N, 2), x and y, px of the overview: x right, y down, the corner of the first pixel at (0, 0)."""


class Condition(StrEnum):
    """State of a section on the substrate."""

    INTACT = "intact"
    TORN = "torn"
    FOLDED = "folded"
    HALF_OFF = "half_off"


@dataclass(frozen=True, slots=True)
class ArraySettings:
    """Sections and how they lie.

    Attributes
    ----------
    sections : int
        Sections that were cut, 1 to 1000; missing ones included.
    arrangement : {'ribbons', 'scattered'}
        Ribbons of sections in cutting order, or single sections in any position and direction.
    width_px, height_px : float
        Size of a section along the knife's edge and across it.
    taper : float
        Share by which the upper edge is shorter than the lower one, 0 to .5: a trapezoid.
    ribbon_sections : (int, int)
        Shortest and longest ribbon.
    bend_deg : float
        Standard deviation of the turn from one section of a ribbon to the next.
    gap_share : float
        Gap between the sections of a ribbon, as a share of the height; negative: they overlap.
    touching_share, overlapping_share : float
        Shares of the scattered sections that touch or overlap another one.
    damaged_share, missing_share : float
        Shares of all sections.
    landmarks : int
        Crosses with a known stage position, 0 to 20.
    fill : float
        Share of the substrate that sections cover, .01 to .5.
    um_per_px : float
        Pixel size of the overview; 5 um is that of a stitched one at low magnification.
    seed : int
    """

    sections: int = 100
    arrangement: Literal["ribbons", "scattered"] = "scattered"
    width_px: float = 64.0
    height_px: float = 48.0
    taper: float = 0.0
    ribbon_sections: tuple[int, int] = (5, 25)
    bend_deg: float = 2.0
    gap_share: float = 0.0
    touching_share: float = 0.1
    overlapping_share: float = 0.05
    damaged_share: float = 0.05
    missing_share: float = 0.02
    landmarks: int = 4
    fill: float = 0.15
    um_per_px: float = 5.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class PictureSettings:
    """Light, optics and dirt of the picture. All numbers are chosen by hand after published overviews.

    Attributes
    ----------
    substrate : {'wafer', 'coverslip'}
        A rectangle that fills the picture, or a disc of glass in a brushed metal holder with a dark rim.
    background : float
        Mean grey of the substrate, 0 to 1.
    contrast : float
        Grey of a section relative to the substrate, less 1: -.6 is dark on bright, +.6 bright on dark.
    contrast_spread : float
        Standard deviation of that contrast over the sections, as a share of it.
    texture : float
        Tissue and resin inside the sections: their difference as a share of the contrast.
    uneven : float
        Fall of the light from the brightest to the darkest part of the picture, as a share.
    tile_px : int
        Side of the tiles of which the overview is stitched; 0: one tile.
    tile_vignetting, tile_gain : float
        Fall of the light towards the corners of a tile; standard deviation of the tiles' brightness.
    blur_px : float
        Standard deviation of the optical blur.
    noise : float
        Standard deviation of the camera noise, of full scale.
    dust, strips, scratches : float
        Mean numbers for each hundred sections' areas of substrate.
    seed : int
    """

    substrate: Literal["wafer", "coverslip"] = "wafer"
    background: float = 0.75
    contrast: float = -0.6
    contrast_spread: float = 0.15
    texture: float = 0.3
    uneven: float = 0.15
    tile_px: int = 600
    tile_vignetting: float = 0.1
    tile_gain: float = 0.05
    blur_px: float = 0.7
    noise: float = 0.015
    dust: float = 6.0
    strips: float = 1.0
    scratches: float = 0.3
    seed: int = 1


@dataclass(frozen=True, slots=True)
class PlacedSection:
    """One section on the substrate: the truth.

    Attributes
    ----------
    cut : int
        Number in the order of cutting, from 0. Missing sections leave a gap in the numbers.
    polygon_px : (4, 2) array
        Corners of the whole section, whatever its condition: top left, top right, bottom right and bottom
        left as seen in the section, which is clockwise on the screen.
    center_px : (2,) array
        Mean of the corners.
    rotation_deg : float
        Counter-clockwise on the screen, -180 to 180; 0: the section's upper edge is at the top.
    condition : Condition
    ribbon : int or None
        Number of its ribbon; sections of one ribbon touch in cutting order.
    hidden_share : float
        Share of it that later sections cover, 0 to 1.
    """

    cut: int
    polygon_px: Points
    center_px: NDArray[np.float64]
    rotation_deg: float
    condition: Condition = Condition.INTACT
    ribbon: int | None = None
    hidden_share: float = 0.0

    @property
    def angle_deg(self) -> float:
        """Direction in which the upper edge faces, as MagFinder and `ilemtrack map` state it, degrees."""
        return math.remainder(self.rotation_deg + 90.0, 360.0)


@dataclass(frozen=True, slots=True)
class Landmark:
    """A cross on the substrate with its position on the stage, m."""

    position_px: tuple[float, float]
    stage_m: tuple[float, float]


@dataclass(frozen=True, slots=True)
class SectionArray:
    """Sections on a substrate.

    Attributes
    ----------
    size_px : (int, int)
        Width and height of the overview.
    sections : tuple of PlacedSection
        In the order of cutting; a later one lies on top.
    missing : tuple of int
        Numbers of the sections that were lost.
    landmarks : tuple of Landmark
    stage_of_px : (2, 3) array
        Affine matrix from pixels to the stage, m: a similarity with a flip, since Y points up.
    """

    size_px: tuple[int, int]
    sections: tuple[PlacedSection, ...]
    missing: tuple[int, ...]
    landmarks: tuple[Landmark, ...]
    stage_of_px: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SimulatedOverview:
    """A picture and what it shows.

    Attributes
    ----------
    image : (H, W) array of uint8
    array : SectionArray
        The truth on the stage.
    shown : tuple of PlacedSection
        The same sections where the picture shows them: stitching displaces each tile by up to a pixel.
    """

    image: NDArray[np.uint8]
    array: SectionArray
    shown: tuple[PlacedSection, ...]
