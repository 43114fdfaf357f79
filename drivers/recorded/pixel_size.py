"""The pixel size of a frame: what its file states, and what a person gives, which wins."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from drivers.errors import FrameError

PIXEL_SIZE_NM = (10.0, 5000.0)
"""Smallest and largest plausible pixel size of a fluorescence frame, nm; as in the configuration."""
_MAX_ANISOTROPY = 0.01
_REMEDY = "give the right one with --pixel-size-nm"

METRES: Mapping[str, float] = MappingProxyType(
    {
        "km": 1e3,
        "m": 1.0,
        "dm": 1e-1,
        "cm": 1e-2,
        "mm": 1e-3,
        "µm": 1e-6,
        "μm": 1e-6,
        "um": 1e-6,
        "nm": 1e-9,
        "pm": 1e-12,
        "Å": 1e-10,
        "\u212b": 1e-10,
        "yd": 0.9144,
        "ft": 0.3048,
        "in": 0.0254,
        "li": 0.0254 / 12,
        "pt": 0.0254 / 72,
        "thou": 25.4e-6,
    }
)
"""Units of length of OME (enumeration UnitsLength, 2016-06), m."""


@dataclass(frozen=True, slots=True)
class StatedSize:
    """Pixel size that a file states.

    Attributes
    ----------
    source : str
        Where, such as ``its OME metadata``.
    size_m : (float, float) or None
        Width and height of a pixel, m; None if it cannot be used.
    problem : str
        Continues `source` where the size cannot be used, such as ``gives no unit``.
    """

    source: str
    size_m: tuple[float, float] | None = None
    problem: str = ""


def chosen_size(
    stated: StatedSize | None, given_nm: float | None, where: str
) -> tuple[tuple[float, float], str | None]:
    """Return the pixel size to use, m, and a notice if a person's differs from the file's.

    Parameters
    ----------
    stated : StatedSize or None
    given_nm : float or None
        Given by a person, nm.
    where : str
        Frame, for errors.

    Raises
    ------
    FrameError
        There is none, or it is not from 10 to 5000 nm, or the pixels are not square within 1 %.
    """
    if given_nm is not None:
        _check_range(given_nm * 1e-9, f"{where}: the pixel size given is", "")
        return (given_nm * 1e-9, given_nm * 1e-9), _difference(stated, given_nm)
    if stated is None:
        raise FrameError(f"{where} states no pixel size; give it with --pixel-size-nm")
    if stated.size_m is None:
        raise FrameError(
            f"{where}: {stated.source} {stated.problem}; give the pixel size with --pixel-size-nm"
        )
    x, y = stated.size_m
    for value in (x, y):
        _check_range(value, f"{where}: the pixel size in {stated.source} is", f"; {_REMEDY}")
    if abs(x - y) > _MAX_ANISOTROPY * max(x, y):
        raise FrameError(
            f"{where}: {stated.source} says that its pixels are {x * 1e9:g} nm wide and {y * 1e9:g} nm high;"
            f" they must be square: {_REMEDY}"
        )
    return (x, y), None


def _check_range(value_m: float, start: str, end: str) -> None:
    low, high = PIXEL_SIZE_NM
    # Slightly wider than the limits: converting metres to nanometres costs a rounding error.
    if not (math.isfinite(value_m) and low * 0.999999 <= value_m * 1e9 <= high * 1.000001):
        raise FrameError(f"{start} {value_m * 1e9:g} nm; it must be from {low:g} to {high:g} nm{end}")


def _difference(stated: StatedSize | None, given_nm: float) -> str | None:
    start = f"the pixel size is {given_nm:g} nm as given"
    if stated is None:
        return None
    if stated.size_m is None:
        return f"{start}; {stated.source} {stated.problem}"
    x_nm, y_nm = (value * 1e9 for value in stated.size_m)
    if max(abs(x_nm - given_nm), abs(y_nm - given_nm)) <= 1e-3 * given_nm:
        return None
    both = f"{x_nm:.6g} nm" if math.isclose(x_nm, y_nm, rel_tol=1e-3) else f"{x_nm:.6g} x {y_nm:.6g} nm"
    return f"{start}, not {both} as in {stated.source}"
