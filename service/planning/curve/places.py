"""Sections and stage positions of the frames in the output of ``ilemtrack detect --json``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.pose import Pose
from service.errors import InputError
from service.input_files import read_json


@dataclass(frozen=True, slots=True)
class PlacedFrame:
    """A frame: its shape (rows, columns) and its pose on the stage."""

    shape: tuple[int, int]
    pose: Pose


def read_sections(detections: Path) -> tuple[tuple[int, ...], ...]:
    """Return the indices of the frames of each section.

    Frames belong together where all of a section state their position; others are a section each.

    Raises
    ------
    InputError
    """
    by_section: dict[str, list[int]] = {}
    for index, entry in enumerate(_entries(detections)):
        by_section.setdefault(_section(entry) or f"#{index}", []).append(index)
    placed = [_center(entry) is not None for entry in _entries(detections)]
    sections: list[tuple[int, ...]] = []
    for members in by_section.values():
        together = all(placed[n] for n in members)
        sections += [tuple(members)] if together else [(n,) for n in members]
    return tuple(sections)


def read_placed(detections: Path) -> tuple[PlacedFrame, ...]:
    """Return the frames with their poses; one without a position is upright about the origin of the stage.

    Raises
    ------
    InputError
    """
    found = []
    for entry in _entries(detections):
        size_m = float(entry["pixel_size_um"]) * 1e-6
        rows, columns = entry["shape"]
        center, stated = _center(entry), entry.get("pose")
        try:
            pose = Pose((0.0, 0.0), (size_m, size_m))
            if center is not None and isinstance(stated, dict):
                turned, flipped = (
                    float(stated.get("rotation_rad", 0.0)),
                    (stated.get("flip_x"), stated.get("flip_y")),
                )
                pose = Pose(center, (size_m, size_m), turned, flipped[0] is True, flipped[1] is True)
        except (TypeError, ValueError):
            raise InputError(
                f"{detections}: the pose of {entry['path']} page {entry['page']} is not as `ilemtrack detect"
                " --json` prints it"
            ) from None
        found.append(PlacedFrame((rows, columns), pose))
    return tuple(found)


def _entries(detections: Path) -> Sequence[Mapping[str, Any]]:
    frames: Sequence[Mapping[str, Any]] = read_json(detections)["frames"]
    return frames


def _section(entry: Mapping[str, Any]) -> str | None:
    serial = entry.get("serial")
    name = entry.get("section") or (serial.get("section") if isinstance(serial, dict) else None)
    return name if isinstance(name, str) else None


def _center(entry: Mapping[str, Any]) -> tuple[float, float] | None:
    stated = entry.get("pose")
    center = stated.get("center_m") if isinstance(stated, dict) else None
    match center:
        case [int() | float() as x, int() | float() as y]:
            return float(x), float(y)
    return None
