"""Distribution of fluorophores in a cell."""

from typing import Literal

import numpy as np

from simulators.specimen.cuts import Cut
from simulators.specimen.grid import Floats
from simulators.specimen.textures import Texture

Pattern = Literal["cytoplasmic", "nuclear", "punctate"]

_CLUMP_UM = 3.0
_PUNCTUM_UM = 1.3
_RIM_UM = np.float32(1.0)
"""Depth of the cortex under the membrane, which has little label; chosen by hand."""
_UNLABELLED = np.float32(0.06)
"""Signal of the unlabelled parts of a cell, over that of the labelled ones; chosen by hand."""


def signal(cut: Cut, pattern: Pattern, texture: Texture) -> Floats:
    """Return the fluorescence of one cell on its grid, photons per FM pixel and second.

    Parameters
    ----------
    cut : Cut
    pattern : {"cytoplasmic", "nuclear", "punctate"}
        Cytoplasmic: uneven, with bright puncta, and a dark nucleus. Nuclear: the nucleus only. Punctate:
        vesicles in a faint cytoplasm.
    texture : Texture

    Returns
    -------
    array of float32, shape of `cut.grid`
        Zero outside the cell. The labelled compartment has a mean near `cut.cell.brightness`.
    """
    pitch = np.float32(cut.grid.pitch_um)
    cell = np.clip(np.float32(0.5) + cut.inside_um / pitch, 0, 1)
    nucleus = np.clip(np.float32(0.5) + cut.inside_nucleus_um / pitch, 0, 1)
    clumps = texture.sample(cut.grid, cut.w_um, _CLUMP_UM, cut.cell.sampling)
    if pattern == "nuclear":
        labelled = nucleus * np.maximum(1 + np.float32(0.22) * clumps, 0)
        return _scaled(cut, np.maximum(labelled, _UNLABELLED * cell))
    spots = texture.sample(cut.grid, cut.w_um, _PUNCTUM_UM, cut.cell.sampling)
    puncta = np.maximum(spots - np.float32(1.2), 0)
    cytoplasm = cell - np.minimum(cell, nucleus)
    if pattern == "punctate":
        return _scaled(cut, cytoplasm * (np.float32(0.12) + np.float32(5.0) * puncta) + _UNLABELLED * cell)
    body = np.exp(np.float32(0.42) * clumps - np.float32(0.3)) * _thick_side(cut)
    body *= np.clip(np.float32(0.45) + cut.inside_um / _RIM_UM, 0, 1)
    return _scaled(cut, cytoplasm * (body + np.float32(1.5) * puncta) + _UNLABELLED * nucleus * cell)


def _thick_side(cut: Cut) -> Floats:
    """Return the brightness of the cytoplasm, higher on the side away from the nucleus."""
    outline, nucleus = cut.cell.outline.center_um[:2], cut.cell.nucleus.center_um[:2]
    away = (outline - nucleus) / max(float(np.linalg.norm(outline - nucleus)), 1e-6)
    u, v = cut.grid.points_um()
    x, y = u - np.float32(outline[0]), v - np.float32(outline[1])
    side = (x * np.float32(away[0]) + y * np.float32(away[1])) / np.float32(cut.cell.outline.axes_um.max())
    return np.asarray(np.float32(0.9) + np.float32(0.4) * np.clip(side, -1, 1))


def _scaled(cut: Cut, image: Floats) -> Floats:
    return np.asarray(image * np.float32(cut.cell.brightness), dtype=np.float32)
