"""The planes of an OME-TIFF file, from its OME-XML.

Read with ElementTree: ome-types takes 0.8 to 0.95 s of CPU time to import, this module .025 s, and it refuses
documents of other programs that break the schema.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree

from drivers.errors import FrameError
from drivers.recorded.pixel_size import METRES, StatedSize
from drivers.recorded.planes import Channel, Plane

SECTION_KEY = "ilemtrack.section"
FIELD_KEY = "ilemtrack.field"
OFFSET_KEY = "ilemtrack.offset_adu"
ROTATION_KEY = "ilemtrack.rotation_rad"
FLIP_X_KEY = "ilemtrack.flip_x"
FLIP_Y_KEY = "ilemtrack.flip_y"

_SOURCE = "its OME metadata"
_SECONDS = MappingProxyType(
    {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "μs": 1e-6, "us": 1e-6, "ns": 1e-9, "min": 60.0}
)


def ome_planes(xml: str, pages: int, source: str) -> dict[int, Plane]:
    """Return the planes by the number of the page that holds them.

    Channels are numbered over all images of the document, by their names where they have some: each stream of
    a microscope may be an image of its own.

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
        The XML is broken, or a number in it is none.
    """
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise FrameError(f"{source}: its OME metadata defines entities of its own, which no OME-TIFF needs")
    try:
        root = ElementTree.fromstring(xml)
    except (ElementTree.ParseError, RecursionError) as error:
        raise FrameError(f"{source}: its OME metadata is not valid XML ({error})") from None
    images = root.findall("{*}Image")
    others = _other_files(root, source)
    channels = _channels(images)
    total = len(set().union(*channels)) if channels else 0
    planes: dict[int, Plane] = {}
    for image, own in zip(images, channels, strict=True):
        pixels = image.find("{*}Pixels")
        if pixels is None:
            continue
        notes = _notes(root, image, alone=len(images) == 1)
        size = _pixel_size(pixels)
        stacked = max(_integer(pixels, "SizeZ", 1), _integer(pixels, "SizeT", 1)) > 1
        of_pixels = {
            tuple(_integer(plane, f"The{axis}", 0) for axis in "CZT"): plane
            for plane in pixels.findall("{*}Plane")
        }
        for page, c, z, t in _pages(pixels, len(own), len(planes), pages, others, source):
            plane = of_pixels.get((c, z, t))
            center_m, exposure_s = _taken(plane, source)
            planes[page] = Plane(
                own[c],
                total,
                z if stacked else None,
                t if stacked else None,
                size,
                center_m,
                exposure_s,
                notes,
            )
    return planes


def _channels(images: Sequence[ElementTree.Element]) -> list[list[Channel]]:
    """Return the channels of each image."""
    numbers: dict[object, int] = {}
    found = []
    for image in images:
        pixels = image.find("{*}Pixels")
        elements = [] if pixels is None else pixels.findall("{*}Channel")
        samples = max([1, *(_integer(element, "SamplesPerPixel", 1) for element in elements)])
        count = 1 if pixels is None else max(_integer(pixels, "SizeC", 1) // samples, 1)
        names = [(element.get("Name") or "").strip() for element in elements[:count]]
        # A file cannot hold more channels than pages, and a wrong count must not cost memory.
        names += [""] * (min(count, 1000) - len(names))
        own = []
        for index, name in enumerate(names):
            key = name.casefold() if name and names.count(name) == 1 else (name, index)
            own.append(Channel(numbers.setdefault(key, len(numbers) + 1), name))
        found.append(own)
    return found


def _other_files(root: ElementTree.Element, source: str) -> set[int]:
    """Return the identities of the blocks of planes that are in other files of the set."""
    homes = [
        (id(block), home)
        for block in root.iter()
        if block.tag.endswith("}TiffData") and (home := block.find("{*}UUID")) is not None
    ]
    names = {home.get("FileName", "") for _, home in homes}
    if len(names) <= 1:
        # A single name is ignored, since the file may have been renamed.
        return set()
    own, uuid = Path(source).name, root.get("UUID")
    if own in names:
        return {block for block, home in homes if home.get("FileName") != own}
    if any(home.text == uuid for _, home in homes):
        return {block for block, home in homes if home.text != uuid}
    raise FrameError(
        f"{source}: its OME metadata describe {len(names)} files, such as {min(names)}, and none of this"
        " name; give it its old name"
    )


def _pages(
    pixels: ElementTree.Element, channels: int, first: int, pages: int, others: set[int], source: str
) -> Iterator[tuple[int, int, int, int]]:
    """Yield (page, c, z, t) of the planes of an image in this file; from page `first` by default."""
    sizes = {"C": channels, "Z": _integer(pixels, "SizeZ", 1), "T": _integer(pixels, "SizeT", 1)}
    order = [axis for axis in pixels.get("DimensionOrder", "XYCZT") if axis in sizes]
    if sorted(order) != sorted(sizes):
        order = list(sizes)
    total = math.prod(max(size, 1) for size in sizes.values())
    blocks = pixels.findall("{*}TiffData")
    if blocks and all(id(block) in others for block in blocks):
        return
    blocks = [block for block in blocks if id(block) not in others]
    if not blocks or all(block.get("IFD") is None for block in blocks):
        if channels > 1 and total > pages - first:
            raise FrameError(
                f"{source}: its OME metadata claims {total} planes of {channels} channels, but it has {pages}"
                f" page{'s' * (pages > 1)}; save the channel with the cells alone"
            )
        starts = [(first, 0, total)]
    else:
        starts = []
        for block in blocks:
            at = {axis: _integer(block, f"First{axis}", 0) for axis in sizes}
            begin, step = 0, 1
            for axis in order:
                begin, step = begin + at[axis] * step, step * max(sizes[axis], 1)
            default = 1 if block.get("IFD") is not None else total
            starts.append((_integer(block, "IFD", 0), begin, _integer(block, "PlaneCount", default)))
    for page, begin, count in starts:
        for n in range(min(count, total - begin, pages - page)):
            rest, at = begin + n, {}
            for axis in order:
                rest, at[axis] = divmod(rest, max(sizes[axis], 1))
            yield page + n, at["C"], at["Z"], at["T"]


def _taken(plane: ElementTree.Element | None, source: str) -> tuple[tuple[float, float] | None, float | None]:
    """Return stage position, m, and exposure time, s."""
    if plane is None:
        return None, None
    x = _quantity(plane, "PositionX", METRES, "m", source)
    y = _quantity(plane, "PositionY", METRES, "m", source)
    return None if x is None or y is None else (x, y), _quantity(plane, "ExposureTime", _SECONDS, "s", source)


def _pixel_size(pixels: ElementTree.Element) -> StatedSize | None:
    names = [name for name in ("PhysicalSizeX", "PhysicalSizeY") if pixels.get(name) is not None]
    if not names:
        return None
    sizes = []
    for name in names:
        unit = pixels.get(f"{name}Unit", "µm")
        if unit not in METRES:
            return StatedSize(_SOURCE, problem=f"gives it in {unit[:40]!r}, which is no unit of length")
        try:
            sizes.append(float(pixels.get(name, "")) * METRES[unit])
        except ValueError:
            return StatedSize(
                _SOURCE, problem=f"has {name}={pixels.get(name, '')[:40]!r}, which is no number"
            )
    if len(sizes) == 1:
        only = f"{names[0]}={sizes[0] * 1e9:g} nm"
        return StatedSize(_SOURCE, problem=f"gives {only} and nothing of the other direction")
    return StatedSize(_SOURCE, (sizes[0], sizes[1]))


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
