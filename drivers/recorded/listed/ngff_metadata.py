"""Metadata of an OME-Zarr image: https://ngff.openmicroscopy.org, versions 0.4 and 0.5."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from drivers.errors import FrameError
from drivers.recorded.ome import FIELD_KEY, OFFSET_KEY, SECTION_KEY
from drivers.recorded.pixel_size import StatedSize
from drivers.recorded.planes import Channel, Plane

_SOURCE = "its OME-Zarr metadata"
_MAX_BYTES = 64 * 2**20
_METRES: Mapping[str, float] = MappingProxyType(
    {
        "meter": 1.0,
        "centimeter": 1e-2,
        "millimeter": 1e-3,
        "micrometer": 1e-6,
        "nanometer": 1e-9,
        "picometer": 1e-12,
        "angstrom": 1e-10,
        "inch": 0.0254,
    }
)
"""Units of length of NGFF (UDUNITS-2) that microscopes use, m."""
_OWN_KEYS = (SECTION_KEY, FIELD_KEY, OFFSET_KEY)
"""Facts of our exports that hold for the exported pixels; rotation and mirroring are undone in them."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image: planes along any of t, c and z.

    Attributes
    ----------
    path : str
        Of the array of full resolution, in the folder of the image.
    axes : str
        Names of the axes, a letter each, such as ``tczyx``.
    shape : tuple of int
    size : StatedSize
    corner_m : (float, float) or None
        Place of the centre of the first pixel, x and y, m, y downwards; None where the file has none.
    channels : tuple of str
        Names; empty ones where it states none.
    notes : mapping of str to str
        Of ilemtrack.
    """

    path: str
    axes: str
    shape: tuple[int, ...]
    size: StatedSize
    corner_m: tuple[float, float] | None
    channels: tuple[str, ...]
    notes: Mapping[str, str]

    @property
    def count(self) -> int:
        """Number of planes."""
        return math.prod(self.shape[:-2])

    def index(self, number: int) -> tuple[int, ...]:
        """Return the indices of a plane along all axes but y and x."""
        found: list[int] = []
        for length in reversed(self.shape[:-2]):
            number, at = divmod(number, length)
            found.insert(0, at)
        return tuple(found)

    def plane(self, number: int) -> Plane:
        """Return the description of a plane."""
        at = dict(zip(self.axes, self.index(number), strict=False))
        length = dict(zip(self.axes, self.shape, strict=True))
        stacked = max(length.get("z", 1), length.get("t", 1)) > 1
        channel = at.get("c", 0)
        return Plane(
            channel=Channel(channel + 1, self.channels[channel]) if self.channels else None,
            channels=length.get("c", 1),
            z=at.get("z", 0) if stacked else None,
            t=at.get("t", 0) if stacked else None,
            size=self.size,
            # The planes of a stack lie on each other.
            center_m=None if stacked else self._center_m(),
            notes=self.notes,
        )

    def _center_m(self) -> tuple[float, float] | None:
        if self.corner_m is None or self.size.size_m is None:
            return None
        (width, height), (rows, columns) = self.size.size_m, self.shape[-2:]
        x, y = self.corner_m
        # Images count y downwards, the stage upwards.
        return x + (columns - 1) / 2 * width, 0.0 - (y + (rows - 1) / 2 * height)


def attributes_of(folder: Path) -> dict[str, Any]:
    """Return the attributes of a group, those of NGFF 0.5 as 0.4 has them, with ours beside them.

    Raises
    ------
    FrameError
        They are no JSON of that kind.
    OSError
    """
    attributes: Any = {}
    if (folder / "zarr.json").is_file():
        document = _json(folder / "zarr.json")
        attributes = document.get("attributes", {}) if isinstance(document, dict) else None
    elif (folder / ".zattrs").is_file():
        attributes = _json(folder / ".zattrs")
    ours = attributes.get("ilemtrack", {}) if isinstance(attributes, dict) else None
    found = attributes.get("ome", attributes) if isinstance(attributes, dict) else None
    if not isinstance(found, dict) or not isinstance(ours, dict):
        raise FrameError(f"{folder}: has no metadata of OME-Zarr")
    return {**found, "ilemtrack": ours}


def image_of(folder: Path, labels: bool = False) -> Image:
    """Return the metadata of an image, or of a label image where `labels` are wanted.

    Raises
    ------
    FrameError
        It is no image of NGFF 0.4 or 0.5; one sentence.
    KeyError, IndexError, TypeError, ValueError, AttributeError, OSError
        Its metadata are damaged.
    """
    attributes = attributes_of(folder)
    scales = attributes.get("multiscales")
    if not isinstance(scales, list) or not scales:
        raise FrameError(f"{folder}: is OME-Zarr, but no image of NGFF 0.4 or 0.5")
    if "image-label" in attributes and not labels:
        raise FrameError(f"{folder}: holds labels, not an image")
    first = scales[0]
    dataset = first["datasets"][0]
    if not (folder / str(dataset["path"])).resolve().is_relative_to(folder.resolve()):
        raise FrameError(f"{folder}: names an array outside of itself; it is damaged, or made to mislead")
    axes = [one if isinstance(one, str) else one["name"] for one in first.get("axes", ())]
    shape = _shape(folder / dataset["path"])
    if axes[-2:] != ["y", "x"] or not set(axes[:-2]) <= set("tcz") or len(set(axes)) != len(shape):
        raise FrameError(
            f"{folder}: has the axes {', '.join(map(str, axes)) or 'of an old version'}; images with"
            " y and x last, and any of t, c and z before, are read"
        )
    scale, place = _transformed(dataset, first, len(shape))
    own = attributes["ilemtrack"]
    facts = own.get("facts", {})
    return Image(
        path=str(dataset["path"]),
        axes="".join(axes),
        shape=shape,
        size=_size(scale, first["axes"]),
        corner_m=_corner_m(place, first["axes"]),
        channels=_channels(attributes, dict(zip(axes, shape, strict=True)).get("c", 1)),
        notes={key: str(facts[key]) for key in _OWN_KEYS if key in facts},
    )


def _json(path: Path) -> Any:
    if path.stat().st_size > _MAX_BYTES:
        raise FrameError(f"{path}: is larger than {_MAX_BYTES // 2**20} MiB")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise FrameError(f"{path}: is no JSON; the image is probably damaged") from None


def _shape(array: Path) -> tuple[int, ...]:
    name = "zarr.json" if (array / "zarr.json").is_file() else ".zarray"
    return tuple(int(side) for side in _json(array / name)["shape"])


def _transformed(
    dataset: Mapping[str, Any], image: Mapping[str, Any], axes: int
) -> tuple[list[float] | None, list[float] | None]:
    """Return scale and place of the array: its own transformations, then those of all resolutions."""
    scale: list[float] | None = None
    place: list[float] | None = None
    for step in (*dataset.get("coordinateTransformations", ()), *image.get("coordinateTransformations", ())):
        values = [float(one) for one in step.get(step["type"], ())]
        if step["type"] == "scale" and len(values) == axes:
            scale = values if scale is None else [a * b for a, b in zip(scale, values, strict=True)]
            place = None if place is None else [a * b for a, b in zip(place, values, strict=True)]
        elif step["type"] == "translation" and len(values) == axes:
            place = values if place is None else [a + b for a, b in zip(place, values, strict=True)]
        elif step["type"] != "identity":
            raise FrameError(f"{_SOURCE} place the image by {step['type']} of a form that is not read")
    return scale, place


def _units_m(axes: list[Any]) -> tuple[float | None, float | None]:
    units = [one.get("unit") if isinstance(one, dict) else None for one in axes[-2:]]
    y, x = (_METRES.get(str(unit)) for unit in units)
    return x, y


def _size(scale: list[float] | None, axes: list[Any]) -> StatedSize:
    x, y = _units_m(axes)
    if scale is None:
        return StatedSize(_SOURCE, problem="state no scale")
    if x is None or y is None:
        return StatedSize(_SOURCE, problem="give no unit of length for it")
    return StatedSize(_SOURCE, (scale[-1] * x, scale[-2] * y))


def _corner_m(place: list[float] | None, axes: list[Any]) -> tuple[float, float] | None:
    """Return the place of an image; many programs write 0, 0 for none."""
    x, y = _units_m(axes)
    if place is None or x is None or y is None or not any(place[-2:]):
        return None
    if not all(map(math.isfinite, place)):
        raise FrameError(f"{_SOURCE} place it nowhere")
    return place[-1] * x, place[-2] * y


def _channels(attributes: Mapping[str, Any], count: int) -> tuple[str, ...]:
    omero = attributes.get("omero")
    stated = omero.get("channels", []) if isinstance(omero, dict) else []
    if not stated and count == 1:
        return ()
    names = [str(one.get("label", "")) for one in stated if isinstance(one, dict)]
    return tuple((names + [""] * count)[:count])
