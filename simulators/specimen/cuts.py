"""Cuts of the cells of the block by a section plane."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulators.specimen.cells import Cell, CellBlock
from simulators.specimen.grid import Floats, Grid, refined

_OUTLINE_STEP_UM = 0.12
"""Finest grid for outlines, which are smooth; chosen by hand."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A cell cut by the plane of a grid.

    Attributes
    ----------
    cell : Cell
    part : (slice, slice)
        Rows and columns of the whole grid that `grid` covers.
    grid : Grid
        Grid in the plane of the section.
    w_um : float
        Depth of the plane in the block.
    inside_um, inside_nucleus_um : arrays of float32, shape of `grid`
        Depth of each point inside the cell, and inside its nucleus; negative outside.
    """

    cell: Cell
    part: tuple[slice, slice]
    grid: Grid
    w_um: float
    inside_um: Floats
    inside_nucleus_um: Floats


def cuts(block: CellBlock, plane: Grid, w_um: float) -> Iterator[Cut]:
    """Yield the cells cut by a grid in the plane at depth `w_um`, in the order of the block."""
    near = block.near(plane.center_um, plane.radius_um, w_um)
    cells = [cell for cell in near if cell.outline.cut_radius_um(w_um) > 0]
    centers = np.array([cell.outline.center_um[:2] for cell in cells]).reshape(-1, 2)
    radii = np.array([cell.outline.cut_radius_um(w_um) for cell in cells])
    for index, cell in enumerate(cells):
        window = plane.window(centers[index], radii[index])
        if window is None:
            continue
        part, grid = window
        coarse = grid.coarse(_OUTLINE_STEP_UM)
        inside = cell.outline.depth_inside_um(coarse, w_um)
        apart = np.hypot(*(centers - centers[index]).T)
        for other in np.flatnonzero(apart < radii + radii[index]):
            if other != index:
                # Where two would overlap, each keeps the area that is deeper inside itself.
                window = coarse.window(centers[other], radii[other])
                if window is not None:
                    there, _ = window
                    deep = cells[other].outline.depth_inside_um(coarse, w_um, there)
                    inside[there] -= np.maximum(deep, 0)
        if inside.max() <= 0:
            continue
        nucleus = cell.nucleus.depth_inside_um(coarse, w_um)
        # A nucleus stays inside the membrane of its cell.
        nucleus = np.minimum(nucleus, inside - np.float32(0.3))
        yield Cut(cell, part, grid, w_um, refined(inside, grid.shape), refined(nucleus, grid.shape))
