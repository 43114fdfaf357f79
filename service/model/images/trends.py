"""Quantities of a run that should not change, and changes found in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

TREND = "trend"
"""Kind of the event of a change."""
LIGHT_LEVELS, ELECTRON_LEVELS = "levels_light", "levels_electron"
"""Kinds of the events with the numbers of a section."""


class Quantity(StrEnum):
    """Quantity that is the same for all sections while nothing degrades."""

    LIGHT = "light"
    """Background of fluorescence frames above the offset, grey levels."""
    CELLS = "cells"
    """Brightness of cells, grey levels."""
    LIGHT_DETAIL = "light_detail"
    """Fine over coarse detail of fluorescence frames."""
    ELECTRON_NOISE = "electron_noise"
    """Noise of electron images, grey levels: it grows and falls with the root of the beam current."""
    ELECTRON_DETAIL = "electron_detail"
    """Sharpness of electron images."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A change of a quantity.

    Attributes
    ----------
    quantity : Quantity
    ratio : float
        Value in the latest sections over that in the first ones that it is compared with.
    first, latest : str
        First section of those compared with, and the latest section.
    since : str
        First of the latest sections that show it, from which a later change is measured.
    """

    quantity: Quantity
    ratio: float
    first: str
    latest: str
    since: str

    @classmethod
    def of(cls, quantity: str, data: Mapping[str, Any]) -> Self:
        """Return the change in an event."""
        return cls(Quantity(quantity), data["ratio"], data["first"], data["latest"], data["since"])
