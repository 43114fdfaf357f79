"""The grid of a stitched image, upright on the stage, and the rows of its pixels."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from drivers.pose import RectM
from planner.geometry.rects import centered, cut, hull, overlap
from service.image_files.images import Pixels
from service.stitching.tiles import TileReader
from service.stitching.values import Point, Tile, same_size

_TO_16_BITS = 257
"""Factor from the full scale of 8 bits to that of 16."""

_OF_A_BAD_ONE = 0.01
"""Weight of a tile that was found bad, beside a good one: it shows only at the very edge of the other, lest
that is seen as a seam. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """Grid of an image: upper left corner on the stage as the SEM has it, pixel size, width and height."""

    left_m: float
    top_m: float
    pixel_size_m: float
    size_px: tuple[int, int]

    @classmethod
    def over(cls, rect_m: RectM, pixel_size_m: float) -> Self:
        """Return the grid of whole pixels about a rectangle."""
        width, height = (max(1, math.ceil((rect_m[n + 2] - rect_m[n]) / pixel_size_m - 1e-6)) for n in (0, 1))
        x, y = (rect_m[0] + rect_m[2]) / 2, (rect_m[1] + rect_m[3]) / 2
        return cls(x - width * pixel_size_m / 2, y + height * pixel_size_m / 2, pixel_size_m, (width, height))

    @property
    def center_m(self) -> Point:
        """Centre on the stage."""
        width, height = (size * self.pixel_size_m for size in self.size_px)
        return self.left_m + width / 2, self.top_m - height / 2

    def corner_px(self, center_m: Point, size_m: tuple[float, float]) -> tuple[float, float]:
        """Return column and row of the upper left corner of an upright rectangle about a point."""
        return (
            (center_m[0] - size_m[0] / 2 - self.left_m) / self.pixel_size_m,
            (self.top_m - center_m[1] - size_m[1] / 2) / self.pixel_size_m,
        )


@dataclass(frozen=True, slots=True)
class Piece:
    """A tile on a canvas: columns and rows that it covers, half-open, which may reach beyond the canvas."""

    tile: Tile
    left: int
    top: int
    right: int
    bottom: int


def canvas_over(placed: Sequence[tuple[Tile, Point]], rect_m: RectM | None = None) -> Canvas | None:
    """Return the grid over some tiles, or over what they show of a rectangle; None where that is nothing.

    Its pixels are the smallest of those of the tiles.
    """
    rects = [centered(center_m, tile.size_m) for tile, center_m in placed]
    if rect_m is not None:
        rects = [cut(rect, rect_m) for rect in rects if overlap(rect, rect_m)]
    if not rects:
        return None
    whole = rects[0]
    for rect in rects[1:]:
        whole = hull(whole, rect)
    return Canvas.over(whole, min(tile.pixel_size_m for tile, _ in placed))


def pieces_on(canvas: Canvas, placed: Sequence[tuple[Tile, Point]]) -> tuple[Piece, ...]:
    """Return where tiles lie on a canvas, on whole pixels; those beside it are left out."""
    found = []
    for tile, center_m in placed:
        x, y = canvas.corner_px(center_m, tile.size_m)
        width, height = _size_on(canvas, tile)
        piece = Piece(tile, round(x), round(y), round(x) + width, round(y) + height)
        if (
            piece.left < canvas.size_px[0]
            and piece.top < canvas.size_px[1]
            and piece.right > 0
            and piece.bottom > 0
        ):
            found.append(piece)
    return tuple(found)


def dtype_of(tiles: Sequence[Tile]) -> np.dtype[np.uint8] | np.dtype[np.uint16]:
    """Return the type of pixels that holds those of all tiles."""
    return np.dtype(np.uint16) if any(tile.dtype == "uint16" for tile in tiles) else np.dtype(np.uint8)


