"""Montage of a stack: registered sections side by side, each cell in the colour of its track."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.image.boxes import BoxPx
from detection.registration.rigid import Rigid, pixels_of_plane, plane_of_pixels, warp_matrix
from detection.serial.section import SerialCell, SerialSection
from service.pictures.overlay import (
    DOUBTFUL,
    FONT,
    FONT_SCALE,
    INK,
    NOT_IMAGED,
    PAPER,
    Colour,
    stretched,
    track_colour,
    write_text,
)

WIDTH_PX = 2400
"""Approximate width of the picture; with more sections the tiles get smaller, down to their minimum."""
TILE_PX = (200, 760)
"""Smallest and largest side of a tile."""
GAP_PX = 6
CAPTION_PX = 24
CAPTION_SCALE = 0.5
OUTLINE: Colour = (90, 96, 104)
FRAME_LIGHT = 0.85
"""Factor that dims frames, so that colours stand out."""

LEGEND = "same colour and number: same cell; thin: predicted from neighbours; red: no track"

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Shown:
    """A section prepared for the montage, small enough to keep a dozen in memory.

    Attributes
    ----------
    section : SerialSection
    grey : (rows, columns) array of uint8
        Its frame, stretched, and downsampled to the size of a tile.
    shape : (int, int)
        Rows and columns of the original frame.
    pixel_size_um : float
        Pixel size of the original frame.
    """

    section: SerialSection
    grey: Picture
    shape: tuple[int, int]
    pixel_size_um: float


def shown(pixels: NDArray[np.generic], section: SerialSection, pixel_size_um: float) -> Shown:
    """Prepare a section for a montage.

    Parameters
    ----------
    pixels : (rows, columns) array of uint8 or uint16
    section : SerialSection
        Of that frame.
    pixel_size_um : float
    """
    grey = stretched(pixels)
    share = TILE_PX[1] / max(grey.shape)
    if share < 1:
        small = cv2.resize(grey, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        grey = np.asarray(small, dtype=np.uint8)
    return Shown(section, grey, (pixels.shape[0], pixels.shape[1]), pixel_size_um)


def draw_montage(sections: Sequence[Shown]) -> Picture:
    """Draw sections side by side, aligned with each other.

    Registered sections are shown in the plane of the first of them, so that a cell is at the same place in
    all their tiles.

    Parameters
    ----------
    sections : sequence of Shown
        At least one.

    Returns
    -------
    (rows, columns, 3) array of uint8
        RGB.
    """
    columns = math.ceil(math.sqrt(len(sections)))
    if len(sections) <= 3:
        columns = len(sections)
    views = {one.section.place.chain: _view(one.section.place.chain, sections) for one in sections}
    height_um, width_um = (max(sizes) for sizes in zip(*(size for _, size in views.values()), strict=True))
    side_px = min(max(WIDTH_PX // columns, TILE_PX[0]), TILE_PX[1])
    um_per_dot = max(height_um, width_um) / side_px
    tile_shape = math.ceil(height_um / um_per_dot), math.ceil(width_um / um_per_dot)
    tiles = []
    for one in sections:
        center, _ = views[one.section.place.chain]
        to_tile = Rigid(0.0, (-center[0], -center[1])).after(one.section.place.to_chain)
        tile = _Tile(one.shape, one.pixel_size_um, to_tile, tile_shape, um_per_dot)
        caption = _caption(one.section, tile_shape[1])
        tiles.append(np.vstack([caption, tile.draw(one.grey, one.section.cells)]))
    picture = _laid_out(tiles, columns)
    legend = np.full((CAPTION_PX, picture.shape[1], 3), PAPER, dtype=np.uint8)
    write_text(legend, LEGEND, (GAP_PX + 4, 15), INK, CAPTION_SCALE)
    return np.vstack([picture, legend])


def _view(chain: int, sections: Sequence[Shown]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return centre, and height and width of all frames of a chain in its plane, um."""
    places = np.concatenate(
        [
            one.section.place.to_chain.apply(
                plane_of_pixels(
                    _corners(BoxPx(0, 0, one.shape[1], one.shape[0])), one.shape, one.pixel_size_um
                )
            )
            for one in sections
            if one.section.place.chain == chain
        ]
    )
    (left, low), (right, high) = places.min(axis=0).tolist(), places.max(axis=0).tolist()
    return ((left + right) / 2, (low + high) / 2), (high - low, right - left)


