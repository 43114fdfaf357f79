"""Synthetic sections after the paper: what the text says of them is measured on them."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from simulators.specimen.paper.specimen import SMALLEST_COUNTED_UM, PaperCell, PaperSection, PaperSpecimen
from simulators.specimen.paper.synthetic import paper_section, paper_sections

QUIET = PaperSpecimen(noise=0.0, bell=0.0)
CYTOPLASM = QUIET.offset + QUIET.brightness


def whole_mask(cell: PaperCell, shape: tuple[int, int]) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    mask = np.zeros(shape, dtype=np.bool_)
    x0, y0, x1, y1 = cell.box_px
    mask[y0:y1, x0:x1] = cell.mask
    return mask


def test_the_seed_decides() -> None:
    first, again, other = paper_section(3), paper_section(3), paper_section(4)
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert [c.box_px for c in first.cells] == [c.box_px for c in again.cells]
    assert not np.array_equal(first.pixels, other.pixels)


@pytest.mark.parametrize("noise", [20.0, 40.0, 60.0])
def test_background_is_a_bell_of_80_with_the_noise_on_top(noise: float) -> None:
    empty = paper_section(1, PaperSpecimen(cells_per_section=0, noise=noise))
    assert empty.cells == ()
    pixels = empty.pixels.astype(float) - empty.offset_adu
    middle, corner = pixels[246:266, 246:266], pixels[:20, :20]
    assert middle.mean() == pytest.approx(80, abs=5)
    assert corner.mean() == pytest.approx(80 * np.exp(-((0.48 / 0.35) ** 2)), abs=6)
    assert np.diff(pixels, axis=1).std() / np.sqrt(2) == pytest.approx(noise, rel=0.02)


def test_cells_are_bright_rings_and_discs_that_do_not_overlap() -> None:
    section = paper_section(5, replace(QUIET, brightness_sd=0.0))
    assert len(section.cells) >= 5
    for cell in section.cells:
        mask = whole_mask(cell, section.pixels.shape)
        levels = section.pixels[mask]
        # An edge pixel is partly covered; the others are cytoplasm or empty nucleus.
        full = np.isclose(levels, CYTOPLASM) | np.isclose(levels, QUIET.offset)
        assert full.mean() > 0.7 or mask.sum() < 100
        assert np.isclose(levels, CYTOPLASM).any()
    outside = np.ones(section.pixels.shape, dtype=np.bool_)
    for cell in section.cells:
        mask = whole_mask(cell, section.pixels.shape)
        assert outside[mask].all()
        outside &= ~mask
    assert section.pixels[outside].max() < QUIET.offset + 0.51 * QUIET.brightness


def test_the_box_is_tight_about_the_mask() -> None:
    for cell in paper_section(6).cells:
        x0, y0, x1, y1 = cell.box_px
        assert cell.mask.shape == (y1 - y0, x1 - x0)
        assert all(side.any() for side in (cell.mask[0], cell.mask[-1], cell.mask[:, 0], cell.mask[:, -1]))


@pytest.mark.parametrize(("radius", "scatter"), [(5.5, 0.8), (8.75, 1.25)])
def test_as_many_cells_as_asked_of_the_size_asked(radius: float, scatter: float) -> None:
    specimen = PaperSpecimen(radius, scatter, noise=0)
    sections = [paper_section(seed, specimen) for seed in range(40)]
    inner = [
        cell
        for section in sections
        for cell in section.cells
        if min(cell.box_px) > 0 and max(cell.box_px) < 512
    ]
    diameters = [max(c.mask.shape) * specimen.pixel_size_um for c in inner]
    # The mean cut through a sphere is pi / 4 of it across.
    assert np.mean(diameters) == pytest.approx(2 * radius * np.pi / 4, rel=0.1)
    assert max(diameters) <= 2 * (radius + 2.5 * scatter) + specimen.pixel_size_um
    # Those that reach in from outside come on top.
    assert 11 <= np.mean([len(section.cells) for section in sections]) <= 22


def test_a_cell_goes_on_through_the_slices() -> None:
    sections = list(paper_sections(7, 10))
    assert len({section.pixels.tobytes() for section in sections}) == 10
    for before, after in itertools.pairwise(sections):
        there = {cell.id: cell.box_px for cell in before.cells}
        kept = [cell for cell in after.cells if cell.id in there]
        assert len(kept) >= len(after.cells) - 2
        moved = [np.abs(np.subtract(cell.box_px, there[cell.id])).max() for cell in kept]
        assert np.median(moved) <= 2


def test_slivers_are_in_the_truth_but_not_counted() -> None:
    cells = [cell for seed in range(60) for cell in paper_section(seed).cells]
    small = [cell for cell in cells if not cell.counted]
    assert 0 < len(small) < 0.07 * len(cells)
    for cell in cells:
        assert cell.counted == (min(cell.mask.shape) * 0.178 >= SMALLEST_COUNTED_UM)


def test_the_truth_of_nuclear_cells_is_the_nucleus() -> None:
    section = paper_section(3, replace(QUIET, pattern="nuclear"))
    assert section.cells
    for cell in section.cells:
        levels = section.pixels[whole_mask(cell, section.pixels.shape)]
        assert levels.min() > QUIET.offset + 0.4 * cell_brightness(cell, section)


def cell_brightness(cell: PaperCell, section: PaperSection) -> float:
    return float(section.pixels[whole_mask(cell, section.pixels.shape)].max() - section.offset_adu)


def test_puncta_lie_in_the_cell_and_leave_most_of_it_faint() -> None:
    section = paper_section(3, replace(QUIET, pattern="punctate", radius_um=8.75))
    bright = section.pixels > QUIET.offset + 30
    inside = np.zeros(bright.shape, dtype=np.bool_)
    for cell in section.cells:
        inside |= whole_mask(cell, bright.shape)
    assert 0.02 < bright[inside].mean() < 0.6
    assert not bright[~inside].any()


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_the_picture_fits_its_bits(bits: int) -> None:
    section = paper_section(2, PaperSpecimen(bits=bits, noise=60))
    assert section.pixels.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert section.pixels.max() < 2**bits - 1
    assert section.pixels.min() > 0


def test_contrast_to_noise_is_brightness_over_noise() -> None:
    twenty = paper_section(8, PaperSpecimen(noise=20, brightness_sd=0))
    sixty = paper_section(8, PaperSpecimen(noise=60, brightness_sd=0))
    whole = [c.contrast_to_noise for c in twenty.cells if c.counted]
    assert max(whole) <= 6.0
    assert np.median(whole) == pytest.approx(6.0, rel=0.05)
    for a, b in zip(twenty.cells, sixty.cells, strict=True):
        assert a.contrast_to_noise == pytest.approx(3 * b.contrast_to_noise)
