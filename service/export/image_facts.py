"""Facts that an image states of itself, in its OME-XML."""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import tifffile

from service.errors import ImageError

_TAKEN_AT = "ilemtrack.taken_at"


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Facts of an image; None where it does not state one.

    Attributes
    ----------
    taken_at : datetime or None
        UTC, to the millisecond or better where the file has it.
    detector : str
        Empty if it is not stated.
    excitation_nm, emission_nm : float or None
    pixel_size_um : (float, float) or None
    notes : mapping of str to str
        Key-value annotations.
    """

    taken_at: datetime | None
    detector: str
    excitation_nm: float | None
    emission_nm: float | None
    pixel_size_um: tuple[float, float] | None
    notes: Mapping[str, str]


def read_facts(path: Path) -> ImageFacts:
    """Read the facts of a saved image, without its pixels.

    Raises
    ------
    ImageError
        It cannot be read.
    """
    try:
        with tifffile.TiffFile(path) as file:
            xml = file.ome_metadata
        root = ET.fromstring(xml or "<OME/>")
    except (OSError, tifffile.TiffFileError, ValueError, struct.error, ET.ParseError) as error:
        raise ImageError(f"{path}: cannot be read ({error})") from error
    notes = {
        item.get("K", ""): item.text or ""
        for item in root.findall("{*}StructuredAnnotations/{*}MapAnnotation/{*}Value/{*}M")
    }
    detector = root.find("{*}Instrument/{*}Detector")
    pixels = root.find("{*}Image/{*}Pixels")
    channel = root.find("{*}Image/{*}Pixels/{*}Channel")
    width, height = (_number(pixels, f"PhysicalSize{axis}") for axis in "XY")
    return ImageFacts(
        taken_at=_time(notes.get(_TAKEN_AT)) or _time(root.findtext("{*}Image/{*}AcquisitionDate")),
        detector="" if detector is None else detector.get("Model", ""),
        excitation_nm=_number(channel, "ExcitationWavelength"),
        emission_nm=_number(channel, "EmissionWavelength"),
        pixel_size_um=None if width is None or height is None else (round(width, 10), round(height, 10)),
        notes=notes,
    )


def _time(text: str | None) -> datetime | None:
    """Return a time; one without a zone is UTC, as in OME."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _number(element: ET.Element | None, name: str) -> float | None:
    """Return a positive number; units are those of the standard, nm and um, as ilemtrack writes them."""
    try:
        found = float("" if element is None else element.get(name, ""))
    except ValueError:
        return None
    return found if math.isfinite(found) and found > 0 else None
