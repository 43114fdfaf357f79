"""Upright rectangles on the stage, (x0, y0, x1, y1) in metres."""

from drivers.pose import RectM


def overlap(a: RectM, b: RectM) -> bool:
    """Whether two rectangles share ground; touching edges share none."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def about(center_m: tuple[float, float], size_m: tuple[float, float]) -> RectM:
    """Return the rectangle of a size about a centre."""
    (x, y), (w, h) = center_m, size_m
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2
