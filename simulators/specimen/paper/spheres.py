"""The spheres in the volume of the synthetic sections after the paper."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.specimen.paper.specimen import PaperSpecimen

PUNCTUM_RADIUS_UM = 0.6
"""Chosen by hand; the paper has no punctate cells."""
_PUNCTUM_SHARE = 0.25
"""Volume of the puncta over that of the cytoplasm; chosen by hand."""
_TRIES = 2000
"""Places tried for a sphere before the volume counts as full."""


@dataclass(frozen=True, slots=True)
class Sphere:
    """One cell of the volume; its nucleus has the same centre.

    Attributes
    ----------
    center_um : (3,) array
    radius_um, brightness : float
    puncta_um : (N, 3) array
        Centres of its puncta; none in other patterns.
    """

    center_um: NDArray[np.float64]
    radius_um: float
    brightness: float
    puncta_um: NDArray[np.float64]


def fill(rng: np.random.Generator, depth_um: float, specimen: PaperSpecimen) -> list[Sphere]:
    """Scatter spheres in a volume as wide as the frame, without overlap.

    Where they no longer fit (above a third of the volume) there are fewer.

    Parameters
    ----------
    rng : Generator
    depth_um : float
        Depth of the volume, um.
    specimen : PaperSpecimen
    """
    margin = specimen.radius_um + 2.5 * specimen.radius_sd_um
    rows, columns = specimen.shape
    size = np.array([columns * specimen.pixel_size_um, rows * specimen.pixel_size_um, depth_um])
    # A plane cuts the spheres whose centres lie within a radius of it.
    per_um3 = specimen.cells_per_section / (size[0] * size[1] * 2 * specimen.radius_um)
    wanted = rng.poisson(per_um3 * float(np.prod(size + 2 * margin)))
    radii = np.maximum(_gaussian(rng, specimen.radius_um, specimen.radius_sd_um, wanted), 0.2)
    # The largest first: they only find room while there is plenty.
    radii = np.sort(radii)[::-1]
    levels = np.maximum(_gaussian(rng, specimen.brightness, specimen.brightness_sd, wanted), 1.0)
    centers = np.empty((0, 3))
    placed: list[Sphere] = []
    for radius, level in zip(radii, levels, strict=True):
        for _ in range(_TRIES):
            center = rng.uniform(-margin, size + margin)
            apart = np.linalg.norm(centers - center, axis=1)
            if np.all(apart > radius + radii[: len(placed)]):
                break
        else:
            break
        centers = np.vstack([centers, center])
        puncta = _puncta(rng, center, float(radius), specimen)
        placed.append(Sphere(center, float(radius), float(level), puncta))
    return placed


def _gaussian(rng: np.random.Generator, mean: float, sd: float, count: int) -> NDArray[np.float64]:
    return mean + sd * np.clip(rng.standard_normal(count), -2.5, 2.5)


def _puncta(
    rng: np.random.Generator, center: NDArray[np.float64], radius: float, specimen: PaperSpecimen
) -> NDArray[np.float64]:
    """Draw the centres of the puncta, evenly scattered in the cytoplasm, (N, 3), um."""
    if specimen.pattern != "punctate":
        return np.empty((0, 3))
    inner, outer = specimen.nucleus_share * radius, max(radius - PUNCTUM_RADIUS_UM, 0.0)
    if outer <= inner:
        return np.empty((0, 3))
    count = rng.poisson(_PUNCTUM_SHARE * (outer**3 - inner**3) / PUNCTUM_RADIUS_UM**3)
    directions = rng.standard_normal((count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return center + directions * np.cbrt(rng.uniform(inner**3, outer**3, (count, 1)))
