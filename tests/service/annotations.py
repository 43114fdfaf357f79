"""Annotations of images, read quickly. That OME readers find them shows tests/service/image_files."""

from pathlib import Path
from xml.etree import ElementTree

import tifffile


def annotations_of(path: Path) -> dict[str, str]:
    """Return the annotations of an OME-TIFF by their keys."""
    with tifffile.TiffFile(path) as file:
        assert file.ome_metadata is not None
        found = ElementTree.fromstring(file.ome_metadata).iterfind(".//{*}M")
        return {one.attrib["K"]: one.text or "" for one in found}
