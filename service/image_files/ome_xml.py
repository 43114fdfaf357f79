"""OME-XML of our images, in the form that OME readers, Bio-Formats and Odemis understand.

Odemis (observed with the reader of 3.8.0, and read in those of earlier versions) differs from OME, and the
elements written here serve both ways:

- it takes positions as metres and pixel sizes as micrometres, whatever their unit is;
- an image with an excitation and an emission wavelength is fluorescence to it, one with an excitation
  wavelength a brightfield image, and one with neither an SEM image;
- it reads dates of whole seconds without a zone only;
- it reads the exposure time of a scanned image as its dwell time, and the voltage of the detector as that of
  the beam;
- it gives up on all of the XML for a binning other than ``NxN``, and for a channel with the settings of a
  light source that is no LED. So binning of another form is left out, and the light source stands beside the
  channel.

Bio-Formats (7.3) gives up on an image with a character reference such as ``&#181;`` in it, so the text is
UTF-8.
"""

import math
import re
from datetime import UTC
from decimal import Decimal
from itertools import chain
from typing import Any
from xml.etree import ElementTree as ET

from service.image_files.facts import ElectronChannel, ImageFacts, LightChannel

_NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
_SCHEMA = f"{_NAMESPACE} {_NAMESPACE}/ome.xsd"
_DECLARATION = b"<?xml version='1.0' encoding='utf-8'?>\n"
_DATE = "%Y-%m-%dT%H:%M:%S"
"""UTC to whole seconds, without a zone."""
_BINNINGS = ("1x1", "2x2", "4x4", "8x8")
"""Those that the schema knows."""
_DIGITS = 12
"""Significant digits of settings: more is the rounding of a change of units."""
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even by reference."""
_BREAKS = re.compile("[\t\n\r]")
"""Characters that an attribute can only hold by reference."""


def clean(value: float) -> float:
    """Return a setting without the rounding errors of its unit: 16.5 nm for 16.499999999999997."""
    return float(f"{value:.{_DIGITS}g}")


def ome_xml(facts: ImageFacts) -> bytes:
    """Return the OME-XML of an image, UTF-8; elements are in the order of the schema 2016-06."""
    root = _child(None, "OME", xmlns=_NAMESPACE, Creator=f"ilemtrack {facts.acquisition.provenance.program}")
    root.set("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
    root.set("xsi:schemaLocation", _SCHEMA)
    _instrument(root, facts)
    image = _child(root, "Image", ID="Image:0", Name=facts.name)
    _child(image, "AcquisitionDate").text = facts.acquisition.taken_at.astimezone(UTC).strftime(_DATE)
    _child(image, "InstrumentRef", ID="Instrument:0")
    _child(image, "ObjectiveSettings", ID="Objective:0")
    if facts.acquisition.pressure_pa is not None:
        pressure = _decimal(facts.acquisition.pressure_pa)
        _child(image, "ImagingEnvironment", AirPressure=pressure, AirPressureUnit="Pa")
    x, y = map(_number, facts.center_m)
    _child(image, "StageLabel", Name=facts.place, X=x, XUnit="m", Y=y, YUnit="m")
    _pixels(image, facts)
    _child(image, "AnnotationRef", ID="Annotation:0")
    _annotation(_child(root, "StructuredAnnotations"), facts)
    # Not by ET's encoder, which takes as long as all of the rest.
    return _DECLARATION + ET.tostring(root, encoding="unicode").encode()


def _instrument(root: ET.Element, facts: ImageFacts) -> None:
    instrument, of = _child(root, "Instrument", ID="Instrument:0"), facts.channel
    _child(instrument, "Microscope", Model=facts.acquisition.provenance.microscope, Type="Other")
    if isinstance(of, ElectronChannel):
        _child(instrument, "Detector", ID="Detector:0", Model=of.detector, Type="Other")
        distance = {"WorkingDistance": _decimal(of.working_distance_m * 1e6), "WorkingDistanceUnit": "µm"}
        _child(instrument, "Objective", ID="Objective:0", **distance)
        return
    source = _child(_child(instrument, "GenericExcitationSource", ID="LightSource:0"), "Map")
    _entry(source, "wavelength_nm", of.excitation_nm)
    if of.power_density_w_per_cm2 is not None:
        _entry(source, "power_density_w_per_cm2", of.power_density_w_per_cm2)
    kind = {} if of.em_gain is None else {"Type": "EMCCD" if of.em_gain > 1 else "CCD"}
    _child(instrument, "Detector", ID="Detector:0", Model=of.path.camera, **kind)
    magnification = _decimal(of.path.magnification)
    _child(
        instrument,
        "Objective",
        ID="Objective:0",
        NominalMagnification=magnification,
        CalibratedMagnification=magnification,
        LensNA=_decimal(of.path.numerical_aperture),
    )
    if of.band_nm is not None:
        band = _child(instrument, "Filter", ID="Filter:0", Type="BandPass")
        # A long pass ends nowhere, and the schema has no such limit.
        ends = {
            name: limit
            for name, limit in zip(("CutIn", "CutOut"), of.band_nm, strict=True)
            if 0 < limit < math.inf
        }
        units = {f"{name}Unit": "nm" for name in ends}
        _child(band, "TransmittanceRange", **{name: _decimal(limit) for name, limit in ends.items()}, **units)


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
        PhysicalSizeX=_decimal(facts.pixel_size_m[0] * 1e6),
        PhysicalSizeXUnit="µm",
        PhysicalSizeY=_decimal(facts.pixel_size_m[1] * 1e6),
        PhysicalSizeYUnit="µm",
    )
    if isinstance(facts.channel, ElectronChannel):
        _electron_channel(pixels, facts.channel)
        exposure_s: float | None = facts.channel.dwell_s
    else:
        _light_channel(pixels, facts.channel)
        exposure_s = facts.channel.exposure_s
    _child(pixels, "TiffData", IFD="0", PlaneCount="1")
    exposure = {} if exposure_s is None else {"ExposureTime": _decimal(exposure_s), "ExposureTimeUnit": "s"}
    x, y = map(_number, facts.center_m)
    at = {"PositionX": x, "PositionXUnit": "m", "PositionY": y, "PositionYUnit": "m"}
    _child(pixels, "Plane", TheC="0", TheZ="0", TheT="0", **exposure, **at)


def _electron_channel(pixels: ET.Element, of: ElectronChannel) -> None:
    how = {"AcquisitionMode": "Other", "IlluminationType": "Other", "ContrastMethod": "Other"}
    channel = _child(pixels, "Channel", ID="Channel:0:0", SamplesPerPixel="1", **how)
    voltage = {"Voltage": _decimal(of.accelerating_voltage_v), "VoltageUnit": "V"}
    _child(channel, "DetectorSettings", ID="Detector:0", **voltage)


def _light_channel(pixels: ET.Element, of: LightChannel) -> None:
    how = {"AcquisitionMode": "WideField", "ContrastMethod": "Brightfield"}
    waves = {"ExcitationWavelength": _decimal(of.excitation_nm), "ExcitationWavelengthUnit": "nm"}
    if of.path.light == "fluorescence":
        how |= {"IlluminationType": "Epifluorescence", "ContrastMethod": "Fluorescence"}
        waves |= {"EmissionWavelength": _decimal(of.emission_nm), "EmissionWavelengthUnit": "nm"}
    else:
        how["IlluminationType"] = "Transmitted" if of.path.light == "transmitted" else "Other"
    channel = _child(pixels, "Channel", ID="Channel:0:0", SamplesPerPixel="1", **how, **waves)
    settings = {} if of.em_gain is None else {"Gain": _decimal(of.em_gain)}
    settings |= {} if of.offset_adu is None else {"Offset": _decimal(of.offset_adu)}
    if of.binning is not None and (text := "{}x{}".format(*of.binning)) in _BINNINGS:
        settings["Binning"] = text
    _child(channel, "DetectorSettings", ID="Detector:0", **settings)
    if of.band_nm is not None:
        _child(_child(channel, "LightPath"), "EmissionFilterRef", ID="Filter:0")


def _annotation(annotations: ET.Element, facts: ImageFacts) -> None:
    """Write the map annotation; a rotation is repeated under the keys by which Odemis finds it."""
    one = _child(annotations, "MapAnnotation", ID="Annotation:0", Namespace="ilemtrack")
    value = _child(one, "Value")
    taken, origin = facts.acquisition, facts.acquisition.provenance
    general = {
        "program": origin.program,
        "microscope": origin.microscope,
        "run": origin.run,
        "run_kind": origin.run_kind,
        "taken_at": taken.taken_at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "pressure_pa": taken.pressure_pa,
    }
    for key, note in chain(facts.notes.items(), general.items()):
        if note is not None:
            _entry(value, f"ilemtrack.{key}", note)
    if facts.rotation_rad:
        # It reads the rotation only behind settings, which may be empty.
        _entry(value, "ExtraSettings", "{}")
        _entry(value, "Rotation", facts.rotation_rad)


def _entry(parent: ET.Element, key: str, value: Any) -> None:
    _child(parent, "M", K=key).text = _text(str(value))


def _child(parent: ET.Element | None, tag: str, **attributes: str) -> ET.Element:
    attributes = {name: _BREAKS.sub(" ", _text(value)) for name, value in attributes.items()}
    return ET.Element(tag, attributes) if parent is None else ET.SubElement(parent, tag, attributes)


def _text(text: str) -> str:
    """Return a text with a replacement character for each that XML cannot hold."""
    return _NO_XML.sub("\ufffd", text)


def _number(value: float) -> str:
    """Return a number that reads back as the same float."""
    return repr(float(value))


def _decimal(value: float) -> str:
    """Return a setting in `_DIGITS` digits without an exponent."""
    return format(Decimal(repr(clean(value))), "f")
