"""MagFinder's .magc files: an INI file with a part for each section, region, focus and landmark.

Format: MagFinder_.py and magc_reader.py of the public repository templiert/MagFinder. Older files, such as
the example in SBEMimage/SBEMimage, have plural headers (``[sections.0000]``, ``[serialorder]``); both are
read. All positions are pixels of the overview. `angle` is the direction in which the first edge faces.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from shapely import Polygon as Shape

from service.mapping.lists.checks import (
    FieldError,
    check_order,
    number,
    numbers,
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
    Polygon,
    SectionList,
    Unit,
    angle_of,
    first_edge_deg,
)

T = TypeVar("T")

_HEADER = re.compile(r"\[([A-Za-z_]+)((?:\.\w+)*)\]")
_KINDS = {
    "section": "section", "sections": "section",
    "roi": "roi", "rois": "roi",
    "focus": "focus",
    "magnet": "magnet", "magnets": "magnet",
    "landmark": "landmark", "landmarks": "landmark",
    "serial_order": "serial_order", "serialorder": "serial_order",
    "stage_order": "stage_order", "tsporder": "stage_order",
}  # fmt: skip


class LineError(ValueError):
    """Raised when a line of a text file is wrong; `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of the file: its kind, the numbers in its header, and its values with their lines."""

    kind: str
    name: str
    numbers: tuple[int, ...]
    line: int
    values: dict[str, tuple[str, int]]


def read_magc(text: str) -> SectionList:
    """Read the text of a .magc file.

    Raises
    ------
    LineError
        Raised when a part has no header, misses a key, is there twice, or holds what it cannot hold.
    """
    parts = list(_parts(text))
    seen: dict[tuple[str, tuple[int, ...]], int] = {}
    for part in parts:
        if part.kind and (part.kind, part.numbers) in seen:
            first = seen[part.kind, part.numbers]
            raise LineError(part.line, f"[{part.name}] is there twice; it is also in line {first}")
        seen[part.kind, part.numbers] = part.line
    sections = {_only(one): _section(one) for one in parts if one.kind == "section" and one.numbers}
    if not sections:
        raise LineError(1, "has no sections; a .magc file has parts such as [section.0001]")
    for part in parts:
        if part.kind in ("roi", "focus", "magnet") and part.numbers:
            if part.numbers[0] not in sections:
                raise LineError(part.line, f"[{part.name}]: there is no section {part.numbers[0]}")
            sections[part.numbers[0]] = _with(sections[part.numbers[0]], part)
    landmarks = tuple(
        PointPair(f"L{_only(one)}", _value(one, "location", _flat_point))
        for one in parts
        if one.kind == "landmark" and one.numbers
    )
    found = SectionList(Unit.PX, tuple(sections[n] for n in sorted(sections)), landmarks=landmarks)
    return _with_orders(found, parts)


def write_magc(found: SectionList) -> str:
    """Return a list in pixels as the text of a .magc file, with the headers of today's MagFinder."""
    lines: list[str] = []

    def part(header: str, **values: str | float) -> None:
        lines.extend([f"[{header}]", *(f"{key} = {value}" for key, value in values.items()), ""])

    part("section", number=len(found.sections))
    for one in found.sections:
        shape = _shape(one.outline or (), one.center, one.rotation_deg)
        part(f"section.{section_number(one.id):04d}", **shape)
    part("end_section")
    for kind, points in (
        ("focus", {one.id: one.focus_points for one in found.sections if one.focus_points}),
        ("magnet", {one.id: (one.magnet,) for one in found.sections if one.magnet is not None}),
        ("landmark", {f"L{n}": (pair.overview_px,) for n, pair in enumerate(found.landmarks)}),
    ):
        if not points:
            continue
        part(kind, number=len(points))
        key = "polygon" if kind == "focus" else "location"
        for name, where in points.items():
            part(f"{kind}.{int(name[1:]):04d}", **{key: _flat(where)})
        part(f"end_{kind}")
    regions = [(one, n, region) for one in found.sections for n, region in enumerate(one.regions)]
    if regions:
        part("roi", number=len(regions))
    for one, n, region in regions:
        part(f"roi.{section_number(one.id):04d}.{n:02d}", **_shape(region))
    order = ",".join(str(section_number(one.id)) for one in found.sections)
    part("serial_order", serial_order=order if found.in_cutting_order else "[]")
    stage = ",".join(str(section_number(name)) for name in found.stage_order)
    part("stage_order", stage_order=stage or "[]")
    return "\n".join(lines)


def _parts(text: str) -> Iterator[_Part]:
    part: _Part | None = None
    for line, raw in enumerate(text.splitlines(), 1):
        stripped = raw.strip()
        if not stripped or stripped.startswith(("#", ";")):
            continue
        if stripped.startswith("["):
            if part is not None:
                yield part
            part = _begun(stripped, line)
            continue
        key, equals, value = stripped.partition("=")
        if part is None or not equals:
            raise LineError(
                line, f"{stripped[:40]!r} is neither a header such as [section.0001] nor key = value"
            )
        key = key.strip().lower()
        if key in part.values:
            raise LineError(
                line, f"[{part.name}]: {key} is there twice; it is also in line {part.values[key][1]}"
            )
        part.values[key] = (value.strip(), line)
    if part is not None:
        yield part


def _begun(header: str, line: int) -> _Part:
    match = _HEADER.fullmatch(header)
    if match is None:
        raise LineError(line, f"{header[:40]!r} is no header; it looks like [section.0001]")
    kind = _KINDS.get(match[1].lower(), "")
    found = tuple(match[2].split(".")[1:])
    if kind and not all(one.isdecimal() for one in found):
        raise LineError(line, f"{header[:40]}: the number of a {kind} is a whole number")
    return _Part(kind, header[1:-1], tuple(map(int, found)) if kind else (), line, {})


def _only(part: _Part) -> int:
    if len(part.numbers) != 1:
        raise LineError(part.line, f"[{part.name}]: a {part.kind} has one number")
    return part.numbers[0]


def _section(part: _Part) -> MappedSection:
    try:
        name = section_id(_only(part))
    except FieldError as error:
        raise LineError(part.line, f"[{part.name}]: {error}") from None
    outline = _value(part, "polygon", _flat_polygon)
    center = _value(part, "center", _flat_point) if "center" in part.values else None
    angle = _value(part, "angle", number) if "angle" in part.values else None
    try:
        return section(Unit.PX, name, outline, center, angle)
    except FieldError as error:
        raise LineError(part.values["center"][1], f"[{part.name}]: center {error}") from None


def _with(one: MappedSection, part: _Part) -> MappedSection:
    if part.kind == "roi":
        return replace(one, regions=(*one.regions, _value(part, "polygon", _flat_polygon)))
    if part.kind == "focus":
        key = "polygon" if "polygon" in part.values else "location"
        return replace(one, focus_points=_value(part, key, _flat_points))
    return replace(one, magnet=_value(part, "location", _flat_point))


def _with_orders(found: SectionList, parts: list[_Part]) -> SectionList:
    for part in sorted((p for p in parts if p.kind.endswith("_order")), key=lambda p: p.kind, reverse=True):
        for text, line in part.values.values():
            if text in ("[]", ""):
                continue
            try:
                order = tuple(section_id(one.strip()) for one in text.split(",") if one.strip())
                if part.kind == "serial_order":
                    found = ordered(found, order)
                else:
                    check_order(found, order)
                    found = replace(found, stage_order=order)
            except FieldError as error:
                raise LineError(line, f"[{part.name}] {error}") from None
    return found


def _value(part: _Part, key: str, read: Callable[[str], T]) -> T:
    if key not in part.values:
        raise LineError(part.line, f"[{part.name}] has no {key}")
    text, line = part.values[key]
    try:
        return read(text)
    except FieldError as error:
        raise LineError(line, f"[{part.name}] {key}: {error}") from None


def _flat_points(text: str) -> Polygon:
    values = numbers([one.strip() for one in text.split(",")])
    if len(values) % 2:
        raise FieldError(f"has {len(values)} numbers; points are pairs x,y")
    return tuple(zip(values[::2], values[1::2], strict=True))


def _flat_polygon(text: str) -> Polygon:
    return polygon(_flat_points(text))


def _flat_point(text: str) -> Point:
    return point([one.strip() for one in text.split(",")])


def _flat(points: Polygon) -> str:
    return ",".join(f"{value:.10g}" for place in points for value in place)


def _shape(
    outline: Polygon, center: Point | None = None, rotation_deg: float | None = None
) -> dict[str, str | float | int]:
    """Return polygon, centre, area and angle as a .magc file states them."""
    shape = Shape(outline)
    if rotation_deg is None:
        rotation_deg = first_edge_deg(outline, Unit.PX)
    return {
        "polygon": _flat(outline),
        "center": _flat((center or (shape.centroid.x, shape.centroid.y),)),
        "area": round(shape.area),
        "angle": f"{angle_of(rotation_deg):.10g}",
    }
