"""Settings of the paper's detector: every number that defines it, with its source.

"The paper" is Delpiano et al., J. Microsc. 271 (2018) 109, 'Development of automated workflow'; "the authors'
program" is their MATLAB program, github.com/jdelpiano/irfCellSegmentation, whose defaults hold where the
paper names no number. CLAHE has the defaults of MATLAB in `detection.paper.clahe`.
"""

from dataclasses import dataclass, replace

PAPER_PIXEL_SIZE_UM = 0.178
"""Pixel size of the paper's frames ('Data acquisition'), to which its lengths in pixels belong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSettings:
    """Settings of the paper's detector; lengths in pixels, as the paper gives them."""

    sigma_px: float = 7.0
    """Sigma of the Laplacian of Gaussian: 7 in the paper, 8 in the window of the authors' program."""
    marker_quantile: float = 0.92
    """Pixels above this quantile of the feature mark cells: the brightest 8 % (the paper)."""
    merge_share: float = 0.33
    """Boxes merge if they share this much of either, 0..1 (the authors' program)."""
    smallest_px: float = 30.0
    """Diameter of the disc whose area is the smallest of a region (the authors' program)."""
    largest_px: float = 90.0
    """Diameter of the disc whose area is the largest of a region (the authors' program)."""
    ball_radius_px: float = 50.0
    """Radius of the rolling ball (the authors' program)."""
    even_prominence: float = 4.0
    """Prominence of a hit that is a cell with even odds. A logistic regression on paper sections (development
    seeds 20 to 27) gives 3.6, on few hits between noise and cells; noise alone now and then reaches 3.9."""
    prominence_power: float = 12.0
    """Power of the prominence in the odds. The same regression gives 20; a gentler slope claims less."""


PAPER = PaperSettings()
"""The settings for pixels of 0.178 um."""


def settings_for(pixel_size_um: float) -> PaperSettings:
    """Return the paper's settings with lengths scaled from its pixels of 0.178 um to others.

    Scales are rounded to a hundredth, so that the published frames (0.1778 um) get the published numbers.
    The filters need at least half a pixel of sigma and 2 px of radius.
    """
    scale = round(PAPER_PIXEL_SIZE_UM / pixel_size_um, 2)
    return replace(
        PAPER,
        sigma_px=max(PAPER.sigma_px * scale, 0.5),
        smallest_px=PAPER.smallest_px * scale,
        largest_px=PAPER.largest_px * scale,
        ball_radius_px=max(PAPER.ball_radius_px * scale, 2.0),
    )
