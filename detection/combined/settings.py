"""Settings of the combined detector."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinedSettings:
    """Settings of `detection.combined`."""

    rules_out_below: float = 0.05
    """Highest score of the network inside a hit of recall-first below which it rules that hit out."""
    same_cell: float = 0.5
    """Share of the area of a hit of recall-first inside the boxes of the network from which it adds nothing:
    the network shows that cell."""
    overlooked_share: float = 0.5
    """Share of the area of confident hits of recall-first that the network rules out from which the frame is
    unlike its training."""
    fewest_overlooked: int = 3
    """Such hits, at least, for that."""
    sure: float = 0.5
    """Confidence from which a hit of recall-first counts there."""


COMBINED = CombinedSettings()
"""The default settings."""
