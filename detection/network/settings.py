"""Settings of the network and of the reading of its output."""

from dataclasses import dataclass

PLACE_PX = 2
"""Pixels of the working grid along each side of a place of the output, .7 um: small cuts have one."""
QUANTILES = (0.5, 0.9, 0.98)
"""Quantiles of the distance to each side that the network gives."""
LEAST_VOTE = 0.3
"""Score from which a place has a vote. On eight development stacks of 20 sections, with .2, .3 and .4
identity of links is .921, .921 and .920 in crowds, .965, .965 and .964 else, and the central section is right
for 215, 214 and 213 of 253 cells."""
SIDE_UNIT_PX = 8.0
"""Unit of these distances inside the network, px of the working grid: 2.8 um, so that numbers are near 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingSettings:
    """Settings of the reading of hits from the output."""

    least_score: float = 0.5
    """Score below which a place belongs to no hit. On development frames, with `combined`, .4 images .031 of
    frames with debris only, .5 .023 and loses .2 % of the dim cytoplasmic cells and of vesicles, .6 .018 and
    loses .6 % of the former, .4 % of dim nuclei and .2 % of cells in crowds."""
    most_rounds: int = 12
    """Rounds of looking for boxes in what earlier ones do not cover. Crowded frames of development take 4 or
    5."""
    same_overlap: float = 0.45
    """Intersection over union from which two boxes are of one cell. Chosen by hand; not measured."""
    inside_share: float = 0.8
    """Share of the smaller of two boxes inside the other from which both are of one cell, if the smaller is
    the less certain one. Chosen by hand; not measured."""


READING = ReadingSettings()
"""The default settings."""
