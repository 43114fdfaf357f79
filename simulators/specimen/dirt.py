"""Dirt and knife marks of a section, which electrons show and fluorescence does not."""

import numpy as np

from config.simulator import SpecimenConfig
from simulators.specimen.grid import Floats, Grid
from simulators.specimen.sections import SectionPlace

PARTICLE_RADIUS_UM = (0.8, 0.6)
"""Median, and standard deviation of the logarithm, of the radius of a particle; chosen by hand."""
PARTICLE_RADIUS_LIMITS_UM = (0.2, 4.0)
MARK_WIDTH_UM = (0.1, 0.6)
"""Smallest and largest width of a knife mark; chosen by hand."""
MARK_STAIN = 0.35
"""Largest change of grey along a knife mark, lighter or darker; chosen by hand."""
_MARK_SPREAD_RAD = 0.03
"""Knife marks are nearly parallel: all come from one edge. Chosen by hand."""


class Dirt:
    """Particles and knife marks of all sections, as configured.

    Parameters
    ----------
    config : SpecimenConfig
    field_area_um2 : float
        Area to which the numbers of the configuration refer.
    half_size_um : (float, float)
        Half of the width and height of the face of the block.
    """

    def __init__(
        self, config: SpecimenConfig, field_area_um2: float, half_size_um: tuple[float, float]
    ) -> None:
        self._seed = config.seed
        self._half = np.array(half_size_um)
        self._particles = config.dirt_per_field * 4 * float(np.prod(self._half)) / field_area_um2
        self._marks = config.knife_marks_per_field * 2 * float(self._half.max()) / field_area_um2**0.5

    def paint(self, image: Floats, plane: Grid, place: SectionPlace) -> None:
        """Paint the dirt of a section over its stain, in place.

        Parameters
        ----------
        image : (rows, columns) array of float32
        plane : Grid
            Grid in the plane of the section, of the same shape.
        place : SectionPlace
        """
        if not self._particles and not self._marks:
            return
        rng = np.random.default_rng([self._seed, 9, int(place.id.removeprefix("S"))])
        for _ in range(rng.poisson(self._marks)):
            self._paint_mark(image, plane, rng)
        for _ in range(rng.poisson(self._particles)):
            self._paint_particle(image, plane, rng)

    def _paint_mark(self, image: Floats, plane: Grid, rng: np.random.Generator) -> None:
        turn, at = rng.normal(0, _MARK_SPREAD_RAD), rng.uniform(-1, 1) * float(self._half.max())
        width, stain = rng.uniform(*MARK_WIDTH_UM), rng.uniform(-MARK_STAIN, MARK_STAIN)
        u, v = plane.points_um()
        off = np.abs(u * np.float32(np.cos(turn)) + v * np.float32(np.sin(turn)) - np.float32(at))
        soft = np.float32(max(plane.pitch_um, 0.05))
        image += np.float32(stain) * np.clip((np.float32(width / 2) - off) / soft + np.float32(0.5), 0, 1)
        np.clip(image, 0, 1, out=image)

    def _paint_particle(self, image: Floats, plane: Grid, rng: np.random.Generator) -> None:
        median, scatter = PARTICLE_RADIUS_UM
        radius = float(np.clip(median * np.exp(scatter * rng.standard_normal()), *PARTICLE_RADIUS_LIMITS_UM))
        center, stretch = rng.uniform(-self._half, self._half), rng.uniform(1, 2.5)
        turn, grey = rng.uniform(0, np.pi), float(rng.choice([0.0, 1.0]))
        window = plane.window(center, radius * stretch + plane.pitch_um)
        if window is None:
            return
        part, grid = window
        u, v = grid.points_um()
        u, v = u - np.float32(center[0]), v - np.float32(center[1])
        cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
        distance = np.hypot((u * cos + v * sin) / np.float32(stretch), v * cos - u * sin)
        covered = np.clip(
            (np.float32(radius) - distance) / np.float32(plane.pitch_um) + np.float32(0.5), 0, 1
        )
        image[part] += covered * (np.float32(grey) - image[part])
