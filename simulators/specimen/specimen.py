"""The protocol of a specimen, and the simulated one: a block with cells, cut into serial sections."""

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from config.model import Config
from simulators.specimen.artefacts import Artefacts
from simulators.specimen.cells import CellBlock
from simulators.specimen.cuts import Cut, cuts
from simulators.specimen.dirt import Dirt
from simulators.specimen.fluorophores import signal
from simulators.specimen.grid import Floats, Grid
from simulators.specimen.sections import SectionArray, SectionPlace
from simulators.specimen.textures import Texture
from simulators.specimen.ultrastructure import BARE_SUPPORT, paint_cell, paint_resin

TRUTH_PITCH_UM = 0.178
"""Distance of the sample points of a true cell; the pixel size of the paper."""
ROSE_CRITERION = 5.0
"""Signal over noise above which a feature is visible (Rose, J. Opt. Soc. Am. 38 (1948) 196)."""
_MIN_CUT_UM2 = 1.0
"""Smallest cut that counts as a cell; chosen by hand."""


Face = tuple[SectionPlace, Grid, NDArray[np.bool_]]
"""A section, the grid in its plane, and where on that grid the section lies."""


@dataclass(frozen=True, slots=True)
class TruthCell:
    """One cell visible in the fluorescence of a section.

    Attributes
    ----------
    id : str
        The same in every section that cuts the cell.
    section : str
    points_m : (N, 2) array of float64
        Stage positions, m, of sample points of the whole cut, nucleus included, 0.178 um apart; of a cell
        labelled in its nucleus, the cut of the nucleus.
    contrast_to_noise : float
        Mean signal of its labelled pixels over the noise of a background pixel, in one FM frame.
    """

    id: str
    section: str
    points_m: NDArray[np.float64]
    contrast_to_noise: float


class Specimen(Protocol):
    """The specimen on the stage, in FM positions."""

    def fluorescence(self, grid: Grid) -> Floats:
        """Return the signal of unbleached fluorophores on a grid, photons per FM pixel and second."""
        ...

    def faces(self, grid: Grid) -> Iterator[Face]:
        """Yield the sections under a grid on the stage, the furthest first; none where they are unknown."""
        ...

    def stain(self, grid: Grid) -> Floats:
        """Return the heavy-metal stain on a grid on the stage: 0 none, 1 the heaviest."""
        ...

    def truth(self, section_id: str) -> tuple[TruthCell, ...]:
        """Return the cells visible in the fluorescence of a section; none where the truth is unknown.

        Raises
        ------
        KeyError
            There is no such section.
        """
        ...


