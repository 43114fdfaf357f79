"""The planes of a file of Micro-Manager (NDTiff, or a stack without OME metadata).

See https://github.com/micro-manager/NDTiffStorage.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tifffile

from drivers.errors import FrameError
from drivers.recorded.pixel_size import StatedSize
from drivers.recorded.planes import Channel, Plane

METADATA_TAG = 51123
INDEX_NAME = "NDTiff.index"
_SOURCE = "its Micro-Manager metadata"
_NDTIFF = 483729
"""Third number in the header of NDTiff, version 2 and later."""
_LARGEST_INDEX = 64 * 2**20


def micromanager_planes(path: Path, pages: Sequence[tifffile.TiffPage]) -> list[Plane]:
    """Return the planes in the order of the pages.

    The axes of NDTiff are in a file beside it, those of other stacks in a tag of each page.

    Raises
    ------
    FrameError
        The index of NDTiff is missing or damaged, so that nothing tells channels from sections.
    """
    described = [_described(page) for page in pages]
    axes = _indexed(path, pages) if _is_ndtiff(path) else [None] * len(pages)
    found = [_axes(about) if one is None else one for about, one in zip(described, axes, strict=True)]
    if _is_ndtiff(path) and len(pages) > 1 and any(not one for one in found):
        raise FrameError(
            f"{path}: is a Micro-Manager file whose {INDEX_NAME} is missing or damaged, so its channels are"
            " unknown; copy the whole folder, or export the channel with the cells as OME-TIFF"
        )
    names: dict[object, int] = {}
    for one in found:
        names.setdefault(one.get("channel", 0), len(names) + 1)
    planes = []
    for about, one in zip(described, found, strict=True):
        value = one.get("channel", 0)
        channel = Channel(names[value], value if isinstance(value, str) else "")
        size = _pixel_size(about)
        z, t = (n if type(n := one.get(axis)) is int else None for axis in ("z", "time"))
        planes.append(Plane(channel if "channel" in one else None, len(names), z, t, size))
    return planes


def _is_ndtiff(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(12)
    order = "<" if head[:2] == b"II" else ">"
    return len(head) == 12 and struct.unpack_from(f"{order}I", head, 8)[0] == _NDTIFF


def _described(page: tifffile.TiffPage) -> Mapping[str, Any]:
    tag = page.tags.get(METADATA_TAG)
    return tag.value if tag is not None and isinstance(tag.value, dict) else {}


def _axes(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the axes that a page states itself."""
    if isinstance(axes := about.get("Axes"), dict):
        return axes
    keys = {"z": "SliceIndex", "time": "FrameIndex"}
    found = {axis: about[key] for axis, key in keys.items() if type(about.get(key)) is int}
    name, number = about.get("Channel"), about.get("ChannelIndex")
    if type(number) is int:
        found["channel"] = name if isinstance(name, str) and name else number
    return found


def _indexed(path: Path, pages: Sequence[tifffile.TiffPage]) -> list[dict[str, Any] | None]:
    """Return the axes by the place of the pixels in the file, from the index; None where it has none."""
    index = path.with_name(INDEX_NAME)
    if not index.is_file() or index.stat().st_size > _LARGEST_INDEX:
        return [None] * len(pages)
    try:
        entries = {entry[2]: entry[0] for entry in tifffile.read_ndtiff_index(index) if entry[1] == path.name}
    except (OSError, ValueError, struct.error, json.JSONDecodeError, MemoryError):
        entries = {}
    return [
        axes if page.dataoffsets and isinstance(axes := entries.get(page.dataoffsets[0]), dict) else None
        for page in pages
    ]


def _pixel_size(about: Mapping[str, Any]) -> StatedSize | None:
    # Micro-Manager writes 0 where nobody has calibrated it.
    size_um = about.get("PixelSizeUm")
    if not isinstance(size_um, int | float) or not size_um > 0:
        return None
    return StatedSize(_SOURCE, (size_um * 1e-6, size_um * 1e-6))
