"""OME-XML as Odemis writes it at a SECOM, with all that importers for render-ws read.

Read by `scripted-render-pipeline` (its `importer/clem_mipmapper.py`) and `iCAT-workflow`
(`icatapi/importo.py`): the namespace of 2012-06, the name of the image equal to the tag PageName of its page,
an objective whose number is that of a detector, a date in ISO format that no other tile of its stack and
section has, pixel sizes in um, the excitation, and the position in metres.

They lay the corner of the first pixel at that position, turned about this corner by an element `Transform`;
Odemis gives the centre. With frames of many sizes only the corner puts each in its place, so that is what is
written.
"""

from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree as ET

import numpy as np

from service.export.places import Affine

_NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2012-06"
ELECTRONS = "Secondary electrons"
"""Name that importers demand of an electron image, whatever its detector."""
FLUORESCENCE = "Filtered colour 1"
"""Name by which importers know fluorescence: it begins with ``Filtered colour``."""


@dataclass(frozen=True, slots=True)
class TileFacts:
    """All that the metadata of a tile says.

    Attributes
    ----------
    name : str
        `ELECTRONS` or `FLUORESCENCE`.
    description : str
    taken_at : datetime
    detector : str
    size_px : (int, int)
    dtype : str
    pixel_size_um : (float, float)
    place : Affine
    excitation_nm, emission_nm : float or None
    """

    name: str
    description: str
    taken_at: datetime
    detector: str
    size_px: tuple[int, int]
    dtype: str
    pixel_size_um: tuple[float, float]
    place: Affine
    excitation_nm: float | None = None
    emission_nm: float | None = None


def secom_xml(facts: TileFacts) -> bytes:
    """Return the OME-XML of a tile, in ASCII."""
    root = ET.Element("OME", {"xmlns": _NAMESPACE})
    instrument = ET.SubElement(root, "Instrument", {"ID": "Instrument:0"})
    ET.SubElement(instrument, "Microscope", {"Manufacturer": "ilemtrack", "Model": "ilemtrack"})
    ET.SubElement(instrument, "Detector", {"ID": "Detector:0", "Model": _printable(facts.detector)})
    ET.SubElement(instrument, "Objective", {"ID": "Objective:0"})
    image = ET.SubElement(root, "Image", {"ID": "Image:0", "Name": facts.name})
    date = facts.taken_at.replace(tzinfo=None).isoformat(timespec="microseconds")
    ET.SubElement(image, "AcquisitionDate").text = date
    ET.SubElement(image, "Description").text = _printable(facts.description)
    ET.SubElement(image, "InstrumentRef", {"ID": "Instrument:0"})
    ET.SubElement(image, "ObjectiveSettings", {"ID": "Objective:0"})
    width, height = facts.size_px
    size_x, size_y = facts.pixel_size_um
    pixels = ET.SubElement(
        image,
        "Pixels",
        {
            "ID": "Pixels:0",
            "DimensionOrder": "XYZTC",
            "Type": facts.dtype,
            "SizeX": str(width),
            "SizeY": str(height),
            "SizeZ": "1",
            "SizeT": "1",
            "SizeC": "1",
            "PhysicalSizeX": repr(size_x),
            "PhysicalSizeY": repr(size_y),
        },
    )
    wavelengths = {"Excitation": facts.excitation_nm, "Emission": facts.emission_nm}
    channel = {
        f"{key}Wavelength": str(round(value)) for key, value in wavelengths.items() if value is not None
    }
    ET.SubElement(pixels, "Channel", {"ID": "Channel:0:0", "Name": facts.name, **channel})
    ET.SubElement(pixels, "TiffData", {"IFD": "0", "PlaneCount": "1"})
    x_um, y_um = facts.place.offset_um
    # Of the stage: in metres, y upwards.
    corner = {"PositionX": repr(x_um * 1e-6), "PositionY": repr(0.0 - y_um * 1e-6)}
    ET.SubElement(pixels, "Plane", {"TheC": "0", "TheZ": "0", "TheT": "0", **corner})
    if not facts.place.is_upright:
        # Importers stretch y by the ratio of the pixel sizes after it.
        (a, b), (c, d) = (np.array(facts.place.matrix) / [[size_x], [size_y]]).tolist()
        turned = {"A00": a, "A01": b, "A02": 0.0, "A10": c, "A11": d, "A12": 0.0}
        ET.SubElement(image, "Transform", {key: repr(value) for key, value in turned.items()})
    return bytes(ET.tostring(root, encoding="us-ascii", xml_declaration=True))


def _printable(text: str) -> str:
    """Return a text without characters that XML cannot hold."""
    return "".join(one if one.isprintable() else " " for one in text)
