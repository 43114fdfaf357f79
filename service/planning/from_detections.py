"""Request for ``ilemtrack plan`` from the output of ``ilemtrack detect --json``."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from detection.image.hits import CellSource
from drivers.pose import Pose, RectM, box_to_rect, inner_rect
from service.errors import InputError
from service.planning.aligned import Aligned

_MOST_SIDE_PX = 100_000


@dataclass(frozen=True, slots=True)
class Places:
    """Places of detections, as given on the command line.

    Attributes
    ----------
    centers_m : sequence of (float, float)
        Stage positions of the centres of the frames of the section, in their order, m; empty where the frames
        state theirs.
    section : str or None
        Section to plan, where the detections are of several.
    """

    centers_m: Sequence[tuple[float, float]] = ()
    section: str | None = None
    alignments: Sequence[Aligned | None] = ()
    """Measured place of each frame, in the same order; None where nothing was proven. Empty without any."""


def are_detections(document: Mapping[str, Any]) -> bool:
    """Return True for a document of ``ilemtrack detect --json``."""
    return "frames" in document and "fields" not in document


def values_of(document: Mapping[str, Any], places: Places, source: str) -> dict[str, Any]:
    """Return the values of a `PlanRequest`.

    Frames are placed by their pose, or by a position given for each; of a rotated frame only an upright
    rectangle inside it counts as saved ground. Frames that name no section are a section each.

    Raises
    ------
    InputError
        A frame has no position, several sections and none is chosen, or the document is damaged.
    """
    frames = document["frames"]
    if not isinstance(frames, list) or not frames or not all(isinstance(one, dict) for one in frames):
        raise InputError(f"{source}: holds no detections; it must be what `ilemtrack detect --json` prints")
    by_section: dict[str, list[Mapping[str, Any]]] = {}
    for number, frame in enumerate(frames, start=1):
        by_section.setdefault(_section(frame) or f"S{number:04d}", []).append(frame)
    name = places.section or next(iter(by_section))
    if name not in by_section or (places.section is None and len(by_section) > 1):
        some = ", ".join(list(by_section)[:5]) + (", ..." if len(by_section) > 5 else "")
        raise InputError(
            f"{source}: holds the sections {some}; choose the one to plan with --section"
            if places.section is None
            else f"{source}: holds no section {name}; it has {some}"
        )
    chosen = by_section[name]
    if places.centers_m and len(places.centers_m) != len(chosen):
        raise InputError(
            f"{source}: section {name} has {len(chosen)} frames, and --field is given {len(places.centers_m)}"
            " times; give it once for each frame, in their order"
        )
    if places.alignments and len(places.alignments) != len(chosen):
        raise InputError(
            f"{source}: section {name} has {len(chosen)} frames, and --alignment is given"
            f" {len(places.alignments)} times; give it once for each frame, in their order"
        )
    fields, boxes, skipped = [], [], []
    for number, frame in enumerate(chosen):
        field = f"F{number:03d}"
        try:
            shape = _shape(frame["shape"])
            pose = _pose(frame, places.centers_m[number] if places.centers_m else None, source)
            aligned = places.alignments[number] if places.alignments else None
            fields.append(_field(field, inner_rect(pose, shape), pose, aligned))
            for cell in frame["cells"]:
                box = str(cell["id"]) if len(chosen) == 1 else f"{field}/{cell['id']}"
                if cell["image_box_px"] is None:
                    skipped.append({"id": box, "reason": str(cell.get("reason") or "not to be imaged")[:400]})
                    continue
                rect, keep = (box_to_rect(pose, shape, _box(cell[key])) for key in ("box_px", "image_box_px"))
                if aligned is not None:
                    rect, keep = aligned.around(rect, pose), aligned.around(keep, pose)
                boxes.append({"id": box, "rect_m": rect, "keep_m": keep} | _known(cell))
        except InputError:
            raise
        except (KeyError, TypeError, ValueError, OverflowError):
            raise InputError(
                f"{source}: frame {number} of {name} is not as `ilemtrack detect --json` prints it"
            ) from None
    return {
        "v": 1,
        "section": name,
        "fields": fields,
        "boxes": boxes,
        "not_imaged": skipped,
        "elsewhere": _elsewhere(by_section, name, source),
    }


def _known(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a choice among cells goes by, as far as a cell has it."""
    known = {"brightness_adu": cell.get("brightness_adu"), "tracks": list(cell.get("tracks", ()))}
    return known | {"seen": cell.get("source") != CellSource.CARRIED}


def _elsewhere(
    by_section: Mapping[str, Sequence[Mapping[str, Any]]], name: str, source: str
) -> list[dict[str, Any]]:
    """Return the cells of the other sections: a cell is chosen through all of them, or left out."""
    found = []
    for section, frames in by_section.items():
        if section == name:
            continue
        for number, frame in enumerate(frames):
            try:
                size_m = float(frame["pixel_size_um"]) * 1e-6
                for cell in frame["cells"]:
                    if cell["image_box_px"] is None:
                        continue
                    x0, y0, x1, y1 = _box(cell["box_px"])
                    own = f"{section}/F{number:03d}/{cell['id']}"
                    # Only its size counts, wherever its section is.
                    rect = (0.0, 0.0, (x1 - x0) * size_m, (y1 - y0) * size_m)
                    found.append({"id": own, "section": section, "rect_m": rect} | _known(cell))
            except (KeyError, TypeError, ValueError, OverflowError):
                raise InputError(
                    f"{source}: frame {number} of {section} is not as `ilemtrack detect --json` prints it"
                ) from None
    return found


def _field(name: str, rect_m: RectM, pose: Pose, aligned: Aligned | None) -> dict[str, Any]:
    """Return a field; an aligned one where the overview shows it, with the error that is left."""
    if aligned is None:
        return {"id": name, "rect_m": rect_m}
    if pose.rotation_rad or pose.flip_x or pose.flip_y:
        raise InputError(f"{name}: its frame is rotated or mirrored against the stage, and cannot be aligned")
    return {"id": name, "rect_m": aligned.within(rect_m, pose), "error_um": aligned.proven_um}


def _section(frame: Mapping[str, Any]) -> str | None:
    serial = frame.get("serial")
    name = frame.get("section") or (serial.get("section") if isinstance(serial, dict) else None)
    return name if isinstance(name, str) else None


def _pose(frame: Mapping[str, Any], given_m: tuple[float, float] | None, source: str) -> Pose:
    stated = frame.get("pose") or {}
    if not isinstance(stated, dict):
        raise TypeError
    center = given_m or stated.get("center_m")
    if center is None:
        raise InputError(
            f"{source}: {frame['path']} page {frame['page']} has no stage position; give that of its centre"
            " with --field X_UM,Y_UM"
        )
    size_m = float(frame["pixel_size_um"]) * 1e-6
    return Pose(
        (float(center[0]), float(center[1])),
        (size_m, size_m),
        float(stated.get("rotation_rad", 0.0)),
        stated.get("flip_x") is True,
        stated.get("flip_y") is True,
    )


def _shape(value: Any) -> tuple[int, int]:
    rows, columns = value
    if not all(type(side) is int and 0 < side <= _MOST_SIDE_PX for side in (rows, columns)):
        raise ValueError
    return rows, columns


def _box(value: Any) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (float(side) for side in value)
    if not all(math.isfinite(side) for side in (x0, y0, x1, y1)):
        raise ValueError
    return x0, y0, x1, y1
