"""Ultrastructure in the electron images: membranes, nucleus, organelles, resin."""

from dataclasses import replace

import numpy as np

from simulators.specimen.cuts import Cut
from simulators.specimen.grid import Floats, Grid
from simulators.specimen.textures import Sampling, Texture

BARE_SUPPORT = 0.95
"""Grey level, on the scale of stain, of the conductive glass between sections: bright in backscatter."""

_CLEFT_UM = -0.045
"""Place of the outer membrane of the nuclear envelope, um inside the inner one; chosen by hand."""
_EVERYWHERE = Sampling((3.0, 5.0, 7.0), 0.3)


def paint_resin(
    plane: Grid, w_um: float, texture: Texture, level: float = 0.13, clouds_percent: float = 0.8
) -> Floats:
    """Return the grey of empty resin, on the scale of stain: `level`, with clouds and faint knife marks."""
    clouds = texture.sample(plane, w_um, 6.0, _EVERYWHERE)
    u, _ = plane.points_um()
    marks = np.sin(u * np.float32(2.1) + np.float32(0.4) * clouds)
    cloudy = np.float32(clouds_percent / 100) * clouds
    return np.asarray(np.float32(level) + cloudy + np.float32(0.004) * marks)


def paint_cell(image: Floats, cut: Cut, texture: Texture) -> None:
    """Paint the stain of one cell over resin, in place, where the cell is.

    Parameters
    ----------
    image : array of float32, shape of `cut.grid`
    cut : Cut
    texture : Texture
    """
    paint(image, cut.grid, cut.w_um, cut.inside_um, cut.inside_nucleus_um, texture, cut.cell.sampling)


def paint(
    image: Floats,
    grid: Grid,
    w_um: float,
    inside_um: Floats,
    inside_nucleus_um: Floats,
    texture: Texture,
    sampling: Sampling,
) -> None:
    """Paint a cell from the distances to its membrane and to its nuclear envelope, in place.

    The puncta of the fluorescence appear as dark bodies at the same places.
    """

    def noise(wavelength_um: float, shift_um: float) -> Floats:
        offset = sampling.offset_um[0] + shift_um, *sampling.offset_um[1:]
        return texture.sample(grid, w_um, wavelength_um, replace(sampling, offset_um=offset))

    soft = np.float32(max(0.012, grid.pitch_um))
    ruffle = noise(0.9, 11.0)
    fine = noise(0.11, 0.0)
    membrane_at = inside_um + np.float32(0.05) * ruffle
    cell = _step(membrane_at, soft)

    # Cytoplasm: ribosomes, and endoplasmic reticulum as thin lines where a noise field crosses zero.
    stain = np.float32(0.40) + np.float32(0.045) * fine + np.float32(0.03) * noise(2.2, 17.0)
    reticulum = noise(0.8, 23.0)
    stain += np.float32(0.16) * _ridge(reticulum, np.float32(0.10)) * (ruffle > 0)

    # Mitochondria: where a noise field is high; cristae as fine stripes inside.
    mitochondria = noise(1.9, 29.0)
    body = _step((mitochondria - np.float32(1.15)) * np.float32(0.25), soft)
    cristae = np.float32(0.56) + np.float32(0.13) * np.sin(noise(0.35, 31.0) * np.float32(5.0))
    stain += body * (cristae - stain)
    stain += _ridge(mitochondria - np.float32(1.15), np.float32(0.09)) * (np.float32(0.82) - stain)

    # Vacuoles and vesicles: light inside a membrane.
    vesicles = noise(0.75, 37.0)
    stain += _step((vesicles - np.float32(2.0)) * np.float32(0.15), soft) * (np.float32(0.2) - stain)
    stain += _ridge(vesicles - np.float32(2.0), np.float32(0.12)) * (np.float32(0.75) - stain)

    puncta = texture.sample(grid, w_um, 1.3, sampling)
    stain += _step((puncta - np.float32(1.9)) * np.float32(0.2), soft) * (np.float32(0.78) - stain)

    # Nucleus: chromatin gathered under the envelope, nucleoli, a double envelope with a light cleft.
    envelope_at = inside_nucleus_um + np.float32(0.04) * ruffle
    # Further out it adds nothing: most frames of a cell show none of its nucleus.
    if float(envelope_at.max()) > _CLEFT_UM - 2 * float(soft):
        chromatin = noise(1.6, 41.0) + np.float32(1.5) * np.asarray(
            np.exp(-np.maximum(envelope_at, 0) / np.float32(0.25)), np.float32
        )
        inner = (
            np.float32(0.36)
            + np.float32(0.03) * fine
            + np.float32(0.16) * _step((chromatin - np.float32(0.7)) * np.float32(0.4), np.float32(0.4))
        )
        nucleoli = _step((noise(4.5, 43.0) - np.float32(1.5)) * np.float32(1.2), np.float32(0.1))
        inner += nucleoli * (np.float32(0.68) + np.float32(0.04) * fine - inner)
        stain += _step(envelope_at, soft) * (inner - stain)
        stain += np.float32(0.9) * _line(envelope_at, 0.0, soft) * (np.float32(0.85) - stain)
        stain += np.float32(0.7) * _line(envelope_at, _CLEFT_UM, soft) * (np.float32(0.8) - stain)

    stain += _line(membrane_at, 0.0, np.float32(1.1) * soft) * (np.float32(0.92) - stain)
    visible = np.maximum(cell, _line(membrane_at, 0.0, np.float32(1.1) * soft))
    image += visible * (stain - image)


def _step(inside_um: Floats, soft_um: np.float32) -> Floats:
    """Return a step from 0 outside to 1 inside, over `soft_um`."""
    return np.asarray(np.clip(np.float32(0.5) + inside_um / soft_um, 0, 1))


def _line(inside_um: Floats, at_um: float, half_width_um: np.float32) -> Floats:
    """Return 1 on the contour `at_um`, and 0 beyond a half-width from it."""
    return np.asarray(np.clip(1 - np.abs(inside_um - np.float32(at_um)) / (2 * half_width_um), 0, 1))


def _ridge(field: Floats, half_width: np.float32) -> Floats:
    """Return 1 where a noise field crosses zero, and 0 beyond `half_width` of its unit."""
    return np.asarray(np.clip(1 - np.abs(field) / half_width, 0, 1))
