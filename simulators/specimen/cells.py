"""The block of resin: cells scattered at random without overlap, found by position and depth."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from config.simulator import SpecimenConfig
from simulators.specimen.shapes import AXIS_RANGE, WOBBLE_LIMIT, Blob, draw_blob
from simulators.specimen.textures import Sampling

_PACKING = 0.6
"""Largest share of the block within the exclusion spheres of its cells; chosen by hand."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the block.

    Attributes
    ----------
    number : (int, int)
        Slab of the block, and index in it; identifies the cell in all sections.
    outline, nucleus : Blob
    brightness : float
        Photons per pixel and second where it is labelled; 0 without a label.
    sampling : Sampling
        Its part of the common noise.
    """

    number: tuple[int, int]
    outline: Blob
    nucleus: Blob
    brightness: float
    sampling: Sampling


class CellBlock:
    """All cells of the block, drawn slab by slab on demand.

    A Poisson process in three dimensions, thinned after Matern (type II: of two cells too near each other the
    one with the lower mark stays). Each slab and each cell has a random stream of its own, so that a draw
    depends only on the seed, not on earlier calls.

    Parameters
    ----------
    config : SpecimenConfig
    field_area_um2 : float
        Area to which `config.cells_per_field` refers.
    half_size_um : (float, float)
        Half of the width and height of the block.
    """

    def __init__(
        self, config: SpecimenConfig, field_area_um2: float, half_size_um: tuple[float, float]
    ) -> None:
        self._config = config
        largest = config.cell_radius_um + 3 * config.cell_radius_sd_um
        self.extent_um = largest * AXIS_RANGE[1] * (1 + WOBBLE_LIMIT)
        """Largest distance of any part of a cell from its centre."""
        self._half = np.array(half_size_um) + self.extent_um
        self._slab_um = 2 * self.extent_um
        # A plane cuts the cells whose centres lie within their height of it.
        wanted = config.cells_per_field / (field_area_um2 * 2 * config.cell_radius_um)
        own = 4 / 3 * math.pi * (1.6 * config.cell_radius_um) ** 3
        if wanted > 0:
            own = min(own, _PACKING / wanted)
        self._keep_out_um = (own * 3 / 4 / math.pi) ** (1 / 3)
        self._drawn_per_um3 = -math.log(1 - wanted * own) / own
        self._candidates = lru_cache(maxsize=64)(self._draw_candidates)
        self._slab = lru_cache(maxsize=64)(self._draw_slab)
        self._cell = lru_cache(maxsize=4096)(self._draw_cell)

    def near(self, center_um: NDArray[np.float64], radius_um: float, w_um: float) -> tuple[Cell, ...]:
        """Return the cells that may be cut at depth `w_um` within `radius_um` of a position in the plane."""
        found: list[Cell] = []
        low = math.floor((w_um - self.extent_um) / self._slab_um)
        high = math.floor((w_um + self.extent_um) / self._slab_um)
        for slab in range(low, high + 1):
            centers, indices, tree = self._slab(slab)
            within = sorted(tree.query_ball_point(center_um, radius_um + self.extent_um))
            found += [
                self._cell(slab, int(indices[at]))
                for at in within
                if abs(centers[at, 2] - w_um) < self.extent_um
            ]
        return tuple(found)

    def _draw_candidates(self, slab: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return centres (N, 3), um, and marks (N,)."""
        rng = self._stream(1, slab)
        width, height = 2 * self._half
        count = rng.poisson(self._drawn_per_um3 * width * height * self._slab_um)
        low = np.array([*-self._half, slab * self._slab_um])
        centers = low + rng.random((count, 3)) * (width, height, self._slab_um)
        return centers, rng.random(count)

    def _draw_slab(self, slab: int) -> tuple[NDArray[np.float64], NDArray[np.int64], cKDTree]:
        """Return centres and indices of the cells that stay, and a tree over their u and v."""
        around = [self._candidates(slab + n) for n in (-1, 0, 1)]
        first = len(around[0][0])
        centers = np.concatenate([c for c, _ in around])
        marks = np.concatenate([m for _, m in around])
        stays = np.ones(len(centers), dtype=bool)
        pairs = cKDTree(centers).query_pairs(self._keep_out_um, output_type="ndarray")
        if len(pairs):
            one, other = pairs.T
            stays[np.where(marks[one] > marks[other], one, other)] = False
        own = slice(first, first + len(around[1][0]))
        indices = np.flatnonzero(stays[own])
        kept = around[1][0][indices]
        return kept, indices, cKDTree(kept[:, :2])

    def _draw_cell(self, slab: int, index: int) -> Cell:
        config, rng = self._config, self._stream(2, slab, index)
        center = self._candidates(slab)[0][index]
        radius = config.cell_radius_um + config.cell_radius_sd_um * float(
            np.clip(rng.standard_normal(), -3, 3)
        )
        radius = max(radius, 0.3 * config.cell_radius_um)
        outline = draw_blob(rng, center, radius, 0.055)
        share = float(np.clip(rng.normal(0.58, 0.05), 0.45, 0.7))
        direction = rng.normal(0, 1, 3)
        off = direction / np.linalg.norm(direction) * rng.uniform(0.1, 0.6) * (1 - share)
        nucleus = draw_blob(rng, center + off * outline.axes_um, share * radius, 0.09)
        spread = math.log(1 + (config.brightness_sd_percent / 100) ** 2)
        brightness = config.brightness_photons * math.exp(rng.normal(-spread / 2, math.sqrt(spread)))
        if (
            config.unlabelled_percent
            and 100 * self._stream(3, slab, index).random() < config.unlabelled_percent
        ):
            brightness = 0.0
        sampling = Sampling(tuple(rng.uniform(0, 100, 3).tolist()), float(rng.uniform(0, 2 * np.pi)))
        return Cell((slab, index), outline, nucleus, brightness, sampling)

    def _stream(self, *key: int) -> np.random.Generator:
        # Slabs above the first section have negative numbers; seeds may not.
        return np.random.default_rng([self._config.seed, key[0], *(n + 1_000_000 for n in key[1:])])
