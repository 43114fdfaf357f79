"""Time that cells take if each is imaged by itself: an upper limit, known without a plan."""

from collections.abc import Collection, Iterable, Mapping

from planner.cost import Work
from planner.cover.required import required_rect
from planner.cover.tiles import pixels, tiles
from planner.settings import PlanSettings
from planner.values import Box


def work_alone(box: Box, settings: PlanSettings) -> Work:
    """Return the work of a cell that has its frames for itself: one, or tiles.

    The way to it is not counted, nor what is saved where the ground around it must not be imaged.
    """
    rect = required_rect(box, settings.context_m, settings.guard_m)
    overlap_m = (settings.tile_overlap_m, settings.tile_overlap_m)
    pixel_m = settings.pixel_size_m
    if settings.presets_px:
        wide, high = pixels(rect[2] - rect[0], pixel_m), pixels(rect[3] - rect[1], pixel_m)
        fitting = [w * h for w, h in settings.presets_px if w >= wide and h >= high]
        if fitting:
            return _work(1, min(fitting), settings)
        largest = max(settings.presets_px, key=lambda size: size[0] * size[1])
        count = len(tiles(rect, overlap_m, largest, pixel_m))
        return _work(count, count * largest[0] * largest[1], settings)
    scans = tiles(rect, overlap_m, settings.max_frame_px, pixel_m)
    return _work(len(scans), sum(scan.size_px[0] * scan.size_px[1] for scan in scans), settings)


def most_s(
    alone_s: Mapping[str, Iterable[tuple[str, float]]],
    chosen: Collection[str],
    raster_s: Mapping[str, float],
) -> float:
    """Return an upper limit of the time that the chosen cells of an array take, s.

    In each section they take their frames one by one, or a full raster where that is known to be faster.

    Parameters
    ----------
    alone_s : mapping
        For each section its cells with the time of each, s.
    chosen : collection of str
        Cells.
    raster_s : mapping
        Time of a full raster of a section, s, where it is known.
    """
    total_s = 0.0
    for section, cells in alone_s.items():
        own_s = sum(cell_s for cell, cell_s in cells if cell in chosen)
        total_s += min(own_s, raster_s.get(section, own_s))
    return total_s


def _work(frames: int, count_px: int, settings: PlanSettings) -> Work:
    return Work(frames, frames, count_px * settings.dwell_s, 0.0, count_px)
