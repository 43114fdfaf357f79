"""Detection on recorded frames, and the JSON of `ilemtrack detect`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from config.work import DetectionConfig
from detection.detect import detect
from detection.detectors import Detector
from detection.errors import DetectionError
from detection.image.boxes import BoxPx
from detection.image.brightness import brightness_adu
from detection.image.frames import check_frame
from detection.image.hits import Cell, Detection
from drivers.recorded.frame import RecordedFrame
from service.archive.names import stem_of


def detect_recorded(
    frame: RecordedFrame, settings: DetectionConfig, detector: Detector | None = None
) -> Detection:
    """Detect in a recorded frame, with the detector from `service.analysis.detectors.open_detector`.

    Raises
    ------
    DetectionError
        Raised when the frame cannot be used; names its file and page.
    """
    try:
        return detect(frame.pixels, frame.pixel_size_m[0] * 1e6, settings, frame.offset_adu, detector)
    except DetectionError as error:
        raise DetectionError(f"{frame.path} page {frame.page}: {error}") from error


def frame_document(frame: RecordedFrame, detection: Detection) -> dict[str, Any]:
    """Return one entry of ``frames`` of the JSON document."""
    document = {
        "path": str(frame.path),
        "page": frame.page,
        "shape": list(frame.pixels.shape),
        "pixel_size_um": round(frame.pixel_size_m[0] * 1e6, 9),
        "cells": [
            _cell_document(cell) | ({} if level is None else {"brightness_adu": round(level, 3)})
            for cell, level in zip(detection.cells, _brightness(frame, detection), strict=True)
        ],
        "imaged_fraction": round(detection.imaged_fraction, 6),
        "warnings": [*frame.notices, *detection.warnings],
        "elapsed_ms": round(detection.elapsed_ms, 3),
    }
    known = {
        "channel": frame.channel if frame.channels > 1 else None,
        "z": frame.z,
        "t": frame.t,
        "section": frame.section,
    }
    document |= {key: value for key, value in known.items() if value is not None}
    if detection.overlooked is not None:
        document["overlooked"] = {
            "diameter_um": detection.overlooked.diameter_um,
            "contrast_adu": round(detection.overlooked.contrast_adu, 3),
            "contrast_sd": round(detection.overlooked.contrast_sd, 4),
        }
    if frame.center_m is not None:
        document["pose"] = {
            "center_m": list(frame.center_m),
            "rotation_rad": frame.rotation_rad,
            "flip_x": frame.flip_x,
            "flip_y": frame.flip_y,
        }
    return document


def _brightness(frame: RecordedFrame, detection: Detection) -> tuple[float | None, ...]:
    checked = check_frame(frame.pixels, frame.pixel_size_m[0] * 1e6, frame.offset_adu)
    return brightness_adu(checked, [cell.box_px.as_tuple() for cell in detection.cells])


def _cell_document(cell: Cell) -> dict[str, Any]:
    """Return a cell, with what is known of its outline, for trying other policies."""
    document: dict[str, Any] = {
        "id": cell.id,
        "box_px": numbers(cell.box_px),
        # Enough digits for a policy to decide as it did at once.
        "confidence": round(cell.confidence, 6),
        "image_box_px": None if cell.image_box_px is None else numbers(cell.image_box_px),
        "reason": cell.reason,
        "source": cell.source.value,
        "decision": cell.decision.value,
    }
    if cell.seen_by is not None:
        document["seen_by"] = cell.seen_by.value
    if cell.outer_px is not None:
        document["outer_px"] = numbers(cell.outer_px)
    if cell.extent_uncertainty_um > 0:
        document["unsure_um"] = round(cell.extent_uncertainty_um, 6)
    return document


def numbers(box: BoxPx) -> list[int]:
    """Return a box as in JSON: x0, y0, x1, y1."""
    return [box.x0, box.y0, box.x1, box.y1]


def picture_names(paths: Sequence[Path]) -> dict[Path, str]:
    """Return a name for the pictures of each file, with as much of its folder as makes it unique."""
    bare = {path: path.with_name(stem_of(path)) for path in paths}
    for parts in range(1, 1 + max((len(path.absolute().parts) for path in paths), default=0)):
        names = {path: "_".join(name.absolute().parts[-parts:]) for path, name in bare.items()}
        if len(set(names.values())) == len(names):
            return {path: name.strip("/_") for path, name in names.items()}
    return {path: str(number) for number, path in enumerate(bare)}
