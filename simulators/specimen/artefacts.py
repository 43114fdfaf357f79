"""Fluorescence of a section that is not of a cell: debris, folds and uneven resin."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.simulator import SpecimenConfig
from simulators.specimen.grid import Floats, Grid
from simulators.specimen.sections import SectionPlace
from simulators.specimen.textures import Sampling, Texture

LUMP_UM = 18.0
"""Distance between lumps of autofluorescent resin: lumps as large as cells are the worst case."""
DEBRIS_RADIUS_UM = (0.5, 0.45)
"""Median, and standard deviation of the logarithm, of the radius of debris; chosen by hand."""
DEBRIS_RADIUS_LIMITS_UM = (0.2, 1.5)
FOLD_WIDTH_UM = (1.0, 3.0)
"""Smallest and largest width of the doubled resin; chosen by hand."""
_LUMPS = Sampling((7.0, 3.0, 11.0), 0.4)


@dataclass(frozen=True, slots=True)
class _Speck:
    center_um: NDArray[np.float64]
    radius_um: float
    elongation: float
    turn_rad: float
    brightness: float


@dataclass(frozen=True, slots=True)
class _Fold:
    point_um: NDArray[np.float64]
    turn_rad: float
    bend_per_um: float
    width_um: float


class Artefacts:
    """Artefacts of all sections, as configured; they are not part of the truth.

    Debris and folds belong to one section each; lumps of the resin extend through the block.

    Parameters
    ----------
    config : SpecimenConfig
    field_area_um2 : float
        Area to which `config.debris_per_field` refers.
    half_size_um : (float, float)
        Half of the width and height of the face of the block.
    """

    def __init__(
        self, config: SpecimenConfig, field_area_um2: float, half_size_um: tuple[float, float]
    ) -> None:
        self._config = config
        self._half = np.array(half_size_um)
        self._debris = config.debris_per_field * 4 * float(np.prod(self._half)) / field_area_um2
        self.any = bool(config.debris_per_field or config.folds_per_section or config.lumps_percent)
        """True if any artefact is configured."""

    def added(self, image: Floats, plane: Grid, place: SectionPlace, texture: Texture) -> Floats:
        """Return the light of a section with its artefacts.

        Parameters
        ----------
        image : (rows, columns) array of float32
            Light of the cells, photons per FM pixel and second.
        plane : Grid
            Grid in the plane of the section, of the same shape.
        place : SectionPlace
        texture : Texture
        """
        config = self._config
        light = image.copy()
        resin = np.float32(config.background_photons)
        if config.lumps_percent:
            lumps = texture.sample(plane, place.depth_um, LUMP_UM, _LUMPS)
            mean = config.background_photons + config.bell_photons / 2
            light += np.float32(mean * config.lumps_percent / 100) * lumps
            # The camera adds the uniform part of the background; the sum must not be negative.
            light = np.maximum(light, np.float32(-0.9) * resin)
        rng = np.random.default_rng([config.seed, 6, _number(place)])
        specks = [self._draw_speck(rng) for _ in range(rng.poisson(self._debris))]
        folds = [self._draw_fold(rng) for _ in range(rng.poisson(config.folds_per_section))]
        for fold in folds:
            # Two layers of the section on each other: the light of both.
            light += _fold_profile(fold, plane) * (light + resin)
        for speck in specks:
            _paint_speck(light, speck, plane)
        return light

    def _draw_speck(self, rng: np.random.Generator) -> _Speck:
        median, scatter = DEBRIS_RADIUS_UM
        radius = float(np.clip(median * np.exp(scatter * rng.standard_normal()), *DEBRIS_RADIUS_LIMITS_UM))
        return _Speck(
            center_um=rng.uniform(-self._half, self._half),
            radius_um=radius,
            elongation=float(rng.uniform(1, 2.5)),
            turn_rad=float(rng.uniform(0, np.pi)),
            brightness=self._config.brightness_photons * float(np.exp(rng.normal(0, 0.8))),
        )

    def _draw_fold(self, rng: np.random.Generator) -> _Fold:
        return _Fold(
            point_um=rng.uniform(-self._half, self._half),
            turn_rad=float(rng.uniform(0, np.pi)),
            bend_per_um=float(rng.normal(0, 1e-3)),
            width_um=float(rng.uniform(*FOLD_WIDTH_UM)),
        )


def _number(place: SectionPlace) -> int:
    return int(place.id.removeprefix("S"))


def _fold_profile(fold: _Fold, plane: Grid) -> Floats:
    """Return the coverage by a second layer, 0..1: a band along a parabola, with soft edges."""
    along, across = _turned(plane, fold.point_um, fold.turn_rad)
    off = np.abs(across - np.float32(fold.bend_per_um) * along * along)
    return np.asarray(
        np.clip((np.float32(fold.width_um / 2) - off) / np.float32(0.4) + 0.5, 0, 1), np.float32
    )


def _paint_speck(light: Floats, speck: _Speck, plane: Grid) -> None:
    window = plane.window(speck.center_um, speck.radius_um * speck.elongation + plane.pitch_um)
    if window is None:
        return
    part, grid = window
    along, across = _turned(grid, speck.center_um, speck.turn_rad)
    distance = np.hypot(along / np.float32(speck.elongation), across)
    covered = np.clip((np.float32(speck.radius_um) - distance) / np.float32(plane.pitch_um) + 0.5, 0, 1)
    light[part] += np.float32(speck.brightness) * covered.astype(np.float32)


def _turned(plane: Grid, point_um: NDArray[np.float64], turn_rad: float) -> tuple[Floats, Floats]:
    """Return coordinates along and across a direction through a point, um, shape of the grid."""
    u, v = plane.points_um()
    u, v = u - np.float32(point_um[0]), v - np.float32(point_um[1])
    cos, sin = np.float32(np.cos(turn_rad)), np.float32(np.sin(turn_rad))
    return u * cos + v * sin, v * cos - u * sin
