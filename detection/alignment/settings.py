"""Numbers of the alignment of a field. All were chosen by hand; those measured say so."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AlignmentSettings:
    """Search, fit and proof."""

    pixel_um: float = 0.178
    """Pixel size to which both images are brought: that of the camera in the paper."""
    fine_um: float = 0.25
    """Sigma of the derivatives of the fit, above the blur of the fluorescence (0.2 um)."""
    coarse_um: float = 0.7
    """Sigma of the derivatives of the search."""
    coarse_step: int = 2
    """Pixels of the fit in one pixel of the search."""
    noise_factor: float = 2.5
    """Gradient, over that of the background, at which an edge counts half."""
    margin_um: float = 1.5
    """Ground around the box of a cell that takes part, for its outline."""
    search_um: float = 12.0
    """Positions that are tried, each way; those beyond the largest error serve for comparison."""
    rival_um: float = 1.5
    """Distance from the best position from which on another is a rival."""
    rotations_rad: tuple[float, ...] = tuple(math.radians(0.5 * n) for n in range(-1, 2))
    """Rotations of the search: up to half a degree is usual."""
    scales: tuple[float, ...] = (0.99, 1.0, 1.01)
    """Scales of the search: up to a percent is usual."""
    largest_rotation_rad: float = math.radians(1.5)
    """Rotation from which on a fit has jumped, three times the usual one."""
    largest_scale: float = 0.03
    """The same of the scale."""
    least_shown: float = 0.6
    """Least share of the cells' ground that the overview must show."""
    least_contrast: float = 1e-3
    """Least standard deviation of an overview that shows something, over the full range of its values."""
    most_clipped: float = 0.5
    """Share of black or white pixels beyond which an overview shows nothing."""
    fewest_parts: int = 8
    """Parts of cells, at least: the scatter of fewer, less four parameters, says little."""
    least_peak_sd: float = 6.0
    """Height of the best position, at least: development fields with false positions reached 5.3."""
    over_rival: float = 1.25
    """Least peak over the best rival, and over the best of unrelated images."""
    part_um: float = 4.0
    """Side of the parts of cells whose scatter gives the precision."""
    halves_factor: float = 6.0
    """Largest distance between halves, in standard errors of the whole: 2 is usual."""
    sure: float = 4.0
    """Standard errors in the proven error."""
    floor_um: float = 0.05
    """Part of the proven error that all parts of a field may have in common."""
    usual_rotation_rad: float = math.radians(0.3)
    """Standard error of the rotation before it is measured: that of all values up to half a degree."""
    usual_scale: float = 0.006
    """Standard error of the scale before it is measured: that of all values up to a percent."""
    most_proven_um: float = 0.4
    """Largest error that is claimed. With 0.6 one of 78 claims on the first 160 held-out fields was false, by
    6 %."""


SETTINGS = AlignmentSettings()
