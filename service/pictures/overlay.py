"""Overlay: a frame with its cells and the boxes that the beam will image."""

import colorsys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.image.boxes import BoxPx
from detection.image.hits import Cell, Decision, Detection
from service.store.durable import write_bytes

Colour = tuple[int, int, int]
Corners = tuple[int, int, int, int]

ENLARGED = 2
LONGEST_PX = 4096
"""Longest side of a picture of a frame: larger frames are shrunk to it. Common viewers show it at once."""
STRETCH_PERCENTILES = (1.0, 99.7)
GAMMA = 0.6
"""Below 1, so that dim cells are visible beside bright ones."""
LEGEND_HEIGHT = 44
INK: Colour = (235, 235, 235)
PAPER: Colour = (18, 20, 24)
FOUND: Colour = (90, 230, 120)
DOUBTFUL: Colour = (255, 190, 70)
NOT_IMAGED: Colour = (240, 90, 90)
IMAGED: Colour = (90, 190, 255)
FONT = cv2.FONT_HERSHEY_SIMPLEX
FONT_SCALE = 0.38
_LEAST_LIGHT = 0.42
"""Luma of the colour of a track, 0..1."""
SCALE_BARS_UM = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def draw_overlay(
    pixels: NDArray[np.generic],
    detection: Detection,
    pixel_size_um: float,
    tracks: Sequence[Sequence[str]] | None = None,
) -> NDArray[np.uint8]:
    """Draw a frame with its cells.

    Parameters
    ----------
    pixels : (rows, columns) array of uint8 or uint16
    detection : Detection
        Detection of that frame.
    pixel_size_um : float
    tracks : sequence of sequence of str, optional
        Tracks of each cell through serial sections. If given, boxes have colour and name of the first track
        of their cell, in every section; red for cells without a track.

    Returns
    -------
    (height + 44, width, 3) array of uint8
        RGB: the frame enlarged twice, less if its longest side were above 4096 px; detected boxes solid
        (green, amber if doubtful, red if not imaged), boxes to image dashed in blue; scale bar; legend below.
    """
    scale = min(ENLARGED, LONGEST_PX / max(pixels.shape))
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    way = cv2.INTER_LINEAR if scale >= 1 else cv2.INTER_AREA
    large = cv2.resize(stretched(pixels), size, interpolation=way)
    picture = np.asarray(cv2.cvtColor(large, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    boxes = [_corners(cell.box_px, scale) for cell in detection.cells]
    if tracks is None:
        colours = [_colour_of(cell) for cell in detection.cells]
        names = [cell.id for cell in detection.cells]
    else:
        colours = [track_colour(one[0]) if one else NOT_IMAGED for one in tracks]
        names = ["+".join(one) or cell.id for one, cell in zip(tracks, detection.cells, strict=True)]
    for cell, colour in zip(detection.cells, colours, strict=True):
        if cell.image_box_px is not None:
            _dashed(picture, _corners(cell.image_box_px, scale), IMAGED if tracks is None else colour)
    for box, colour in zip(boxes, colours, strict=True):
        cv2.rectangle(picture, box[:2], box[2:], colour, 1)
    labels = [f"{name} {cell.confidence:.2f}" for name, cell in zip(names, detection.cells, strict=True)]
    _label_all(picture, boxes, labels, colours)
    draw_scale_bar(picture, pixel_size_um / scale)
    return np.vstack([picture, _legend(picture.shape[1], detection, by_track=tracks is not None)])


def track_colour(track: str) -> Colour:
    """Return the colour of a track (``T0001``, ...), the same in every picture and never red."""
    number = int(track[1:])
    # Steps of the golden section: consecutive tracks have distant hues. Hues nearly repeat after 13, 21 and
    # 34 steps, with another saturation.
    hue, depth = number * 0.618034 % 1, (0.65, 0.45, 0.85, 0.3, 0.75)[number % 5]
    red, green, blue = colorsys.hsv_to_rgb(0.07 + 0.85 * hue, depth, 1.0)
    # Deep blue is hardly visible on black, so it is mixed with white.
    light = 0.299 * red + 0.587 * green + 0.114 * blue
    white = max(_LEAST_LIGHT - light, 0.0) / (1.0 - light)
    red, green, blue = (c + white * (1.0 - c) for c in (red, green, blue))
    return round(255 * red), round(255 * green), round(255 * blue)


def write_png(path: Path, rgb: NDArray[np.uint8]) -> None:
    """Write an RGB picture as PNG.

    Parameters
    ----------
    path : Path
        The folder must exist.
    rgb : (rows, columns, 3) array of uint8

    Raises
    ------
    OSError
        Raised when the file cannot be written.
    """
    write_bytes(path, png(rgb))


def png(rgb: NDArray[np.uint8]) -> bytes:
    """Return an RGB picture, (rows, columns, 3), as the bytes of a PNG file."""
    _, encoded = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    return encoded.tobytes()


def stretched(pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return grey levels for display: contrast stretched between percentiles, with gamma for dim cells.

    Parameters
    ----------
    pixels : (rows, columns) array of uint8 or uint16

    Returns
    -------
    (rows, columns) array of uint8
    """
    levels = pixels.astype(np.float32)
    low, high = np.percentile(levels, STRETCH_PERCENTILES)
    share = np.clip((levels - low) / max(float(high - low), 1.0), 0, 1) ** GAMMA
    return np.asarray(share * 255, dtype=np.uint8)


def _colour_of(cell: Cell) -> Colour:
    if cell.image_box_px is None:
        return NOT_IMAGED
    return DOUBTFUL if cell.decision is Decision.DOUBTFUL else FOUND


def _corners(box: BoxPx, scale: float) -> Corners:
    """Return first and last pixel of a box in the picture."""
    x0, y0, x1, y1 = (round(side * scale) for side in box.as_tuple())
    return x0, y0, max(x1 - 1, x0), max(y1 - 1, y0)


def _dashed(picture: NDArray[np.uint8], corners: Corners, colour: Colour, dash: int = 6) -> None:
    x0, y0, x1, y1 = corners
    for x in range(x0, x1 + 1, 2 * dash):
        end = min(x + dash - 1, x1)
        for y in (y0, y1):
            cv2.line(picture, (x, y), (end, y), colour, 1)
    for y in range(y0, y1 + 1, 2 * dash):
        end = min(y + dash - 1, y1)
        for x in (x0, x1):
            cv2.line(picture, (x, y), (x, end), colour, 1)


def _label_all(
    picture: NDArray[np.uint8], boxes: Sequence[Corners], labels: Sequence[str], colours: Sequence[Colour]
) -> None:
    """Label each box, unless there is no room beside other labels."""
    height, width = picture.shape[:2]
    taken: list[tuple[int, int, int, int]] = []
    for (x0, y0, x1, y1), text, colour in zip(boxes, labels, colours, strict=True):
        (text_width, text_height), _ = cv2.getTextSize(text, FONT, FONT_SCALE, 1)
        w, h = text_width + 4, text_height + 4
        for x, y in (
            (x0, y0 - h - 1),
            (x0, y1 + 2),
            (x1 - w, y0 - h - 1),
            (x1 - w, y1 + 2),
            (x0 + 2, y0 + 2),
        ):
            left, top = min(max(x, 0), width - w), min(max(y, 0), height - h)
            place = (left, top, left + w, top + h)
            if left < 0 or top < 0 or any(_overlap(place, other) for other in taken):
                continue
            taken.append(place)
            under = picture[top : top + h, left : left + w]
            under[:] = (under * np.float32(0.2)).astype(np.uint8)
            write_text(picture, text, (left + 2, top + h - 3), colour)
            break


def _overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def draw_scale_bar(picture: NDArray[np.uint8], um_per_dot: float) -> None:
    """Draw a scale bar at the lower right of an RGB picture, in place; none where none fits."""
    height, width = picture.shape[:2]
    fitting = [length for length in SCALE_BARS_UM if length / um_per_dot <= width / 5]
    if not fitting:
        return
    length_um = fitting[-1]
    dots = round(length_um / um_per_dot)
    right, bottom = width - 12, height - 12
    cv2.rectangle(picture, (right - dots, bottom - 3), (right, bottom), INK, cv2.FILLED)
    text = f"{length_um:g} um"
    (text_width, _), _ = cv2.getTextSize(text, FONT, FONT_SCALE, 1)
    write_text(picture, text, (right - (dots + text_width) // 2, bottom - 8), INK)


def _legend(width: int, detection: Detection, *, by_track: bool) -> NDArray[np.uint8]:
    strip = np.full((LEGEND_HEIGHT, width, 3), PAPER, dtype=np.uint8)
    doubtful = sum(_colour_of(cell) == DOUBTFUL for cell in detection.cells)
    left_out = sum(_colour_of(cell) == NOT_IMAGED for cell in detection.cells)
    entries: tuple[tuple[Colour, str], ...] = (
        (FOUND, f"confident {len(detection.cells) - doubtful - left_out}"),
        (DOUBTFUL, f"doubtful {doubtful}"),
        (NOT_IMAGED, f"not imaged {left_out}"),
        (IMAGED, f"to image, {detection.imaged_fraction:.1%} of the frame"),
    )
    if by_track:
        entries = (
            (INK, f"{len(detection.cells)} cells in the colours of their tracks, {left_out} not imaged"),
            (NOT_IMAGED, "no track"),
            (IMAGED, f"to image, {detection.imaged_fraction:.1%} of the frame"),
        )
    x = 10
    for colour, text in entries:
        if colour == IMAGED:
            for start in (x, x + 8):
                cv2.line(strip, (start, 16), (start + 5, 16), INK if by_track else colour, 1)
        else:
            cv2.rectangle(strip, (x, 11), (x + 13, 21), colour, 1)
        write_text(strip, text, (x + 20, 20), INK)
        x += 38 + cv2.getTextSize(text, FONT, FONT_SCALE, 1)[0][0]
    note = (
        detection.warnings[0]
        if detection.warnings
        else f"labels: {'track' if by_track else 'cell'}, confidence"
    )
    more = len(detection.warnings) - 1
    write_text(
        strip,
        note + (f" (and {more} more)" if more > 0 else ""),
        (10, 37),
        DOUBTFUL if detection.warnings else INK,
    )
    return strip


def write_text(
    picture: NDArray[np.uint8],
    text: str,
    place: tuple[int, int],
    colour: Colour,
    scale: float = FONT_SCALE,
) -> None:
    """Write text into a picture; `place` is the left end of its baseline."""
    cv2.putText(picture, text, place, FONT, scale, colour, 1, cv2.LINE_AA)
