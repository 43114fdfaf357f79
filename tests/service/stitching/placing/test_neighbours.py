"""Places of the tiles of a section."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from service.image_files.images import Pixels
from service.stitching.placing.neighbours import Errors, Placed, place
from service.stitching.tiles import TileReader
from service.stitching.values import Point, Tile
from tests.service.stitching.textures import ground, image

P = 16.5e-9
ERRORS = Errors(stage_m=20 * P, beam_m=4 * P)
GROUND = ground(7, 1400)


class Memory(TileReader):
    """Tiles in memory."""

    def __init__(self) -> None:
        super().__init__(Path())
        self.pixels: dict[str, Pixels] = {}

    def read(self, tile: Tile) -> Pixels:
        return self.pixels[tile.image]


class Section:
    """Tiles of one ground, each with its true centre."""

    def __init__(self) -> None:
        self.reader, self.tiles, self.true = Memory(), list[Tile](), list[Point]()

    def add(
        self, pixels: Pixels, left: float, top: float, off: Point, pixel_m: float = P, stay: int = 0
    ) -> None:
        """Add a tile whose corner truly lies at some pixels of 16.5 nm; the stage believes it `off`, px."""
        rows, columns = pixels.shape
        true = left * P + columns * pixel_m / 2, -top * P - rows * pixel_m / 2
        read = true[0] + off[0] * P, true[1] + off[1] * P
        name = f"J{len(self.tiles):06d}"
        size = columns, rows
        self.reader.pixels[name] = pixels
        self.true.append(true)
        self.tiles.append(
            Tile(name, name, "", read, read, size, pixel_m, str(pixels.dtype), stay or -len(self.tiles) - 1)
        )

    def placed(self) -> Placed:
        return place(self.tiles, self.reader, ERRORS)

    def worst_px(self, centers_m: tuple[Point, ...]) -> float:
        """Return the largest error of a distance between neighbours, px."""
        off = np.array(centers_m) - np.array(self.true)
        return float(np.hypot(*(off - off.mean(axis=0)).T).max()) / P


def test_sixty_tiles_are_settled() -> None:
    rng = np.random.default_rng(1)
    section = Section()
    for row in range(6):
        for column in range(10):
            left, top = 10 + column * 125, 10 + row * 110
            x, y = rng.normal(0, 7, 2)
            section.add(image(GROUND, left, top, (170, 150), 10, row * 10 + column), left, top, (x, y))
    found = section.placed()
    assert section.worst_px(tuple(tile.center_m for tile in section.tiles)) > 10
    assert section.worst_px(found.centers_m) < 1
    assert sum(seam.measured_m is not None for seam in found.seams) > 100
    known = [seam for seam in found.seams if seam.settled_nm is not None and seam.read_back_nm is not None]
    assert np.median([seam.read_back_nm for seam in known]) > 100
    assert max(seam.settled_nm or 0 for seam in known) < 20


def test_tiles_of_other_pixel_sizes_and_bits_are_placed() -> None:
    section = Section()
    section.add(image(GROUND, 100, 100, (400, 300), 8, 1), 100, 100, (0, 0))
    wide = image(GROUND, 440, 100, (600, 400), 8, 2)
    coarse = cv2.resize(wide, (300, 200), interpolation=cv2.INTER_AREA).astype(np.uint16) * 257
    section.add(coarse, 440, 100, (9.5, -6.0), 2 * P)
    found = section.placed()
    assert found.seams[0].measured_m is not None
    assert section.worst_px(found.centers_m) < 0.5


@pytest.mark.parametrize("apart", [380, 400, 600])
def test_without_an_overlap_that_shows_anything_the_stage_counts(apart: int) -> None:
    section = Section()
    even = np.full((900, 1400), 180, np.float32)
    for n in range(2):
        section.add(image(even, n * apart, 0, (400, 300), 8, n), n * apart, 0, (3.0 * n, -2.0 * n))
    found = section.placed()
    assert found.centers_m == tuple(tile.center_m for tile in section.tiles)
    assert len(found.seams) == (apart < 400)
    assert all(seam.measured_m is None and seam.settled_nm is None for seam in found.seams)


def test_one_tile_and_none_are_placed() -> None:
    section = Section()
    assert section.placed() == Placed((), (), ())
    section.add(image(GROUND, 0, 0, (40, 30), 8, 1), 0, 0, (1.0, 1.0))
    assert section.placed().centers_m == (section.tiles[0].center_m,)


def test_a_tile_of_a_stay_moves_with_the_others() -> None:
    """Two tiles of one stay, one of them on empty resin: both have the same stage error."""
    section = Section()
    empty = np.full((900, 1400), 180, np.float32)
    section.add(image(GROUND, 0, 0, (300, 300), 8, 1), 0, 0, (0, 0), stay=1)
    section.add(image(GROUND, 250, 0, (300, 300), 8, 2), 250, 0, (12.0, -9.0), stay=2)
    section.add(image(empty, 500, 0, (300, 300), 8, 3), 500, 0, (12.0, -9.0), stay=2)
    found = section.placed()
    assert [seam.measured_m is not None for seam in found.seams] == [True, False]
    assert section.worst_px(found.centers_m) < 1
