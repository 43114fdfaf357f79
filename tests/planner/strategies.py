"""Layouts for property tests, and a checker that shares no code with the planner.

Layouts of `lattice_sections` lie on a lattice of 0.5 um and their margins are multiples of it, so that a
raster of 0.25 um shows each of them without rounding; a pixel of a scan is far smaller than half a cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from planner.settings import PlanSettings
from planner.values import Box, Field, Frame, Method, Plan

UM = 1e-6
CELL_M = 0.25 * UM
LATTICE_M = 0.5 * UM

Rect = tuple[float, float, float, float]


def settings(
    method: Method = "per-box",
    max_frame_px: tuple[int, int] = (1536, 1024),
    context_um: float = 2.0,
    guard_um: float = 1.5,
    halo_um: float = 0.5,
    overlap_um: float = 3.0,
) -> PlanSettings:
    return PlanSettings(
        method=method,
        pixel_size_m=16.5e-9,
        dwell_s=60e-6,
        max_frame_px=max_frame_px,
        context_m=context_um * UM,
        guard_m=guard_um * UM,
        halo_m=halo_um * UM,
        tile_overlap_m=overlap_um * UM,
        raster_overlap_fraction=0.1,
        overhead_s=5.0,
        stage_speed_m_per_s=1e-3,
    )


@dataclass(frozen=True)
class Layout:
    fields: tuple[Field, ...]
    boxes: tuple[Box, ...]

    def moved(self, dx: float, dy: float) -> "Layout":
        return Layout(
            tuple(Field(f.id, moved(f.rect_m, dx, dy)) for f in self.fields),
            tuple(
                Box(b.id, moved(b.rect_m, dx, dy), None if b.keep_m is None else moved(b.keep_m, dx, dy))
                for b in self.boxes
            ),
        )


def moved(rect: Sequence[float], dx: float, dy: float) -> Rect:
    return rect[0] + dx, rect[1] + dy, rect[2] + dx, rect[3] + dy


def _rect(x: int, y: int, width: int, height: int) -> Rect:
    """From lattice units to metres."""
    return x * LATTICE_M, y * LATTICE_M, (x + width) * LATTICE_M, (y + height) * LATTICE_M


@st.composite
def lattice_sections(draw: st.DrawFn, most_boxes: int = 12) -> Layout:
    """One to four fields of some 30 um, overlapping, apart or as an L; boxes on, across and beyond them."""
    side = st.integers(30, 80)
    fields = tuple(
        Field(f"F{n}", _rect(draw(st.integers(0, 90)), draw(st.integers(0, 90)), draw(side), draw(side)))
        for n in range(draw(st.integers(1, 4)))
    )
    boxes = []
    for n in range(draw(st.integers(0, most_boxes))):
        x, y = draw(st.integers(-10, 170)), draw(st.integers(-10, 170))
        width, height = draw(st.integers(1, 30)), draw(st.integers(1, 30))
        keep = None
        if draw(st.booleans()):
            margin = draw(st.integers(1, 8))
            keep = _rect(x - margin, y - margin, width + 2 * margin, height + 2 * margin)
        boxes.append(Box(f"c{n:04d}", _rect(x, y, width, height), keep))
    return Layout(fields, tuple(boxes))


class Checker:
    """Saved and allowed ground of a lattice layout as pixels of 0.25 um."""

    def __init__(self, layout: Layout, given: PlanSettings) -> None:
        self.given = given
        self.origin = -40  # lattice units; more than any box reaches beyond zero
        self.size = 2 * 300
        self.saved = self.painted([f.rect_m for f in layout.fields])
        reach = round((given.guard_m + given.halo_m) / CELL_M)
        square = np.ones((2 * reach + 1, 2 * reach + 1), dtype=np.bool_)
        self.allowed = np.asarray(binary_erosion(self.saved, square), dtype=np.bool_)

    def painted(self, rects: Sequence[Rect]) -> NDArray[np.bool_]:
        """Cells whose middle lies in a rectangle."""
        middles = (np.arange(self.size) + 0.5) * CELL_M + self.origin * LATTICE_M
        mask = np.zeros((self.size, self.size), dtype=np.bool_)
        for x0, y0, x1, y1 in rects:
            columns = np.searchsorted(middles, (x0, x1))
            rows = np.searchsorted(middles, (y0, y1))
            mask[rows[0] : rows[1], columns[0] : columns[1]] = True
        return mask

    def required(self, box: Box) -> NDArray[np.bool_]:
        """Cells that a box requires: grown by context, joined with what is kept, grown by guard, allowed.

        None where nothing of the cell itself is allowed: its surroundings alone are not worth a beam.
        """
        given = self.given
        x0, y0, x1, y1 = box.rect_m
        low_x, low_y = x0 - given.context_m, y0 - given.context_m
        high_x, high_y = x1 + given.context_m, y1 + given.context_m
        if box.keep_m is not None:
            low_x, low_y = min(low_x, box.keep_m[0]), min(low_y, box.keep_m[1])
            high_x, high_y = max(high_x, box.keep_m[2]), max(high_y, box.keep_m[3])
        guard = given.guard_m
        if not (self.painted([box.rect_m]) & self.allowed).any():
            return np.zeros_like(self.allowed)
        wanted = self.painted([(low_x - guard, low_y - guard, high_x + guard, high_y + guard)])
        return wanted & self.allowed

    def on_saved(self, box: Box) -> bool:
        """Return True if some of a box, or of what is kept with it, is saved."""
        rects = [box.rect_m] if box.keep_m is None else [box.rect_m, box.keep_m]
        return bool((self.painted(rects) & self.saved).any())

    def covered(self, frames: Sequence[Frame]) -> NDArray[np.bool_]:
        return self.painted([f.rect_m for f in frames])


def uncovered_m2(rect: Rect, cover: Sequence[Rect]) -> float:
    """Area of `rect` under none of `cover`, by cutting along all edges."""
    xs = np.unique(np.clip([v for r in (rect, *cover) for v in (r[0], r[2])], rect[0], rect[2]))
    ys = np.unique(np.clip([v for r in (rect, *cover) for v in (r[1], r[3])], rect[1], rect[3]))
    middle_x, middle_y = (xs[1:] + xs[:-1]) / 2, (ys[1:] + ys[:-1]) / 2
    free = np.ones((len(middle_y), len(middle_x)), dtype=np.bool_)
    for x0, y0, x1, y1 in cover:
        inside_y, inside_x = (y0 < middle_y) & (middle_y < y1), (x0 < middle_x) & (middle_x < x1)
        free &= ~(inside_y[:, None] & inside_x[None, :])
    return float((np.diff(ys)[:, None] * np.diff(xs)[None, :])[free].sum())


def listing(planned: Plan, box: str) -> list[Frame]:
    """Frames that count for a box."""
    return [f for f in planned.frames if box in f.covers]
