"""Places on the stage as shapes of a picture."""

from collections.abc import Iterable, Sequence

from service.console.pictures.picture import Box, Shape

_UM = 1e6
_FREE = 0.05
"""Free ground around all shapes, part of the larger side. Chosen by hand."""


def outline(name: str, look: str, title: str, corners_m: Iterable[Sequence[float]]) -> Shape:
    """Return the outline of a section, with its name in the middle; um, y downwards as in all pictures."""
    corners = tuple((x * _UM, -y * _UM) for x, y in corners_m)
    return Shape(name, look, title, points=corners, text=name)


def rectangle(name: str, look: str, title: str, rect_m: Sequence[float], text: str = "") -> Shape:
    """Return a rectangle on the stage, with a text in the middle; um, y downwards."""
    x0, y0, x1, y1 = (side * _UM for side in rect_m)
    return Shape(name, look, title, box=(x0, -y1, x1, -y0), text=text)


def around(shapes: Iterable[Shape]) -> Box:
    """Return the ground that shows all shapes, with some free ground around them."""
    points = [point for one in shapes for point in _corners(one)]
    if not points:
        return 0.0, 0.0, 1.0, 1.0
    xs, ys = [x for x, _ in points], [y for _, y in points]
    x0, y0, x1, y1 = min(xs), min(ys), max(xs), max(ys)
    free = _FREE * max(x1 - x0, y1 - y0, 1.0)
    return x0 - free, y0 - free, x1 + free, y1 + free


def _corners(shape: Shape) -> Iterable[tuple[float, float]]:
    if shape.box is None:
        return shape.points
    x0, y0, x1, y1 = shape.box
    return (x0, y0), (x1, y1)
