"""Denoising of a frame before the paper's detector: none, non-local means, BM3D.

Source: Delpiano et al., J. Microsc. 271 (2018) 109, 'Development of automated workflow': BM3D, optional,
'assuming a good estimation of the noise level sigma'.
"""

import numpy as np
from numpy.typing import NDArray
from skimage.restoration import denoise_nl_means

from config.choices import Denoising
from detection.errors import DetectionError

PATCH_PX = 5
"""Side of a patch: the value of the example of non-local means in the gallery of scikit-image."""
SEARCH_PX = 6
"""Distance to search for similar patches: from the same example."""
STRENGTH = 0.8
"""Filter strength over the noise: the starting point that `denoise_nl_means` of scikit-image recommends for
its fast mode with known noise."""


def denoised(image: NDArray[np.float32], method: Denoising) -> NDArray[np.float32]:
    """Return the frame with less noise.

    Parameters
    ----------
    image : (rows, columns) array of float32
        Grey levels.
    method : {'none', 'nl-means', 'bm3d'}
        Non-local means: Buades, Coll & Morel, CVPR 2005. BM3D: Dabov et al., IEEE Trans. Image Process. 16
        (2007) 2080; the package ``bm3d`` is for non-commercial use only, so it is installed by choice.

    Returns
    -------
    (rows, columns) array of float32
        The same array for 'none', and for a frame without noise.

    Raises
    ------
    DetectionError
        Raised when BM3D is asked for and not installed.
    """
    if method == "none":
        return image
    sigma = noise_sd(image)
    if sigma == 0:
        return image
    if method == "nl-means":
        # Numbers near 1: the method compares squares, and those of 16-bit levels lose digits in float32.
        quiet = denoise_nl_means(
            image / np.float32(sigma),
            patch_size=PATCH_PX,
            patch_distance=SEARCH_PX,
            h=STRENGTH,
            sigma=1.0,
            fast_mode=True,
        )
        return np.asarray(quiet * np.float32(sigma), dtype=np.float32)
    try:
        from bm3d import bm3d
    except ImportError:
        raise DetectionError(
            "BM3D is not installed; its licence is for non-commercial use only, so it comes by choice:"
            " pip install 'ilemtrack[bm3d]'"
        ) from None
    return np.asarray(bm3d(image, sigma), dtype=np.float32).reshape(image.shape)


def noise_sd(image: NDArray[np.float32]) -> float:
    """Return the standard deviation of the noise of a pixel, grey levels.

    It follows from the median size of second differences along both axes, which slopes and most edges hardly
    change. Their variance is 6 times that of white noise (1 + 4 + 1), and 1.4826 turns the median size of a
    Gaussian into its standard deviation.
    """
    steps = np.concatenate([np.diff(image, n=2, axis=axis).ravel() for axis in (0, 1)])
    return 1.4826 * float(np.median(np.abs(steps))) / 6**0.5
