"""Settings of the second look."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondLookSettings:
    """Settings of `detection.second_look`.

    The file of the package was fitted with these: with others its chances are wrong until it is fitted again.
    """

    doubtful_below: float = 0.9
    """Confidence below which a hit gets a second look. Of those above it in the frames of the training .97
    are cells."""
    most_hits: int = 60
    """Hits of a frame, at most: in fuller ones no hit stands alone, and there the training had few frames."""
    ring_um: float = 5.0
    """Width of the ring around a hit that shows its ground, a third of a large cell. Chosen by hand."""
    least_ring_px: int = 30
    """Pixels of ground in that ring without which that of the whole frame counts. Chosen by hand."""
    blurs_px: tuple[float, float, float] = (1.0, 2.0, 4.0)
    """Deviations of the Gaussians that show spots, vesicles and bodies of cells: .36, .7 and 1.4 um."""
    stands_out_sd: float = 1.0
    """Height above the ground, after the second blur, of connected light: seven deviations of its noise."""
    margin_um: float = 1.0
    """Margin of a hit without an outer box, beyond its uncertainty: that of the policy for doubtful hits."""


SECOND_LOOK = SecondLookSettings()
"""The default settings."""
