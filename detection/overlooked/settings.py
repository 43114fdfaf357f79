"""Settings of the bound on what may have been overlooked."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlookedSettings:
    """Settings of `detection.overlooked`.

    A contrast is in spreads of averages over the disc; see `detection.overlooked.bound`. It is the smallest
    at which 95 % of the discs of every kind of frame are found and imaged, 20 of each on development seeds
    (`python -m benchmarks overlooked`): .18 and .3 um pixels, 8 and 16 bit, even, under a bell of light, and
    5 and 10 % lumpy.
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
    """Found: .80 to 1.00 at 8, .95 to 1.00 at 10, all at 12."""
    network: float = 14.0
    """Found: .55 to 1.00 at 10, .85 to 1.00 at 12, .95 to 1.00 at 14, all at 16."""
    combined: float = 12.0
    """Found: .55 to 1.00 at 8, .85 to 1.00 at 10, all at 12. With the second look, of 120 discs of each even
    kind on development seeds .98 to 1.00 at 12; of 20 discs of every kind on seeds 97000 up .90 to 1.00 at 12
    (the least in pixels of .3 um) and .95 to 1.00 at 14, the same without it."""


OVERLOOKED = OverlookedSettings()
"""The default settings."""
