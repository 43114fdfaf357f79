"""Section lists as CSV: one row for each section, in cutting order, and further rows for its regions."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import replace

from service.mapping.lists.checks import FieldError, number, polygon, section, section_id
from service.mapping.lists.magc import LineError
from service.mapping.values import MappedSection, Point, Polygon, SectionList, Unit, angle_of

_COLUMN = re.compile(r"(center|)_?([xy])(\d*)_(px|um)")
_PLAIN = ("id", "region", "angle_deg")


def read_csv(text: str) -> SectionList:
    """Read a table with the columns id, region, angle_deg, center_x_px, center_y_px, x1_px, y1_px, x2_px, ...

    Only `id` is needed, and either corners or a centre. A number in `region` makes the row a region of the
    section. ``_um`` in place of ``_px`` are stage positions. Commas, semicolons or tabs part the columns.

    Raises
    ------
    LineError
        Raised when a column or a value is missing or wrong.
    """
    lines = text.splitlines()
    if not lines:
        raise LineError(1, "is empty; its first line names the columns: id, x1_px, y1_px, ...")
    mark = max(",;\t", key=lines[0].count)
    rows = list(csv.reader(io.StringIO(text), delimiter=mark))
    columns = [name.strip().lower() for name in rows[0]]
    unit = _unit(columns)
    sections: dict[str, tuple[MappedSection, int]] = {}
    for line, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) > len(columns):
            raise LineError(line, f"has {len(row)} values, but there are {len(columns)} columns")
        values = {name: cell.strip() for name, cell in zip(columns, row, strict=False) if cell.strip()}
        try:
            _add(sections, values, line, unit)
        except FieldError as error:
            where = "".join(f"{part}: " for part in error.path)
            raise LineError(line, f"{where}{error}") from None
    if not sections:
        raise LineError(1, "has no sections below the names of the columns")
    return SectionList(unit, tuple(one for one, _ in sections.values()))


def write_csv(found: SectionList) -> str:
    """Return a list as a table; focus points, magnets, landmarks and orders of the stage are left out."""
    shapes = [shape for one in found.sections for shape in ((one.outline or ()), *one.regions)]
    most = max((len(shape) for shape in shapes), default=0)
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    unit = found.unit.value
    corners = [f"{axis}{n}_{unit}" for n in range(1, most + 1) for axis in "xy"]
    table.writerow([*_PLAIN, f"center_x_{unit}", f"center_y_{unit}", *corners])
    for one in found.sections:
        angle = "" if one.rotation_deg is None else f"{angle_of(one.rotation_deg):.10g}"
        table.writerow([one.id, "", angle, *_flat((one.center,)), *_flat(one.outline or ())])
        for n, region in enumerate(one.regions, 1):
            table.writerow([one.id, n, "", "", "", *_flat(region)])
    return file.getvalue()


def _unit(columns: Sequence[str]) -> Unit:
    if "id" not in columns:
        raise LineError(1, "has no column id; the first line names the columns: id, x1_px, y1_px, ...")
    for n, name in enumerate(columns):
        if name in columns[:n]:
            raise LineError(1, f"column {name!r} is there twice")
        if name not in _PLAIN and not _COLUMN.fullmatch(name):
            raise LineError(
                1, f"column {name!r} is unknown; there are id, region, angle_deg, center_x_px, x1_px, ..."
            )
    units = {name[-2:] for name in columns if name not in _PLAIN}
    if len(units) != 1:
        raise LineError(1, "must have columns in px or in um, and not in both")
    return Unit(units.pop())


def _add(
    sections: dict[str, tuple[MappedSection, int]], values: dict[str, str], line: int, unit: Unit
) -> None:
    if "id" not in values:
        raise FieldError("is missing", "id")
    try:
        name = section_id(values["id"])
    except FieldError as error:
        raise error.below("id") from None
    outline = _corners(values, unit)
    if "region" in values:
        if name not in sections:
            raise FieldError(f"there is no section {name} above this region", "region")
        if outline is None:
            raise FieldError("needs corners", "region")
        one, first = sections[name]
        sections[name] = replace(one, regions=(*one.regions, outline)), first
        return
    if name in sections:
        raise FieldError(f"{name} is there twice; it is also in line {sections[name][1]}", "id")
    angle = _number(values, "angle_deg") if "angle_deg" in values else None
    sections[name] = section(unit, name, outline, _center(values, unit), angle), line


def _center(values: dict[str, str], unit: Unit) -> Point | None:
    names = [f"center_x_{unit}", f"center_y_{unit}"]
    if not any(name in values for name in names):
        return None
    return _number(values, names[0]), _number(values, names[1])


def _corners(values: dict[str, str], unit: Unit) -> Polygon | None:
    counts = [int(m[3]) for name in values if (m := _COLUMN.fullmatch(name)) and m[3]]
    if not counts:
        return None
    points = [
        (_number(values, f"x{n}_{unit}"), _number(values, f"y{n}_{unit}")) for n in range(1, max(counts) + 1)
    ]
    try:
        return polygon(points)
    except FieldError as error:
        raise error.below("corners") from None


def _number(values: dict[str, str], name: str) -> float:
    if name not in values:
        raise FieldError("is missing", name)
    try:
        return number(values[name])
    except FieldError as error:
        raise error.below(name) from None


def _flat(points: Polygon) -> list[str]:
    return [f"{value:.10g}" for place in points for value in place]
