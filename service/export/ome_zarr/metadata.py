"""Metadata of OME-Zarr 0.5, as plain JSON values: https://ngff.openmicroscopy.org/0.5."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from service.model.specimen import Cell

VERSION = "0.5"

_OME = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
_COLOURS = ((480, "0000FF"), (560, "00FF00"), (600, "FFFF00"), (650, "FF0000"))
"""Longest emission wavelength, nm, shown in a colour: where the eye sees the next one. Chosen by hand."""
_FAR_RED = "FF00FF"
GREY = "FFFFFF"


def multiscales(
    name: str, pixel_size_um: tuple[float, float], offset_um: tuple[float, float], levels: int
) -> list[dict[str, Any]]:
    """Return the scales and places of a pyramid whose levels halve width and height.

    Parameters
    ----------
    name : str
    pixel_size_um : (float, float)
        Width and height of a pixel of the first level.
    offset_um : (float, float)
        Place of the corner of the first pixel; that of its centre is written, as readers expect.
    levels : int
    """
    datasets = []
    for level in range(levels):
        scale = [2**level * size for size in reversed(pixel_size_um)]
        corner = reversed(offset_um)
        translation = [round(place + size / 2, 10) for place, size in zip(corner, scale, strict=True)]
        transformations = [
            {"type": "scale", "scale": scale},
            {"type": "translation", "translation": translation},
        ]
        datasets.append({"path": str(level), "coordinateTransformations": transformations})
    axes = [{"name": axis, "type": "space", "unit": "micrometer"} for axis in "yx"]
    return [{"name": name, "axes": axes, "datasets": datasets}]


def channel(label: str, colour: str, highest: int, window: tuple[float, float]) -> dict[str, Any]:
    """Return the `omero` metadata of an image of one channel.

    Parameters
    ----------
    label : str
    colour : str
        RRGGBB.
    highest : int
        Largest grey level of its pixels' type.
    window : (float, float)
        Grey levels shown as black and as full colour.
    """
    shown = {"min": 0, "max": highest, "start": window[0], "end": window[1]}
    return {
        "channels": [{"label": label, "color": colour, "window": shown, "active": True}],
        "rdefs": {"model": "greyscale" if colour == GREY else "color"},
    }


def colour_of(emission_nm: float | None) -> str:
    """Return the colour to show an emission wavelength in; grey where it is not known."""
    if emission_nm is None:
        return GREY
    return next((colour for longest, colour in _COLOURS if emission_nm <= longest), _FAR_RED)


def label_properties(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """Return the properties of labels, a cell each, numbered from 1; napari takes single values only."""
    return [
        {
            "label-value": number,
            "cell": cell.id,
            "tracks": " ".join(cell.tracks),
            "confidence": cell.confidence,
            "decision": cell.decision.value,
            "verdict": "" if cell.verdict is None else cell.verdict.value,
            "reason": cell.skipped or cell.reason,
            "jobs": " ".join(cell.jobs),
            "brightness_adu": cell.brightness_adu,
        }
        for number, cell in enumerate(cells, 1)
    ]


def write_group(path: Path, ome: Mapping[str, Any] | None = None, **others: Any) -> None:
    """Make a group: its folder, if that is not there, and its metadata."""
    path.mkdir(exist_ok=True)
    attributes = {**({} if ome is None else {"ome": {"version": VERSION, **ome}}), **others}
    document = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    (path / "zarr.json").write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")


def collection_xml(images: Mapping[str, tuple[str, str, tuple[int, int]]]) -> bytes:
    """Return the OME-XML of a collection, with its images in their order.

    Parameters
    ----------
    images : mapping of str to (str, str, (int, int))
        Name, type of pixel, and width and height of each image, by its path in the collection.
    """
    ET.register_namespace("", _OME)
    root = ET.Element(f"{{{_OME}}}OME", {"Creator": "ilemtrack"})
    for number, (path, (name, kind, (width, height))) in enumerate(images.items()):
        # Readers take the path from the identifier.
        image = ET.SubElement(root, f"{{{_OME}}}Image", {"ID": f"Image:{path}", "Name": name})
        pixels = ET.SubElement(
            image,
            f"{{{_OME}}}Pixels",
            {
                "ID": f"Pixels:{number}",
                "DimensionOrder": "XYZCT",
                "Type": kind,
                "SizeX": str(width),
                "SizeY": str(height),
                "SizeZ": "1",
                "SizeC": "1",
                "SizeT": "1",
            },
        )
        ET.SubElement(pixels, f"{{{_OME}}}Channel", {"ID": f"Channel:{number}:0", "SamplesPerPixel": "1"})
        ET.SubElement(pixels, f"{{{_OME}}}MetadataOnly")
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))
