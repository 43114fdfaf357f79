"""Settings of the bound on what may have been overlooked."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlookedSettings:
    """Settings of `detection.overlooked`.

    The three contrasts are the smallest, in tenths of a spread, at which at least 95 % of the discs of each
    kind of frame are found (`python -m benchmarks overlooked`, development seeds).
    """

    diameter_um: float = 5.0
    """Diameter of the disc: half a HeLa cell of 10 to 17 um, so that glancing cuts are meant too."""
    near_um: float = 1.25
    """Sigma of the average that stands for the disc: a quarter of its diameter has the same noise."""
    far_um: float = 5.0
    """Sigma of the average that stands for its surroundings: a ring of the disc's diameter around it."""
    least_side_um: float = 20.0
    """Shorter side from which a frame has room for discs and surroundings. Chosen by hand; not measured."""
    recall_first: float = 10.0
    network: float = 10.0
    combined: float = 10.0


OVERLOOKED = OverlookedSettings()
"""The default settings."""
