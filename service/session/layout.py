"""Sections and fields of a session, from the configured layout."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from config.layout import GridLayout, ListedSection, ListLayout, field_centers_um, listed_sections
from config.model import Config
from planner.geometry.rects import overlap
from planner.route import route
from service.errors import InputError
from service.model.specimen import Field, Section

Point = tuple[float, float]

_TOUCHING_M2 = 1e-12
"""Common area of outlines that only touch: rounding. Chosen by hand."""


def sections_and_fields(config: Config) -> tuple[tuple[Section, ...], tuple[Field, ...]]:
    """Return the sections in cutting order, and their fields in the order in which they are visited.

    Raises
    ------
    InputError
        Raised when the centre of a field lies outside the safe area of the stage, or sections overlap.
    """
    x0, y0, x1, y1 = config.stage.safe_area_m
    width_m, height_m = config.fluorescence.field_size_m
    sections, fields = [], []
    for index, listed in enumerate(listed_sections(config.layout)):
        center_m = (listed.center_um[0] * 1e-6, listed.center_um[1] * 1e-6)
        sections.append(Section(listed.id, index, center_m, outline_m=_outline_m(listed)))
        for number, (x, y) in enumerate(_centers_m(listed, (width_m, height_m))):
            if not (x0 <= x <= x1 and y0 <= y <= y1):
                raise InputError(
                    f"layout: field F{number:03d} of section {listed.id} at ({x * 1e3:.3f}, {y * 1e3:.3f}) mm"
                    f" lies outside the safe area of the stage, x {config.stage.safe_x_mm} mm,"
                    f" y {config.stage.safe_y_mm} mm"
                )
            rect = (x - width_m / 2, y - height_m / 2, x + width_m / 2, y + height_m / 2)
            fields.append(Field(f"{listed.id}/F{number:03d}", listed.id, number, (x, y), rect))
    refuse_overlap(fields, {one.id: one.outline_m for one in sections if one.outline_m is not None})
    return visited(sections), tuple(fields)


def visited(sections: Sequence[Section]) -> tuple[Section, ...]:
    """Return sections with the order in which the electron beam visits them: each once, by a short route.

    Fluorescence is still taken in cutting order, since neighbours of a stack are analysed together.
    """
    order = route([section.center_m for section in sections])
    place = {number: visit for visit, number in enumerate(order)}
    return tuple(replace(section, visit=place[number]) for number, section in enumerate(sections))


def inside_safe_area(config: Config) -> bool:
    """Return True if the centres of all fields lie inside the safe area of the stage."""
    x0, y0, x1, y1 = config.stage.safe_area_m
    return all(
        x0 <= x <= x1 and y0 <= y <= y1
        for listed in listed_sections(config.layout)
        for x, y in _centers_m(listed, config.fluorescence.field_size_m)
    )


def spread(config: Config) -> Config:
    """Return a configuration whose grid fills the safe area, as square as possible."""
    layout = config.layout
    if not isinstance(layout, GridLayout):
        return config
    x0, y0, x1, y1 = (v * 1e6 for v in config.stage.safe_area_m)
    columns = math.ceil(math.sqrt(layout.sections))
    sizes_um = [size_m * 1e6 for size_m in config.fluorescence.field_size_m]
    margin_um = max(size * count for size, count in zip(sizes_um, layout.fields, strict=True))
    pitch_um = min((x1 - x0 - margin_um) / columns, (y1 - y0 - margin_um) / columns, layout.pitch_um)
    if pitch_um <= 0:
        return config
    first_um = ((x0 + x1) / 2 - pitch_um * (columns - 1) / 2, (y0 + y1) / 2 + pitch_um * (columns - 1) / 2)
    changes = {"columns": columns, "pitch_um": pitch_um, "first_um": first_um}
    return config.model_copy(update={"layout": layout.model_copy(update=changes)})


def with_layout(config: Config, sections: int | None, fields: int | None) -> Config:
    """Return the configuration with another number of sections, or of fields in each.

    Raises
    ------
    InputError
        The layout is a list.
    """
    if sections is None and fields is None:
        return config
    if not isinstance(config.layout, GridLayout):
        raise InputError("--sections and --fields need a grid; the layout of this configuration is a list")
    changes: dict[str, object] = {}
    if sections is not None:
        changes["sections"] = sections
    if fields is not None:
        changes["fields"] = (fields, 1)
    changed = config.model_copy(update={"layout": config.layout.model_copy(update=changes)})
    return changed if inside_safe_area(changed) else spread(changed)


def refuse_overlap(fields: Sequence[Field], outlines_m: Mapping[str, Sequence[Point]] | None = None) -> None:
    """Refuse sections that overlap: their ground would be exposed for both.

    Fields of sections with outlines may overlap, as in a ribbon: the beam keeps to the outlines.

    Raises
    ------
    InputError
        Raised when fields of two sections overlap, and one has no outline or the outlines overlap as well.
    """
    outlines = outlines_m or {}
    apart: dict[tuple[str, str], bool] = {}
    near: list[Field] = []
    for field in sorted(fields, key=lambda f: f.rect_m[0]):
        near = [other for other in near if other.rect_m[2] > field.rect_m[0]]
        for other in near:
            if other.section == field.section or not overlap(other.rect_m, field.rect_m):
                continue
            pair = (other.section, field.section)
            if pair not in apart:
                apart[pair] = all(one in outlines for one in pair) and _apart(
                    *(outlines[one] for one in pair)
                )
            if not apart[pair]:
                raise InputError(
                    f"layout: sections {other.section} and {field.section} overlap"
                    f" (fields {other.id} and {field.id}); ground belongs to one section"
                )
        near.append(field)


def outlines_of(config: Config, fields: Sequence[Field]) -> dict[str, tuple[Point, ...]]:
    """Return the listed outlines, m, of sections with recorded fields, by section.

    An outline counts only if each field of its section shows some of it: else the frames lie elsewhere, and
    the beam would be kept from all that they show.
    """
    from shapely import Polygon, box

    found = {}
    for listed in config.layout.sections if isinstance(config.layout, ListLayout) else ():
        rects = [field.rect_m for field in fields if field.section == listed.id]
        outline = _outline_m(listed)
        if outline is not None and rects and all(Polygon(outline).intersects(box(*rect)) for rect in rects):
            found[listed.id] = outline
    return found


def _apart(one: Sequence[Point], other: Sequence[Point]) -> bool:
    from shapely import Polygon

    return bool(Polygon(one).intersection(Polygon(other)).area <= _TOUCHING_M2)


def _outline_m(section: ListedSection) -> tuple[tuple[float, float], ...] | None:
    if section.outline_um is None:
        return None
    return tuple((x * 1e-6, y * 1e-6) for x, y in section.outline_um)


def _centers_m(section: ListedSection, size_m: tuple[float, float]) -> list[tuple[float, float]]:
    centers = field_centers_um(section, (size_m[0] * 1e6, size_m[1] * 1e6))
    return [(x * 1e-6, y * 1e-6) for x, y in centers]
