"""Search for the position of a field in its overview: correlation of edges at all positions."""

from dataclasses import dataclass

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from detection.alignment.edges import Edges
from detection.alignment.settings import SETTINGS
from detection.alignment.values import Similarity
from detection.registration.rigid import pixels_of_plane, plane_of_pixels


@dataclass(frozen=True, slots=True)
class Found:
    """Best position of a search.

    Attributes
    ----------
    motion : Similarity
    peak_sd, rival_sd, chance_sd : float
        Correlation there, elsewhere, and of unrelated images, in standard deviations; see `Evidence`.
    """

    motion: Similarity
    peak_sd: float
    rival_sd: float
    chance_sd: float


def search(source: Edges, target: Edges, pixel_um: float) -> Found:
    """Search all positions, and a few rotations and scales, by cross-correlation.

    Parameters
    ----------
    source : (rows, columns) array of complex64
        Edges of the fluorescence, 0 outside the cells.
    target : array of complex64, same shape
        Edges of the overview.
    pixel_um : float
        Pixel size of both.
    """
    reach_px = round(SETTINGS.search_um / pixel_um)
    shape = tuple(scipy.fft.next_fast_len(n + reach_px) for n in source.shape)
    spectrum = scipy.fft.fft2(target, shape)
    tried = [
        Similarity((0.0, 0.0), turn, scale) for turn in SETTINGS.rotations_rad for scale in SETTINGS.scales
    ]
    own = [(_surface(_moved(source, one, pixel_um), spectrum, shape, reach_px), one) for one in tried]
    surface, best = max(own, key=lambda pair: float(pair[0].max()))
    spread = max(float(np.sqrt((surface * surface).mean())), 1e-12)
    row, column = np.unravel_index(int(surface.argmax()), surface.shape)
    shift_um = ((int(column) - reach_px) * pixel_um, -(int(row) - reach_px) * pixel_um)
    rows, columns = np.ogrid[: surface.shape[0], : surface.shape[1]]
    away = np.hypot(rows - row, columns - column) * pixel_um >= SETTINGS.rival_um
    rival = float(surface[away].max())
    unrelated = [np.conj(source[::-1]), np.conj(source[:, ::-1])]
    chance = max(
        float(_surface(_moved(image, one, pixel_um), spectrum, shape, reach_px).max())
        for image in unrelated
        for one in tried
    )
    motion = Similarity(shift_um, best.rotation_rad, best.scale)
    return Found(motion, float(surface.max()) / spread, rival / spread, chance / spread)


def _moved(image: Edges, motion: Similarity, pixel_um: float) -> Edges:
    if motion == Similarity():
        return image
    corners = np.array([[0.5, 0.5], [1.5, 0.5], [0.5, 1.5]])
    shape = image.shape[0], image.shape[1]
    plane = motion.apply(plane_of_pixels(corners, shape, pixel_um))
    moved = pixels_of_plane(plane, shape, pixel_um) - 0.5
    matrix = np.stack([moved[1] - moved[0], moved[2] - moved[0], moved[0]], axis=1)
    parts = np.ascontiguousarray(image).view(np.float32).reshape(*shape, 2)
    warped = np.asarray(cv2.warpAffine(parts, matrix, shape[::-1], flags=cv2.INTER_LINEAR))
    return np.ascontiguousarray(warped).view(np.complex64)[..., 0]


def _surface(
    image: Edges, spectrum: NDArray[np.complex64], shape: tuple[int, ...], reach_px: int
) -> NDArray[np.float32]:
    """Return the correlation for shifts of the image by -reach..reach rows and columns."""
    product = scipy.fft.ifft2(np.conj(scipy.fft.fft2(image, shape)) * spectrum, overwrite_x=True).real
    shifts = np.arange(-reach_px, reach_px + 1)
    return np.asarray(product[np.ix_(shifts, shifts)], dtype=np.float32)
