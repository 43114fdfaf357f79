"""Frames that show a rectangle: a scan of any size, or the cheapest preset of the machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import product

import numpy as np
from numpy.typing import NDArray

from planner.cover.seams import pieces_not_shown
from planner.cover.tiles import Scan, pixels, rounded_out, tiles
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import TOLERANCE_M, RectM, area_m2, cut, hull, overlap
from planner.settings import PlanSettings

Values = NDArray[np.float64]

_MOST_PARTIAL = 4
"""Most frames for a rectangle that cannot be shown whole. Chosen by hand."""
_LEAST_PART = 0.02
"""Least share of such a rectangle that each of these frames must add. Chosen by hand."""


@dataclass(frozen=True)
class Framing:
    """Frames on allowed ground.

    Attributes
    ----------
    ground : Ground
    settings : PlanSettings
    """

    ground: Ground
    settings: PlanSettings

    @cached_property
    def required_ground(self) -> Ground:
        """Ground that may be required: allowed ground that whole pixels can show."""
        return self.ground.narrowed(self.settings.border_m)

    def cost_s(self, scan: Scan) -> float:
        """Return beam time and overhead of a frame, s: the cost that a cover minimises."""
        return scan.size_px[0] * scan.size_px[1] * self.settings.dwell_s + self.settings.overhead_s

    def fits(self, rect: RectM) -> bool:
        """Return True if some frame is large enough for `rect`, allowed ground or not."""
        return bool(self._sizes_for(rect))

    def least_cost_s(self, rect: RectM) -> float:
        """Return the cost of the smallest frame around `rect`, allowed ground or not; infinite if none is."""
        sizes = self._sizes_for(rect)
        if not sizes:
            return float("inf")
        return sizes[0][0] * sizes[0][1] * self.settings.dwell_s + self.settings.overhead_s

    @property
    def longest_m(self) -> tuple[float, float]:
        """Largest width and height of a frame."""
        widths, heights = zip(*(self._presets or (self.settings.max_frame_px,)), strict=True)
        return max(widths) * self.settings.pixel_size_m, max(heights) * self.settings.pixel_size_m

    def costs_s(self, widths_m: Values, heights_m: Values) -> Values:
        """Return the costs of the smallest frames around rectangles of given sizes; infinite if none is."""
        pixel = self.settings.pixel_size_m
        columns, rows = (np.maximum(1, np.ceil((v - TOLERANCE_M) / pixel)) for v in (widths_m, heights_m))
        if not self._presets:
            most = self.settings.max_frame_px
            size = np.where((columns <= most[0]) & (rows <= most[1]), columns * rows, np.inf)
        else:
            size = np.full(np.broadcast_shapes(columns.shape, rows.shape), np.inf)
            for width, height in reversed(self._presets):
                size[(columns <= width) & (rows <= height)] = width * height
        return np.asarray(size * self.settings.dwell_s + self.settings.overhead_s)

    def frame(self, rect: RectM) -> Scan | None:
        """Return the cheapest frame on allowed ground that shows all of `rect`, if there is one."""
        for size in self._sizes_for(rect):
            if self.settings.presets_px:
                placed = self.ground.place(rect, *(n * self.settings.pixel_size_m for n in size))
            else:
                placed = rounded_out(rect, self.ground, self.settings)
            if placed is not None:
                return Scan(placed, size)
        return None

    def frames(self, rect: RectM) -> tuple[Scan, ...]:
        """Return the tiles that show a rectangle of required ground; a single one if it fits in a frame.

        With presets, tiles are the equal parts that the cheapest preset can show; empty if none can.
        """
        overlap_m = (self.settings.tile_overlap_m, self.settings.tile_overlap_m)
        if not self.settings.presets_px:
            rounded = rounded_out(rect, self.ground, self.settings)
            if rounded is None:
                return ()
            return tiles(rounded, overlap_m, self.settings.max_frame_px, self.settings.pixel_size_m)
        whole = self.frame(rect)
        if whole is not None:
            return (whole,)
        best: tuple[Scan, ...] = ()
        for size in self._presets:
            if min(size) * self.settings.pixel_size_m <= self.settings.tile_overlap_m / 0.9:
                continue
            parts = tiles(rect, overlap_m, size, self.settings.pixel_size_m)
            found = [self.frame(cut(part.rect_m, rect)) for part in parts]
            placed = tuple(scan for scan in found if scan is not None)
            if len(placed) == len(found) and (not best or self._sum_s(placed) < self._sum_s(best)):
                best = placed
        return best

    def partial_frames(self, rect: RectM, shown: Sequence[RectM]) -> tuple[Scan, ...]:
        """Return frames of presets that show as much of `rect` as possible, if none may show it whole.

        Each is for ground that neither `shown` nor the frames before it show, and adds a fair part of it.
        """
        scans: list[Scan] = []
        left = pieces_not_shown(rect, shown, 0.0)
        while left and len(scans) < _MOST_PARTIAL:
            best, most_m2 = None, _LEAST_PART * area_m2(rect)
            # The middle of all that is left may be shown: then a frame over one of its pieces adds more.
            for size, over in product(self._presets, dict.fromkeys((reduce(hull, left), *left))):
                width_m, height_m = (n * self.settings.pixel_size_m for n in size)
                placed = self.ground.place_over_most(over, width_m, height_m, left)
                added_m2 = 0.0 if placed is None else _shared_m2(placed, left)
                # A larger preset must show clearly more.
                if placed is not None and added_m2 > most_m2:
                    best, most_m2 = Scan(placed, size), 1.05 * added_m2
            if best is None:
                break
            scans.append(best)
            left = pieces_not_shown(rect, [*shown, *(scan.rect_m for scan in scans)], 0.0)
        return tuple(scans)

    def _sum_s(self, scans: tuple[Scan, ...]) -> float:
        return sum(self.cost_s(scan) for scan in scans)

    @cached_property
    def _presets(self) -> tuple[tuple[int, int], ...]:
        """Presets of the machine, cheapest first."""
        return tuple(sorted(set(self.settings.presets_px), key=lambda s: (s[0] * s[1], s)))

    def _sizes_for(self, rect: RectM) -> tuple[tuple[int, int], ...]:
        """Return the sizes, px, that are large enough for `rect`, cheapest first."""
        width = pixels(rect[2] - rect[0], self.settings.pixel_size_m)
        height = pixels(rect[3] - rect[1], self.settings.pixel_size_m)
        if self.settings.presets_px:
            return tuple(s for s in self._presets if s[0] >= width and s[1] >= height)
        most = self.settings.max_frame_px
        return ((width, height),) if width <= most[0] and height <= most[1] else ()


def _shared_m2(rect: RectM, pieces: Sequence[RectM]) -> float:
    """Return the ground that a rectangle shares with pieces, none of which overlap."""
    return sum(area_m2(cut(rect, piece)) for piece in pieces if overlap(rect, piece))
