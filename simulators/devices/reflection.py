"""The holder in reflected or transmitted light: sections, dust and grain, without fluorescence."""

from collections.abc import Iterable

import numpy as np

from simulators.specimen.grid import Floats, Grid
from simulators.specimen.specimen import Face
from simulators.specimen.textures import Sampling, Texture

# All numbers are chosen by hand after published overviews.
_SECTION = 0.55
"""Brightness of a section, of that of the substrate."""
_GRAIN, _GRAIN_UM = 0.015, 12.0
"""Standard deviation and wavelength of the grain of the substrate."""
_TISSUE, _TISSUE_UM = 0.04, 20.0
"""The same of the sections."""
_DUST, _DUST_UM, _DUST_ABOVE = 0.4, 60.0, 2.8
"""Brightness of dust; it lies where a field of this wavelength exceeds so many standard deviations."""


def reflected(faces: Iterable[Face], grid: Grid, texture: Texture) -> Floats:
    """Return the brightness on a grid on the stage; 1: the bare substrate.

    Parameters
    ----------
    faces : iterable of Face
        Sections under the grid.
    grid : Grid
    texture : Texture
    """
    grain = texture.sample(grid, 0.0, _GRAIN_UM, Sampling((3.0, 7.0, 11.0), 0.3))
    image = np.asarray(1 + np.float32(_GRAIN) * grain, dtype=np.float32)
    for place, plane, face in faces:
        sampling = Sampling((17.0, 5.0, 23.0), 1.1)
        tissue = texture.sample(plane, place.depth_um, _TISSUE_UM, sampling)
        image = np.where(face, np.float32(_SECTION) + np.float32(_TISSUE) * tissue, image)
    dust = texture.sample(grid, 0.0, _DUST_UM, Sampling((31.0, 2.0, 19.0), 0.9)) > _DUST_ABOVE
    return np.asarray(np.where(dust, np.float32(_DUST), image), dtype=np.float32)
