import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detection.tracking.central_section import central_sections


def areas(
    radius: float, middle: float, first: int, last: int, noise: float, seed: int
) -> list[tuple[int, float]]:
    """Cuts of a sphere by sections 0.2 um thick."""
    rng = np.random.default_rng(seed)
    return [
        (n, max(math.pi * (radius**2 - (0.2 * (n - middle)) ** 2) + float(rng.normal(0, noise)), 0.1))
        for n in range(first, last)
        if abs(0.2 * (n - middle)) < 0.95 * radius
    ]


@given(st.floats(3, 8), st.floats(8, 25), st.integers(0, 30))
def test_without_noise_the_middle_is_exact(radius: float, middle: float, shift: int) -> None:
    cell = [(n + shift, area) for n, area in areas(radius, middle, 5, 30, 0, 0)]
    assert abs(central_sections([cell])[0] - middle - shift) <= 0.51


def test_noise_is_evened_out_over_cells() -> None:
    rng = np.random.default_rng(2)
    middles = rng.uniform(2, 18, 40)
    cells = [areas(4, float(middle), 0, 20, 1.5, n) for n, middle in enumerate(middles)]
    found = np.array(central_sections(cells))
    largest = np.array([max(cell, key=lambda one: one[1])[0] for cell in cells])
    right = (np.abs(found - middles) <= 1.5).mean()
    assert right >= 0.9
    assert right > (np.abs(largest - middles) <= 1.5).mean()


def test_a_middle_beyond_the_stack_is_its_end() -> None:
    cells = [areas(6, -12, 0, 10, 0.2, 1), areas(6, 30, 3, 12, 0.2, 2), areas(5, 5, 0, 11, 0.2, 3)]
    assert central_sections(cells)[:2] == [0, 11]


def test_a_missed_section_may_be_the_central_one() -> None:
    cell = [one for one in areas(4, 8, 0, 17, 0, 0) if one[0] not in (7, 8, 9)]
    assert central_sections([cell]) == [8]


def test_one_merged_detection_does_not_pull() -> None:
    cell = areas(4, 6, 0, 17, 0.2, 4)
    cell[15] = 15, 3 * cell[15][1]
    assert abs(central_sections([cell])[0] - 6) <= 1


def test_few_areas_take_the_largest() -> None:
    assert central_sections([[(4, 10.0)], [(4, 10.0), (5, 12.0), (6, 11.0)]]) == [4, 5]
    assert central_sections([]) == []
