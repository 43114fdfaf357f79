"""Tiles on one grid: which pixels an image has."""

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from service.image_files.images import Pixels
from service.model.images.checks import CheckKind
from service.stitching.canvas import Canvas, bands, canvas_over, covered, pieces_on
from service.stitching.tiles import TileReader
from service.stitching.values import Point, Tile

P = 10e-9


class Memory(TileReader):
    """Tiles in memory; counts those that are read."""

    def __init__(self, pixels: dict[str, Pixels]) -> None:
        super().__init__(Path())
        self.pixels = pixels

    def read(self, tile: Tile) -> Pixels:
        return self.pixels[tile.image]


def tile(name: str, pixels: Pixels, left: float, top: float, pixel_m: float = P) -> tuple[Tile, Point]:
    """A tile whose corner lies at some pixels of 10 nm from the origin, downwards."""
    rows, columns = pixels.shape
    center = (left * P + columns * pixel_m / 2, -top * P - rows * pixel_m / 2)
    return Tile(name, name, "", center, center, (columns, rows), pixel_m, str(pixels.dtype), 1), center


def stitched(placed: list[tuple[Tile, Point]], reader: TileReader, rows: int = 7) -> tuple[Canvas, Pixels]:
    canvas = canvas_over(placed)
    assert canvas is not None
    found = list(bands(canvas, pieces_on(canvas, placed), reader, rows))
    assert all(len(band) == rows for band in found[:-1])
    return canvas, cast("Pixels", np.vstack(found))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiles_that_lie_right_give_their_ground_back(dtype: type[np.uint8]) -> None:
    rng = np.random.default_rng(1)
    whole = rng.integers(1, np.iinfo(dtype).max, (90, 130), dtype=dtype)
    parts = {"a": (0, 0, 70, 50), "b": (60, 0, 130, 55), "c": (0, 40, 75, 90), "d": (58, 45, 130, 90)}
    pixels: dict[str, Pixels] = {n: whole[t:b, x:r] for n, (x, t, r, b) in parts.items()}
    placed = [tile(n, pixels[n], x, t) for n, (x, t, _, _) in parts.items()]
    canvas, image = stitched(placed, Memory(pixels))
    assert image.dtype == dtype
    assert canvas.size_px == (130, 90)
    assert np.array_equal(image, whole)
    assert covered(canvas, pieces_on(canvas, placed)) == 1.0


def test_one_tile_fades_into_the_other() -> None:
    pixels: dict[str, Pixels] = {"a": np.full((20, 40), 100, np.uint8), "b": np.full((20, 40), 200, np.uint8)}
    _, image = stitched([tile("a", pixels["a"], 0, 0), tile("b", pixels["b"], 30, 0)], Memory(pixels))
    middle = image[10].astype(int)
    assert (middle[:30] == 100).all()
    assert (middle[40:] == 200).all()
    assert (np.diff(middle) >= 0).all()
    assert 140 < middle[35] < 160


def test_a_bad_tile_hardly_shows_beside_a_good_one() -> None:
    pixels: dict[str, Pixels] = {"a": np.full((60, 80), 100, np.uint8), "b": np.full((60, 80), 200, np.uint8)}
    (one, at), other = tile("a", pixels["a"], 0, 0), tile("b", pixels["b"], 40, 0)
    blurred = replace(one, bad=(CheckKind.FOCUS,)), at
    _, image = stitched([blurred, other], Memory(pixels))
    middle = image[30].astype(int)
    assert (middle[:40] == 100).all()
    assert (middle[45:] >= 195).all()
    assert (np.diff(middle) >= 0).all()
    # Where both are bad they count alike.
    _, image = stitched([blurred, (replace(other[0], bad=(CheckKind.DRIFT,)), other[1])], Memory(pixels))
    assert 140 < image[30, 60] < 160


def test_ground_that_no_tile_shows_is_0() -> None:
    pixels: dict[str, Pixels] = {"a": np.full((10, 10), 50, np.uint8), "b": np.full((10, 10), 60, np.uint8)}
    placed = [tile("a", pixels["a"], 0, 0), tile("b", pixels["b"], 20, 30)]
    canvas, image = stitched(placed, Memory(pixels))
    assert image.shape == (40, 30)
    assert covered(canvas, pieces_on(canvas, placed)) == pytest.approx(200 / 1200)
    assert (image[:10, :10] == 50).all()
    assert (image[30:, 20:] == 60).all()
    assert int((image > 0).sum()) == 200


def test_tiles_of_other_pixel_sizes_and_bits_are_fitted() -> None:
    fine = np.full((40, 40), 51, np.uint8)
    coarse = np.full((10, 10), 300, np.uint16)
    pixels: dict[str, Pixels] = {"fine": fine, "coarse": coarse}
    placed = [tile("fine", fine, 0, 0), tile("coarse", coarse, 40, 0, 2 * P)]
    canvas, image = stitched(placed, Memory(pixels))
    assert canvas.pixel_size_m == P
    assert image.dtype == np.uint16
    assert image.shape == (40, 60)
    assert (image[:, :40] == 51 * 257).all()
    assert (image[:20, 40:] == 300).all()
    assert (image[20:, 40:] == 0).all()


def test_a_rectangle_shows_what_tiles_show_of_it() -> None:
    pixels: dict[str, Pixels] = {"a": np.full((50, 50), 9, np.uint8)}
    placed = [tile("a", pixels["a"], 0, 0)]
    canvas = canvas_over(placed, (20 * P, -80 * P, 90 * P, -10 * P))
    assert canvas is not None
    assert canvas.size_px == (30, 40)
    assert canvas_over(placed, (60 * P, -80 * P, 90 * P, -10 * P)) is None
    assert canvas_over([]) is None
