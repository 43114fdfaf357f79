"""Alignment of a recorded field with its recorded electron overview, and the JSON of `ilemtrack align`."""

import math
from pathlib import Path
from typing import Any

from detection.alignment.align import align
from detection.alignment.values import Alignment, Picture
from detection.image.hits import Detection
from drivers.recorded.frame import RecordedFrame
from drivers.recorded.tiff import read_frames
from service import wording_overviews
from service.errors import InputError


def first_frame(path: Path, pixel_size_nm: float | None) -> RecordedFrame:
    """Return the first page of a file; see `read_frames`."""
    return read_frames(path, pixel_size_nm)[0]


def align_recorded(
    frame: RecordedFrame, detection: Detection, overview: RecordedFrame, largest_offset_um: float
) -> Alignment:
    """Find a recorded frame in an overview of the same field; see `detection.alignment.align`.

    Raises
    ------
    InputError
        Raised when one of them is rotated or mirrored against the stage: then their axes may differ.
    """
    for one in (frame, overview):
        if one.rotation_rad or one.flip_x or one.flip_y:
            raise InputError(
                f"{one.path}: the image is rotated or mirrored against the stage; turn it upright first"
            )
    cells = [cell.box_px for cell in detection.cells if cell.image_box_px is not None]
    return align(picture_of(frame), cells, picture_of(overview), largest_offset_um)


def picture_of(frame: RecordedFrame) -> Picture:
    """Return the pixels of a recorded frame with their size."""
    return Picture(frame.pixels, frame.pixel_size_m[0] * 1e6)


def alignment_document(frame: RecordedFrame, overview: RecordedFrame, found: Alignment) -> dict[str, Any]:
    """Return the JSON document of an alignment."""
    motion, evidence = found.motion, found.evidence
    document: dict[str, Any] = {
        "v": 1,
        "path": str(frame.path),
        "overview": str(overview.path),
        "proven_um": _rounded(found.proven_um),
        "reason": None if found.reason is None else found.reason.value,
        "says": wording_overviews.alignment_says(found.reason, found.proven_um),
        "motion": None,
        "evidence": {
            "peak_sd": _rounded(evidence.peak_sd),
            "rival_sd": _rounded(evidence.rival_sd),
            "chance_sd": _rounded(evidence.chance_sd),
            "halves_um": _rounded(evidence.halves_um),
            "precision_um": _rounded(evidence.precision_um),
            "parts": evidence.parts,
        },
    }
    if motion is not None:
        document["motion"] = {
            "shift_um": [_rounded(motion.shift_um[0]), _rounded(motion.shift_um[1])],
            "rotation_deg": _rounded(math.degrees(motion.rotation_rad)),
            "scale": round(motion.scale, 6),
        }
    return document


def _rounded(value: float | None) -> float | None:
    """Round to what the figures mean; None for what is not known."""
    return None if value is None or not math.isfinite(value) else round(value, 4)
