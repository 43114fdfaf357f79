"""Ground with details of all sizes, and noisy images of it."""

import cv2
import numpy as np
from numpy.typing import NDArray


def ground(seed: int, side: int = 900) -> NDArray[np.float32]:
    """Return details from 3 to 30 pixels in size, 0 to 255."""
    rng = np.random.default_rng(seed)
    total = np.zeros((side, side), np.float32)
    for sigma in (1.5, 4.0, 12.0):
        layer = cv2.GaussianBlur(rng.standard_normal((side, side)).astype(np.float32), (0, 0), sigma)
        total += layer / layer.std()
    return np.asarray(np.clip(128 + 25 * total, 1, 255), dtype=np.float32)


def image(
    of: NDArray[np.float32], left: float, top: float, size: tuple[int, int], noise: float, seed: int
) -> NDArray[np.uint8]:
    """Return a noisy image of some ground; its corner may lie between pixels, `size` is width, height."""
    matrix = np.array([[1.0, 0.0, left], [0.0, 1.0, top]])
    cut = cv2.warpAffine(of, matrix, size, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
    noisy = cut + noise * np.random.default_rng(seed).standard_normal(cut.shape)
    return np.asarray(np.clip(np.rint(noisy), 0, 255), dtype=np.uint8)
