"""Wavelengths passed by the filters of Odemis."""

from typing import Any


def intervals_m(band: Any) -> list[tuple[float, float]]:
    """Return the shortest and longest wavelength of each band of a filter, m.

    Parameters
    ----------
    band : Any
        A choice of the axis ``band``: wavelengths from the shortest to the longest, several such, or a word
        for a position without filter.

    Returns
    -------
    list of (float, float)
        Empty for a word.
    """
    if isinstance(band, str) or not isinstance(band, (list, tuple)) or not band:
        return []
    if isinstance(band[0], (list, tuple)):
        return [interval for one in band for interval in intervals_m(one)]
    return [(float(band[0]), float(band[-1]))]


def passes(band: Any, wavelength_m: float) -> bool:
    """Return True if a filter passes a wavelength."""
    return any(low <= wavelength_m <= high for low, high in intervals_m(band))
