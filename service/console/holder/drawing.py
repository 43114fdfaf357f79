"""The sections of a holder as shapes of a picture."""

from collections.abc import Iterator

from service.console.computer.holder import HolderMap, HolderSection, Polygon
from service.console.holder.edits import area, outside
from service.console.pictures.picture import Box, Shape
from service.console.pictures.places import around

_POINT_PART = 0.01
"""Size of a section without outline, and of a landmark, as part of the picture. Chosen by hand."""


def shapes_of(shown: HolderMap, safe: Polygon) -> list[Shape]:
    """Return the sections with their order, the doubtful outlines, the landmarks and the safe area."""
    out, size = outside(shown, safe), _point_size(shown)
    shapes = [Shape("", "safe-area", "Safe area of the stage", points=safe)] if safe else []
    if shown.in_cutting_order and len(shown.sections) > 1:
        path = tuple(one.center for one in shown.sections)
        shapes.append(Shape("", "order", "Order of cutting", points=path, is_open=True))
    for number, one in enumerate(shown.sections, 1):
        look = "holder-section" + (" out" if one.id in out else "")
        title = f"{one.id}, number {number} of {len(shown.sections)}"
        title += ": leaves the safe area of the stage" if one.id in out else ""
        text = f"{number}. {one.id}" if shown.in_cutting_order else one.id
        shapes.append(Shape(one.id, look, title, points=_drawn(one, size), text=text, movable=True))
        shapes += [Shape("", "region", "", points=region) for region in one.regions]
    for one in shown.doubtful:
        title = f"{one.id}: {one.doubt}"
        shapes.append(
            Shape(one.id, "doubtful", title, points=_drawn(one, size), text=f"{one.id}?", movable=True)
        )
    return shapes + list(_landmarks(shown, size))


def whole_of(shown: HolderMap, size_px: tuple[int, int] | None, safe: Polygon) -> Box:
    """Return the ground that the picture shows at first: the overview, else all sections."""
    if size_px is not None:
        return 0.0, 0.0, float(size_px[0]), float(size_px[1])
    return around(one for one in shapes_of(shown, safe) if one.look != "safe-area")


def step_of(shown: HolderMap) -> float:
    """Return the distance by which a key moves a section: a fiftieth of its side. Chosen by hand."""
    areas = sorted(area(one.outline) for one in shown.sections if one.outline)
    return (areas[len(areas) // 2] ** 0.5 if areas else _point_size(shown)) / 50


def _point_size(shown: HolderMap) -> float:
    points = [point for one in shown.all() for point in one.corners]
    xs, ys = [x for x, _ in points] or [0.0], [y for _, y in points] or [0.0]
    return max(max(xs) - min(xs), max(ys) - min(ys), 1.0) * _POINT_PART


def _drawn(one: HolderSection, size: float) -> Polygon:
    if one.outline:
        return one.outline
    x, y = one.center
    return (x - size, y), (x, y - size), (x + size, y), (x, y + size)


def _landmarks(shown: HolderMap, size: float) -> Iterator[Shape]:
    if shown.unit == "um":
        return
    for one in shown.landmarks:
        x, y = one.overview_px
        title = f"Landmark {one.id}" + ("" if one.stage_um else ", its stage position is not known")
        yield Shape("", "landmark", title, box=(x - size, y - size, x + size, y + size))
