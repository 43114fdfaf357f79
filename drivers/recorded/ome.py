"""The planes of an OME-TIFF file, from its OME-XML.

Read with ElementTree: ome-types takes 0.8 to 0.95 s of CPU time to import, this module .025 s, and it refuses
documents of other programs that break the schema.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree

from drivers.errors import FrameError

SECTION_KEY = "ilemtrack.section"
FIELD_KEY = "ilemtrack.field"
OFFSET_KEY = "ilemtrack.offset_adu"
ROTATION_KEY = "ilemtrack.rotation_rad"
FLIP_X_KEY = "ilemtrack.flip_x"
FLIP_Y_KEY = "ilemtrack.flip_y"

_METRES = MappingProxyType(
    {
        "m": 1.0,
        "dm": 1e-1,
        "cm": 1e-2,
        "mm": 1e-3,
        "µm": 1e-6,
        "μm": 1e-6,
        "um": 1e-6,
        "nm": 1e-9,
        "pm": 1e-12,
    }
)
_SECONDS = MappingProxyType(
    {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "μs": 1e-6, "us": 1e-6, "ns": 1e-9, "min": 60.0}
)


@dataclass(frozen=True, slots=True)
class OmePlane:
    """One plane of an OME-TIFF file.

    Attributes
    ----------
    pixel_size_m : (float, float) or None
        Width and height of a pixel, m.
    center_m : (float, float) or None
        Stage position, m.
    exposure_s : float or None
    notes : mapping of str to str
        Key-value annotations of the image.
    """

    pixel_size_m: tuple[float, float] | None
    center_m: tuple[float, float] | None
    exposure_s: float | None
    notes: Mapping[str, str]


def ome_planes(xml: str, pages: int, source: str) -> dict[int, OmePlane]:
    """Return the planes by the number of the page that holds them.

    Parameters
    ----------
    xml : str
        OME-XML.
    pages : int
        Pages of the file.
    source : str
        Name of the file for errors.

    Raises
    ------
    FrameError
        The XML is broken, or an image has several channels.
    """
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        raise FrameError(f"{source}: its OME metadata is not valid XML ({error})") from None
    planes: dict[int, OmePlane] = {}
    images = root.findall("{*}Image")
    for number, image in enumerate(images):
        pixels = image.find("{*}Pixels")
        if pixels is None:
            continue
        channels = pixels.findall("{*}Channel")
        if _integer(pixels, "SizeC", 1) > 1:
            names = [c.get("Name") or c.get("ID") or "unnamed" for c in channels]
            raise FrameError(
                f"{source}: image {number} has {_integer(pixels, 'SizeC', 1)} channels "
                f"({', '.join(names) or 'unnamed'}); save the fluorescence channel alone"
            )
        notes = _notes(root, image, alone=len(images) == 1)
        size = _pixel_size(pixels, source)
        for page, z, t in _pages(pixels, len(planes), Path(source).name):
            if page < pages:
                planes[page] = _plane(pixels, z, t, size, notes, source)
    return planes


def _pages(pixels: ElementTree.Element, first: int, file: str) -> list[tuple[int, int, int]]:
    """Return (page, z, t) of the planes of an image in this file; from page `first` by default."""
    sizes = {"Z": _integer(pixels, "SizeZ", 1), "T": _integer(pixels, "SizeT", 1)}
    order = [axis for axis in pixels.get("DimensionOrder", "XYCZT") if axis in sizes] or ["Z", "T"]
    inner = sizes[order[0]]
    total = min(sizes["Z"] * sizes["T"], 1_000_000)
    found = []
    blocks = pixels.findall("{*}TiffData")
    homes = [block.find("{*}UUID") for block in blocks]
    names = [None if home is None else home.get("FileName") for home in homes]
    if len(set(names)) > 1:
        # One image in several files; a single name is ignored, since the file may have been renamed.
        blocks = [block for block, name in zip(blocks, names, strict=True) if name in (None, file)]
        if not blocks:
            return []
    if not blocks or all(block.get("IFD") is None for block in blocks):
        starts = [(first, 0, total)]
    else:
        starts = []
        for block in blocks:
            z, t = _integer(block, "FirstZ", 0), _integer(block, "FirstT", 0)
            begin = z + t * inner if order[0] == "Z" else t + z * inner
            default = 1 if block.get("IFD") is not None else total
            starts.append((_integer(block, "IFD", 0), begin, _integer(block, "PlaneCount", default)))
    for page, begin, count in starts:
        for n in range(min(count, total - begin)):
            one, two = (begin + n) % inner, (begin + n) // inner
            z, t = (one, two) if order[0] == "Z" else (two, one)
            found.append((page + n, z, t))
    return found


def _plane(
    pixels: ElementTree.Element,
    z: int,
    t: int,
    size: tuple[float, float] | None,
    notes: Mapping[str, str],
    source: str,
) -> OmePlane:
    for plane in pixels.findall("{*}Plane"):
        if _integer(plane, "TheZ", 0) == z and _integer(plane, "TheT", 0) == t:
            x = _quantity(plane, "PositionX", _METRES, "m", source)
            y = _quantity(plane, "PositionY", _METRES, "m", source)
            exposure_s = _quantity(plane, "ExposureTime", _SECONDS, "s", source)
            return OmePlane(size, None if x is None or y is None else (x, y), exposure_s, notes)
    return OmePlane(size, None, None, notes)


def _pixel_size(pixels: ElementTree.Element, source: str) -> tuple[float, float] | None:
    x = _quantity(pixels, "PhysicalSizeX", _METRES, "µm", source)
    y = _quantity(pixels, "PhysicalSizeY", _METRES, "µm", source)
    if x is None and y is None:
        return None
    if x is None or y is None:
        raise FrameError(f"{source}: its OME metadata gives a pixel size in one direction only")
    return x, y


def _quantity(
    element: ElementTree.Element, name: str, units: Mapping[str, float], unit: str, source: str
) -> float | None:
    """Return a quantity in SI units; None where it is missing or its unit is not physical."""
    text = element.get(name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        raise FrameError(f"{source}: {name} in its OME metadata is {text!r}, which is not a number") from None
    if not math.isfinite(value):
        raise FrameError(f"{source}: {name} in its OME metadata is {text}, which is not a finite number")
    factor = units.get(element.get(f"{name}Unit", unit))
    return None if factor is None else value * factor


def _notes(root: ElementTree.Element, image: ElementTree.Element, *, alone: bool) -> Mapping[str, str]:
    """Return the key-value annotations that an image refers to; all of them for a single image."""
    wanted = {ref.get("ID") for ref in image.iter() if ref.tag.endswith("}AnnotationRef")}
    notes = {}
    for annotation in root.findall("{*}StructuredAnnotations/{*}MapAnnotation"):
        if annotation.get("ID") in wanted or (alone and not wanted):
            for item in annotation.findall("{*}Value/{*}M"):
                notes[item.get("K", "")] = item.text or ""
    return MappingProxyType(notes)


def _integer(element: ElementTree.Element, name: str, default: int) -> int:
    text = element.get(name)
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else default
