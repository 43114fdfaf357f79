"""SBEMimage's .mass.json files: sections with sample, regions, focus points and magnet, by their number.

Format: ArrayData.py and the example wafer of the public repository SBEMimage/SBEMimage. Positions are pixels
of the overview; angles are those of a .magc file.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from service.mapping.lists.checks import (
    FieldError,
    check_order,
    number,
    ordered,
    point,
    polygon,
    section,
    section_id,
    section_number,
)
from service.mapping.values import (
    MappedSection,
    Point,
    PointPair,
    SectionList,
    Unit,
    angle_of,
    first_edge_deg,
)


def sections_of_mass(data: Mapping[str, Any]) -> SectionList:
    """Return the sections of a .mass.json document.

    Raises
    ------
    FieldError
        Raised when a field is missing or wrong.
    """
    entries = _mapping(data.get("sections"), "sections")
    sections = []
    for key, entry in entries.items():
        try:
            sections.append(_section(key, entry))
        except FieldError as error:
            raise error.below("sections", key) from None
    if not sections:
        raise FieldError("has no sections", "sections")
    sections.sort(key=lambda one: section_number(one.id))
    landmarks = []
    for key, entry in _mapping(data.get("landmarks", {}), "landmarks").items():
        where = ("landmarks", key, "source", "location")
        landmarks.append(PointPair(f"L{key}", _read(point, _below(entry, *where[2:]), *where)))
    found = SectionList(Unit.PX, tuple(sections), landmarks=tuple(landmarks))
    for key in ("stage_order", "serial_order"):
        # The published example has the text "[]" where there is no order.
        if (order := data.get(key)) and order != "[]":
            try:
                names = [section_id(one) for one in _sequence(order)]
                if key == "serial_order":
                    found = ordered(found, names)
                else:
                    check_order(found, names)
                    found = replace(found, stage_order=tuple(names))
            except FieldError as error:
                raise error.below(key) from None
    return found


def mass_of_sections(found: SectionList) -> str:
    """Return a list in pixels as the text of a .mass.json file."""
    landmarks = {
        str(n): {"source": {"location": list(pair.overview_px)}} for n, pair in enumerate(found.landmarks)
    }
    numbers = [section_number(one.id) for one in found.sections]
    document = {
        "sections": {str(section_number(one.id)): _entry(one) for one in found.sections},
        "landmarks": landmarks,
        "serial_order": numbers if found.in_cutting_order else [],
        "stage_order": [section_number(name) for name in found.stage_order],
    }
    return json.dumps(document, indent=1) + "\n"


def _section(key: str, entry: Any) -> MappedSection:
    name = section_id(key)
    entry = _mapping(entry)
    sample = _mapping(entry.get("sample"), "sample")
    if "polygon" not in sample:
        raise FieldError("is missing", "sample", "polygon")
    outline = _read(polygon, sample["polygon"], "sample", "polygon")
    center = _read(point, sample["center"], "sample", "center") if "center" in sample else None
    angle = _read(number, sample["angle"], "sample", "angle") if "angle" in sample else None
    regions = [
        _read(polygon, _below(region, "polygon"), "rois", n, "polygon")
        for n, region in _mapping(entry.get("rois", {}), "rois").items()
    ]
    try:
        one = section(Unit.PX, name, outline, center, angle, regions)
    except FieldError as error:
        raise error.below("sample") from None
    focus = [
        _read(point, _below(place, "location"), "focus", n, "location")
        for n, place in _mapping(entry.get("focus", {}), "focus").items()
    ]
    return replace(one, focus_points=tuple(focus), magnet=_magnet(entry.get("magnet")))


def _magnet(entry: Any) -> Point | None:
    corners = _below(entry, "polygon") if entry else None
    return _read(point, corners[0], "magnet", "polygon", 0) if isinstance(corners, list) and corners else None


def _entry(one: MappedSection) -> dict[str, Any]:
    outline = one.outline or ()
    entry: dict[str, Any] = {
        "sample": {"polygon": [list(corner) for corner in outline], "center": list(one.center)}
    }
    if one.rotation_deg is not None:
        entry["sample"]["angle"] = round(angle_of(one.rotation_deg), 6)
    if one.regions:
        entry["rois"] = {
            str(n): {
                "polygon": [list(corner) for corner in region],
                "center": [sum(axis) / len(region) for axis in zip(*region, strict=True)],
                "angle": round(angle_of(first_edge_deg(region, Unit.PX)), 6),
            }
            for n, region in enumerate(one.regions)
        }
    if one.focus_points:
        entry["focus"] = {str(n): {"location": list(place)} for n, place in enumerate(one.focus_points)}
    if one.magnet is not None:
        entry["magnet"] = {"polygon": [list(one.magnet)]}
    return entry


def _read(read: Any, value: Any, *path: str | int) -> Any:
    try:
        return read(value)
    except FieldError as error:
        raise error.below(*path) from None


def _mapping(value: Any, *path: str | int) -> Mapping[str, Any]:
    if value is None:
        raise FieldError("is missing", *path)
    if not isinstance(value, Mapping):
        raise FieldError("must hold named values", *path)
    return value


def _sequence(value: Any) -> Sequence[Any]:
    if not isinstance(value, list):
        raise FieldError("must be a list")
    return value


def _below(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
