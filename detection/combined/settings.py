"""Settings of the combined detector."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinedSettings:
    """Settings of `detection.combined`."""

    rules_out_below: float = 0.05
    """Highest score of the network inside a hit of recall-first below which it rules that hit out."""
    same_cell: float = 0.5
    """Share of the area of a hit of one detector inside the boxes of the other from which both see that
    cell."""
    overlooked_share: float = 0.5
    """Share of the confident hits of recall-first, by number or by area, that the network rules out from
    which the frame is unlike its training."""
    fewest_overlooked: int = 3
    """Such hits, at least, for that."""
    sure: float = 0.5
    """Confidence from which a hit of recall-first counts there."""
    crowd_share: float = 0.3
    """Share of the frame inside hits of the network from which it shows a crowd. Below it, recall-first
    takes a frame as crowded that the network does not: neither can be believed. Development scenes in which
    recall-first loses the background have .58 and more. Chosen by hand."""
    full_share: float = 0.6
    """Share of the frame inside hits from which they fill it. Chosen by hand; not measured."""


COMBINED = CombinedSettings()
"""The default settings."""
