"""Full raster of the saved fields: imaging without detection, with which plans are compared."""

from collections.abc import Sequence

from planner.cover.framing import Framing
from planner.cover.per_box import drop_contained
from planner.cover.tiles import Scan, rounded_out, tile_counts, tiles
from planner.errors import PlannerError
from planner.geometry.rects import TOLERANCE_M, RectM, grown, hull, touch
from planner.settings import PlanSettings

MAX_FRAMES = 1_000_000
"""More frames mean a wrong pixel size or unit. Chosen by hand."""


def raster(fields_m: Sequence[RectM], framing: Framing) -> tuple[Scan, ...]:
    """Scan all ground that may be required.

    Connected fields are rastered as one, as a snake of equal tiles with the raster overlap; tiles are cut to
    allowed ground. A machine with presets scans the allowed ground in the largest possible rectangles,
    each in tiles of the cheapest preset.

    Parameters
    ----------
    fields_m : sequence of RectM
    framing : Framing
        On the ground of these fields.

    Returns
    -------
    tuple of Scan
        In the order of the snake, without boxes.

    Raises
    ------
    PlannerError
        Raised when more than a million frames would be needed.
    """
    ground, settings = framing.required_ground, framing.settings
    frame_m = tuple(side * settings.pixel_size_m for side in settings.max_frame_px)
    overlap_m = (
        settings.raster_overlap_fraction * frame_m[0],
        settings.raster_overlap_fraction * frame_m[1],
    )
    # No such ground lies beyond the hull of the fields, less the reach.
    hulls = [grown(h, -ground.reach_m) for h in _component_hulls(fields_m)]
    hulls = [h for h in hulls if h[0] < h[2] and h[1] < h[3]]
    counts = [tile_counts(h, overlap_m, settings) for h in hulls]
    if sum(columns * rows for columns, rows in counts) > MAX_FRAMES:
        raise PlannerError(
            f"a raster of the fields would take more than {MAX_FRAMES} frames of "
            f"{frame_m[0] * 1e6:.3g} x {frame_m[1] * 1e6:.3g} um: check the fields and the pixel size"
        )
    scans: list[Scan] = []
    for component in hulls:
        if settings.presets_px:
            for piece in ground.allowed_within(component, settings.tile_overlap_m):
                scans += framing.frames(piece)
            continue
        wide_m, high_m = _stitched_overlap(component, overlap_m, settings)
        for tile in tiles(component, (wide_m, high_m), settings.max_frame_px, settings.pixel_size_m):
            for piece in ground.allowed_within(tile.rect_m, settings.tile_overlap_m):
                rounded = rounded_out(piece, framing.ground, settings)
                if rounded is not None:
                    scans += tiles(rounded, (wide_m, high_m), settings.max_frame_px, settings.pixel_size_m)
    return drop_contained(scans)


def _stitched_overlap(
    rect: RectM, overlap_m: tuple[float, float], settings: PlanSettings
) -> tuple[float, float]:
    """Return the overlap that stitching needs, as far as no more tiles have it; at least that given.

    Cells across seams are stitched like those of any plan.
    """
    found = []
    for axis, count in enumerate(tile_counts(rect, overlap_m, settings)):
        length_m = rect[axis + 2] - rect[axis]
        room_m = count * settings.max_frame_px[axis] * settings.pixel_size_m - length_m
        most_m = (room_m - TOLERANCE_M) / (count - 1) if count > 1 else 0.0
        found.append(max(overlap_m[axis], min(settings.tile_overlap_m, most_m)))
    return found[0], found[1]


def _component_hulls(fields_m: Sequence[RectM]) -> list[RectM]:
    """Return the hull of each set of connected fields, sorted; touching hulls are joined."""
    hulls: list[RectM] = []
    for field in sorted(fields_m):
        whole = field
        while touching := [h for h in hulls if touch(h, whole)]:
            hulls = [h for h in hulls if h not in touching]
            for other in touching:
                whole = hull(whole, other)
        hulls.append(whole)
    return sorted(hulls)
