"""Seeded noise, continuous in three dimensions, so that neighbouring sections look alike."""

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from simulators.specimen.grid import Floats, Grid

_SIZE = 192
"""Voxels of the periodic volume in x and y."""
_DEPTH = 64
"""Voxels in z."""
_LAYERS = 64
"""Layers of the volume that are kept, .15 MB each: those of the cells in some frames beside each other."""
_WAVELENGTH = 10.0
"""Voxels from one crest to the next."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """Part of the common noise that one cell samples.

    Attributes
    ----------
    offset_um : (float, float, float)
        Different for each cell.
    turn_rad : float
    """

    offset_um: tuple[float, float, float]
    turn_rad: float


class Texture:
    """A periodic Gaussian random field of zero mean and unit variance, with one typical wavelength.

    Made in the frequency domain: white noise times a ring of wave numbers.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def sample(self, grid: Grid, depth_um: float, wavelength_um: float, sampling: Sampling) -> Floats:
        """Return the field on a grid.

        Parameters
        ----------
        grid : Grid
            Grid in the plane of the section.
        depth_um : float
            Depth of the section in the block, um.
        wavelength_um : float
            Typical distance of neighbouring crests, um.
        sampling : Sampling

        Returns
        -------
        array of float32, shape of the grid
        """
        voxel_um = wavelength_um / _WAVELENGTH
        z = (depth_um + sampling.offset_um[2]) / voxel_um
        low = math.floor(z)
        layer = _layer(self._seed, low % _DEPTH, z - low)
        cos, sin = np.cos(sampling.turn_rad), np.sin(sampling.turn_rad)
        turn = np.array([[cos, -sin], [sin, cos]])
        matrix = turn @ grid.matrix_um
        matrix[:, 2] += sampling.offset_um[:2]
        matrix /= voxel_um
        # warpAffine counts from the pixel centre, the grid from the pixel corner.
        matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5)
        matrix[:, 2] %= _SIZE
        return np.asarray(
            cv2.warpAffine(
                layer,
                matrix,
                (grid.shape[1], grid.shape[0]),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_WRAP,
            ),
            dtype=np.float32,
        )


@lru_cache(maxsize=_LAYERS)
def _layer(seed: int, low: int, above: float) -> Floats:
    """Return the field at a depth between two voxels, of unit variance; several frames show the same cell."""
    # Weights on a circle: linear ones would lose variance between two voxels.
    part = above * np.pi / 2
    # Computed when first needed, not when a session starts.
    field = volume(seed)
    layer = field[low] * np.float32(np.cos(part))
    layer += field[(low + 1) % _DEPTH] * np.float32(np.sin(part))
    layer /= max(float(layer.std()), 1e-6)
    return np.asarray(layer)


@lru_cache(maxsize=4)
def volume(seed: int) -> NDArray[np.float32]:
    """Return one period of the field of a seed, computed once in a process.

    Parameters
    ----------
    seed : int

    Returns
    -------
    (64, 192, 192) array of float32
        In z, y, x.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 40]))
    white = np.fft.rfftn(rng.standard_normal((_DEPTH, _SIZE, _SIZE), dtype=np.float32))
    kz = np.fft.fftfreq(_DEPTH)[:, None, None]
    ky = np.fft.fftfreq(_SIZE)[None, :, None]
    kx = np.fft.rfftfreq(_SIZE)[None, None, :]
    wave = np.sqrt(kx**2 + ky**2 + kz**2) * _WAVELENGTH
    ring = np.exp(-0.5 * ((wave - 0.8) / 0.35) ** 2)
    ring[0, 0, 0] = 0.0
    field = np.fft.irfftn(white * ring, s=(_DEPTH, _SIZE, _SIZE), axes=(0, 1, 2))
    field -= field.mean()
    field /= field.std()
    return field.astype(np.float32)
