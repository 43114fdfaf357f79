"""Pictures of whole cells: fluorescence on electrons, and a cell through all its sections."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from service.pictures.overlay import DOUBTFUL, INK, PAPER, draw_scale_bar, write_text

Picture = NDArray[np.uint8]

_LONGEST_PX = 1024
"""Longest side of the picture of a cell: what a screen shows. Chosen by hand."""
_GREY_PERCENTILES = (0.5, 99.5)
_LIGHT_PERCENTILES = (40.0, 99.8)
"""Of the fluorescence, black and full colour: the ground around a cell stays grey. Chosen by eye."""
_LIGHT = np.array([0.15, 1.0, 0.35], np.float32)
"""Colour of the fluorescence, RGB."""
_ELECTRONS = 0.72
"""Factor that dims the electron image, so that colours stand out. Chosen by eye."""
_LOOKED_AT = 256
"""Rows and columns by which grey levels are judged."""
STRIP_COLUMNS = 12
"""Slices in a row of a strip."""
SLICE_PX = 220
"""Longest side of a slice in a strip. Chosen by eye."""
_CAPTION_PX, _GAP_PX = 18, 4
_BAR_PX = (72, 34)
"""Corner of the first slice that is dimmed for its scale bar."""
_QUALITY = 88
"""JPEG: a third of the size of PNG, whose noise cannot be compressed. Chosen by eye."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice of a strip.

    Attributes
    ----------
    name : str
    grey : (rows, columns) array of uint8, or None
        None where there is no image.
    sure : bool
        False where electrons did not prove its place.
    """

    name: str
    grey: Picture | None
    sure: bool = True


def draw_light_on_electrons(
    electrons: NDArray[np.generic], light: NDArray[np.generic] | None, pixel_size_um: float
) -> Picture:
    """Draw fluorescence in green over an electron image in grey, with a scale bar.

    Parameters
    ----------
    electrons, light : (rows, columns) arrays of uint8 or uint16
        On the same grid; 0 where nothing is known. `light` is None without fluorescence.
    pixel_size_um : float

    Returns
    -------
    (rows, columns, 3) array of uint8
        RGB, at most 1024 px wide and high.
    """
    share = min(1.0, _LONGEST_PX / max(electrons.shape))
    grey = _between(_small(electrons, share), _GREY_PERCENTILES)[..., None] * np.float32(_ELECTRONS)
    picture = np.repeat(grey, 3, axis=2)
    if light is not None:
        picture += _between(_small(light, share), _LIGHT_PERCENTILES)[..., None] * _LIGHT * np.float32(0.8)
    rgb = np.ascontiguousarray(np.clip(picture * 255, 0, 255).astype(np.uint8))
    draw_scale_bar(rgb, pixel_size_um / share)
    return rgb


def draw_strip(slices: Sequence[Slice], um_per_dot: float) -> Picture:
    """Draw a cell through its sections, row after row, each slice with its name.

    Parameters
    ----------
    slices : sequence of Slice
        All images of the same shape, at least one slice.
    um_per_dot : float

    Returns
    -------
    (rows, columns, 3) array of uint8
        RGB; ground without an image is dark.
    """
    shape = next((one.grey.shape for one in slices if one.grey is not None), (SLICE_PX, SLICE_PX))
    columns = min(len(slices), STRIP_COLUMNS)
    rows = math.ceil(len(slices) / columns)
    height, width = shape[0] + _CAPTION_PX + _GAP_PX, shape[1] + _GAP_PX
    picture = np.full((rows * height + _GAP_PX, columns * width + _GAP_PX, 3), PAPER, dtype=np.uint8)
    for number, one in enumerate(slices):
        row, column = divmod(number, columns)
        y, x = _GAP_PX + row * height, _GAP_PX + column * width
        name = one.name if one.grey is not None else f"{one.name} missing"
        write_text(picture, name, (x + 2, y + 12), INK if one.sure and one.grey is not None else DOUBTFUL)
        if one.grey is not None:
            tile = np.ascontiguousarray(np.repeat(one.grey[..., None], 3, axis=2))
            if number == 0:
                # Resin is as bright as the bar.
                corner = tile[-_BAR_PX[1] :, -_BAR_PX[0] :]
                corner[...] = corner // 3
                draw_scale_bar(tile, um_per_dot)
            picture[y + _CAPTION_PX : y + _CAPTION_PX + shape[0], x : x + shape[1]] = tile
    return picture


def save_jpeg(path: Path, rgb: Picture) -> None:
    """Save an RGB picture as JPEG, whole or not at all.

    Raises
    ------
    OSError
        Raised when the file cannot be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(jpeg(rgb))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def jpeg(rgb: Picture) -> bytes:
    """Return an RGB picture as the bytes of a JPEG file."""
    _, encoded = cv2.imencode(
        ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    return encoded.tobytes()


def _small(image: NDArray[np.generic], share: float) -> NDArray[np.float32]:
    if share >= 1:
        return image.astype(np.float32)
    rows, columns = (max(1, round(side * share)) for side in image.shape)
    small = cv2.resize(np.asarray(image, np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32)


def _between(image: NDArray[np.float32], percentiles: tuple[float, float]) -> NDArray[np.float32]:
    """Return grey levels from 0 to 1 between percentiles of what is not 0."""
    some = image[:: max(1, image.shape[0] // _LOOKED_AT), :: max(1, image.shape[1] // _LOOKED_AT)]
    known = some[some > 0]
    low, high = np.percentile(known, percentiles) if known.size else (0.0, 1.0)
    return np.asarray(np.clip((image - low) / max(float(high - low), 1.0), 0, 1), dtype=np.float32)
