"""Levels of resolution of an image, each half as wide and high as the one before."""

from collections.abc import Iterator
from typing import cast

import cv2

from service.image_files.images import Pixels


def halved(pixels: Pixels, enough_px: int) -> Iterator[Pixels]:
    """Give an image and its means over 2 x 2 pixels, rounded; odd last rows and columns go.

    Parameters
    ----------
    pixels : (rows, columns) array of uint8 or uint16
    enough_px : int
        Longest side of the last level, unless the shorter side is down to one pixel before.
    """
    yield pixels
    while max(pixels.shape) > enough_px and min(pixels.shape) > 1:
        height, width = (side // 2 for side in pixels.shape)
        even = pixels[: 2 * height, : 2 * width]
        pixels = cast("Pixels", cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA))
        yield pixels


def thinned(labels: Pixels, enough_px: int) -> Iterator[Pixels]:
    """Give labels and every other one of them, in the sizes of `halved`."""
    yield labels
    while max(labels.shape) > enough_px and min(labels.shape) > 1:
        height, width = (side // 2 for side in labels.shape)
        labels = labels[: 2 * height : 2, : 2 * width : 2]
        yield labels