class _Tile:
    """One section, drawn in the plane of its chain."""

    def __init__(
        self,
        shape: tuple[int, int],
        pixel_size_um: float,
        to_tile: Rigid,
        tile_shape: tuple[int, int],
        um_per_dot: float,
    ) -> None:
        self._shape, self._pixel_size_um = shape, pixel_size_um
        self._to_tile = to_tile
        self._tile_shape, self._um_per_dot = tile_shape, um_per_dot

    def draw(self, grey: Picture, cells: Sequence[SerialCell]) -> Picture:
        rows, columns = self._tile_shape
        # Downsampled first, since a warp samples single pixels and keeps their noise.
        size_um = self._pixel_size_um * self._shape[1] / grey.shape[1]
        share = min(size_um / self._um_per_dot, 1.0)
        grey = np.asarray(
            cv2.resize(grey, None, fx=share, fy=share, interpolation=cv2.INTER_AREA), dtype=np.uint8
        )
        size_um = self._pixel_size_um * self._shape[1] / grey.shape[1]
        matrix = warp_matrix(
            self._to_tile,
            ((grey.shape[0], grey.shape[1]), size_um),
            (self._tile_shape, self._um_per_dot),
        )
        light = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB) * FRAME_LIGHT, dtype=np.uint8)
        picture = np.asarray(
            cv2.warpAffine(light, matrix, (columns, rows), borderValue=PAPER), dtype=np.uint8
        )
        self._outline(picture, BoxPx(0, 0, self._shape[1], self._shape[0]), OUTLINE, 1)
        for one in cells:
            colour = track_colour(one.tracks[0]) if one.tracks else NOT_IMAGED
            self._outline(picture, one.cell.box_px, colour, 2 if one.seen else 1)
        self._label_all(picture, cells)
        return picture

    def _dots(self, points_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the positions in the tile of positions in the frame, px."""
        places = self._to_tile.apply(plane_of_pixels(points_px, self._shape, self._pixel_size_um))
        return pixels_of_plane(places, self._tile_shape, self._um_per_dot)

    def _outline(self, picture: Picture, box: BoxPx, colour: Colour, width: int) -> None:
        dots = np.rint(self._dots(_corners(box)) - 0.5).astype(np.int32)
        cv2.polylines(picture, [dots[:, None, :]], True, colour, width, cv2.LINE_AA)

    def _label_all(self, picture: Picture, cells: Sequence[SerialCell]) -> None:
        """Label tracks in the middle of their cells, largest first, where there is room."""
        taken = np.zeros(self._tile_shape, dtype=np.bool_)
        for one in sorted(cells, key=lambda cell: -cell.cell.box_px.area_px):
            if not one.tracks:
                continue
            text = "+".join(name[0] + name[1:].lstrip("0") for name in one.tracks)
            (width, height), _ = cv2.getTextSize(text, FONT, FONT_SCALE, 1)
            box = one.cell.box_px
            middle = np.array([[(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2]])
            x, y = np.rint(self._dots(middle)[0] - (width / 2, height / 2)).astype(int).tolist()
            place = np.s_[max(y - 2, 0) : y + height + 2, max(x - 1, 0) : x + width + 1]
            if x < 0 or y < 0 or x + width > taken.shape[1] or taken[place].any():
                continue
            taken[place] = True
            picture[place] = (picture[place] * np.float32(0.35)).astype(np.uint8)
            write_text(picture, text, (x, y + height), track_colour(one.tracks[0]))


def _caption(section: SerialSection, width: int) -> Picture:
    strip = np.full((CAPTION_PX, width, 3), PAPER, dtype=np.uint8)
    text, colour = section.section, INK
    if (link := section.used_link) is not None and link.motion is not None:
        turned = math.degrees(link.motion.rotation_rad)
        shift_um = math.hypot(*link.motion.shift_um)
        text += f" on {link.target}: {turned:+.1f} deg, {shift_um:.1f} um"
    elif section.links:
        text, colour = f"{text}: not registered, stands alone", DOUBTFUL
    write_text(strip, text, (4, 17), colour, CAPTION_SCALE)
    return strip


def _laid_out(tiles: Sequence[Picture], columns: int) -> Picture:
    rows = math.ceil(len(tiles) / columns)
    height, width = tiles[0].shape[:2]
    picture = np.full(
        (rows * (height + GAP_PX) + GAP_PX, columns * (width + GAP_PX) + GAP_PX, 3), PAPER, dtype=np.uint8
    )
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        y, x = GAP_PX + row * (height + GAP_PX), GAP_PX + column * (width + GAP_PX)
        picture[y : y + height, x : x + width] = tile
    return picture


def _corners(box: BoxPx) -> NDArray[np.float64]:
    return np.array([[box.x0, box.y0], [box.x1, box.y0], [box.x1, box.y1], [box.x0, box.y1]], np.float64)
