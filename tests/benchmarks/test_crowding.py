"""Scenes that crowded detection is judged by, and the judge."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from benchmarks.frames.crowding.design import LEVELS, Recipe, recipes
from benchmarks.frames.crowding.scenes import LEAST_UM, Scene, scene
from benchmarks.frames.crowding_quality import judged_scene
from benchmarks.frames.scenes import PEER

SPARSE = Recipe(1, 0.1, 5.5, 20.0, "disc", "bell", True, 178, 16, processed=False)
CROWDED = Recipe(2, 0.75, 5.5, 8.0, "ring", "lumpy", False, 300, 8, processed=False)
SMALL = Recipe(3, 0.5, 2.5, 8.0, "texture", "bell", True, 178, 8, processed=True)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [scene(recipe) for recipe in (SPARSE, CROWDED, SMALL)]


def test_every_pair_of_levels_occurs() -> None:
    chosen = recipes(5)
    for a, b in combinations(LEVELS, 2):
        pairs = {(getattr(one, a), getattr(one, b)) for one in chosen}
        assert len(pairs) == len(LEVELS[a]) * len(LEVELS[b]), (a, b)


def test_a_scene_is_reproduced_from_its_seed(scenes: list[Scene]) -> None:
    again = scene(SMALL)
    assert np.array_equal(again.pixels, scenes[2].pixels)
    assert [cell.box for cell in again.cells] == [cell.box for cell in scenes[2].cells]
    assert recipes(7, 3) == recipes(7, 3)


def test_cells_cover_what_the_recipe_says_and_do_not_overlap(scenes: list[Scene]) -> None:
    for one in scenes:
        assert covers(one).max() == 1
        assert abs((covers(one) > 0).mean() - one.recipe.cover) < 0.03


def test_the_box_of_a_cell_fits_its_mask_and_only_slivers_need_not_be_found(scenes: list[Scene]) -> None:
    for one in scenes:
        assert len({cell.id for cell in one.cells}) == len(one.cells) > 5
        for cell in one.cells:
            assert cell.mask is not None
            assert cell.mask.shape == (cell.box.height_px, cell.box.width_px)
            assert all(
                side.any() for side in (cell.mask[0], cell.mask[-1], cell.mask[:, 0], cell.mask[:, -1])
            )
            across_um = min(cell.mask.shape) * one.pixel_size_um
            assert across_um >= LEAST_UM
            assert cell.counted == (across_um >= 2)


def test_the_contrast_is_the_stated_one_in_the_pixels_of_the_file(scenes: list[Scene]) -> None:
    one = scenes[0]
    pixels, cells = one.pixels.astype(float), binary_dilation(covers(one) > 0, iterations=6)
    # The bell of light beneath the cells, from a surface through the other pixels.
    rows, columns = np.mgrid[-1:1:512j, -1:1:512j]
    terms = np.stack([rows**i * columns**j for i in range(5) for j in range(5 - i)], axis=-1)
    fit = np.linalg.lstsq(terms[~cells][::7], pixels[~cells][::7], rcond=None)[0]
    above = pixels - terms @ fit
    noise = above[~cells].std()
    assert above[one.stained].mean() / noise == pytest.approx(SPARSE.contrast, rel=0.1)


def test_files_hold_what_the_recipe_says(scenes: list[Scene]) -> None:
    sparse, crowded, small = scenes
    assert [one.pixels.dtype.itemsize for one in scenes] == [2, 1, 1]
    assert (sparse.offset_adu or 0) > 50
    assert crowded.offset_adu is None
    assert small.offset_adu == 0
    assert sparse.pixels.min() > 0
    assert (small.pixels == 0).mean() > 0.05
    assert 0 < (~crowded.stained & (covers(crowded) > 0)).mean() < 0.4


def test_the_judge_sees_cells_found_and_cells_lost(scenes: list[Scene]) -> None:
    found = judged_scene(scenes[0], PEER)
    assert found.contained == 1
    assert 1 < found.imaged_px / found.cells_px < 3
    nothing = judged_scene(
        Scene(CROWDED, np.full((512, 512), 7, np.uint8), 0.3, None, scenes[1].cells, scenes[1].stained), PEER
    )
    assert nothing.contained == nothing.imaged_px == 0
    assert not nothing.warned


def covers(one: Scene) -> NDArray[np.int64]:
    counts = np.zeros(one.shape, np.int64)
    for cell in one.cells:
        counts[cell.box.slices] += np.asarray(cell.mask)
    return counts