def bands(canvas: Canvas, pieces: Sequence[Piece], reader: TileReader, rows: int) -> Iterator[Pixels]:
    """Yield an image from its top, so many rows at a time; ground that no tile shows is 0.

    Where tiles overlap, each counts by the distance to its own edge, so that one fades into the other; one
    that was found bad hardly counts beside a good one. Elsewhere the pixels are those of the microscope.

    Parameters
    ----------
    canvas : Canvas
    pieces : sequence of Piece
    reader : TileReader
    rows : int
        Of a band; the last may have fewer.

    Raises
    ------
    ImageError
        A file went away meanwhile.
    """
    width, height = canvas.size_px
    dtype = dtype_of([piece.tile for piece in pieces])
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        here = [piece for piece in pieces if piece.top < bottom and piece.bottom > top]
        band: Pixels = np.zeros((bottom - top, width), dtype)
        shown = [(piece, _pixels(piece, reader, dtype)) for piece in here]
        for part, covering in _parts(here, (0, top, width, bottom)):
            left, upper, right, lower = part
            target = band[upper - top : lower - top, left:right]
            if len(covering) == 1:
                piece, pixels = shown[covering[0]]
                target[...] = pixels[
                    upper - piece.top : lower - piece.top, left - piece.left : right - piece.left
                ]
            else:
                target[...] = _faded([shown[n] for n in covering], part, dtype)
        yield band


def covered(canvas: Canvas, pieces: Sequence[Piece]) -> float:
    """Return the share of a canvas that tiles show."""
    width, height = canvas.size_px
    parts = _parts(pieces, (0, 0, width, height))
    return sum((right - left) * (bottom - top) for (left, top, right, bottom), _ in parts) / (width * height)


def _parts(
    pieces: Sequence[Piece], within: tuple[int, int, int, int]
) -> Iterator[tuple[tuple[int, int, int, int], list[int]]]:
    """Cut a rectangle along the edges of all pieces; yield each part that they cover, with their numbers."""
    edges = np.array([[p.left, p.top, p.right, p.bottom] for p in pieces]).reshape(-1, 4)
    xs = np.unique(np.clip([within[0], within[2], *edges[:, 0], *edges[:, 2]], within[0], within[2]))
    ys = np.unique(np.clip([within[1], within[3], *edges[:, 1], *edges[:, 3]], within[1], within[3]))
    for upper, lower in zip(ys[:-1].tolist(), ys[1:].tolist(), strict=True):
        in_rows = np.flatnonzero((edges[:, 1] <= upper) & (edges[:, 3] >= lower))
        for left, right in zip(xs[:-1].tolist(), xs[1:].tolist(), strict=True):
            both = in_rows[(edges[in_rows, 0] <= left) & (edges[in_rows, 2] >= right)]
            if len(both):
                yield (left, upper, right, lower), both.tolist()


def _faded(
    shown: Sequence[tuple[Piece, Pixels]], part: tuple[int, int, int, int], dtype: np.dtype[np.generic]
) -> NDArray[np.generic]:
    left, top, right, bottom = part
    total = np.zeros((bottom - top, right - left), np.float32)
    weights = np.zeros_like(total)
    columns, rows = np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32)
    good = any(not piece.tile.bad for piece, _ in shown)
    for piece, pixels in shown:
        across = np.minimum(columns - piece.left + 1, piece.right - columns)
        down = np.minimum(rows - piece.top + 1, piece.bottom - rows)
        weight = np.minimum(across[None, :], down[:, None])
        if piece.tile.bad and good:
            weight *= np.float32(_OF_A_BAD_ONE)
        total += weight * pixels[top - piece.top : bottom - piece.top, left - piece.left : right - piece.left]
        weights += weight
    total /= weights
    return np.rint(total, out=total).astype(dtype)


def _size_on(canvas: Canvas, tile: Tile) -> tuple[int, int]:
    if same_size(tile.pixel_size_m, canvas.pixel_size_m):
        return tile.size_px
    share = tile.pixel_size_m / canvas.pixel_size_m
    return max(1, round(tile.size_px[0] * share)), max(1, round(tile.size_px[1] * share))


def _pixels(piece: Piece, reader: TileReader, dtype: np.dtype[np.generic]) -> Pixels:
    pixels = reader.read(piece.tile)
    size = piece.right - piece.left, piece.bottom - piece.top
    if size != piece.tile.size_px:
        pixels = cast("Pixels", cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR))
    if pixels.dtype != dtype:
        pixels = pixels.astype(np.uint16) * np.uint16(_TO_16_BITS)
    return pixels
