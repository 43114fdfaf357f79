"""Section lists as YAML or JSON: the document of `ilemtrack map --json`, in pixels or in stage um."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from service.mapping.lists.checks import (
    MOST_SECTIONS,
    FieldError,
    check_order,
    number,
    ordered,
    point,
    polygon,
    section,
    section_id,
)
from service.mapping.values import MappedSection, PointPair, SectionList, Unit, angle_of

_FIELDS = ("id", "polygon", "center", "angle_deg", "regions", "focus_points", "magnet")
_PLACES = ("polygon", "center", "regions", "focus_points", "magnet")
"""Fields with positions; they end with the unit."""


def sections_of_document(data: Mapping[str, Any]) -> SectionList:
    """Return the sections of a document.

    Keys of a section: `id`; `polygon_px` or `center_px`, or both; `angle_deg`; `regions_px`. With ``_um`` in
    place of ``_px`` they are stage positions. Unknown keys, such as `confidence`, are passed over in a
    document of `map`, and refused otherwise.

    Raises
    ------
    FieldError
        Raised when a field is missing or wrong.
    """
    entries = data.get("sections")
    if not isinstance(entries, list):
        raise FieldError("must be a list of sections", "sections")
    if not 1 <= len(entries) <= MOST_SECTIONS:
        raise FieldError(f"has {len(entries)} sections; 1 to {MOST_SECTIONS} are read", "sections")
    unit = _unit(entries)
    strict = "overview" not in data
    sections: list[MappedSection] = []
    numbers: dict[str, int] = {}
    for n, entry in enumerate(entries):
        try:
            one = _section(entry, unit, strict)
            if one.id in numbers:
                raise FieldError(
                    f"{one.id} is there twice; it is also section {numbers[one.id] + 1} of the list", "id"
                )
        except FieldError as error:
            raise error.below("sections", n) from None
        numbers[one.id] = n
        sections.append(one)
    found = SectionList(unit, tuple(sections), landmarks=_landmarks(data.get("landmarks", [])))
    for key in ("stage_order", "cutting_order"):
        if (order := data.get(key)) is not None:
            try:
                found = _with_order(found, key, order)
            except FieldError as error:
                raise error.below(key) from None
    return found


def document_of_sections(found: SectionList) -> dict[str, Any]:
    """Return a list as a document that `sections_of_document` reads back."""
    unit = found.unit.value
    document: dict[str, Any] = {"v": 1, "sections": [_entry(one, unit) for one in found.sections]}
    if found.in_cutting_order:
        document["cutting_order"] = [one.id for one in found.sections]
    if found.stage_order:
        document["stage_order"] = list(found.stage_order)
    if found.landmarks:
        document["landmarks"] = [
            {"id": pair.id, "overview_px": list(pair.overview_px)}
            | ({} if pair.stage_um is None else {"stage_um": list(pair.stage_um)})
            for pair in found.landmarks
        ]
    return document


def _unit(entries: list[Any]) -> Unit:
    keys = {key for entry in entries if isinstance(entry, Mapping) for key in entry if isinstance(key, str)}
    units = {unit for unit in Unit for key in _PLACES if f"{key}_{unit}" in keys}
    if len(units) > 1:
        raise FieldError("has positions in px and in um; a list has one of them", "sections")
    if not units:
        raise FieldError(
            "needs polygon_px or center_px (polygon_um, center_um for stage positions)", "sections", 0
        )
    return units.pop()


def _section(entry: Any, unit: Unit, strict: bool) -> MappedSection:
    if not isinstance(entry, Mapping):
        raise FieldError("must hold named values, such as id and polygon_px")
    names = {f"{key}_{unit}" if key in _PLACES else key: key for key in _FIELDS}
    values: dict[str, Any] = {}
    for name, value in entry.items():
        if name in names:
            values[names[name]] = value
        elif strict:
            raise FieldError(f"unknown key; there are {', '.join(names)}", str(name))
    if "id" not in values:
        raise FieldError("is missing", "id")

    def read(key: str, reader: Any) -> Any:
        name = f"{key}_{unit}" if key in _PLACES else key
        if values.get(key) is None:
            return None
        try:
            return reader(values[key])
        except FieldError as error:
            raise error.below(name) from None

    try:
        found = section(
            unit,
            read("id", section_id),
            read("polygon", polygon),
            read("center", point),
            read("angle_deg", number),
            read("regions", _regions) or (),
        )
    except FieldError as error:
        raise (FieldError(str(error), f"center_{unit}") if error.path == ("center",) else error) from None
    return replace(found, focus_points=read("focus_points", _points) or (), magnet=read("magnet", point))


def _regions(value: Any) -> tuple[Any, ...]:
    return _each(value, polygon)


def _points(value: Any) -> tuple[Any, ...]:
    return _each(value, point)


def _each(value: Any, read: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise FieldError("must be a list")
    found = []
    for n, one in enumerate(value):
        try:
            found.append(read(one))
        except FieldError as error:
            raise error.below(n) from None
    return tuple(found)


def _landmarks(value: Any) -> tuple[PointPair, ...]:
    def pair(entry: Any) -> PointPair:
        if not isinstance(entry, Mapping) or "overview_px" not in entry:
            raise FieldError("needs overview_px, and stage_um once it is known")
        stage = entry.get("stage_um")
        return PointPair(
            str(entry.get("id", "")), point(entry["overview_px"]), None if stage is None else point(stage)
        )

    try:
        return _each(value, pair)
    except FieldError as error:
        raise error.below("landmarks") from None


def _with_order(found: SectionList, key: str, order: Any) -> SectionList:
    names = _each(order, section_id)
    if key == "cutting_order":
        return ordered(found, names)
    check_order(found, names)
    return replace(found, stage_order=names)


def _entry(one: MappedSection, unit: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": one.id}
    if one.outline is not None:
        entry[f"polygon_{unit}"] = [list(corner) for corner in one.outline]
    entry[f"center_{unit}"] = list(one.center)
    if one.rotation_deg is not None:
        entry["angle_deg"] = round(angle_of(one.rotation_deg), 6)
    if one.regions:
        entry[f"regions_{unit}"] = [[list(corner) for corner in region] for region in one.regions]
    if one.focus_points:
        entry[f"focus_points_{unit}"] = [list(place) for place in one.focus_points]
    if one.magnet is not None:
        entry[f"magnet_{unit}"] = list(one.magnet)
    return entry
