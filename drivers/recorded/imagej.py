"""The planes of a TIFF file of ImageJ or Fiji, from its description and its resolution."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import tifffile

from drivers.errors import FrameError
from drivers.recorded.pixel_size import METRES, StatedSize
from drivers.recorded.planes import Channel, Plane

_SOURCE = "its ImageJ calibration"
_UNITS: Mapping[str, float] = MappingProxyType(
    {
        **METRES,
        "micron": 1e-6,
        "microns": 1e-6,
        "micrometer": 1e-6,
        "micrometre": 1e-6,
        "nanometer": 1e-9,
        "millimeter": 1e-3,
        "meter": 1.0,
        "angstrom": 1e-10,
        "A": 1e-10,
        "inch": 0.0254,
        "inches": 0.0254,
        "mil": 25.4e-6,
    }
)
_NO_UNITS = ("", "pixel", "pixels")


def imagej_planes(file: tifffile.TiffFile, first: tifffile.TiffPage, pages: int, source: str) -> list[Plane]:
    """Return the planes in the order of the pages, in which channels change fastest.

    Raises
    ------
    FrameError
        The number of images in the description is not that of the pages.
    """
    about = file.imagej_metadata or {}
    counts = [_count(about.get(key, 1)) for key in ("channels", "slices", "frames")]
    claimed = _count(about.get("images", 1))
    if claimed > pages:
        raise FrameError(
            f"{source}: holds {claimed} images under {pages} page{'s' * (pages > 1)}; save one page per image"
        )
    size = _pixel_size(about, first)
    if math.prod(counts) != pages:
        if counts[0] > 1:
            raise FrameError(
                f"{source}: says that it has {' x '.join(map(str, counts))} channels, slices and frames, but"
                f" has {pages} page{'s' * (pages > 1)}; save the channel with the cells alone"
            )
        return [Plane(size=size)] * pages
    channels, slices, frames = counts
    stacked = max(slices, frames) > 1
    return [
        Plane(
            Channel(n % channels + 1) if channels > 1 else None,
            channels,
            n // channels % slices if stacked else None,
            n // channels // slices if stacked else None,
            size,
        )
        for n in range(pages)
    ]


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 1


def _pixel_size(about: Mapping[str, Any], page: tifffile.TiffPage) -> StatedSize | None:
    per_unit = [_rational(page, name) for name in ("XResolution", "YResolution")]
    if per_unit == [None, None]:
        return None
    sizes = []
    for axis, resolution, key in (("x", per_unit[0], "unit"), ("y", per_unit[1], "yunit")):
        # The file names a unit in y only where it is another one.
        unit = _plain(str(about.get(key, about.get("unit", ""))))
        if unit.casefold() in _NO_UNITS:
            return None
        metres = _UNITS.get(unit, _UNITS.get(unit.casefold()))
        if metres is None:
            return StatedSize(_SOURCE, problem=f"gives it in {unit[:40]!r}, which is no known unit of length")
        if resolution is None:
            return StatedSize(_SOURCE, problem=f"says nothing of the direction {axis}")
        sizes.append(metres / resolution)
    return StatedSize(_SOURCE, (sizes[0], sizes[1]))


def _plain(unit: str) -> str:
    """Return a unit with the escapes resolved that ImageJ writes for letters beyond ASCII."""
    return unit.replace("\\u00B5", "µ").replace("\\u00C5", "Å").replace("\\u212B", "Å").strip().rstrip(".")


def _rational(page: tifffile.TiffPage, name: str) -> float | None:
    """Return a resolution, pixels per unit; None where there is none above 0."""
    tag = page.tags.get(name)
    value = None if tag is None else tag.value
    if not isinstance(value, tuple) or len(value) != 2 or not all(isinstance(n, int) for n in value):
        return None
    return value[0] / value[1] if value[0] > 0 and value[1] > 0 else None
