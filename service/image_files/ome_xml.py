"""OME-XML of our images, in the form that OME readers and Odemis understand.

Odemis differs from OME in three points, which the elements written here serve both ways: it takes positions
as metres whatever their unit is, it opens an image as fluorescence where a channel has an excitation and an
emission wavelength (and as an SEM image where it has neither), and it reads dates of whole seconds only.
Observed with the reader of Odemis 3.8.0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from xml.etree import ElementTree as ET

from config.model import Config

_NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
_SCHEMA = f"{_NAMESPACE} {_NAMESPACE}/ome.xsd"
_DATE = "%Y-%m-%dT%H:%M:%S"
"""UTC to whole seconds, without a zone: the only form that Odemis reads."""


@dataclass(frozen=True, slots=True)
class LightPath:
    """The fluorescence light path as configured; no device reports it.

    Attributes
    ----------
    magnification, numerical_aperture : float
        Of the objective.
    camera : str
    emission_nm : float
        Wavelength that the emission filter passes.
    """

    magnification: float
    numerical_aperture: float
    camera: str
    emission_nm: float

    @classmethod
    def of(cls, config: Config) -> Self:
        """Return the light path of a configuration."""
        fm = config.fluorescence
        return cls(
            fm.objective_magnification,
            fm.objective_numerical_aperture,
            fm.camera,
            config.odemis.emission_nm,
        )


@dataclass(frozen=True, slots=True)
class FmChannel:
    """The channel of a fluorescence frame.

    Attributes
    ----------
    path : LightPath
    excitation_nm, em_gain, offset_adu, exposure_s : float
    binning : (int, int) or None
        None where it is not known.
    band_nm : (float, float) or None
        Band of the emission filter as read back.
    """

    path: LightPath
    excitation_nm: float
    em_gain: float
    offset_adu: float
    exposure_s: float
    binning: tuple[int, int] | None
    band_nm: tuple[float, float] | None

    @property
    def emission_nm(self) -> float:
        """Wavelength for readers: as configured where the band passes it, else the middle of the band."""
        wanted = self.path.emission_nm
        if self.band_nm is None or self.band_nm[0] <= wanted <= self.band_nm[1]:
            return wanted
        return sum(self.band_nm) / 2


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """All that the OME-XML of one plane of grey levels says.

    Attributes
    ----------
    name : str
    size_px : (int, int)
        Width and height.
    dtype : str
        ``uint8`` or ``uint16``.
    pixel_size_m, center_m : (float, float)
    rotation_rad : float
        Counter-clockwise.
    taken_at : datetime
    detector : str
    channel : FmChannel or None
        None for an electron image.
    notes : mapping
        Stored as a map annotation, with keys that begin with ``ilemtrack.``.
    """

    name: str
    size_px: tuple[int, int]
    dtype: str
    pixel_size_m: tuple[float, float]
    center_m: tuple[float, float]
    rotation_rad: float
    taken_at: datetime
    detector: str
    channel: FmChannel | None
    notes: Mapping[str, Any]


def ome_xml(facts: ImageFacts) -> bytes:
    """Return the OME-XML of an image, in ASCII; elements are in the order of the schema 2016-06."""
    root = _child(None, "OME", xmlns=_NAMESPACE, Creator="ilemtrack")
    root.set("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
    root.set("xsi:schemaLocation", _SCHEMA)
    fm = facts.channel
    instrument = _child(root, "Instrument", ID="Instrument:0")
    kind = {} if fm is None else {"Type": "EMCCD" if fm.em_gain > 1 else "CCD"}
    _child(instrument, "Detector", ID="Detector:0", Model=facts.detector, **kind)
    if fm is not None:
        magnification = _number(fm.path.magnification)
        _child(
            instrument,
            "Objective",
            ID="Objective:0",
            NominalMagnification=magnification,
            CalibratedMagnification=magnification,
            LensNA=_number(fm.path.numerical_aperture),
        )
        if fm.band_nm is not None:
            low, high = (_number(v) for v in fm.band_nm)
            band = _child(instrument, "Filter", ID="Filter:0", Type="BandPass")
            _child(band, "TransmittanceRange", CutIn=low, CutInUnit="nm", CutOut=high, CutOutUnit="nm")
    image = _child(root, "Image", ID="Image:0", Name=facts.name)
    _child(image, "AcquisitionDate").text = facts.taken_at.astimezone(UTC).strftime(_DATE)
    _child(image, "InstrumentRef", ID="Instrument:0")
    if fm is not None:
        _child(image, "ObjectiveSettings", ID="Objective:0")
    _pixels(image, facts)
    _child(image, "AnnotationRef", ID="Annotation:0")
    annotations = _child(root, "StructuredAnnotations")
    _annotation(annotations, facts)
    return bytes(ET.tostring(root, encoding="us-ascii", xml_declaration=True))


def _pixels(image: ET.Element, facts: ImageFacts) -> None:
    width, height = facts.size_px
    pixels = _child(
        image,
        "Pixels",
        ID="Pixels:0",
        DimensionOrder="XYCZT",
        Type=facts.dtype,
        SizeX=str(width),
        SizeY=str(height),
        SizeC="1",
        SizeZ="1",
        SizeT="1",
        PhysicalSizeX=_number(facts.pixel_size_m[0] * 1e6),
        PhysicalSizeXUnit="µm",
        PhysicalSizeY=_number(facts.pixel_size_m[1] * 1e6),
        PhysicalSizeYUnit="µm",
    )
    fm = facts.channel
    if fm is None:
        _child(pixels, "Channel", ID="Channel:0:0", SamplesPerPixel="1")
        exposure = {}
    else:
        _channel(pixels, fm)
        exposure = {"ExposureTime": _number(fm.exposure_s), "ExposureTimeUnit": "s"}
    _child(pixels, "TiffData", IFD="0", PlaneCount="1")
    _child(
        pixels,
        "Plane",
        TheC="0",
        TheZ="0",
        TheT="0",
        **exposure,
        PositionX=_number(facts.center_m[0]),
        PositionXUnit="m",
        PositionY=_number(facts.center_m[1]),
        PositionYUnit="m",
    )


def _channel(pixels: ET.Element, fm: FmChannel) -> None:
    channel = _child(
        pixels,
        "Channel",
        ID="Channel:0:0",
        SamplesPerPixel="1",
        AcquisitionMode="WideField",
        IlluminationType="Epifluorescence",
        ContrastMethod="Fluorescence",
        ExcitationWavelength=_number(fm.excitation_nm),
        ExcitationWavelengthUnit="nm",
        EmissionWavelength=_number(fm.emission_nm),
        EmissionWavelengthUnit="nm",
    )
    binned = {} if fm.binning is None else {"Binning": _binning(fm.binning)}
    gain, offset = _number(fm.em_gain), _number(fm.offset_adu)
    _child(channel, "DetectorSettings", ID="Detector:0", Gain=gain, Offset=offset, **binned)
    if fm.band_nm is not None:
        path = _child(channel, "LightPath")
        _child(path, "EmissionFilterRef", ID="Filter:0")


def _annotation(annotations: ET.Element, facts: ImageFacts) -> None:
    """Write the map annotation; a rotation is repeated under the keys by which Odemis finds it."""
    one = _child(annotations, "MapAnnotation", ID="Annotation:0", Namespace="ilemtrack")
    value = _child(one, "Value")
    items = {f"ilemtrack.{key}": str(note) for key, note in facts.notes.items()}
    if facts.rotation_rad:
        # It reads the rotation only behind settings, which may be empty.
        items |= {"ExtraSettings": "{}", "Rotation": _number(facts.rotation_rad)}
    for key, text in items.items():
        _child(value, "M", K=key).text = text


def _binning(binning: tuple[int, int]) -> str:
    text = f"{binning[0]}x{binning[1]}"
    return text if text in ("1x1", "2x2", "4x4", "8x8") else "Other"


def _child(parent: ET.Element | None, tag: str, **attributes: str) -> ET.Element:
    return ET.Element(tag, attributes) if parent is None else ET.SubElement(parent, tag, attributes)


def _number(value: float) -> str:
    """Return a number that reads back as the same float, without an exponent where it is short enough."""
    return repr(float(value))
