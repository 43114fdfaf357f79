"""The input of the network: a frame in multiples of its noise, fine detail and surroundings as channels."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.background.estimate import QUANTISATION_SD, enlarged
from detection.background.ranks import percentile
from detection.image.working_grid import WorkingGrid

WORKING_PIXEL_UM = 0.36
"""Finer pixels are averaged to about this, as in recall-first: the resolution of the objective is .3 um."""
STRIDE = 4
"""Pixels of the working grid along each side of one of the network's first layer, 1.4 um."""
MULTIPLE = 8 * STRIDE
"""The working grid is padded to multiples of this: three halvings inside the network."""
CHANNELS = STRIDE**2 + 7
_DARK_PERCENT = 1.0
"""Percentile of the blocks that stands for the darkest ground: 20 of the 2,100 blocks of a frame."""
_QUIET_PERCENT = 10.0
"""Percentile of the noise of blocks that stands for ground: texture of cells only adds to noise."""
_BRIGHT_PERCENT = 99.5
"""Percentile of the smoothed frame that stands for bright cells, as in recall-first."""


def network_input(grid: WorkingGrid, *, processed: bool) -> NDArray[np.float32]:
    """Return the input of the network for a frame.

    The background may be estimated wrongly where cells lie densely, so that the frame is also given above
    its darkest ground, as a share of its background, and as a share of its brightest cells. All values are
    compressed by a logarithm, so that neither noise nor bright cells fill the range.

    Parameters
    ----------
    grid : WorkingGrid
    processed : bool
        Grey levels are not linear; see `detection.image.frames.Frame.processed`.

    Returns
    -------
    (1, CHANNELS, rows, columns) array of float32
        `STRIDE` x `STRIDE` pixels of the working grid each, padded to whole `MULTIPLE` s of them.
    """
    z = _padded(grid.residual / grid.noise_sd)
    coarse_z = _averaged(z)
    residual = _averaged(_padded(grid.residual))
    level = _averaged(_padded(enlarged(grid.background.level, grid.residual.shape)))
    noise = _averaged(_padded(grid.noise_sd))
    dark = percentile(grid.blocks.means, _DARK_PERCENT)
    quiet = max(percentile(grid.blocks.noise_sd, _QUIET_PERCENT), QUANTISATION_SD) / grid.shrink
    bright = max(percentile(residual, _BRIGHT_PERCENT), float(noise.min()))
    near, far = (np.asarray(cv2.GaussianBlur(coarse_z, (0, 0), sigma)) for sigma in (1.0, 3.0))
    rows, columns = coarse_z.shape
    planes = np.empty((1, CHANNELS, rows, columns), dtype=np.float32)
    fine = planes[0, : STRIDE**2].reshape(STRIDE, STRIDE, rows, columns)
    fine[:] = z.reshape(rows, STRIDE, columns, STRIDE).transpose(1, 3, 0, 2)
    more = planes[0, STRIDE**2 :]
    # An average over n pixels has a noise of 1 / sqrt(n); 2 sqrt(pi) sigma is sqrt(n) of a Gaussian.
    more[0] = coarse_z * STRIDE
    more[1] = near * (STRIDE * 2 * np.sqrt(np.pi))
    more[2] = far * (STRIDE * 6 * np.sqrt(np.pi))
    more[3] = (residual + level - np.float32(dark)) / np.float32(quiet)
    more[4] = 4 * residual / np.maximum(level, noise)
    _compress(planes[0, :-2])
    more[5] = np.clip(residual / np.float32(bright), -0.5, 1.5)
    more[6] = float(processed)
    return planes


def _compress(values: NDArray[np.float32]) -> None:
    """Replace values by log(1 + |value|) / 2 with their sign."""
    size = np.abs(values)
    size += 1
    np.log(size, out=size)
    size *= np.float32(0.5)
    np.copysign(size, values, out=values)


def _padded(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mirror a working grid beyond its lower and right side until the network can take it."""
    rows, columns = image.shape
    down, right = -rows % MULTIPLE, -columns % MULTIPLE
    if not (down or right):
        return image
    mode = cv2.BORDER_REFLECT_101 if down < rows and right < columns else cv2.BORDER_REPLICATE
    return np.asarray(cv2.copyMakeBorder(image, 0, down, 0, right, mode), dtype=np.float32)


def _averaged(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average over `STRIDE` x `STRIDE` pixels."""
    size = image.shape[1] // STRIDE, image.shape[0] // STRIDE
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