class SimulatedSpecimen:
    """A seeded block with cells, cut into the sections of a layout. Implements `Specimen`.

    Images are computed on demand and depend only on the seed. A section shows the cells cut by its middle
    plane.

    Parameters
    ----------
    config : Config
        `simulator`, `layout` where that has none, and `fluorescence` are used.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._pattern = config.simulator.specimen.pattern
        width, height = config.fluorescence.field_size_m
        true = config.simulator.layout
        self.sections = SectionArray(
            true or config.layout,
            config.simulator.specimen,
            (width * 1e6, height * 1e6),
            by_outline=true is not None,
        )
        self._block = CellBlock(config.simulator.specimen, width * height * 1e12, self.sections.half_size_um)
        self._artefacts = Artefacts(
            config.simulator.specimen, width * height * 1e12, self.sections.half_size_um
        )
        self._grey = config.simulator.specimen
        self._dirt = Dirt(config.simulator.specimen, width * height * 1e12, self.sections.half_size_um)
        self._texture = Texture(config.simulator.specimen.seed)
        self._lock = threading.Lock()
        # The points of a section with 60 cells take 7 MB, and a summary asks for those of all sections.
        self._truth = lru_cache(maxsize=2)(self._find_truth)

    def fluorescence(self, grid: Grid) -> Floats:
        """Return the signal of unbleached fluorophores on a grid, photons per FM pixel and second."""
        image = np.zeros(grid.shape, np.float32)
        for place, plane, face in self.faces(grid):
            image[face] = 0
            for cut in self._cuts(plane, place.depth_um):
                light = signal(cut, self._pattern, self._texture)
                image[cut.part] += np.where(face[cut.part], light, np.float32(0))
            if self._artefacts.any:
                image = np.where(face, self._artefacts.added(image, plane, place, self._texture), image)
        return image

    def stain(self, grid: Grid) -> Floats:
        """Return the heavy-metal stain on a grid on the stage: 0 none, 1 the heaviest."""
        image = np.full(grid.shape, BARE_SUPPORT, np.float32)
        for place, plane, face in self.faces(grid):
            section = paint_resin(
                plane, place.depth_um, self._texture, self._grey.resin_stain, self._grey.resin_texture_percent
            )
            for cut in self._cuts(plane, place.depth_um):
                paint_cell(section[cut.part], cut, self._texture)
            self._dirt.paint(section, plane, place)
            image = np.where(face, section, image)
        return image

    def truth(self, section_id: str) -> tuple[TruthCell, ...]:
        """Return the cells visible in the fluorescence of a section.

        A cell counts if its cut covers 1 um2 and its labelled part meets the Rose criterion in one frame.

        Raises
        ------
        KeyError
            There is no such section.
        """
        with self._lock:
            return self._truth(section_id)

    def faces(self, grid: Grid) -> Iterator[Face]:
        """Yield the sections under a grid, each with the grid in its plane and a mask of the block face."""
        half_u, half_v = self.sections.half_size_um
        for place in self.sections.near(grid.center_um, grid.radius_um):
            plane = grid.mapped(place.to_plane)
            u, v = plane.points_um()
            face = (np.abs(u) <= half_u) & (np.abs(v) <= half_v)
            if place.outline is not None:
                face &= place.inside(np.column_stack([u.ravel(), v.ravel()])).reshape(face.shape)
            if face.any():
                yield place, plane, face

    def _cuts(self, plane: Grid, w_um: float) -> list[Cut]:
        with self._lock:
            return list(cuts(self._block, plane, w_um))

    def _find_truth(self, section_id: str) -> tuple[TruthCell, ...]:
        place = self.sections[section_id]
        half_u, half_v = self.sections.half_size_um
        matrix = np.array([[TRUTH_PITCH_UM, 0.0, -half_u], [0.0, TRUTH_PITCH_UM, -half_v]])
        shape = math.floor(2 * half_v / TRUTH_PITCH_UM), math.floor(2 * half_u / TRUTH_PITCH_UM)
        found = []
        for cut in cuts(self._block, Grid(matrix, shape), place.depth_um):
            inside = (cut.inside_nucleus_um if self._pattern == "nuclear" else cut.inside_um) > 0
            area = float(inside.sum()) * TRUTH_PITCH_UM**2
            light = signal(cut, self._pattern, self._texture)
            labelled = inside & (light > 0.3 * cut.cell.brightness)
            if area < _MIN_CUT_UM2 or not labelled.any():
                continue
            contrast = float(light[labelled].mean()) * self._electrons_per_photon / self._noise_electrons
            fm_pixels = labelled.sum() * (TRUTH_PITCH_UM * 1e-6 / self._config.fluorescence.pixel_size_m) ** 2
            if contrast * math.sqrt(fm_pixels) < ROSE_CRITERION:
                continue
            u, v = cut.grid.points_um()
            points = np.column_stack([u[inside], v[inside]]).astype(np.float64)
            points = points[place.inside(points)]
            if len(points) * TRUTH_PITCH_UM**2 < _MIN_CUT_UM2:
                continue
            slab, index = cut.cell.number
            name = f"B{slab}-{index}"
            found.append(TruthCell(name, section_id, place.to_stage(points) * 1e-6, contrast))
        return tuple(found)

    @property
    def _electrons_per_photon(self) -> float:
        """Photoelectrons in one frame for one photon per second."""
        return self._config.simulator.quantum_efficiency * self._config.fluorescence.exposure_s

    @property
    def _noise_electrons(self) -> float:
        """Noise of a background pixel in one frame, photoelectrons; the EM register doubles the variance."""
        simulator, fm = self._config.simulator, self._config.fluorescence
        light = simulator.specimen.background_photons + simulator.specimen.bell_photons / 2
        read = simulator.read_noise_electrons / fm.em_gain
        return math.sqrt(2 * light * self._electrons_per_photon + read**2) or 1.0
