"""Background by a rolling ball.

Source: Sternberg, 'Biomedical image processing', IEEE Computer 16 (1983) 22; at reduced scale, as
ImageJ does.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray


def subtract_rolling_ball(image: NDArray[np.float32], radius_px: float) -> NDArray[np.float32]:
    """Subtract the background that a ball rolled under the grey-level surface touches.

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
    # The factors of ImageJ.
    shrink = 1 if radius_px <= 10 else 2 if radius_px <= 30 else 4 if radius_px <= 100 else 8
    rows, columns = image.shape
    smooth = np.asarray(cv2.blur(image, (3, 3), borderType=cv2.BORDER_REPLICATE))
    padded = np.pad(smooth, ((0, -rows % shrink), (0, -columns % shrink)), mode="edge")
    # One axis at a time: minima over whole rows are quick, and leave little for those along them.
    low_rows = padded.reshape(-1, shrink, padded.shape[1]).min(axis=1)
    small = low_rows.reshape(low_rows.shape[0], -1, shrink).min(axis=2)
    # An opening by the ball: its top below the surface, then the surface of all such balls.
    rings = _rings(radius_px / shrink, shrink)
    small_px = int(radius_px / shrink)
    low = _extreme(small, rings, small_px, lift=-1.0)
    rolled = _extreme(low, rings, small_px, lift=1.0)
    back = cv2.resize(
        np.asarray(rolled, dtype=np.float32), padded.shape[::-1], interpolation=cv2.INTER_LINEAR
    )
    left = image - np.asarray(back, dtype=np.float32)[:rows, :columns]
    return np.asarray(np.maximum(left, 0, out=left), dtype=np.float32)


def _rings(radius: float, scale: float) -> list[tuple[float, list[tuple[int, int]]]]:
    """Return the offsets within a ball by its height over its rim, times `scale`."""
    radius_px = int(radius)
    rings: dict[int, list[tuple[int, int]]] = {}
    for y in range(-radius_px, radius_px + 1):
        for x in range(-radius_px, radius_px + 1):
            if x * x + y * y <= radius**2:
                rings.setdefault(x * x + y * y, []).append((y, x))
    return [(scale * math.sqrt(radius**2 - squared), offsets) for squared, offsets in rings.items()]


def _extreme(
    surface: NDArray[np.float32],
    rings: list[tuple[float, list[tuple[int, int]]]],
    radius_px: int,
    lift: float,
) -> NDArray[np.float32]:
    """Grey-level erosion (`lift` -1) or dilation (1) by a ball; the edge is repeated outwards.

    Offsets of one height share one addition; the rest are minima or maxima of two shifted images, cheaper
    than a filter that looks up each neighbour.
    """
    rows, columns = surface.shape
    padded = np.pad(surface, radius_px, mode="edge")
    choose = cv2.min if lift < 0 else cv2.max
    result: NDArray[np.float32] | None = None
    for height, offsets in rings:
        best: NDArray[np.float32] | None = None
        for y, x in offsets:
            part = padded[radius_px + y : radius_px + y + rows, radius_px + x : radius_px + x + columns]
            best = part.copy() if best is None else np.asarray(choose(best, part), dtype=np.float32)
        assert best is not None
        best += np.float32(lift * height)
        result = best if result is None else np.asarray(choose(result, best), dtype=np.float32)
    assert result is not None
    return result
