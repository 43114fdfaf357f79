"""Background by a rolling ball.

Source: Sternberg, 'Biomedical image processing', IEEE Computer 16 (1983) 22; at reduced scale, as
ImageJ does.
"""

import cv2
import numpy as np
import scipy.ndimage as ndi
from numpy.typing import NDArray


def subtract_rolling_ball(image: NDArray[np.float32], radius_px: float) -> NDArray[np.float32]:
    """Subtract what a ball rolled under the grey-level surface touches.

    One pixel of radius is one grey level of height, as in ImageJ. The image is smoothed over 3 x 3 pixels
    and shrunk by the smallest value of each block before the ball rolls.

    Parameters
    ----------
    image : (rows, columns) array of float32
        Grey levels.
    radius_px : float
        At least 2.

    Returns
    -------
    (rows, columns) array of float32
        Grey levels, 0 and above.
    """
    shrink = 1 if radius_px <= 10 else 2 if radius_px <= 30 else 4 if radius_px <= 100 else 8
    rows, columns = image.shape
    smooth = np.asarray(cv2.blur(image, (3, 3), borderType=cv2.BORDER_REPLICATE))
    padded = np.pad(smooth, ((0, -rows % shrink), (0, -columns % shrink)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // shrink, shrink, padded.shape[1] // shrink, shrink)
    small = blocks.min(axis=(1, 3))
    ball = _ball(radius_px / shrink) * shrink
    inside = np.isfinite(ball)
    height = np.where(inside, ball, 0)
    # An opening by the ball: its top below the surface, then the surface of all such balls.
    low = ndi.grey_erosion(small, footprint=inside, structure=height, mode="nearest")
    rolled = ndi.grey_dilation(low, footprint=inside, structure=height, mode="nearest")
    back = cv2.resize(
        np.asarray(rolled, dtype=np.float32), padded.shape[::-1], interpolation=cv2.INTER_LINEAR
    )
    return np.asarray(np.maximum(image - np.asarray(back)[:rows, :columns], 0), dtype=np.float32)


def _ball(radius: float) -> NDArray[np.float64]:
    """Height of a ball over its rim, minus infinity outside; an odd square."""
    reach = int(radius)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    inner = radius**2 - x**2 - y**2
    return np.where(inner >= 0, np.sqrt(np.maximum(inner, 0)), -np.inf)
